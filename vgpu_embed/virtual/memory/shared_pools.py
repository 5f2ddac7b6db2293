"""Pools of other processes, by descriptor, and the memory in them, by what cuMemPoolExportPointer wrote."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_DEVICE, INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.arena import PAGE
from vgpu_embed.virtual.memory.files import drops, ordinal_of
from vgpu_embed.virtual.memory.heap import POOLED, Allocation, Block
from vgpu_embed.virtual.memory.pools import FILE_DESCRIPTOR, HANDLE_TYPES, ImportedPool, Pool, named
from vgpu_embed.virtual.memory.space import PRIVATE
from vgpu_embed.virtual.sharing import POOL, Adopted, Handle, received

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

answers = Answers(ready=initialised)


class Imported:
    """Where memory of another process's pool is from."""

    def __init__(self, pool: ImportedPool, offset: int, pages: Adopted) -> None:
        self._pool = pool
        self._offset = offset
        self._pages = pages

    def free(self, allocation: Allocation) -> None:
        """It is not used here any more."""
        del self._pool.pointers[self._offset]
        self._pages.leave()


@answers("cuMemPoolExportToShareableHandle")
def export(machine: Machine, call: AnyCall) -> int:
    """A descriptor that is the program's."""
    pool, address = named(machine, call, call.pool), call.number("handle_out")
    if not address or call.number("handleType") != FILE_DESCRIPTOR or call.flags or pool.file is None:
        return INVALID_VALUE
    call.ffi.cast("int *", address)[0] = pool.file.given(locked=False)
    return call.reply()


@answers("cuMemPoolImportFromShareableHandle")
def import_pool(machine: Machine, call: AnyCall) -> int:
    """In one process it has one handle, however often. In its own process it is another pool, too."""
    kind, handle = call.number("handleType"), call.number("handle")
    if not call.number("pool_out") or not handle or call.flags or kind not in HANDLE_TYPES:
        return INVALID_VALUE
    if kind != FILE_DESCRIPTOR:
        return NOT_SUPPORTED
    file = received(machine, handle, POOL)
    with machine.lock:
        pool = next((one for one in machine.imported_pools.values() if one.file.number == file.number), None)
        if pool is None:
            pool = ImportedPool(machine.handle(), ordinal_of(machine, file.device, INVALID_DEVICE), file)
            machine.imported_pools[pool.handle] = pool
        pool.users += 1
    return call.reply(pool_out=pool.handle)


@answers("cuMemPoolExportPointer")
def export_pointer(machine: Machine, call: AnyCall) -> int:
    allocation = machine.allocations.get(call.ptr)
    pool = allocation.source.owner if allocation and isinstance(allocation.source, Block) else None
    if allocation is None or not isinstance(pool, Pool) or pool.file is None or not call.number("shareData_out"):
        return INVALID_VALUE
    data = pool.file.handle(call.ptr - pool.base, allocation.size)
    return call.reply(shareData_out={"reserved": data})


@answers("cuMemPoolImportPointer")
def import_pointer(machine: Machine, call: AnyCall) -> int:
    """At one address in a process, however often."""
    pool = machine.imported_pools.get(call.number("pool"))
    if pool is None or not call.number("ptr_out") or not call.number("shareData"):
        return INVALID_VALUE
    handle = Handle(bytes(call.ffi.buffer(call.shareData)), POOL, INVALID_VALUE)
    if handle.number != pool.file.number:
        return INVALID_VALUE
    with machine.lock:
        allocation = pool.pointers.get(handle.offset)
        if allocation is None:
            allocation = pool.pointers[handle.offset] = _mapped(machine, pool, handle)
    return call.reply(ptr_out=allocation.address)


def _mapped(machine: Machine, pool: ImportedPool, handle: Handle) -> Allocation:
    """Memory of another process, with the pages that it lies in."""
    begin = handle.offset & -PAGE
    size = (handle.offset + handle.size - begin + PAGE - 1) & -PAGE
    if begin + size > pool.file.size:
        raise Refused(INVALID_VALUE)
    pages = Adopted(machine, pool.file.reopened(), PRIVATE | drops(machine, pool.device), begin, size)
    address = pages.address + handle.offset - begin
    machine.space.insert(address, handle.size, address)
    source = Imported(pool, handle.offset, pages)
    made = machine.allocations[address] = Allocation(address, handle.size, POOLED, pool.device, None, source)
    return made
