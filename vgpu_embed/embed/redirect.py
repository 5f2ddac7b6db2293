"""The redirect table: which libraries and functions go through us, and where a call goes.

The library part is compiled into the preloaded library at build time (`vgpu_embed.tables.emit`); the function part is
made when the policies are loaded: a chain of hooks for each function that a policy wants.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.tables import Function

WATCHED = (
    "libcuda.so",
    "libcudart.so",
    "libcublas.so",
    "libcublasLt.so",
    "libnvidia-ml.so",
    "libggml-cuda.so",
)
"""Libraries whose `dlopen` is logged and, with a policy, a first need of Python: the name, or a version after it."""

ALIASES = (
    "libcuda.so.1",
    "libcuda.so",
    "libcudart.so.11.0",
    "libcudart.so.12",
    "libcudart.so.13",
    "libcudart.so",
    "libcublas.so.12",
    "libcublas.so.13",
    "libcublas.so",
    "libcublasLt.so.12",
    "libcublasLt.so.13",
    "libcublasLt.so",
    "libnvidia-ml.so.1",
    "libnvidia-ml.so",
)
"""Libraries that virtual mode stands in for. The first holds the functions; the others only need it."""

REGISTRATIONS = {
    "__cudaRegisterFatBinary": "vgpu_register_fat_binary",
    "__cudaRegisterFatBinaryEnd": "vgpu_register_fat_binary_end",
    "__cudaRegisterFunction": "vgpu_register_function",
    "__cudaRegisterVar": "vgpu_register_var",
    "__cudaRegisterManagedVar": "vgpu_register_managed_var",
    "__cudaUnregisterFatBinary": "vgpu_unregister_fat_binary",
    "__cudaPushCallConfiguration": "vgpu_push_call_configuration",
    "__cudaPopCallConfiguration": "vgpu_pop_call_configuration",
}
"""Called thousands of times while a CUDA library loads, and twice at each launch: there is nothing to decide, so C
takes them (csrc/registrations.c) and Python never sees them."""

ABSENT = {"driver": 100, "runtime": 100, "cublas": 1, "nvml": 9, "loader": 0}
"""What functions say where there is no GPU to speak of: CUDA_ERROR_NO_DEVICE, cudaErrorNoDevice,
CUBLAS_STATUS_NOT_INITIALIZED, NVML_ERROR_DRIVER_NOT_LOADED."""

NOT_SUPPORTED = {"driver": 801, "runtime": 801, "cublas": 15, "nvml": 3, "loader": 0}
"""CUDA_ERROR_NOT_SUPPORTED, cudaErrorNotSupported, CUBLAS_STATUS_NOT_SUPPORTED, NVML_ERROR_NOT_SUPPORTED."""


def not_supported(row: Function) -> int:
    """The result of a function that nothing implements: its library's error, NULL for a text or address."""
    return 0 if row.result_kind == "pointer" else NOT_SUPPORTED[row.library]
