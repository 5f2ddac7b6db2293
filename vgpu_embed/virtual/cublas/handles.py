"""cuBLAS: its handles and what is set in them, its version, what it says of its errors.

Results and texts are those of cuBLAS 13.10, which can be asked without a driver (tests/virtual/data/cublas.json).
"""

from __future__ import annotations

from vgpu_embed.tables import enumerations
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.runtime.devices import in_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

NOT_INITIALIZED, ALLOC_FAILED, INVALID_VALUE, EXECUTION_FAILED, NOT_SUPPORTED = 1, 3, 7, 13, 15
"""CUBLAS_STATUS_… of cublas_api.h."""
OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY."""

TEXTS = {
    0: "success",
    1: "the library was not initialized",
    3: "the resource allocation failed",
    7: "an unsupported value or parameter was passed to the function",
    8: "the function requires an architectural feature absent from the device",
    11: "an access to GPU memory space failed",
    13: "the function failed to launch on the GPU",
    14: "an internal operation failed",
    15: "the requested functionality is not supported",
    16: "the license check failed",
}
UNRECOGNIZED = "unrecognized status"

SETTINGS = {
    "Stream_v2": ("streamId", 0, None),
    "PointerMode_v2": ("mode", 0, 1),
    "AtomicsMode": ("mode", 0, 1),
    "MathMode": ("mode", 0, None),
    "SmCountTarget": ("smCountTarget", 0, None),
    "EmulationStrategy": ("emulationStrategy", 0, 2),
}
"""What cublasSet… and cublasGet… are about: the parameter, its value in a new handle, the largest there is."""

WORKSPACE_ALIGNMENT = 256

answers = Answers()


class Handle:
    """A cublasHandle_t. `device` is its device, `settings` what has been set."""

    def __init__(self, device: int) -> None:
        self.device = device
        self.settings = {name: value for name, (_, value, _) in SETTINGS.items()}

    @property
    def stream(self) -> int:
        """The stream that its work goes to."""
        return self.settings["Stream_v2"]


def handle_of(machine: Machine, call: AnyCall, name: str = "handle") -> Handle:
    """The handle that a call names; refuses what is none."""
    return known(machine.cublas, call.number(name), NOT_INITIALIZED)


def status_of(error: int) -> int:
    """What cuBLAS says of an error of the driver's."""
    return ALLOC_FAILED if error == OUT_OF_MEMORY else EXECUTION_FAILED


@answers("cublasCreate_v2", "cublasLtCreate")
def create(machine: Machine, call: AnyCall) -> int:
    parameter = "lightHandle" if call.function == "cublasLtCreate" else "handle"
    if not call.number(parameter):
        return INVALID_VALUE
    try:
        in_context(machine, call)
    except Refused as refused:
        return ALLOC_FAILED if refused.result == OUT_OF_MEMORY else NOT_INITIALIZED
    made = machine.handle()
    machine.cublas[made] = Handle(machine.current().device)
    return call.reply(**{parameter: made})


@answers("cublasDestroy_v2", "cublasLtDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    parameter = "lightHandle" if call.function == "cublasLtDestroy" else "handle"
    return 0 if machine.cublas.pop(call.number(parameter), None) else NOT_INITIALIZED


@answers(*(f"cublasSet{name}" for name in SETTINGS))
def set_(machine: Machine, call: AnyCall) -> int:
    setting = call.function.removeprefix("cublasSet")
    parameter, _, most = SETTINGS[setting]
    value = call.number(parameter)
    handle = handle_of(machine, call)
    if value < 0 or (most is not None and value > most):
        return INVALID_VALUE
    handle.settings[setting] = value
    return 0


@answers(*(f"cublasGet{name}" for name in SETTINGS))
def get(machine: Machine, call: AnyCall) -> int:
    setting = call.function.removeprefix("cublasGet")
    return call.reply(**{SETTINGS[setting][0]: handle_of(machine, call).settings[setting]})


@answers("cublasSetWorkspace_v2")
def set_workspace(machine: Machine, call: AnyCall) -> int:
    """Nothing is computed that would need it."""
    handle_of(machine, call)
    return INVALID_VALUE if call.number("workspace") % WORKSPACE_ALIGNMENT else 0


# ---- versions and texts --------------------------------------------------------------------------------------------


def version(machine: Machine) -> tuple[int, int, int]:
    """Major, minor and patch: those of the CUDA version that the driver serves."""
    cuda = machine.driver_version
    return cuda // 1000, cuda % 1000 // 10, 0


@answers("cublasGetVersion_v2")
def get_version(machine: Machine, call: AnyCall) -> int:
    """The handle is not looked at."""
    major, minor, patch = version(machine)
    return call.reply(version=major * 10000 + minor * 100 + patch)


@answers("cublasLtGetVersion")
def get_light_version(machine: Machine, call: AnyCall) -> int:
    major, minor, patch = version(machine)
    return major * 10000 + minor * 100 + patch


@answers("cublasGetCudartVersion", "cublasLtGetCudartVersion")
def runtime_version(machine: Machine, call: AnyCall) -> int:
    return machine.driver_version


@answers("cublasGetProperty", "cublasLtGetProperty")
def get_property(machine: Machine, call: AnyCall) -> int:
    kind = call.number("type")
    return call.reply(value=version(machine)[kind]) if 0 <= kind < 3 else INVALID_VALUE


@answers("cublasGetStatusString", "cublasLtGetStatusString")
def status_string(machine: Machine, call: AnyCall) -> str:
    return TEXTS.get(call.number("status"), UNRECOGNIZED)


@answers("cublasGetStatusName", "cublasLtGetStatusName")
def status_name(machine: Machine, call: AnyCall) -> str:
    return enumerations.c_name("cublasStatus_t", call.number("status")) or UNRECOGNIZED
