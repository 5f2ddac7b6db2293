"""Copies with attributes, one or many of them in a call: bytes side by side, and boxes of memory or arrays.

All of a call are checked before the first is done, and they are done one after the other. The functions that CUDA 12
has say which of them is wrong.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.copies import ANY, ARRAY, UNIFIED, BoxCopy, Copy
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.order import CAPTURE_UNSUPPORTED
from vgpu_embed.virtual.streams import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.copies import Transfer
    from vgpu_embed.virtual.machine import Machine

DURING_THE_CALL = 2
ORDERS = (1, DURING_THE_CALL, 3)
"""CU_MEMCPY_SRC_ACCESS_ORDER_…: in the stream's order, before the function returns, at any time."""
OVERLAP = 1
"""CU_MEMCPY_FLAG_PREFER_OVERLAP_WITH_COMPUTE."""
LAST_LOCATION = 4
"""The last CU_MEM_LOCATION_TYPE_…"""
POINTER_OPERAND, ARRAY_OPERAND = 1, 2
"""CU_MEMCPY_OPERAND_TYPE_…"""
NONE_OF_THEM = (1 << 64) - 1
"""What the functions of CUDA 12 say where what is wrong is about no single copy."""

answers = Answers(ready=initialised, opened=True)


def spread(given: Any, places: Any, count: int, number: int, step: int = 1) -> list[Any]:
    """Which of the first `count` of `given` is meant for each of `number` operations: `places` says the first of each.

    step  by how much each is at least behind the one before
    Raises Refused.
    """
    if not (number and given and places) or not 0 < count <= number or places[0]:
        raise Refused(INVALID_VALUE)
    if any(not places[n - 1] + step <= places[n] < number for n in range(1, count)):
        raise Refused(INVALID_VALUE)
    chosen, found = 0, []
    for place in range(number):
        if place and chosen + 1 < count and places[chosen + 1] == place:
            chosen += 1
        found.append(given[chosen])
    return found


def take(machine: Machine, call: AnyCall, count: int, made: Callable[[int], Transfer]) -> int:
    """Makes so many copies and gives them to a stream that is neither the legacy one nor captured. Raises Refused."""
    stream, place, failed = named(machine, call), NONE_OF_THEM, getattr(call, "failIdx", None)
    if stream.is_legacy:
        return INVALID_VALUE
    if stream.capture is not None:
        return CAPTURE_UNSUPPORTED
    copies: list[Transfer] = []
    try:
        if not count:
            raise Refused(INVALID_VALUE)
        for place in range(count):
            copies.append(made(place))
            copies[-1].check()
        place = NONE_OF_THEM
    finally:
        if failed:
            failed[0] = place
    for copy in copies:
        stream.take(copy)
    return 0


# ---- bytes side by side --------------------------------------------------------------------------------------------


@answers("cuMemcpyBatchAsync", "cuMemcpyBatchAsync_ptsz", "cuMemcpyBatchAsync_v2", "cuMemcpyBatchAsync_v2_ptsz")
def several(machine: Machine, call: AnyCall) -> int:
    targets, sources, sizes, count = call.dsts, call.srcs, call.sizes, call.count
    attributes: list[Any] = []

    def made(place: int) -> Copy:
        if not sizes[place]:
            raise Refused(INVALID_VALUE)
        return copy_with(machine, targets[place], sources[place], sizes[place], attributes[place])

    try:
        for one in spread(call.attrs, call.attrsIdxs, call.numAttrs, count):
            check_attributes(one)
            attributes.append(one)
    except Refused:
        count = 0
    return take(machine, call, count if targets and sources and sizes else 0, made)


def check_attributes(given: Any) -> None:
    """Refuses a CUmemcpyAttributes in which something is wrong."""
    is_staged(given.srcAccessOrder, given.flags)
    if given.srcLocHint.type > LAST_LOCATION or given.dstLocHint.type > LAST_LOCATION:
        raise Refused(INVALID_VALUE)


def copy_with(machine: Machine, target: int, source: int, size: int, attributes: Any) -> Copy:
    """A copy with a CUmemcpyAttributes. Raises Refused."""
    return Copy(machine, target, source, size, ANY, staged=is_staged(attributes.srcAccessOrder, attributes.flags))


def is_staged(order: int, flags: int) -> bool:
    """Whether the source has to be read before the function returns. Raises Refused."""
    if order not in ORDERS or flags & ~OVERLAP:
        raise Refused(INVALID_VALUE)
    return order == DURING_THE_CALL


@answers("cuMemcpyWithAttributesAsync", "cuMemcpyWithAttributesAsync_ptsz")
def one(machine: Machine, call: AnyCall) -> int:
    if not call.attr:
        return INVALID_VALUE
    check_attributes(call.attr)
    named(machine, call).take(copy_with(machine, call.dst, call.src, call.size, call.attr))
    return 0


# ---- boxes ---------------------------------------------------------------------------------------------------------


@answers("cuMemcpy3DBatchAsync", "cuMemcpy3DBatchAsync_ptsz", "cuMemcpy3DBatchAsync_v2", "cuMemcpy3DBatchAsync_v2_ptsz")
def several_boxes(machine: Machine, call: AnyCall) -> int:
    given = call.opList
    count = 0 if call.flags or not given else call.numOps
    return take(machine, call, count, lambda place: box(machine, call, given[place]))


@answers("cuMemcpy3DWithAttributesAsync", "cuMemcpy3DWithAttributesAsync_ptsz")
def one_box(machine: Machine, call: AnyCall) -> int:
    if call.flags or not call.op:
        return INVALID_VALUE
    named(machine, call).take(box(machine, call, call.op[0]))
    return 0


def box(machine: Machine, call: AnyCall, given: Any) -> BoxCopy:
    """The copy that a CUDA_MEMCPY3D_BATCH_OP describes, whose lengths are in elements of its arrays. Raises Refused."""
    extent, sides = given.extent, (("src", given.src), ("dst", given.dst))
    is_read_at_once = is_staged(given.srcAccessOrder, given.flags)
    if not (extent.width and extent.height and extent.depth):
        raise Refused(INVALID_VALUE)
    elements = {element_of(machine, call, side) for _, side in sides} - {0} or {1}
    if len(elements) > 1:
        raise Refused(INVALID_VALUE)
    [element] = elements
    copied = call.ffi.new("CUDA_MEMCPY3D *")
    for name, side in sides:
        _place(copied, name, side, extent, element)
    copied.WidthInBytes, copied.Height, copied.Depth = extent.width * element, extent.height, extent.depth
    return BoxCopy(machine, call, copied, staged=is_read_at_once)


def element_of(machine: Machine, call: AnyCall, side: Any) -> int:
    """Bytes of an element of an array; 0 where the operand is a pointer. Raises Refused."""
    if side.type == POINTER_OPERAND:
        return 0
    array = machine.arrays.get(call.address_of(side.op.array.array)) if side.type == ARRAY_OPERAND else None
    if array is None:
        raise Refused(INVALID_VALUE)
    return int(array.element)


def _place(copied: Any, name: str, side: Any, extent: Any, element: int) -> None:
    """One side of a CUDA_MEMCPY3D. Raises Refused."""
    if side.type == ARRAY_OPERAND:
        given = side.op.array
        fields = {
            "MemoryType": ARRAY,
            "Array": given.array,
            "XInBytes": given.offset.x * element,
            "Y": given.offset.y,
            "Z": given.offset.z,
        }
    else:
        given = side.op.ptr
        row, layer = given.rowLength or extent.width, given.layerHeight or extent.height
        if row < extent.width or layer < extent.height:
            raise Refused(INVALID_VALUE)
        fields = {"MemoryType": UNIFIED, "Device": given.ptr, "Pitch": row * element, "Height": layer}
    for field, value in fields.items():
        setattr(copied, name + field, value)
