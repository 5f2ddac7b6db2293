"""Functions of the real libggml-base.so and libggml-cuda.so by ctypes, for programs that tests preload.

Opened from the folder in $GGML. Pointers are numbers; tensors have 32-bit floats.
"""

from __future__ import annotations

import array
import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint8, c_void_p
from typing import Any

FLOAT = 0


class Parameters(ctypes.Structure):
    """`struct ggml_init_params` of ggml.h: tensors get memory from a backend."""

    _fields_ = (("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool))


TENSOR = (c_void_p, c_void_p, c_size_t, c_size_t)
BASE: dict[str, tuple[Any, ...]] = {
    "ggml_add": (c_void_p, c_void_p, c_void_p, c_void_p),
    "ggml_backend_alloc_ctx_tensors": (c_void_p, c_void_p, c_void_p),
    "ggml_backend_buffer_clear": (None, c_void_p, c_uint8),
    "ggml_backend_buffer_free": (None, c_void_p),
    "ggml_backend_buffer_get_base": (c_void_p, c_void_p),
    "ggml_backend_buffer_get_size": (c_size_t, c_void_p),
    "ggml_backend_buffer_is_host": (c_bool, c_void_p),
    "ggml_backend_buft_alloc_buffer": (c_void_p, c_void_p, c_size_t),
    "ggml_backend_buft_name": (c_char_p, c_void_p),
    "ggml_backend_dev_supports_buft": (c_bool, c_void_p, c_void_p),
    "ggml_backend_event_free": (None, c_void_p),
    "ggml_backend_event_new": (c_void_p, c_void_p),
    "ggml_backend_event_record": (None, c_void_p, c_void_p),
    "ggml_backend_event_synchronize": (None, c_void_p),
    "ggml_backend_event_wait": (None, c_void_p, c_void_p),
    "ggml_backend_free": (None, c_void_p),
    "ggml_backend_get_device": (c_void_p, c_void_p),
    "ggml_backend_graph_compute": (c_int, c_void_p, c_void_p),
    "ggml_backend_name": (c_char_p, c_void_p),
    "ggml_backend_synchronize": (None, c_void_p),
    "ggml_backend_tensor_copy": (None, c_void_p, c_void_p),
    "ggml_backend_tensor_copy_async": (None, c_void_p, c_void_p, c_void_p, c_void_p),
    "ggml_backend_tensor_get": (None, *TENSOR),
    "ggml_backend_tensor_get_async": (None, c_void_p, *TENSOR),
    "ggml_backend_tensor_memset": (None, c_void_p, c_uint8, c_size_t, c_size_t),
    "ggml_backend_tensor_set": (None, *TENSOR),
    "ggml_backend_tensor_set_async": (None, c_void_p, *TENSOR),
    "ggml_build_forward_expand": (None, c_void_p, c_void_p),
    "ggml_free": (None, c_void_p),
    "ggml_init": (c_void_p, Parameters),
    "ggml_mul_mat": (c_void_p, c_void_p, c_void_p, c_void_p),
    "ggml_new_graph": (c_void_p, c_void_p),
    "ggml_new_tensor_2d": (c_void_p, c_void_p, c_int, c_int64, c_int64),
}
CUDA: dict[str, tuple[Any, ...]] = {
    "ggml_backend_cuda_buffer_type": (c_void_p, c_int),
    "ggml_backend_cuda_get_device_count": (c_int,),
    "ggml_backend_cuda_get_device_memory": (None, c_int, POINTER(c_size_t), POINTER(c_size_t)),
    "ggml_backend_cuda_host_buffer_type": (c_void_p,),
    "ggml_backend_cuda_init": (c_void_p, c_int),
    "ggml_backend_cuda_register_host_buffer": (c_bool, c_void_p, c_size_t),
    "ggml_backend_cuda_unregister_host_buffer": (None, c_void_p),
    "ggml_backend_is_cuda": (c_bool, c_void_p),
}


class Ggml:
    """Its attributes are the functions, under their names without `ggml_`."""

    def __init__(self) -> None:
        folder = os.environ["GGML"]
        for file, functions in (("libggml-base.so", BASE), ("libggml-cuda.so", CUDA)):
            library = ctypes.CDLL(f"{folder}/{file}", ctypes.RTLD_GLOBAL)
            for name, (result, *arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name.removeprefix("ggml_"), function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def memory(self, device: int = 0) -> tuple[int, int]:
        """Free and total bytes of a device, as ggml has them from the runtime."""
        free, total = c_size_t(), c_size_t()
        self.backend_cuda_get_device_memory(device, byref(free), byref(total))
        return free.value, total.value

    def tensors(self) -> int:
        """Somewhere to make tensors and graphs."""
        return int(self.init(Parameters(1 << 20, None, True)))

    def tensor(self, context: int, columns: int, rows: int = 1) -> int:
        """A new tensor."""
        return int(self.new_tensor_2d(context, FLOAT, columns, rows))

    def write(self, tensor: int, values: array.array[float]) -> None:
        """Copies values into a tensor."""
        address, count = values.buffer_info()
        self.backend_tensor_set(tensor, address, 0, count * values.itemsize)

    def read(self, tensor: int, count: int) -> array.array[float]:
        """The first values of a tensor."""
        values = array.array("f", bytes(4 * count))
        self.backend_tensor_get(tensor, values.buffer_info()[0], 0, 4 * count)
        return values
