"""The runtime's devices: how many there are, what they are, which is the thread's."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

answers = Answers(ready=start, reported=remember)


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
    make_current(call, device(call, call.device))
    machine.thread.device = call.device
    return 0


def make_current(call: AnyCall, device: int) -> None:
    """Makes a device's primary context current; it stays retained."""
    retained = call.make("cuDevicePrimaryCtxRetain", dev=device)
    refuse_unless_ok(retained.result)
    refuse_unless_ok(call.make("cuCtxSetCurrent", ctx=call.address_of(retained.pctx)).result)


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


@answers("cudaGetDeviceProperties")
def device_properties(machine: Machine, call: AnyCall) -> int:
    """The layout of CUDA 13."""
    from vgpu_embed.virtual.runtime import properties

    return call.reply(prop=properties.of_13(call, device(call, call.device)))


@answers("cudaGetDeviceProperties_v2")
def device_properties_v2(machine: Machine, call: AnyCall) -> int:
    """The layout of CUDA 12, whose headers call cudaGetDeviceProperties so."""
    from vgpu_embed.virtual.runtime import properties

    return call.reply(prop=properties.of_12(call, device(call, call.device)))
