"""Device memory of other processes, by the handles of cuIpcGetMemHandle.

The pages of an allocation, and of those that share them, move into a file the first time that one of them is shared,
and lie at the same addresses as before. Who never shares pays nothing.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_CONTEXT, INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.arena import PAGE
from vgpu_embed.virtual.memory.heap import DEVICE, IMPORTED, Allocation, Block, free
from vgpu_embed.virtual.memory.space import DROPS, PRIVATE
from vgpu_embed.virtual.sharing import INVALID_HANDLE, MEMORY, Adopted, Handle, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine

LAZY_ENABLE_PEER_ACCESS = 1
"""CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS, without which nothing is opened."""

answers = Answers(ready=initialised)


class Exported:
    """Pages of this process that others may open.

    Attributes:
        file: what holds them.
    """

    def __init__(self, machine: Machine, device: int, base: int, size: int) -> None:
        self._machine = machine
        self._base = base
        self.file = made(machine, MEMORY, machine.number(device), size)
        self.file.count()
        with machine.order.lock:  # nothing is written meanwhile
            result = machine.space.lib.space_share(machine.space.handle, base, size, self.file.descriptor)
        if result:
            raise Refused(result)
        machine.exported[base] = self
        machine.sharing.watch(self._look)

    def _look(self) -> bool:
        """Whether the pages have been given back: others may have them still."""
        space = self._machine.space
        if space.lib.space_is_shared(space.handle, self._base):
            return False
        del self._machine.exported[self._base]
        self._machine.sharing.kept(self.file)
        return True


class Opened:
    """An allocation of another process.

    Attributes:
        pages: what it lies in.
        users: how often it has been opened.
    """

    def __init__(self, machine: Machine, pages: Adopted) -> None:
        self._machine = machine
        self.pages = pages
        self.users = 1

    def free(self, allocation: Allocation) -> None:
        """Closes it, and what it lies in with the last one."""
        self.pages.users -= 1
        if not self.pages.users:
            del self._machine.adopted[self.pages.file.number]
            self.pages.leave()


@answers("cuIpcGetMemHandle")
def get_handle(machine: Machine, call: AnyCall) -> int:
    """Of the allocation that an address lies in: of cuMemAlloc and its like, whichever context is current."""
    machine.current()
    allocation = machine.allocation(call.dptr)
    if allocation is None or allocation.kind != DEVICE or not call.number("pHandle"):
        return INVALID_VALUE
    source = allocation.source
    base, size = allocation.address, (allocation.size + PAGE - 1) & -PAGE
    if isinstance(source, Block):
        base, size = source.address, source.size
    machine.sharing.settle()
    with machine.lock:
        exported = machine.exported.get(base) or Exported(machine, allocation.device, base, size)
    return call.reply(pHandle={"reserved": exported.file.handle(allocation.address - base, allocation.size)})


@answers("cuIpcOpenMemHandle", "cuIpcOpenMemHandle_v2")
def open_handle(machine: Machine, call: AnyCall) -> int:
    """At one address in a process, however often; not in two contexts at once, and not where it is from."""
    context = machine.current()
    if call.Flags != LAZY_ENABLE_PEER_ACCESS or not call.number("pdptr"):
        return INVALID_VALUE
    handle = Handle(bytes(call.ffi.buffer(call.ffi.addressof(call.handle))), MEMORY, INVALID_VALUE)
    if handle.is_own:
        return INVALID_CONTEXT
    with machine.lock:
        allocation = _opened(machine, context, handle)
    result = call.reply(pdptr=allocation.address)
    if result:
        _close(machine, allocation)
    return result


def _opened(machine: Machine, context: Context, handle: Handle) -> Allocation:
    """The allocation of a handle, with one user more."""
    pages = machine.adopted.get(handle.number)
    if pages is None:
        file = handle.file(machine)
        drops = DROPS if machine.profiles[file.device].backing == "discard" else 0
        pages = machine.adopted[file.number] = Adopted(machine, file, PRIVATE | drops)
    address = pages.address + handle.offset
    there = machine.allocations.get(address)
    if there is not None:
        if there.context is not context:
            raise Refused(INVALID_HANDLE)
        there.source.users += 1
        return there
    pages.users += 1
    machine.space.insert(address, handle.size, address)
    made = Allocation(address, handle.size, IMPORTED, context.device, context, Opened(machine, pages))
    machine.allocations[address] = made
    return made


@answers("cuIpcCloseMemHandle")
def close_handle(machine: Machine, call: AnyCall) -> int:
    """The last of its users ends it, whichever context is current."""
    machine.current()
    allocation = machine.allocations.get(call.dptr)
    if allocation is None or allocation.kind != IMPORTED:
        return INVALID_VALUE
    _close(machine, allocation)
    return 0


def _close(machine: Machine, allocation: Allocation) -> None:
    with machine.lock:
        allocation.source.users -= 1
        if not allocation.source.users:
            free(machine, allocation)
