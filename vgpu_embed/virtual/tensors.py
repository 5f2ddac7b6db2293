"""Descriptors of tensors, by which kernels of compute capability 9.0 and later copy: what they say is checked and kept.

The checks are those of driver 580.159.04 on an H200 (tests/virtual/data/h200-misuse.json), and of cuda.h for types and
patterns that came with compute capability 10.0. What is encoded is `vgpu_embed.TensorMap`'s.
"""

from __future__ import annotations

from vgpu_embed import tensors
from vgpu_embed.tensors import IM2COL, IM2COL_WIDE, TILED, TensorMap
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.code import memory
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.modules import capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

FIRST_CAPABILITY, FIRST_WITH_PACKED = 90, 100
SIZES = (1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4)
"""Bytes of an element, by CU_TENSOR_MAP_DATA_TYPE_…"""
FIRST_FLOAT = 6
"""Types from here on have a not-a-number to fill with, but for the packed ones."""
PACKED_8, PACKED_16, PACKED_6 = 13, 14, 15
"""CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B, …16U4_ALIGN16B, …16U6_ALIGN16B."""
WIDE_PACKED = (PACKED_16, PACKED_6)
BITS = {PACKED_8: 4, PACKED_16: 8, PACKED_6: 8}
"""Of a value of these, where it is in shared memory."""
PACKED_BOX = 128
INTERLEAVES, BY_32 = 3, 2
"""CU_TENSOR_MAP_INTERLEAVE_…: how many there are; 32B."""
SPANS = (0, 32, 64, 128, 128, 128, 128)
"""Bytes of CU_TENSOR_MAP_SWIZZLE_…; from FIRST_ATOM on they came with compute capability 10.0."""
FIRST_ATOM = 4
PACKED_SWIZZLES = {PACKED_16: (0, 3, 4), PACKED_6: (0, 3, 4, 6)}
PROMOTIONS, FILLS, WIDE_MODES = 4, 2, 2
MOST_DIMENSIONS, LARGEST, LONGEST, MOST_STEP = 5, 1 << 32, 1 << 40, 8
LARGEST_BOX, MOST_PIXELS = 256, 1024
ALIGNMENT, WIDE_ALIGNMENT = 16, 32
CORNERS = {1: 1 << 15, 2: 1 << 7, 3: 1 << 4}
"""How far offsets reach, by how many there are."""
SHARED_OPTED_IN = 97
"""CU_DEVICE_ATTRIBUTE_…: no box is larger."""

answers = Answers(ready=initialised)


def require(condition: bool) -> None:
    """Refuses what does not meet it."""
    if not condition:
        raise Refused(INVALID_VALUE)


def listed(pointer: Any, count: int) -> list[int]:
    """So many numbers of the program's. Raises Refused."""
    require(bool(pointer))
    return [int(pointer[place]) for place in range(count)]


class Given:
    """What all three functions are told of a tensor. Raises Refused."""

    def __init__(self, machine: Machine, call: AnyCall, least_rank: int, mode: int = 0) -> None:
        context = machine.current()
        self.capability = capability(context)
        if self.capability < FIRST_CAPABILITY:
            raise Refused(NOT_SUPPORTED)
        number = call.number
        self.type, self.rank, self.address = number("tensorDataType"), call.tensorRank, number("globalAddress")
        self.interleave, self.swizzle = number("interleave"), number("swizzle")
        self.modes = self.interleave, self.swizzle, number("l2Promotion"), number("oobFill"), mode
        has_packed = self.capability >= FIRST_WITH_PACKED
        require(bool(number("tensorMap")) and least_rank <= self.rank <= MOST_DIMENSIONS)
        require(self.type < len(SIZES) or (has_packed and self.type in BITS))
        require(self.interleave < INTERLEAVES and self.swizzle < (len(SPANS) if has_packed else FIRST_ATOM))
        require(self.modes[2] < PROMOTIONS and self.modes[3] < FILLS)
        require(not self.modes[3] or FIRST_FLOAT <= self.type < len(SIZES))
        require(not self.interleave or self.rank >= 3)
        require(self.swizzle in PACKED_SWIZZLES.get(self.type, (self.swizzle,)))
        require(self.type != PACKED_6 or not self.interleave)
        unit = WIDE_ALIGNMENT if self.interleave == BY_32 or self.type in WIDE_PACKED else ALIGNMENT
        require(self.address % unit == 0)
        self.dims, self.strides = listed(call.globalDim, self.rank), listed(call.globalStrides, self.rank - 1)
        require(all(0 < size <= LARGEST for size in self.dims))
        require(self.dims[0] % {PACKED_8: 2, PACKED_16: PACKED_BOX, PACKED_6: PACKED_BOX}.get(self.type, 1) == 0)
        require(all(stride % unit == 0 and stride < LONGEST for stride in self.strides))
        self.steps = listed(call.elementStrides, self.rank)
        require(all(0 < step <= MOST_STEP for step in self.steps))

    def bytes_of(self, elements: int) -> int:
        """Of so many of them that lie side by side."""
        return elements * SIZES[self.type] if self.type < len(SIZES) else elements * BITS[self.type] // 8

    def check_inner(self, elements: int) -> None:
        """What is copied of the innermost dimension. Raises Refused."""
        inner = self.bytes_of(elements)
        require(0 < elements <= LARGEST_BOX and inner % ALIGNMENT == 0)
        require(self.type not in WIDE_PACKED or elements == PACKED_BOX)
        require(bool(self.interleave) or not self.swizzle or inner <= SPANS[self.swizzle])

    def made(self, kind: str, **more: Any) -> TensorMap:
        """The descriptor."""
        return TensorMap(kind, self.type, self.address, self.dims, self.strides, self.steps, self.modes, **more)


@answers("cuTensorMapEncodeTiled")
def tiled(machine: Machine, call: AnyCall) -> int:
    given = Given(machine, call, 1)
    box = listed(call.boxDim, given.rank)
    require(all(0 < size <= LARGEST_BOX for size in box))
    given.check_inner(box[0])
    size = given.bytes_of(box[0])
    for count in box[1:]:
        size *= count
    require(size <= machine.current().profile.attributes[SHARED_OPTED_IN])
    return _written(call, given.made(TILED, box=box))


@answers("cuTensorMapEncodeIm2col")
def im2col(machine: Machine, call: AnyCall) -> int:
    given = Given(machine, call, 3)
    lower, upper = (listed(corner, given.rank - 2) for corner in (call.pixelBoxLowerCorner, call.pixelBoxUpperCorner))
    return _im2col(call, given, IM2COL, lower, upper)


@answers("cuTensorMapEncodeIm2colWide")
def im2col_wide(machine: Machine, call: AnyCall) -> int:
    mode = call.number("mode")
    given = Given(machine, call, 3, mode)
    require(mode < WIDE_MODES)
    return _im2col(call, given, IM2COL_WIDE, [call.pixelBoxLowerCornerWidth], [call.pixelBoxUpperCornerWidth])


def _im2col(call: AnyCall, given: Given, kind: str, lower: list[int], upper: list[int]) -> int:
    """The box is what lies between its corners, the outermost dimension first; the last one is the width."""
    reach = CORNERS[len(lower)]
    require(all(-reach <= offset < reach for offset in (*lower, *upper)))
    for place, size in enumerate(given.dims[len(lower) : 0 : -1]):
        require(size + upper[place] - lower[place] > 0)
    given.check_inner(call.channelsPerPixel)
    require(0 < call.pixelsPerColumn <= MOST_PIXELS)
    more = {"channels": call.channelsPerPixel, "pixels": call.pixelsPerColumn}
    return _written(call, given.made(kind, corners=(lower, upper), **more))


def _written(call: AnyCall, made: TensorMap) -> int:
    memory(call.number("tensorMap"), tensors.SIZE)[:] = made.write()
    return 0


@answers("cuTensorMapReplaceAddress")
def replace(machine: Machine, call: AnyCall) -> int:
    """Whether there is a descriptor at all is not looked at."""
    machine.current()
    where, address = call.number("tensorMap"), call.number("globalAddress")
    require(bool(where and address) and address % ALIGNMENT == 0)
    memory(where + tensors.ADDRESS, 8)[:] = address.to_bytes(8, "little")
    return 0
