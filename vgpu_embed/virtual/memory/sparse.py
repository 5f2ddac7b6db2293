"""What is told of arrays to which a program maps memory: sparse ones, tile by tile, and deferred ones.

Nothing can be mapped here (`cuMemMapArrayAsync`). A sparse array has memory of its own; whoever reaches for a deferred
one breaks the context.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.arrays import DEFERRED, SPARSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.arrays import Array

TILE = 1 << 16
"""Bytes of a tile, and what memory of an array is a multiple of."""
GROUP_WIDTH, GROUP_ROWS = 64, 8
"""Bytes and rows of what lies together within a tile: each level, and each of its layers, takes whole ones."""
FLAT = {1: (256, 256, 1), 2: (256, 128, 1), 4: (128, 128, 1), 8: (128, 64, 1), 16: (64, 64, 1)}
DEEP = {1: (64, 32, 32), 2: (32, 32, 32), 4: (32, 32, 16), 8: (32, 16, 16), 16: (16, 16, 16)}
"""Columns, rows and slices of a tile by the bytes of an element, as an H200 says."""
SINGLE_MIPTAIL = 1
"""CU_ARRAY_SPARSE_PROPERTIES_SINGLE_MIPTAIL."""

answers = Answers(ready=initialised)


def levels_of(machine: Machine, call: AnyCall, flag: int) -> list[Array]:
    """The levels of what the call names; refuses what was not made so, and what is a level itself."""
    machine.current()
    if "Mipmapped" in call.function:
        levels = known(machine.mipmaps, call.address_of(call.mipmap), INVALID_VALUE).levels
    else:
        levels = [known(machine.arrays, call.address_of(call.array), INVALID_VALUE)]
        if levels[0].is_level:
            raise Refused(INVALID_VALUE)
    if not levels[0].flags & flag:
        raise Refused(INVALID_VALUE)
    return levels


def rounded(levels: list[Array], is_of_a_layer: bool = False) -> int:
    """Bytes of levels that lie in tiles of their own; those of one layer if asked for."""
    groups = sum(
        (1 if is_of_a_layer else max(level.depth, 1))
        * -(-level.columns * level.element // GROUP_WIDTH)
        * -(-max(level.rows, 1) // GROUP_ROWS)
        for level in levels
    )
    return (groups * GROUP_WIDTH * GROUP_ROWS + TILE - 1) & -TILE


@answers("cuArrayGetSparseProperties", "cuMipmappedArrayGetSparseProperties")
def sparse_properties(machine: Machine, call: AnyCall) -> int:
    """Levels that are smaller than a tile share the tiles of the tail."""
    levels = levels_of(machine, call, SPARSE)
    return call.reply(sparseProperties=properties(levels))


def properties(levels: list[Array]) -> dict[str, Any]:
    """A CUDA_ARRAY_SPARSE_PROPERTIES."""
    first = levels[0]
    is_deep = first.dimensions == len(DEEP[1])
    width, height, depth = (DEEP if is_deep else FLAT)[first.element]
    tail = [
        level for level in levels if level.columns < width or level.rows < height or (is_deep and level.depth < depth)
    ]
    is_single = len(tail) == len(levels)
    return {
        "tileExtent": {"width": width, "height": height, "depth": depth},
        "miptailFirstLevel": len(levels) - len(tail) if first.is_level else 0,
        "miptailSize": rounded(tail, is_of_a_layer=not is_deep and not is_single),
        "flags": SINGLE_MIPTAIL if is_single else 0,
    }


@answers("cuArrayGetMemoryRequirements", "cuMipmappedArrayGetMemoryRequirements")
def memory_requirements(machine: Machine, call: AnyCall) -> int:
    levels = levels_of(machine, call, DEFERRED)
    machine.device(call.device)
    return call.reply(memoryRequirements={"size": rounded(levels), "alignment": TILE})
