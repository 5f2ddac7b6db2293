"""Mipmapped arrays: an array, and others of half the size each, in memory that is one allocation."""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.arrays import CUBEMAP, INVALID_HANDLE, LAYERED, described
from vgpu_embed.virtual.memory.heap import GRAIN, free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.arrays import Array

answers = Answers(ready=initialised)


class Mipmap:
    """A mipmapped array: `levels` are arrays with handles of their own, the largest first."""

    def __init__(self, machine: Machine, context: Context, first: Array, count: int) -> None:
        longest = max(first.width, first.height, 0 if first.flags & (LAYERED | CUBEMAP) else first.depth)
        self.levels = [first.level(number) for number in range(min(max(count, 1), longest.bit_length()))]
        places, end = [], 0
        for level in self.levels:
            places.append(end)
            end += (level.size + GRAIN - 1) & -GRAIN
        self.allocation = context.heap.allocate(end)
        for level, place in zip(self.levels, places, strict=True):
            level.place(machine, self.allocation, self.allocation.address + place)
            level.is_level = True
        self.handle = machine.handle()

    def forget(self, machine: Machine) -> None:
        """Its handle, and its levels', are nobody's then."""
        del machine.mipmaps[self.handle]
        for level in self.levels:
            machine.arrays.pop(level.handle, None)


def named(machine: Machine, call: AnyCall, handle: Any) -> Mipmap:
    """The mipmapped array of a handle; refuses what is none."""
    machine.current()
    return known(machine.mipmaps, call.address_of(handle), INVALID_HANDLE)


def close(machine: Machine, context: Context) -> None:
    """Forgets those of a context; their memory goes with it."""
    for mipmap in [one for one in machine.mipmaps.values() if one.allocation.context is context]:
        mipmap.forget(machine)


contexts.closing.append(close)


@answers("cuMipmappedArrayCreate")
def create(machine: Machine, call: AnyCall) -> int:
    """As many levels as are asked for and there can be, and one at least."""
    context = machine.current()
    if not call.pMipmappedArrayDesc:
        return INVALID_VALUE
    first = described(context, call.pMipmappedArrayDesc, is_mipmapped=True)
    made = Mipmap(machine, context, first, call.numMipmapLevels)
    result = call.reply(pHandle=made.handle)
    if result:
        free(machine, made.allocation)
    else:
        machine.mipmaps[made.handle] = made
        machine.arrays.update((level.handle, level) for level in made.levels)
    return result


@answers("cuMipmappedArrayDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    mipmap = named(machine, call, call.hMipmappedArray)
    free(machine, mipmap.allocation)
    mipmap.forget(machine)
    return 0


@answers("cuMipmappedArrayGetLevel")
def level(machine: Machine, call: AnyCall) -> int:
    levels = named(machine, call, call.hMipmappedArray).levels
    if call.level >= len(levels):
        raise Refused(INVALID_VALUE)
    return call.reply(pLevelArray=levels[call.level].handle)
