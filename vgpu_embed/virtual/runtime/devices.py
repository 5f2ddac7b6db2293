"""The runtime's devices: how many there are, what they are, which is the thread's."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

MAP_HOST = 8
"""cudaDeviceMapHost."""
PER_THREAD_DEFAULT_STREAM = 2
"""cudaEnablePerThreadDefaultStream."""
VERSION_11 = 11080
"""The CUDA version of the last runtime whose functions end in `@11`."""
SYMBOL_NOT_FOUND = 500
"""cudaErrorSymbolNotFound."""


def device(call: AnyCall, ordinal: int) -> int:
    """The driver's handle of a device; refuses a number that there is not."""
    made = call.make("cuDeviceGet", ordinal=ordinal)
    refuse_unless_ok(made.result)
    return int(made.device)


def primary(machine: Machine, call: AnyCall, device: int) -> int:
    """The primary context of a device, which the runtime retains at first use. Raises Refused."""
    context = machine.retained.get(device)
    if context is None:
        made = call.make("cuDevicePrimaryCtxRetain", dev=device)
        refuse_unless_ok(made.result)
        context = machine.retained[device] = call.address_of(made.pctx)
    return context


def make_current(machine: Machine, call: AnyCall, device: int) -> None:
    """Makes the primary context of a device current. Raises Refused."""
    refuse_unless_ok(call.make("cuCtxSetCurrent", ctx=primary(machine, call, device)).result)


def in_context(machine: Machine, call: AnyCall) -> None:
    """Initialises the driver, and makes the current device's primary context current where none is. Raises Refused."""
    start(machine, call)
    stack = machine.thread.stack
    if not stack or not stack[-1].is_active:
        make_current(machine, call, machine.thread.device)


answers = Answers(ready=start, reported=remember)
in_a_context = Answers(ready=in_context, reported=remember)


@answers("cudaGetDeviceCount")
def device_count(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDeviceGetCount")
    return made.result or call.reply(count=made.count)


@answers("cudaGetDevice")
def current_device(machine: Machine, call: AnyCall) -> int:
    return call.reply(device=machine.thread.device)


@answers("cudaSetDevice")
def set_device(machine: Machine, call: AnyCall) -> int:
    make_current(machine, call, device(call, call.device))
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


@answers("cudaGetDeviceProperties", "cudaGetDeviceProperties_v2", "cudaGetDeviceProperties@12")
def device_properties(machine: Machine, call: AnyCall) -> int:
    """In the layouts of CUDA 13; of CUDA 12, whose headers call it `..._v2`; of CUDA 11."""
    from vgpu_embed.virtual.runtime import properties

    call.reply()  # its type can be looked at then
    return call.reply(prop=properties.of(call, device(call, call.device)))


@answers("cudaInitDevice")
def init_device(machine: Machine, call: AnyCall) -> int:
    """Begins the device's context without making it current; its flags count if `flags` says so."""
    handle = device(call, call.device)
    if call.flags & ~1:
        return INVALID_VALUE
    if call.flags:
        refuse_unless_ok(call.make("cuDevicePrimaryCtxSetFlags_v2", dev=handle, flags=call.deviceFlags).result)
    primary(machine, call, handle)
    return 0


@answers("cudaSetDeviceFlags")
def set_device_flags(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuDevicePrimaryCtxSetFlags_v2", dev=device(call, machine.thread.device), flags=call.flags)
    return int(made.result)


@answers("cudaGetDeviceFlags")
def device_flags(machine: Machine, call: AnyCall) -> int:
    """Host memory can always be mapped (cudaDeviceMapHost)."""
    made = call.make("cuDevicePrimaryCtxGetState", dev=device(call, machine.thread.device))
    return made.result or call.reply(flags=made.flags | MAP_HOST)


@answers("cudaDeviceReset", "cudaThreadExit")
def reset_device(machine: Machine, call: AnyCall) -> int:
    """Ends the context, whoever else uses it; the next call that needs one begins another."""
    handle = device(call, machine.thread.device)
    if machine.retained.pop(handle, None):
        refuse_unless_ok(call.make("cuDevicePrimaryCtxRelease_v2", dev=handle).result)
    return int(call.make("cuDevicePrimaryCtxReset_v2", dev=handle).result)


@in_a_context("cudaDeviceEnablePeerAccess")
def enable_peer_access(machine: Machine, call: AnyCall) -> int:
    context = primary(machine, call, device(call, call.peerDevice))
    return int(call.make("cuCtxEnablePeerAccess", peerContext=context, Flags=call.flags).result)


@in_a_context("cudaDeviceDisablePeerAccess")
def disable_peer_access(machine: Machine, call: AnyCall) -> int:
    context = primary(machine, call, device(call, call.peerDevice))
    return int(call.make("cuCtxDisablePeerAccess", peerContext=context).result)


@answers("cudaGetDriverEntryPoint", "cudaGetDriverEntryPoint_ptsz")
def driver_entry_point(machine: Machine, call: AnyCall) -> int:
    return _entry_point(call, machine.driver_version)


@answers("cudaGetDriverEntryPoint@11", "cudaGetDriverEntryPoint_ptsz@11")
def driver_entry_point_11(machine: Machine, call: AnyCall) -> int:
    """There is no status: a function that there is not is an error."""
    made = _asked(call, VERSION_11)
    return call.reply(funcPtr=call.address_of(made.pfn) or None) or (SYMBOL_NOT_FOUND if made.symbolStatus else 0)


@answers("cudaGetDriverEntryPointByVersion", "cudaGetDriverEntryPointByVersion_ptsz")
def driver_entry_point_by_version(machine: Machine, call: AnyCall) -> int:
    return _entry_point(call, call.cudaVersion)


def _entry_point(call: AnyCall, version: int) -> int:
    """A function that there is not is told by the status alone, where that is wanted."""
    made = _asked(call, version)
    result = call.reply(funcPtr=call.address_of(made.pfn) or None)
    if not result and call.number("driverStatus"):
        call.driverStatus[0] = made.symbolStatus
    return result


def _asked(call: AnyCall, version: int) -> Any:
    """What cuGetProcAddress gives. Raises Refused."""
    if call.flags > PER_THREAD_DEFAULT_STREAM:
        raise Refused(INVALID_VALUE)
    flags = call.flags or (PER_THREAD_DEFAULT_STREAM if "_ptsz" in call.function else 0)
    made = call.make("cuGetProcAddress_v2", symbol=call.symbol, cudaVersion=version, flags=flags)
    refuse_unless_ok(made.result)
    return made
