"""libcuda.so.1 where there is no driver: initialisation, devices, what they are and have.

Results and orders of checks are those of driver 580.159.04 on an H100 (tests/virtual/data/h100-queries.json,
tests/devices/data/h100.json).
"""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.policy import Policy
from vgpu_embed.tables import getproc
from vgpu_embed.virtual import (
    attributes,
    capture,
    contexts,
    dot,
    events,
    executable,
    kernels,
    linking,
    logs,
    modules,
    nodes,
    streams,
    tensors,
    topology,
    users,
    values,
)
from vgpu_embed.virtual.answers import Answers, Refused, policy_of
from vgpu_embed.virtual.machine import (
    INVALID_DEVICE,
    INVALID_VALUE,
    NOT_FOUND,
    NOT_SUPPORTED,
    at_location,
    initialised,
)
from vgpu_embed.virtual.memory import functions
from vgpu_embed.virtual.peers import are_linked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

UINT_MAX = 0xFFFFFFFF
"""What functions of CUDA 2, whose sizes have 32 bits, say of anything larger."""

ALLOCATION_GRANULARITY = 2 << 20

PROPERTIES: dict[str, int | tuple[int, ...]] = {
    "maxThreadsPerBlock": 1,
    "maxThreadsDim": (2, 3, 4),
    "maxGridSize": (5, 6, 7),
    "sharedMemPerBlock": 8,
    "totalConstantMemory": 9,
    "SIMDWidth": 10,
    "memPitch": 11,
    "regsPerBlock": 12,
    "clockRate": 13,
    "textureAlign": 14,
}
"""The fields of CUdevprop, and the device attributes that they are."""


at_any_time = Answers()
answers = Answers(ready=initialised)


PARTS = (
    contexts,
    streams,
    values,
    events,
    capture,
    topology,
    nodes,
    executable,
    users,
    dot,
    modules,
    linking,
    kernels,
    tensors,
    logs,
    attributes,
    *functions.MODULES,
)
"""What answers the rest of the driver's functions."""


def policy(machine: Machine) -> Policy:
    """The driver of a machine."""
    made = policy_of(machine, at_any_time, answers, executable.opened, *(part.answers for part in PARTS))
    machine.programs.policy = made
    made.joined.append(machine.order.renew)
    return made


# ---- initialisation and versions -----------------------------------------------------------------------------------


@at_any_time("cuInit")
def init(machine: Machine, call: AnyCall) -> int:
    return INVALID_VALUE if call.Flags else machine.start()


@at_any_time("cuDriverGetVersion")
def version(machine: Machine, call: AnyCall) -> int:
    return call.reply(driverVersion=machine.driver_version)


@at_any_time("cuGetErrorString")
def error_string(machine: Machine, call: AnyCall) -> int:
    from vgpu_embed.virtual import errors

    return _text(call, errors.driver_string(call.number("error")))


@at_any_time("cuGetErrorName")
def error_name(machine: Machine, call: AnyCall) -> int:
    from vgpu_embed.virtual import errors

    return _text(call, errors.driver_name(call.number("error")))


def _text(call: AnyCall, text: str | None) -> int:
    """Text that stays; NULL and CUDA_ERROR_INVALID_VALUE for an error that there is not."""
    return call.reply(0 if text is not None else INVALID_VALUE, pStr=text)


@at_any_time("cuGetProcAddress")
def proc_address(machine: Machine, call: AnyCall) -> int:
    """A name that there is not is an error here, because there is nowhere to put a status."""
    result, pointer, _ = _resolve(machine, call)
    return result or call.reply(0 if pointer else NOT_FOUND, pfn=pointer)


@at_any_time("cuGetProcAddress_v2")
def proc_address_v2(machine: Machine, call: AnyCall) -> int:
    result, pointer, status = _resolve(machine, call)
    if result:
        return result
    result = call.reply(pfn=pointer)
    if not result and call.symbolStatus:
        call.symbolStatus[0] = status
    return result


def _resolve(machine: Machine, call: AnyCall) -> tuple[int, Any, int | None]:
    """CUresult, the thunk of what a driver would give (None: there is no such), CUdriverProcAddressQueryResult.

    NULL for the symbol crashes a driver; here it is an error.
    """
    if call.symbol is None:
        return INVALID_VALUE, None, None
    result, exported, status = getproc.resolve(call.symbol, call.cudaVersion, call.flags)
    slot = None if exported is None else tables.index(exported)
    return result, None if slot is None else machine.thunk(slot), status


@at_any_time("cuGetExportTable")
def export_table(machine: Machine, call: AnyCall) -> int:
    """Private tables of the driver, which NVIDIA's own libraries ask for; a statically linked runtime is one."""
    if call.caller not in machine.statically_linked:
        machine.statically_linked.add(call.caller)
        call.log.error(
            f"{call.caller} asks for private tables of the driver, as a statically linked CUDA runtime does; a virtual "
            "GPU has none, so it has to be linked with the shared runtime (nvcc -cudart shared)"
        )
    return NOT_SUPPORTED


# ---- devices -------------------------------------------------------------------------------------------------------


@answers("cuDeviceGetCount")
def device_count(machine: Machine, call: AnyCall) -> int:
    return call.reply(count=len(machine.visible))


@answers("cuDeviceGet")
def device(machine: Machine, call: AnyCall) -> int:
    if call.ordinal not in range(len(machine.visible)):
        raise Refused(INVALID_DEVICE, f"Parameter ordinal must be between 0 and {len(machine.visible) - 1}")
    return call.reply(device=call.ordinal)


@answers("cuDeviceGetName")
def device_name(machine: Machine, call: AnyCall) -> int:
    """Text that is too long is cut. A driver writes wherever it likes for a length of 0; here it is an error."""
    profile = machine.device(call.dev)
    return call.reply(name=profile.name) if call.len > 0 else INVALID_VALUE


@answers("cuDeviceGetUuid", "cuDeviceGetUuid_v2")
def device_uuid(machine: Machine, call: AnyCall) -> int:
    return call.reply(uuid=machine.device(call.dev).uuid)


@answers("cuDeviceGetLuid")
def device_luid(machine: Machine, call: AnyCall) -> int:
    """Windows has them; a driver for Linux says this."""
    machine.device(call.dev)
    return NOT_SUPPORTED if call.number("luid") and call.number("deviceNodeMask") else INVALID_VALUE


@answers("cuDeviceGetAttribute")
def device_attribute(machine: Machine, call: AnyCall) -> int:
    value = machine.device(call.dev).attributes.get(call.number("attrib"))
    return INVALID_VALUE if value is None else call.reply(pi=value)


@answers("cuDeviceComputeCapability")
def compute_capability(machine: Machine, call: AnyCall) -> int:
    major, minor = machine.device(call.dev).compute_capability
    return call.reply(major=major, minor=minor)


@answers("cuDeviceGetProperties")
def device_properties(machine: Machine, call: AnyCall) -> int:
    return call.reply(prop=properties(machine.device(call.dev)))


def properties(profile: Profile) -> dict[str, int | list[int]]:
    """A CUdevprop."""
    known = profile.attributes
    return {
        field: known[number] if isinstance(number, int) else [known[one] for one in number]
        for field, number in PROPERTIES.items()
    }


@answers("cuDeviceGetPCIBusId")
def device_pci_bus_id(machine: Machine, call: AnyCall) -> int:
    """Text that is too long is cut, and that is an error."""
    text = machine.device(call.dev).pci_bus_id
    if call.len <= 0:
        return INVALID_VALUE
    return call.reply(0 if len(text) < call.len else INVALID_VALUE, pciBusId=text)


@answers("cuDeviceGetByPCIBusId")
def device_by_pci_bus_id(machine: Machine, call: AnyCall) -> int:
    found = at_location(machine.visible, call.pciBusId or "")
    return INVALID_DEVICE if found is None else call.reply(dev=found)


@answers("cuDeviceCanAccessPeer")
def can_access_peer(machine: Machine, call: AnyCall) -> int:
    return call.reply(canAccessPeer=int(are_linked(machine, call.dev, call.peerDev)))


# ---- memory sizes --------------------------------------------------------------------------------------------------


@answers("cuDeviceTotalMem_v2")
def total_memory(machine: Machine, call: AnyCall) -> int:
    return call.reply(bytes=machine.device(call.dev).memory)


@answers("cuDeviceTotalMem")
def total_memory_of_32_bits(machine: Machine, call: AnyCall) -> int:
    return call.reply(bytes=min(machine.device(call.dev).memory, UINT_MAX))


@answers("cuMemGetAllocationGranularity")
def allocation_granularity(machine: Machine, call: AnyCall) -> int:
    """The same for every kind of memory on every device; a driver does not look at the device's number either."""
    if not call.prop or call.number("option") not in (0, 1):
        return INVALID_VALUE
    return call.reply(granularity=ALLOCATION_GRANULARITY)
