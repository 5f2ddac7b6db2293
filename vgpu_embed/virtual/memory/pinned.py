"""Memory of the host that CUDA knows: allocated by it, all of it at once as a driver does, or registered with it."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, OUT_OF_MEMORY, initialised
from vgpu_embed.virtual.memory import room
from vgpu_embed.virtual.memory.heap import MANAGED, PINNED, REGISTERED, Allocation, Region, free
from vgpu_embed.virtual.memory.space import HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

ALREADY_REGISTERED, NOT_REGISTERED = 712, 713
"""CUDA_ERROR_HOST_MEMORY_… of cuda.h."""
ALLOCATION_FLAGS = 7
DEVICE_MAP = 2
"""CU_MEMHOSTALLOC_PORTABLE, …_DEVICEMAP, …_WRITECOMBINED. All memory is mapped."""
IO_MEMORY = 4
REGISTRATION_FLAGS = 0xF
"""CU_MEMHOSTREGISTER_IOMEMORY, and all of them."""
USER_ADDRESSES = 1 << 47
"""Where the addresses of a process end."""

answers = Answers(ready=initialised)


class Foreign:
    """Where registered memory is from: the program, who keeps it."""

    def free(self, allocation: Allocation) -> None:
        """It stays."""


@answers("cuMemAllocHost_v2")
def allocate(machine: Machine, call: AnyCall) -> int:
    return _allocate(machine, call, 0)


@answers("cuMemHostAlloc")
def allocate_with_flags(machine: Machine, call: AnyCall) -> int:
    return INVALID_VALUE if call.Flags & ~ALLOCATION_FLAGS else _allocate(machine, call, call.Flags)


def _allocate(machine: Machine, call: AnyCall, flags: int) -> int:
    """Of nothing it gives NULL."""
    context, size, space = machine.safely_current(), call.bytesize, machine.space
    if not size:
        return call.reply(pp=None)
    if size > room.available():
        return OUT_OF_MEMORY
    address = space.reserve(size, HOST)
    space.insert(address, size, address)
    made = Allocation(address, size, PINNED, context.device, context, Region(space), flags)
    machine.allocations[address] = made
    result = call.reply(pp=address)
    if result:
        free(machine, made)
    return result


@answers("cuMemFreeHost")
def free_host(machine: Machine, call: AnyCall) -> int:
    """To free NULL is a success."""
    address = call.address_of(call.p)
    machine.order.check_safe()
    if not address:
        return 0
    allocation = machine.allocations.get(address)
    machine.current()
    if allocation is None or allocation.kind != PINNED:
        return INVALID_VALUE
    free(machine, allocation)
    return 0


@answers("cuMemHostRegister", "cuMemHostRegister_v2")
def register(machine: Machine, call: AnyCall) -> int:
    """The program's memory is no device's, as CU_MEMHOSTREGISTER_IOMEMORY would have it."""
    context, address, size = machine.safely_current(), call.address_of(call.p), call.bytesize
    if not address or not size or call.Flags & (~REGISTRATION_FLAGS | IO_MEMORY):
        return INVALID_VALUE
    if address + size > USER_ADDRESSES:
        return NOT_SUPPORTED
    if not machine.space.lib.space_is_mapped(address, size):
        return INVALID_VALUE
    try:
        machine.space.insert(address, size, 0)
    except Refused:
        there = machine.allocation(address)
        return INVALID_VALUE if there and there.kind != REGISTERED else ALREADY_REGISTERED
    made = Allocation(address, size, REGISTERED, context.device, context, Foreign(), call.Flags)
    machine.allocations[address] = made
    return 0


@answers("cuMemHostUnregister")
def unregister(machine: Machine, call: AnyCall) -> int:
    machine.current()
    address = call.address_of(call.p)
    allocation = machine.allocation(address)
    if not address or (allocation and (allocation.kind != REGISTERED or allocation.address != address)):
        return INVALID_VALUE
    if allocation is None:
        return NOT_REGISTERED
    free(machine, allocation)
    return 0


@answers("cuMemHostGetDevicePointer_v2")
def device_pointer(machine: Machine, call: AnyCall) -> int:
    """The same address: with unified addressing there is only one."""
    machine.current()
    address = call.address_of(call.p)
    allocation = machine.allocation(address)
    if call.Flags or allocation is None or allocation.kind not in (PINNED, REGISTERED, MANAGED):
        return INVALID_VALUE
    return call.reply(pdptr=address)


@answers("cuMemHostGetFlags")
def get_flags(machine: Machine, call: AnyCall) -> int:
    machine.current()
    allocation = machine.allocation(call.address_of(call.p))
    if allocation is None or allocation.kind not in (PINNED, REGISTERED):
        return INVALID_VALUE
    return call.reply(pFlags=allocation.flags & ALLOCATION_FLAGS | DEVICE_MAP)
