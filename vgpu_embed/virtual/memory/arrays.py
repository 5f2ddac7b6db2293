"""CUDA arrays: rows of elements, in memory that has no address for the program.

They take what their elements take, where a GPU pads them to tiles; sparse and deferred ones too, to which a program
would map memory by itself (`sparse.py`).
"""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.copies import FROM_HOST, LAUNCH_FAILED, TO_HOST, Copy
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.formats import FORMATS
from vgpu_embed.virtual.memory.heap import free
from vgpu_embed.virtual.streams import submit
from vgpu_embed.virtual.transfers import copied, copied_in_order, default

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.heap import Allocation

INVALID_HANDLE = 400
"""CUDA_ERROR_INVALID_HANDLE."""
LAYERED, SURFACE, CUBEMAP, GATHER, SPARSE, DEFERRED, ALL_FLAGS = 1, 2, 4, 8, 0x40, 0x80, 0x1CF
"""CUDA_ARRAY3D_…, and all that an H200 takes."""
SIDES = 6
"""Of a cube."""
PLAIN = ((), (21,), (22, 23), (24, 25, 26))
LAYERS = ((), (), (42, 43), (27, 28, 29))
MIPMAPPED = ((), (77,), (73, 74), (24, 25, 26))
DEEP, CUBEMAP_WIDTH = (47, 48, 49), 52
"""CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE…: how wide, high and deep they can be."""

answers = Answers(ready=initialised)


class Array:
    """An array, or what is read like one. Height and depth are 0 where it has no such dimension.

    Attributes:
        columns, rows: of elements, fewer than width and height where these are compressed blocks.
        element: bytes of one; code, numbers: what it consists of, see `Format`.
        pitch, slice: how far rows, and slices or layers, are apart; size: bytes of all.
        address: where they are; handle: the program's; both 0 until it is placed.
        is_level: whether it is one of a mipmapped array's, whose memory is the other levels' too.
    """

    allocation: Allocation
    address = handle = 0
    is_level = False

    def __init__(
        self, width: int, height: int, depth: int, format: int, channels: int, flags: int = 0, pitch: int = 0
    ) -> None:
        self.width, self.height, self.depth = width, height, depth
        self.format, self.channels, self.flags = format, channels, flags
        kind = FORMATS[format]
        self.is_compressed = kind.side > 1
        self.columns, self.rows = (-(-length // kind.side) for length in (width, height))
        self.code, self.numbers, self.element = kind.code, kind.numbers or channels, kind.size(channels)
        self.pitch = pitch or self.columns * self.element
        self.slice = self.pitch * max(self.rows, 1)
        self.size = self.slice * max(depth, 1)

    @property
    def dimensions(self) -> int:
        """By how many coordinates an element is found, layers left out."""
        return 1 + bool(self.height) + bool(self.depth and not self.flags & (LAYERED | CUBEMAP))

    @property
    def has_memory(self) -> bool:
        """Whether anything may reach for it: nothing can be mapped to one that waits for that."""
        return not self.flags & DEFERRED

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its elements: slices or layers, rows, columns, numbers where there are several."""
        lengths = [length for length in (self.depth, self.rows) if length]
        return (*lengths, self.columns, *([self.numbers] if self.numbers > 1 else []))

    def level(self, number: int) -> Array:
        """What a level of a mipmap has whose first this is: half of the one before, but as many layers."""
        width, height, depth = (length and max(length >> number, 1) for length in (self.width, self.height, self.depth))
        if self.flags & (LAYERED | CUBEMAP):
            depth = self.depth
        return Array(width, height, depth, self.format, self.channels, self.flags)

    def place(self, machine: Machine, allocation: Allocation, address: int) -> None:
        """Gives it memory and a handle."""
        self.allocation, self.address, self.handle = allocation, address, machine.handle()

    def holds(self, x: int, y: int, z: int) -> bool:
        """Whether a box that ends there, x in bytes, lies in it."""
        return x <= self.pitch and y <= max(self.rows, 1) and z <= max(self.depth, 1)


def described(context: Context, given: Any, is_mipmapped: bool = False) -> Array:
    """What a CUDA_ARRAY_DESCRIPTOR or CUDA_ARRAY3D_DESCRIPTOR describes, without memory. Raises Refused."""
    form, channels, flags = int(given.Format), given.NumChannels, getattr(given, "Flags", 0)
    if is_format(form, channels) and not flags & ~ALL_FLAGS:
        made = Array(given.Width, given.Height, getattr(given, "Depth", 0), form, channels, flags)
        if _fits(made, context.profile.attributes, is_mipmapped):
            if made.is_compressed and flags & SURFACE:
                raise Refused(NOT_SUPPORTED)
            return made
    raise Refused(INVALID_VALUE)


def is_format(form: int, channels: int) -> bool:
    """Whether there are elements of a format with so many channels."""
    return form in FORMATS and channels in FORMATS[form].channels


def _fits(array: Array, device: dict[int, int], is_mipmapped: bool) -> bool:
    """Whether it has a form that there is, and is no larger than the device allows."""
    is_layered, is_cube = bool(array.flags & LAYERED), bool(array.flags & CUBEMAP)
    if (is_layered and not array.depth) or (array.flags & GATHER and array.depth) or not array.width:
        return False
    if array.flags & SPARSE and (array.flags & (SURFACE | DEFERRED) or not array.height):
        return False
    if is_cube:
        sides = array.depth % SIDES == 0 if is_layered else array.depth == SIDES
        return array.width == array.height and sides and array.width <= device[CUBEMAP_WIDTH]
    if array.depth and not array.height and not is_layered:
        return False
    lengths = [length for length in (array.width, array.height, array.depth) if length]
    limits = (LAYERS if is_layered else MIPMAPPED if is_mipmapped else PLAIN)[len(lengths)]
    if not is_layered and array.depth > device[PLAIN[3][2]]:
        limits = DEEP
    return all(length <= device[limit] for length, limit in zip(lengths, limits, strict=True))


def named(machine: Machine, call: AnyCall, handle: Any) -> Array:
    """The array of a handle; refuses what is none."""
    machine.current()
    return known(machine.arrays, call.address_of(handle), INVALID_HANDLE)


def close(machine: Machine, context: Context) -> None:
    """Forgets the arrays of a context; their memory goes with it."""
    for handle in [handle for handle, one in machine.arrays.items() if one.allocation.context is context]:
        del machine.arrays[handle]


contexts.closing.append(close)


@answers("cuArrayCreate_v2", "cuArray3DCreate_v2")
def create(machine: Machine, call: AnyCall) -> int:
    context = machine.current()
    if not call.pAllocateArray:
        return INVALID_VALUE
    made = described(context, call.pAllocateArray)
    allocation = context.heap.allocate(made.size)
    made.place(machine, allocation, allocation.address)
    result = call.reply(pHandle=made.handle)
    if result:
        free(machine, allocation)
    else:
        machine.arrays[made.handle] = made
    return result


@answers("cuArrayDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    """A level of a mipmapped array stays, as with a driver."""
    array = named(machine, call, call.hArray)
    if not array.is_level:
        free(machine, array.allocation)
        del machine.arrays[array.handle]
    return 0


@answers("cuArrayGetDescriptor_v2")
def descriptor(machine: Machine, call: AnyCall) -> int:
    return call.reply(pArrayDescriptor=_fields(named(machine, call, call.hArray)))


@answers("cuArray3DGetDescriptor_v2")
def descriptor_of_3d(machine: Machine, call: AnyCall) -> int:
    array = named(machine, call, call.hArray)
    return call.reply(pArrayDescriptor={**_fields(array), "Depth": array.depth, "Flags": array.flags})


def _fields(array: Array) -> dict[str, int]:
    return {
        "Width": array.width,
        "Height": array.height,
        "Format": array.format,
        "NumChannels": array.channels,
    }


@answers("cuArrayGetPlane")
def plane(machine: Machine, call: AnyCall) -> int:
    """No array has planes: formats that have are not taken."""
    named(machine, call, call.hArray)
    return INVALID_VALUE


# ---- bytes of an array, row after row ------------------------------------------------------------------------------


def _at(machine: Machine, call: AnyCall, handle: Any, offset: int) -> int:
    """The address of a byte; refuses what is not in the first row, the only one that functions without rows reach."""
    if not handle:
        raise Refused(INVALID_VALUE)
    array = named(machine, call, handle)
    if offset + call.ByteCount > array.pitch:
        raise Refused(INVALID_VALUE)
    if not array.has_memory:
        machine.fail(LAUNCH_FAILED)
    return array.address + offset


@answers("cuMemcpyHtoA_v2", "cuMemcpyHtoA_v2_ptds")
def from_host(machine: Machine, call: AnyCall) -> int:
    target = _at(machine, call, call.dstArray, call.dstOffset)
    return copied(machine, call, target, call.number("srcHost"), call.ByteCount, FROM_HOST)


@answers("cuMemcpyHtoAAsync_v2", "cuMemcpyHtoAAsync_v2_ptsz")
def from_host_in_order(machine: Machine, call: AnyCall) -> int:
    target = _at(machine, call, call.dstArray, call.dstOffset)
    return copied_in_order(machine, call, target, call.number("srcHost"), call.ByteCount, FROM_HOST)


@answers("cuMemcpyAtoH_v2", "cuMemcpyAtoH_v2_ptds")
def to_host(machine: Machine, call: AnyCall) -> int:
    source = _at(machine, call, call.srcArray, call.srcOffset)
    return copied(machine, call, call.number("dstHost"), source, call.ByteCount, TO_HOST)


@answers("cuMemcpyAtoHAsync_v2", "cuMemcpyAtoHAsync_v2_ptsz")
def to_host_in_order(machine: Machine, call: AnyCall) -> int:
    source = _at(machine, call, call.srcArray, call.srcOffset)
    return copied_in_order(machine, call, call.number("dstHost"), source, call.ByteCount, TO_HOST)


@answers("cuMemcpyDtoA_v2", "cuMemcpyDtoA_v2_ptds")
def from_device(machine: Machine, call: AnyCall) -> int:
    target = _at(machine, call, call.dstArray, call.dstOffset)
    submit(machine, default(call), Copy(machine, target, call.srcDevice, call.ByteCount, 0))
    return 0


@answers("cuMemcpyAtoD_v2", "cuMemcpyAtoD_v2_ptds")
def to_device(machine: Machine, call: AnyCall) -> int:
    source = _at(machine, call, call.srcArray, call.srcOffset)
    submit(machine, default(call), Copy(machine, call.dstDevice, source, call.ByteCount, 0))
    return 0


@answers("cuMemcpyAtoA_v2", "cuMemcpyAtoA_v2_ptds")
def between_arrays(machine: Machine, call: AnyCall) -> int:
    target = _at(machine, call, call.dstArray, call.dstOffset)
    source = _at(machine, call, call.srcArray, call.srcOffset)
    submit(machine, default(call), Copy(machine, target, source, call.ByteCount, 0))
    return 0
