"""CUDA arrays: rows of elements, in memory that has no address for the program.

They take what their elements take, where a GPU pads them to tiles. There are no textures and surfaces to read them by,
no mipmaps, no sparse arrays.
"""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.copies import FROM_HOST, TO_HOST, Copy
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.heap import free
from vgpu_embed.virtual.streams import submit
from vgpu_embed.virtual.transfers import copied, copied_in_order, default

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine

INVALID_HANDLE = 400
"""CUDA_ERROR_INVALID_HANDLE."""
FORMATS = {1: 1, 2: 2, 3: 4, 8: 1, 9: 2, 10: 4, 16: 2, 32: 4}
"""Bytes of a channel by CU_AD_FORMAT_…: 8, 16 and 32 bits without and with sign, half, float."""
CHANNELS = (1, 2, 4)
LAYERED, CUBEMAP, GATHER, PLAIN_FLAGS, ALL_FLAGS = 1, 4, 8, 0x0F, 0x1FF
"""CUDA_ARRAY3D_LAYERED, …_CUBEMAP, …_TEXTURE_GATHER, those and …_SURFACE_LDST, all that there are."""
ALL_FORMATS = {*FORMATS, 0x50, *range(0x91, 0xD0)}
"""Those that there are here, and others of cuda.h: planes, normalised, compressed."""
SIDES = 6
"""Of a cube."""
PLAIN = ((), (21,), (22, 23), (24, 25, 26))
LAYERS = ((), (), (42, 43), (27, 28, 29))
DEEP, CUBEMAP_WIDTH = (47, 48, 49), 52
"""CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE…: how wide, high and deep they can be."""

answers = Answers(ready=initialised)


class Array:
    """An array. Height and depth are 0 where it has no such dimension.

    Attributes:
        address: where its bytes are; pitch and slice: how far rows, and slices or layers, are apart.
        element: bytes of one.
    """

    def __init__(self, machine: Machine, context: Context, given: Any) -> None:
        self.width, self.height = given.Width, given.Height
        self.depth = getattr(given, "Depth", 0)
        self.format, self.channels = int(given.Format), given.NumChannels
        self.flags = getattr(given, "Flags", 0)
        if self.format not in ALL_FORMATS or self.flags & ~ALL_FLAGS:
            raise Refused(INVALID_VALUE)
        if self.format not in FORMATS or self.flags & ~PLAIN_FLAGS:
            raise Refused(NOT_SUPPORTED)
        if self.channels not in CHANNELS or not self._fits(context.profile.attributes):
            raise Refused(INVALID_VALUE)
        self.element = self.channels * FORMATS[self.format]
        self.pitch = self.width * self.element
        self.slice = self.pitch * max(self.height, 1)
        self.allocation = context.heap.allocate(self.slice * max(self.depth, 1))
        self.address = self.allocation.address
        self.handle = machine.handle()

    def _fits(self, device: dict[int, int]) -> bool:
        """Whether it has a form that there is, and is no larger than the device allows."""
        is_layered, is_cube = bool(self.flags & LAYERED), bool(self.flags & CUBEMAP)
        if (is_layered and not self.depth) or (self.flags & GATHER and self.depth) or not self.width:
            return False
        if is_cube:
            sides = self.depth % SIDES == 0 if is_layered else self.depth == SIDES
            return self.width == self.height and sides and self.width <= device[CUBEMAP_WIDTH]
        if self.depth and not self.height and not is_layered:
            return False
        lengths = [length for length in (self.width, self.height, self.depth) if length]
        limits = (LAYERS if is_layered else PLAIN)[len(lengths)]
        if not is_layered and self.depth > device[PLAIN[3][2]]:
            limits = DEEP
        return all(length <= device[limit] for length, limit in zip(lengths, limits, strict=True))

    def holds(self, x: int, y: int, z: int) -> bool:
        """Whether a box that ends there, x in bytes, lies in it."""
        return x <= self.pitch and y <= max(self.height, 1) and z <= max(self.depth, 1)


def named(machine: Machine, call: AnyCall, handle: Any) -> Array:
    """The array of a handle; refuses what is none."""
    machine.current()
    found = machine.arrays.get(call.address_of(handle))
    if found is None:
        raise Refused(INVALID_HANDLE)
    return found


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
    made = Array(machine, context, call.pAllocateArray)
    result = call.reply(pHandle=made.handle)
    if result:
        free(machine, made.allocation)
    else:
        machine.arrays[made.handle] = made
    return result


@answers("cuArrayDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    array = named(machine, call, call.hArray)
    free(machine, array.allocation)
    del machine.arrays[array.handle]
    return 0


@answers("cuArrayGetDescriptor_v2")
def descriptor(machine: Machine, call: AnyCall) -> int:
    return call.reply(pArrayDescriptor=_described(named(machine, call, call.hArray)))


@answers("cuArray3DGetDescriptor_v2")
def descriptor_of_3d(machine: Machine, call: AnyCall) -> int:
    array = named(machine, call, call.hArray)
    return call.reply(pArrayDescriptor={**_described(array), "Depth": array.depth, "Flags": array.flags})


def _described(array: Array) -> dict[str, int]:
    return {
        "Width": array.width,
        "Height": array.height,
        "Format": array.format,
        "NumChannels": array.channels,
    }


# ---- bytes of an array, row after row ------------------------------------------------------------------------------


def _at(machine: Machine, call: AnyCall, handle: Any, offset: int) -> int:
    """The address of a byte; refuses what is not in the first row, the only one that functions without rows reach."""
    if not handle:
        raise Refused(INVALID_VALUE)
    array = named(machine, call, handle)
    if offset + call.ByteCount > array.pitch:
        raise Refused(INVALID_VALUE)
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
