"""Texture and surface objects: what they read, and how. Kernels of policies get at it (`bodies.py`).

Of references to textures, which CUDA 12 has dropped, no module has any.
"""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_FOUND, initialised
from vgpu_embed.virtual.memory.arrays import CUBEMAP, LAYERED, Array, is_format
from vgpu_embed.virtual.memory.formats import CHANNELS, FORMATS
from vgpu_embed.virtual.modules import module_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine

    T = TypeVar("T", bound="Surface")

PEER_ACCESS_NOT_ENABLED = 705
"""CUDA_ERROR_PEER_ACCESS_NOT_ENABLED."""
ARRAY, MIPMAP, LINEAR, PITCHED = range(4)
"""CU_RESOURCE_TYPE_…"""
AS_INTEGER, NORMALIZED, SEAMLESS, FLAGS = 0x01, 0x02, 0x40, 0x3F
"""CU_TRSF_READ_AS_INTEGER, …_NORMALIZED_COORDINATES, …_SEAMLESS_CUBEMAP, and what an H200 takes of what is no cube."""
ADDRESSES, FILTERS = ("wrap", "clamp", "mirror", "border"), ("point", "linear")
"""By CU_TR_ADDRESS_MODE_… and CU_TR_FILTER_MODE_…"""
VIEWS = [
    *((form, channels) for form in (1, 8, 2, 9, 3, 10, 16, 32) for channels in CHANNELS),
    *((0x91, 4), (0x93, 4), (0x95, 4), (0x97, 1), (0x98, 1), (0x99, 2), (0x9A, 2), (0x9B, 3), (0x9C, 3), (0x9D, 4)),
]
"""Formats and channels by CU_RES_VIEW_FORMAT_…, from …_UINT_1X8 on, which is 1."""
ALIGNMENT, PITCH_ALIGNMENT, LINEAR_WIDTH, PITCHED_LIMITS = 14, 51, 69, (70, 71, 72)
"""CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, …_TEXTURE_PITCH_ALIGNMENT, …_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, and of width,
height and pitch of those of two dimensions."""
WIDEST, MOST_ELEMENTS = 16, 4
"""A texture of linear memory has at most so many bytes, and elements, for each element that the attribute says: an H200
says 2 to the power of 28, and takes 2 to the power of 32 bytes and of 30 elements."""

answers = Answers(ready=initialised)


class Surface:
    """A surface object: `levels` has the one array that it reads and writes.

    Attributes:
        context: whose it is.
        resource: a copy of its CUDA_RESOURCE_DESC.
    """

    is_read_only = False

    def __init__(self, machine: Machine, call: AnyCall, given: Any) -> None:
        self.context = machine.current()
        if not given or given.flags:
            raise Refused(INVALID_VALUE)
        self.levels = self.read(machine, call, given)
        self.resource = call.ffi.new("CUDA_RESOURCE_DESC *", given[0])
        self.handle = machine.handle()

    def read(self, machine: Machine, call: AnyCall, given: Any) -> list[Array]:
        """What a resource is. Raises Refused."""
        if given.resType != ARRAY:
            raise Refused(INVALID_VALUE)
        array = known(machine.arrays, call.address_of(given.res.array.hArray), INVALID_VALUE)
        if array.is_compressed and not self.is_read_only:
            raise Refused(INVALID_VALUE)
        return self.own([array])

    def own(self, levels: list[Array]) -> list[Array]:
        """Arrays of the object's context; refuses those of others."""
        if levels[0].allocation.context is not self.context:
            raise Refused(PEER_ACCESS_NOT_ENABLED)
        return levels


class Texture(Surface):
    """A texture object: `levels` are arrays, or memory that is read like one.

    Attributes:
        described: a copy of its CUDA_TEXTURE_DESC; view: of its CUDA_RESOURCE_VIEW_DESC, zeros where it has none.
    """

    is_read_only = True

    def __init__(self, machine: Machine, call: AnyCall, given: Any, described: Any, view: Any) -> None:
        super().__init__(machine, call, given)
        if not described or not _can_be(self.levels[0], described):
            raise Refused(INVALID_VALUE)
        self.described = call.ffi.new("CUDA_TEXTURE_DESC *", described[0])
        self.view = call.ffi.new("CUDA_RESOURCE_VIEW_DESC *", *([view[0]] if view else []))
        if view and given.resType in (ARRAY, MIPMAP):
            self.levels = seen(self.levels, view)

    def read(self, machine: Machine, call: AnyCall, given: Any) -> list[Array]:
        """See `Surface.read`."""
        if given.resType == MIPMAP:
            mipmap = known(machine.mipmaps, call.address_of(given.res.mipmap.hMipmappedArray), INVALID_VALUE)
            return self.own(mipmap.levels)
        if given.resType in (LINEAR, PITCHED):
            return [_memory(self.context, given)]
        return super().read(machine, call, given)


def _can_be(first: Array, described: Any) -> bool:
    """Whether there are such ways to read; how coordinates are taken that it has not is not looked at."""
    modes = list(described.addressMode)[: first.dimensions]
    flags = FLAGS | SEAMLESS if first.flags & CUBEMAP else FLAGS
    return (
        all(mode < len(ADDRESSES) for mode in modes)
        and described.filterMode < len(FILTERS)
        and described.mipmapFilterMode < len(FILTERS)
        and not described.flags & ~flags
    )


def _memory(context: Context, given: Any) -> Array:
    """Linear or pitched memory, whatever lies there. Raises Refused."""
    device, is_linear = context.profile.attributes, given.resType == LINEAR
    memory = given.res.linear if is_linear else given.res.pitch2D
    address, form, channels = memory.devPtr, int(memory.format), memory.numChannels
    if not address or address % device[ALIGNMENT] or form not in FORMATS or channels not in CHANNELS:
        raise Refused(INVALID_VALUE)
    if is_linear:
        element = FORMATS[form].size(channels)
        made = Array(memory.sizeInBytes // element, 0, 0, form, channels)
        fits = made.width <= _widest(device, element)
    else:
        made = Array(memory.width, memory.height, 0, form, channels, pitch=memory.pitchInBytes)
        sizes = memory.width, memory.height, memory.pitchInBytes
        fits = all(size <= device[limit] for size, limit in zip(sizes, PITCHED_LIMITS, strict=True))
        fits = fits and not made.pitch % device[PITCH_ALIGNMENT]
    if made.is_compressed or not fits:
        raise Refused(INVALID_VALUE)
    made.address = address
    return made


def _widest(device: dict[int, int], element: int) -> int:
    """How many elements a texture of linear memory can have."""
    return device[LINEAR_WIDTH] * min(WIDEST // element, MOST_ELEMENTS)


def seen(levels: list[Array], view: Any) -> list[Array]:
    """Levels and layers that a view has, with its elements, which are as large as the arrays'. Raises Refused.

    A driver lets the last level, and the last layer, be one more than there are.
    """
    form, first = int(view.format), levels[0]
    if first.is_compressed or not 0 < form <= len(VIEWS):
        raise Refused(INVALID_VALUE)
    if not view.firstMipmapLevel <= view.lastMipmapLevel <= (len(levels) if first.is_level else 0):
        raise Refused(INVALID_VALUE)
    layers = first.depth if first.flags & (LAYERED | CUBEMAP) else 0
    if not view.firstLayer <= view.lastLayer <= layers:
        raise Refused(INVALID_VALUE)
    side = FORMATS[VIEWS[form - 1][0]].side
    if (view.width, view.height, view.depth) != (first.width * side, first.height * side, first.depth):
        raise Refused(INVALID_VALUE)
    return [_seen(level, *VIEWS[form - 1], view) for level in levels[view.firstMipmapLevel : view.lastMipmapLevel + 1]]


def _seen(level: Array, form: int, channels: int, view: Any) -> Array:
    """The layers of one level that a view has; if it says of none which, all."""
    side, first = FORMATS[form].side, view.firstLayer
    depth = min(view.lastLayer + 1, level.depth) - first if view.lastLayer else level.depth
    made = Array(level.width * side, level.height * side, depth, form, channels, level.flags)
    if made.element != level.element:
        raise Refused(INVALID_VALUE)
    made.address = level.address + first * level.slice
    return made


def close(machine: Machine, context: Context) -> None:
    """Forgets the objects of a context."""
    for objects in (machine.textures, machine.surfaces):
        for handle in [handle for handle, one in objects.items() if one.context is context]:
            del objects[handle]


contexts.closing.append(close)


# ---- objects -------------------------------------------------------------------------------------------------------


@answers("cuTexObjectCreate")
def create_texture(machine: Machine, call: AnyCall) -> int:
    made = Texture(machine, call, call.pResDesc, call.pTexDesc, call.pResViewDesc)
    return _kept(machine.textures, made, call.reply(pTexObject=made.handle))


@answers("cuSurfObjectCreate")
def create_surface(machine: Machine, call: AnyCall) -> int:
    made = Surface(machine, call, call.pResDesc)
    return _kept(machine.surfaces, made, call.reply(pSurfObject=made.handle))


def _kept(objects: dict[int, T], made: T, result: int) -> int:
    """Keeps an object that the program has been told of."""
    if not result:
        objects[made.handle] = made
    return result


@answers("cuTexObjectDestroy")
def destroy_texture(machine: Machine, call: AnyCall) -> int:
    """What is none is no error."""
    return _destroy(machine, machine.textures, call.texObject)


@answers("cuSurfObjectDestroy")
def destroy_surface(machine: Machine, call: AnyCall) -> int:
    """What is none is no error."""
    return _destroy(machine, machine.surfaces, call.surfObject)


def _destroy(machine: Machine, objects: dict[int, T], handle: int) -> int:
    if own := mine(objects, machine.current(), handle):
        del objects[own.handle]
    return 0


def mine(objects: dict[int, T], context: Context, handle: int) -> T | None:
    """The object of that handle in a context."""
    found = objects.get(handle)
    return found if found and found.context is context else None


def _named(machine: Machine, objects: dict[int, T], handle: int) -> T:
    """The object that a call names. Raises Refused."""
    found = mine(objects, machine.current(), handle)
    if found is None:
        raise Refused(INVALID_VALUE)
    return found


@answers("cuTexObjectGetResourceDesc")
def texture_resource(machine: Machine, call: AnyCall) -> int:
    return call.reply(pResDesc=_named(machine, machine.textures, call.texObject).resource[0])


@answers("cuTexObjectGetTextureDesc")
def texture_description(machine: Machine, call: AnyCall) -> int:
    """The colour of a border is not told."""
    told = call.ffi.new("CUDA_TEXTURE_DESC *", _named(machine, machine.textures, call.texObject).described[0])
    told.borderColor = [0, 0, 0, 0]
    return call.reply(pTexDesc=told[0])


@answers("cuTexObjectGetResourceViewDesc")
def texture_view(machine: Machine, call: AnyCall) -> int:
    return call.reply(pResViewDesc=_named(machine, machine.textures, call.texObject).view[0])


@answers("cuSurfObjectGetResourceDesc")
def surface_resource(machine: Machine, call: AnyCall) -> int:
    return call.reply(pResDesc=_named(machine, machine.surfaces, call.surfObject).resource[0])


# ---- what a device has, and a module has not -----------------------------------------------------------------------


@answers("cuDeviceGetTexture1DLinearMaxWidth")
def linear_width(machine: Machine, call: AnyCall) -> int:
    form, channels = call.number("format"), call.numChannels
    if not is_format(form, channels):
        return INVALID_VALUE
    device = machine.device(call.dev).attributes
    return call.reply(maxWidthInElements=_widest(device, FORMATS[form].size(channels)))


@answers("cuModuleGetTexRef", "cuModuleGetSurfRef")
def reference(machine: Machine, call: AnyCall) -> int:
    module_of(machine, call.number("hmod"))
    return NOT_FOUND if call.name else INVALID_VALUE
