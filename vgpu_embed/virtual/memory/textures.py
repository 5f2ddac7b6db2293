"""Texture and surface objects: what they read, and how. Kernels of policies get at it (`bodies.py`).

Of references to textures, which CUDA 12 has dropped, no module has any.
"""

from __future__ import annotations

from vgpu_embed.virtual import contexts
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_FOUND, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.arrays import CHANNELS, CUBEMAP, FORMATS, LAYERED, Array
from vgpu_embed.virtual.modules import module_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine

ARRAY, MIPMAP, LINEAR, PITCHED = range(4)
"""CU_RESOURCE_TYPE_…"""
AS_INTEGER, NORMALIZED, ALL_FLAGS = 0x01, 0x02, 0x73
"""CU_TRSF_READ_AS_INTEGER, …_NORMALIZED_COORDINATES, and all that there are."""
ADDRESSES, FILTERS = ("wrap", "clamp", "mirror", "border"), ("point", "linear")
"""By CU_TR_ADDRESS_MODE_… and CU_TR_FILTER_MODE_…"""
VIEWS = [(form, channels) for form in (1, 8, 2, 9, 3, 10, 16, 32) for channels in CHANNELS]
"""Formats and channels by CU_RES_VIEW_FORMAT_…, from …_UINT_1X8 on, which is 1."""
LAST_VIEW = 0x22
"""Those behind `VIEWS` are of compressed blocks."""
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
        return [known(machine.arrays, call.address_of(given.res.array.hArray), INVALID_VALUE)]


class Texture(Surface):
    """A texture object: `levels` are arrays, or memory that is read like one.

    Attributes:
        described: a copy of its CUDA_TEXTURE_DESC; view: of its CUDA_RESOURCE_VIEW_DESC, None where it has none.
    """

    def __init__(self, machine: Machine, call: AnyCall, given: Any, described: Any, view: Any) -> None:
        super().__init__(machine, call, given)
        if not described or not _can_be(described):
            raise Refused(INVALID_VALUE)
        self.described = call.ffi.new("CUDA_TEXTURE_DESC *", described[0])
        self.view = None
        if view:
            if given.resType not in (ARRAY, MIPMAP):
                raise Refused(INVALID_VALUE)
            self.levels = seen(self.levels, view)
            self.view = call.ffi.new("CUDA_RESOURCE_VIEW_DESC *", view[0])

    def read(self, machine: Machine, call: AnyCall, given: Any) -> list[Array]:
        """See `Surface.read`."""
        if given.resType == MIPMAP:
            return known(machine.mipmaps, call.address_of(given.res.mipmap.hMipmappedArray), INVALID_VALUE).levels
        if given.resType in (LINEAR, PITCHED):
            return [_memory(self.context, given)]
        return super().read(machine, call, given)


def _can_be(described: Any) -> bool:
    """Whether there are such ways to read."""
    return (
        all(mode < len(ADDRESSES) for mode in described.addressMode)
        and described.filterMode < len(FILTERS)
        and described.mipmapFilterMode < len(FILTERS)
        and not described.flags & ~ALL_FLAGS
    )


def _memory(context: Context, given: Any) -> Array:
    """Linear or pitched memory, whatever lies there. Raises Refused."""
    device, is_linear = context.profile.attributes, given.resType == LINEAR
    memory = given.res.linear if is_linear else given.res.pitch2D
    address, form, channels = memory.devPtr, int(memory.format), memory.numChannels
    if not address or address % device[ALIGNMENT] or form not in FORMATS or channels not in CHANNELS:
        raise Refused(INVALID_VALUE)
    if is_linear:
        element = Array(1, 0, 0, form, channels).element
        made = Array(memory.sizeInBytes // element, 0, 0, form, channels)
        fits = made.width <= _widest(device, element)
    else:
        made = Array(memory.width, memory.height, 0, form, channels, pitch=memory.pitchInBytes)
        sizes = memory.width, memory.height, memory.pitchInBytes
        fits = all(0 < size <= device[limit] for size, limit in zip(sizes, PITCHED_LIMITS, strict=True))
        fits = fits and not made.pitch % device[PITCH_ALIGNMENT]
    if not fits:
        raise Refused(INVALID_VALUE)
    made.address = address
    return made


def _widest(device: dict[int, int], element: int) -> int:
    """How many elements a texture of linear memory can have."""
    return device[LINEAR_WIDTH] * min(WIDEST // element, MOST_ELEMENTS)


def seen(levels: list[Array], view: Any) -> list[Array]:
    """Levels and layers that a view has, with its elements, which are as large as the arrays'. Raises Refused."""
    form, last = int(view.format), view.lastMipmapLevel
    if form > LAST_VIEW or not view.firstMipmapLevel <= last < len(levels):
        raise Refused(INVALID_VALUE)
    if form > len(VIEWS):
        raise Refused(NOT_SUPPORTED)
    return [_seen(level, form, view) for level in levels[view.firstMipmapLevel : last + 1]]


def _seen(level: Array, form: int, view: Any) -> Array:
    elements = VIEWS[form - 1] if form else (level.format, level.channels)
    first, last = view.firstLayer, view.lastLayer
    depth = last - first + 1 if last else level.depth
    made = Array(level.width, level.height, depth, *elements, level.flags)
    layers = level.depth if level.flags & (LAYERED | CUBEMAP) else 1
    if not first <= last < layers or made.element != level.element:
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
    result = call.reply(pTexObject=made.handle)
    if not result:
        machine.textures[made.handle] = made
    return result


@answers("cuSurfObjectCreate")
def create_surface(machine: Machine, call: AnyCall) -> int:
    made = Surface(machine, call, call.pResDesc)
    result = call.reply(pSurfObject=made.handle)
    if not result:
        machine.surfaces[made.handle] = made
    return result


@answers("cuTexObjectDestroy")
def destroy_texture(machine: Machine, call: AnyCall) -> int:
    """What is none is no error."""
    machine.current()
    machine.textures.pop(call.texObject, None)
    return 0


@answers("cuSurfObjectDestroy")
def destroy_surface(machine: Machine, call: AnyCall) -> int:
    """What is none is no error."""
    machine.current()
    machine.surfaces.pop(call.surfObject, None)
    return 0


def _texture(machine: Machine, call: AnyCall) -> Texture:
    """The object that a call names. Raises Refused."""
    machine.current()
    return known(machine.textures, call.texObject, INVALID_VALUE)


@answers("cuTexObjectGetResourceDesc")
def texture_resource(machine: Machine, call: AnyCall) -> int:
    return call.reply(pResDesc=_texture(machine, call).resource[0])


@answers("cuTexObjectGetTextureDesc")
def texture_description(machine: Machine, call: AnyCall) -> int:
    return call.reply(pTexDesc=_texture(machine, call).described[0])


@answers("cuTexObjectGetResourceViewDesc")
def texture_view(machine: Machine, call: AnyCall) -> int:
    view = _texture(machine, call).view
    return INVALID_VALUE if view is None else call.reply(pResViewDesc=view[0])


@answers("cuSurfObjectGetResourceDesc")
def surface_resource(machine: Machine, call: AnyCall) -> int:
    machine.current()
    return call.reply(pResDesc=known(machine.surfaces, call.surfObject, INVALID_VALUE).resource[0])


# ---- what a device has, and a module has not -----------------------------------------------------------------------


@answers("cuDeviceGetTexture1DLinearMaxWidth")
def linear_width(machine: Machine, call: AnyCall) -> int:
    form, channels = call.number("format"), call.numChannels
    if form not in FORMATS or channels not in CHANNELS:
        return INVALID_VALUE
    device = machine.device(call.dev).attributes
    return call.reply(maxWidthInElements=_widest(device, Array(1, 0, 0, form, channels).element))


@answers("cuModuleGetTexRef", "cuModuleGetSurfRef")
def reference(machine: Machine, call: AnyCall) -> int:
    module_of(machine, call.number("hmod"))
    return NOT_FOUND if call.name else INVALID_VALUE
