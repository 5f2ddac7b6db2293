"""Device memory: where allocations lie, and how much of the device each takes, to the byte as an H100's driver rounds.

Allocations above 1 MiB take whole pages of 2 MiB; smaller ones share such a page, at multiples of 512 bytes, and a page
that nobody is in any more is free again (tests/devices/data/h100.json: alloc_one_by_one, alloc_300000_x12).
"""

from __future__ import annotations

from vgpu_embed._frames import Allocation as Allocation
from vgpu_embed._frames import Gaps, Lock, Quick, Short
from vgpu_embed._frames import Shared as SharedBase
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.memory.arena import PAGE
from vgpu_embed.virtual.memory.space import INVALID_VALUE, OUT_OF_MEMORY, READ_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.arena import Arena
    from vgpu_embed.virtual.memory.space import Space

SHARING = 1 << 20
"""The largest allocation that shares a page with others."""
GRAIN = 512
"""What sizes and addresses within a page are multiples of."""
TRIED = 32
"""How many pages with room are looked at before a new one is begun."""

NOTHING, INVALID, ALL = range(3)
"""What `Quick.free` has done: nothing; the allocation is not valid any more; it has been given back, too."""

DEVICE, PINNED, REGISTERED, MANAGED, POOLED, MAPPED, VARIABLE, IMPORTED = range(8)
"""Kinds of allocations: which function made them says which one frees them."""


class Block(Gaps):
    """A piece of a device's memory that allocations share."""

    __slots__ = ()
    owner: Shared

    @classmethod
    def of(cls, owner: Shared, address: int, size: int) -> Block:
        """A new one that nobody is in."""
        made = cls(address, size)
        made.owner = owner
        return made

    def free(self, allocation: Allocation) -> None:
        """Takes an allocation back."""
        size, owner = (allocation.size + GRAIN - 1) & -GRAIN, self.owner
        left = self.give(allocation.address, size)
        if left == size:
            owner.blocks.append(self)
        if left == self.size:
            owner.emptied(self)


class Shared(SharedBase):
    """A part of a device's memory, in blocks. The machine's lock is held where it is changed, but for what C does.

    Attributes:
        step: what the size of a block is a multiple of.
        threshold: bytes that are kept when they are not used any more.
    """

    threshold = 0
    blocks: list[Block]
    spare: Block | None

    def __init__(self, machine: Machine, device: int, step: int, arena: Arena | None = None) -> None:
        self.arena = arena or machine.arena(device)
        self._occupants = machine.occupants
        self._number = machine.number(device)
        self._most = machine.visible[device].memory
        super().__init__(self._occupants, self._number, self._most, self.arena.free)
        self.machine = machine
        self.lock = machine.lock
        self.device = device
        self.step = step

    @property
    def used(self) -> int:
        """Those of the reserved bytes that are allocated."""
        return self.reserved - sum(block.left for block in self.blocks)

    def place(self, size: int) -> tuple[Block, int]:
        """A block, and where in it these bytes are, a multiple of GRAIN. Refuses more than is free."""
        blocks = self.blocks
        for block in (blocks[-1], *blocks[-TRIED:-1]) if blocks else ():
            if address := block.take(size):
                break
        else:
            block = self.begin(-(-size // self.step) * self.step)
            blocks.append(block)
            address = block.take(size)
        if not block.left:
            blocks.remove(block)
        return block, address

    def begin(self, size: int) -> Block:
        """A block that nobody is in; refuses as `take` does."""
        return Block.of(self, self.take(size), size)

    def emptied(self, block: Block) -> None:
        """Gives a block back that nobody is in any more, unless it is to be kept."""
        if self.reserved > self.threshold:
            self.blocks.remove(block)
            self.give(block.address, block.size)

    def take(self, size: int) -> int:
        """The address of whole pages of the device; refuses more than are free with CUDA_ERROR_OUT_OF_MEMORY."""
        self.reserve(size)
        try:
            return self.arena.take(size)
        except Refused:
            self.release(size)
            raise

    def give(self, address: int, size: int) -> None:
        """Gives them back."""
        self.arena.give(address, size)
        self.release(size)

    def reserve(self, size: int) -> None:
        """Counts bytes as the device's; refuses more than are free with CUDA_ERROR_OUT_OF_MEMORY."""
        if not self._occupants.take(self._number, size, self._most):
            raise Refused(OUT_OF_MEMORY)
        self.reserved += size

    def release(self, size: int) -> None:
        """Counts them as free."""
        self.reserved -= size
        self._occupants.give(self._number, size)


class Heap(Shared):
    """A context's device memory."""

    def __init__(self, machine: Machine, context: Context) -> None:
        super().__init__(machine, context.device, PAGE)
        self.context = context
        self.keeps_spare = True
        self._allocations = machine.allocations
        self._quick = machine.quick
        self._insert = machine.space.insert_now

    def begin(self, size: int) -> Block:
        """See `Shared.begin`."""
        spare = self.spare
        if spare is None:
            return super().begin(size)
        self.reserve(size)
        self.spare = None
        return spare

    def emptied(self, block: Block) -> None:
        """See `Shared.emptied`."""
        if self.spare is not None:
            super().emptied(block)
            return
        self.blocks.remove(block)
        self.release(block.size)
        self.spare = block

    def close(self) -> None:
        """Gives the spare page back."""
        if self.spare is not None:
            with self.lock:
                self.arena.give(self.spare.address, self.spare.size)
            self.spare = None

    def allocate(self, size: int, kind: int = DEVICE) -> Allocation:
        """Device memory, of one byte or more; refuses more than is free with CUDA_ERROR_OUT_OF_MEMORY."""
        if self._quick and (quickly := self._quick.allocate(self, size, kind, self.device, self.context)):
            return quickly
        source: Block | Heap
        with self.lock:
            if size > SHARING:
                source, address = self, self.take((size + PAGE - 1) & -PAGE)
            else:
                source, address = self.place((size + GRAIN - 1) & -GRAIN)
        made = Allocation(address, size, kind, self.device, self.context, source)
        if result := self._insert(address, size, address, READ_WRITE):
            with self.lock:
                source.free(made)
            raise Refused(result)
        self._allocations[address] = made
        return made

    def free(self, allocation: Allocation) -> None:
        """Takes an allocation back that has pages of its own."""
        self.give(allocation.address, (allocation.size + PAGE - 1) & -PAGE)


class Region:
    """Where an allocation is from that has a region of its own."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def free(self, allocation: Allocation) -> None:
        """Gives the region back."""
        self.space.lib.space_return(self.space.handle, allocation.address)


def quick(lock: Lock, space: Space, allocations: dict[int, Allocation]) -> Quick | None:
    """What makes and ends most allocations; None where there are no functions in C."""
    insert, remove, empty = space.insert_now, space.remove_now, space.empty_now
    if not isinstance(insert, Short):
        return None
    return Quick(lock, insert, remove, empty, allocations, SHARING, GRAIN, PAGE, READ_WRITE)


def free(machine: Machine, allocation: Allocation) -> None:
    """Ends an allocation, once nobody copies there any more. Refuses one that another thread has ended."""
    if machine.synchronous:
        machine.synchronous.pop(allocation.number, None)
    done = machine.quick.free(allocation) if machine.quick else NOTHING
    if done == ALL:
        return
    if done == NOTHING:
        if machine.allocations.pop(allocation.address, None) is None:
            raise Refused(INVALID_VALUE)
        machine.space.remove(allocation.address)
    with machine.lock:
        allocation.source.free(allocation)


def free_all(machine: Machine, context: Context) -> None:
    """Ends all that ends with a context."""
    for allocation in [one for one in list(machine.allocations.values()) if one.context is context]:
        free(machine, allocation)
    context.heap.close()
