"""Linear device memory: allocation, address ranges, how much is free. 32-bit functions of CUDA 2 are not supported."""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_FOUND, initialised
from vgpu_embed.virtual.memory.heap import DEVICE, MANAGED, POOLED, free, free_all
from vgpu_embed.virtual.peers import is_reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

PITCH = 512
"""What the pitch of rows is a multiple of."""
ELEMENTS = (4, 8, 16)
FREED = (DEVICE, MANAGED, POOLED)
"""Kinds of memory that cuMemFree frees."""
UINT_MAX = 0xFFFFFFFF
"""What functions of CUDA 2, whose sizes have 32 bits, say of anything larger."""

answers = Answers(ready=initialised)
contexts.closing.append(free_all)


@answers("cuMemAlloc_v2")
def allocate(machine: Machine, call: AnyCall) -> int:
    """What C does of it is asked for without a detour: of all calls this one and cuMemFree have most to do."""
    size, context, quick = call.bytesize, machine.safely_current(), machine.quick
    if not size:
        raise Refused(INVALID_VALUE, "Requested 0 byte allocation")
    heap = context.heap
    made = (quick and quick.allocate(heap, size, DEVICE, context.device, context)) or heap.allocate(size)
    result = call.reply(dptr=made.address)
    if result:
        free(machine, made)
    return result


@answers("cuMemAllocPitch_v2")
def allocate_pitch(machine: Machine, call: AnyCall) -> int:
    heap = machine.safely_current().heap
    if not call.WidthInBytes or not call.Height or call.ElementSizeBytes not in ELEMENTS:
        return INVALID_VALUE
    pitch = (call.WidthInBytes + PITCH - 1) & -PITCH
    if result := call.reply(pPitch=pitch):
        return result
    made = heap.allocate(pitch * call.Height)
    result = call.reply(dptr=made.address)
    if result:
        free(machine, made)
    return result


@answers("cuMemFree_v2")
def free_memory(machine: Machine, call: AnyCall) -> int:
    """To free NULL is a success. A context need not be current, but one that is must not be broken."""
    address = call.dptr
    if machine.order.captures:
        machine.order.check_safe()
    stack = machine.thread.stack
    if stack[-1].error if stack else machine.thread.is_in_function:
        machine.current()
    if not address:
        return 0
    allocation = machine.allocations.get(address)
    if allocation is None or allocation.kind not in FREED:
        return INVALID_VALUE
    free(machine, allocation)
    if machine.exported:
        machine.sharing.settle()
    return 0


@answers("cuMemGetAddressRange_v2")
def address_range(machine: Machine, call: AnyCall) -> int:
    """Of the allocation that an address lies in. Either output may be NULL."""
    context = machine.current()
    allocation = machine.allocation(call.dptr)
    if allocation is None or (machine.guarded and not is_reached(context, allocation)):
        return NOT_FOUND
    result = call.reply()
    if call.pbase:
        call.pbase[0] = allocation.address
    if call.psize:
        call.psize[0] = allocation.size
    return result


@answers("cuMemGetInfo_v2")
def memory_info(machine: Machine, call: AnyCall) -> int:
    return _memory_info(machine, call)


@answers("cuMemGetInfo")
def memory_info_of_32_bits(machine: Machine, call: AnyCall) -> int:
    return _memory_info(machine, call, UINT_MAX)


def _memory_info(machine: Machine, call: AnyCall, most: int = 1 << 64) -> int:
    """Of the current context's device. Either output may be NULL."""
    context = machine.current()
    result = call.reply()
    if call.free:
        call.free[0] = min(machine.free(context.device), most)
    if call.total:
        call.total[0] = min(context.profile.memory, most)
    return result
