"""libcudart.so where there is no driver: its queries, each by way of the driver's own functions.

As in the real runtime, a thread's last error stays until it is asked for, and a runtime that could not be initialised
has no other error than that one (tests/virtual/data/h100-queries.json).
"""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual.answers import Answers, Refused, policy_of
from vgpu_embed.virtual.machine import INVALID_VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

LAUNCHES = (
    "__cudaLaunchKernel",
    "__cudaLaunchKernel_ptsz",
    "__cudaPushCallConfiguration",
    "cudaLaunchCooperativeKernel",
    "cudaLaunchCooperativeKernel_ptsz",
    "cudaLaunchKernel",
    "cudaLaunchKernel_ptsz",
    "cudaLaunchKernelExC",
    "cudaLaunchKernelExC_ptsz",
)
"""Functions behind `kernel<<<…>>>(…)`, which has no result: programs learn of an error by cudaGetLastError alone."""


def start(machine: Machine, call: AnyCall) -> None:
    """Initialises the driver at the first call, whichever it is; refuses with what cuInit says."""
    if not machine.runtime_ready:
        refuse_unless_ok(call.make("cuInit", Flags=0).result)
        machine.runtime_ready = True


def refuse_unless_ok(result: int) -> None:
    """Ends the runtime's function with an error of the driver's; the numbers are the same."""
    if result:
        raise Refused(result)


def remember(machine: Machine, result: int | str) -> None:
    """Keeps an error for cudaGetLastError."""
    if result:
        machine.thread.error = int(result)


last_error = Answers()
at_any_time = Answers(reported=remember)
answers = Answers(ready=start, reported=remember)


def policy(machine: Machine) -> Policy:
    """The runtime of a machine."""
    return policy_of(machine, last_error, at_any_time, answers)


# ---- errors and versions -------------------------------------------------------------------------------------------


@last_error("cudaPeekAtLastError", "cudaGetLastError")
def get_last_error(machine: Machine, call: AnyCall) -> int:
    start(machine, call)
    error = machine.thread.error
    if call.function == "cudaGetLastError":
        machine.thread.error = 0
    return error


@last_error("cudaGetErrorString")
def error_string(machine: Machine, call: AnyCall) -> str:
    from vgpu_embed.virtual import errors

    return errors.runtime_string(call.number("error"))


@last_error("cudaGetErrorName")
def error_name(machine: Machine, call: AnyCall) -> str:
    from vgpu_embed.virtual import errors

    return errors.runtime_name(call.number("error"))


@at_any_time("cudaDriverGetVersion")
def driver_version(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDriverGetVersion")
    return made.result or call.reply(driverVersion=made.driverVersion)


@at_any_time("cudaRuntimeGetVersion")
def runtime_version(machine: Machine, call: AnyCall) -> int:
    """The newest that the driver can serve: which runtime the program was built for cannot be seen from here."""
    return call.reply(runtimeVersion=machine.driver_version)


@at_any_time(*LAUNCHES)
def launch(machine: Machine, call: AnyCall) -> int:
    """Not here: what comes of it elsewhere is remembered."""
    return call.forward()


# ---- devices -------------------------------------------------------------------------------------------------------


@answers("cudaGetDeviceCount")
def device_count(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDeviceGetCount")
    return made.result or call.reply(count=made.count)


def device(call: AnyCall, ordinal: int) -> int:
    """The driver's handle of a device; refuses a number that there is not."""
    made = call.make("cuDeviceGet", ordinal=ordinal)
    refuse_unless_ok(made.result)
    return int(made.device)


@answers("cudaGetDevice")
def current_device(machine: Machine, call: AnyCall) -> int:
    return call.reply(device=machine.thread.device)


@answers("cudaSetDevice")
def set_device(machine: Machine, call: AnyCall) -> int:
    machine.thread.context = device(call, call.device)
    machine.thread.device = call.device
    return 0


@answers("cudaDeviceGetAttribute")
def device_attribute(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDeviceGetAttribute", attrib=call.number("attr"), dev=device(call, call.device))
    return made.result or call.reply(value=made.pi)


@answers("cudaDeviceGetPCIBusId")
def device_pci_bus_id(machine: Machine, call: AnyCall) -> int:
    handle = device(call, call.device)
    if call.len <= 0:
        return INVALID_VALUE
    made = call.make("cuDeviceGetPCIBusId", len=call.len, dev=handle)
    return call.reply(made.result, pciBusId=made.pciBusId)


@answers("cudaDeviceGetByPCIBusId")
def device_by_pci_bus_id(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDeviceGetByPCIBusId", pciBusId=call.pciBusId)
    return made.result or call.reply(device=made.dev)


@answers("cudaDeviceCanAccessPeer")
def can_access_peer(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDeviceCanAccessPeer", dev=device(call, call.device), peerDev=device(call, call.peerDevice))
    return made.result or call.reply(canAccessPeer=made.canAccessPeer)


@answers("cudaMemGetInfo")
def memory_info(machine: Machine, call: AnyCall) -> int:
    """Of the current device, whose context becomes current. Either output may be NULL."""
    machine.thread.context = device(call, machine.thread.device)
    made = call.make("cuMemGetInfo_v2")
    refuse_unless_ok(made.result)
    result = call.reply()
    if call.free:
        call.free[0] = made.free
    if call.total:
        call.total[0] = made.total
    return result


@answers("cudaGetDeviceProperties")
def device_properties(machine: Machine, call: AnyCall) -> int:
    """The layout of CUDA 13."""
    from vgpu_embed.virtual import properties

    return call.reply(prop=properties.of_13(call, device(call, call.device)))


@answers("cudaGetDeviceProperties_v2")
def device_properties_v2(machine: Machine, call: AnyCall) -> int:
    """The layout of CUDA 12, whose headers call cudaGetDeviceProperties so."""
    from vgpu_embed.virtual import properties

    return call.reply(prop=properties.of_12(call, device(call, call.device)))
