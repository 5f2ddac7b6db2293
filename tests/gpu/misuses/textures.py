"""What arrays, mipmaps, textures and surfaces are at their edges: forms, levels, views, what is gone."""

from __future__ import annotations

import ctypes

from misuses.arrays import FLOAT, UINT8, linear
from misuses.launches import aftermath
from misuses.layouts import (
    Array3DDescriptor,
    ArrayDescriptor,
    ArrayRequirements,
    LinearResource,
    Memcpy2D,
    Memcpy3D,
    SparseProperties,
    TextureDesc,
    ViewDesc,
)
from misuses.session import Session, address, case, number, out

LAYERED, SURFACE, CUBE, SPARSE, DEFERRED = 1, 2, 4, 0x40, 0x80
ARRAY, MIPMAP = 0, 1
"""CU_RESOURCE_TYPE_…"""


def flat_array(s: Session, form: int = FLOAT, channels: int = 1, flags: int = 0) -> int:
    """16 elements wide, 4 high."""
    return s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 0, form, channels, flags))


def mipmap(s: Session, levels: int = 5, flags: int = 0, depth: int = 0) -> int:
    return s.make("cuMipmappedArrayCreate", Array3DDescriptor(16, 16, depth, FLOAT, 1, flags), levels)


def say_fields(s: Session, given: ctypes.Structure, *names: str) -> None:
    for name in names:
        value = getattr(given, name)
        s.say(name, list(value) if isinstance(value, ctypes.Array) else value)


def ask_texture(s: Session, given: object, described: object, view: object = None) -> None:
    made = s.ask_made("cuTexObjectCreate", given, described, view)
    if made:
        s.must("cuTexObjectDestroy", made)


# ---- arrays --------------------------------------------------------------------------------------------------------


@case("array.formats")
def formats(s: Session) -> None:
    """Every number that an array's format may have, with each number of channels."""
    for form in (0, 1, 2, 3, 4, 8, 9, 10, 11, 0x10, 0x20, 0x50, *range(0x90, 0xDC)):
        taken = []
        for channels in (1, 2, 3, 4):
            made = out()
            given = Array3DDescriptor(64, 64, 0, form, channels, 0)
            taken.append(s.call("cuArray3DCreate_v2", made, given))
            if not taken[-1]:
                s.must("cuArrayDestroy", number(made))
        s.say(f"format {form:#x}", taken)


@case("array.flags")
def flags(s: Session) -> None:
    for bits in (0x10, 0x20, 0x30, 0x82, 0xC0, 0x41, 0x44, 0x48, 0x42, 0x180, 0x200, 0x400, 0x800):
        made = s.ask_made("cuArray3DCreate_v2", Array3DDescriptor(64, 64, 0, FLOAT, 1, bits))
        if made:
            told = Array3DDescriptor()
            s.ask("cuArray3DGetDescriptor_v2", told, made)
            s.say("flags", told.Flags)
            s.must("cuArrayDestroy", made)


def say_layout(s: Session, kind: str, made: int) -> None:
    """What an array or a mipmapped one says of tiles and memory."""
    properties, needs = SparseProperties(), ArrayRequirements()
    s.ask(f"{kind}GetSparseProperties", properties, made)
    say_fields(s, properties, "tileExtent", "miptailFirstLevel", "miptailSize", "flags")
    s.ask(f"{kind}GetMemoryRequirements", needs, made, 0)
    say_fields(s, needs, "size", "alignment")


@case("array.sparse")
def sparse(s: Session) -> None:
    """What sparse and deferred arrays say of themselves, in two and three dimensions, by the size of elements."""
    for width, height, depth, bits in (
        (512, 512, 0, SPARSE),
        (128, 128, 64, SPARSE),
        (512, 512, 4, SPARSE | LAYERED),
        (16, 4, 0, SPARSE),
        (512, 0, 0, SPARSE),
        (512, 512, 0, DEFERRED),
        (512, 512, 0, SPARSE | DEFERRED),
    ):
        for form, channels in ((UINT8, 1), (UINT8, 2), (UINT8, 4), (FLOAT, 1), (FLOAT, 2), (FLOAT, 4)):
            made = s.ask_made("cuArray3DCreate_v2", Array3DDescriptor(width, height, depth, form, channels, bits))
            if not made:
                continue
            say_layout(s, "cuArray", made)
            s.must("cuArrayDestroy", made)
    s.ask("cuArrayGetSparseProperties", SparseProperties(), 0)
    s.ask("cuArrayGetMemoryRequirements", ArrayRequirements(), 0, 0)
    plain = flat_array(s)
    s.ask("cuArrayGetSparseProperties", None, plain)
    s.ask("cuArrayGetMemoryRequirements", None, plain, 0)
    s.ask("cuArrayGetMemoryRequirements", ArrayRequirements(), plain, 99)


@case("array.sparse.unmapped", alone=True)
def unmapped(s: Session) -> None:
    """Copies to and from what nothing was mapped to."""
    room = out(64)
    for bits in (SPARSE, DEFERRED):
        made = flat_array(s, flags=bits)
        for to_array in (True, False):
            given = Memcpy2D(WidthInBytes=64, Height=1)
            given.srcMemoryType, given.dstMemoryType = (1, 3) if to_array else (3, 1)
            given.srcHost = given.dstHost = address(room)
            given.srcArray = given.dstArray = made
            s.ask("cuMemcpy2D_v2", given)
        s.ask("cuCtxSynchronize")


@case("array.plane")
def plane(s: Session) -> None:
    made = s.ask_made("cuArray3DCreate_v2", Array3DDescriptor(64, 64, 0, 0xB0, 3, SURFACE))
    if made:
        for index in (0, 1, 2):
            part, told = s.ask_made("cuArrayGetPlane", made, index), Array3DDescriptor()
            if part:
                s.ask("cuArray3DGetDescriptor_v2", told, part)
                say_fields(s, told, "Width", "Height", "Format", "NumChannels", "Flags")
        s.ask("cuArrayDestroy", made)
    s.ask("cuArrayGetPlane", out(), 0, 0)
    s.ask("cuArrayGetPlane", None, flat_array(s), 0)


@case("array.copy_parts")
def copy_parts(s: Session) -> None:
    """Copies that begin or end inside an element, of layers, and of levels that an array has not."""
    flat = flat_array(s, channels=4)
    for x, width in ((1, 16), (4, 16), (16, 1), (16, 15), (0, 256), (16, 256)):
        given = Memcpy2D(srcMemoryType=1, srcHost=address(out(4096)), srcPitch=512, dstMemoryType=3, dstArray=flat)
        given.dstXInBytes, given.WidthInBytes, given.Height = x, width, 1
        s.ask("cuMemcpy2D_v2", given)
    deep = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 3, UINT8, 1, LAYERED))
    room = out(4096)
    for z, depth, level in ((0, 3, 0), (2, 1, 0), (2, 2, 0), (0, 0, 0), (0, 1, 1)):
        box = Memcpy3D(srcMemoryType=1, srcHost=address(room), srcPitch=16, srcHeight=4, dstMemoryType=3, dstArray=deep)
        box.dstZ, box.dstLOD, box.WidthInBytes, box.Height, box.Depth = z, level, 16, 4, depth
        s.ask("cuMemcpy3D_v2", box)
    s.ask("cuCtxSynchronize")


@case("array.other_context")
def array_of_another_context(s: Session) -> None:
    """An array, a texture and a surface that belong to another context."""
    other = s.other_context()
    array = s.within(other, "cuArrayCreate_v2", ArrayDescriptor(16, 4, FLOAT, 1))
    s.ask("cuArrayGetDescriptor_v2", ArrayDescriptor(), array)
    ask_texture(s, LinearResource(resType=ARRAY, devPtr=array), TextureDesc())
    made = s.within(other, "cuTexObjectCreate", LinearResource(resType=ARRAY, devPtr=array), TextureDesc(), None)
    s.ask("cuTexObjectGetResourceDesc", LinearResource(), made)
    s.ask("cuTexObjectDestroy", made)
    s.ask("cuArrayDestroy", array)
    s.must("cuCtxDestroy_v2", other)


@case("array.without_context", bare=True)
def without_context(s: Session) -> None:
    s.ask("cuArrayCreate_v2", out(), ArrayDescriptor(16, 4, FLOAT, 1))
    s.ask("cuMipmappedArrayCreate", out(), Array3DDescriptor(16, 4, 0, FLOAT, 1, 0), 1)
    s.ask("cuTexObjectCreate", out(), LinearResource(), TextureDesc(), None)
    s.ask("cuTexObjectDestroy", 0)
    s.ask("cuTexObjectGetTextureDesc", TextureDesc(), 0)
    s.ask("cuSurfObjectCreate", out(), LinearResource())
    s.ask("cuSurfObjectDestroy", 0)


# ---- mipmaps -------------------------------------------------------------------------------------------------------


@case("mipmap.levels")
def levels(s: Session) -> None:
    """How large each level is, of each form."""
    for width, height, depth, bits in (
        (20, 0, 0, 0),
        (20, 6, 0, 0),
        (20, 6, 0, SURFACE),
        (20, 6, 5, 0),
        (20, 6, 5, LAYERED),
        (16, 16, 6, CUBE),
        (16, 16, 12, CUBE | LAYERED),
        (16, 16, 0, SPARSE),
        (16, 16, 0, DEFERRED),
        (16, 16, 0, 8),
        (20, 0, 3, LAYERED),
        (1 << 20, 1, 0, 0),
    ):
        made = s.ask_made("cuMipmappedArrayCreate", Array3DDescriptor(width, height, depth, FLOAT, 2, bits), 100)
        if not made:
            continue
        for level in range(6):
            found, told = s.ask_made("cuMipmappedArrayGetLevel", made, level), Array3DDescriptor()
            if found:
                s.ask("cuArray3DGetDescriptor_v2", told, found)
                say_fields(s, told, "Width", "Height", "Depth", "Format", "NumChannels", "Flags")
        s.must("cuMipmappedArrayDestroy", made)
    for form, channels in ((FLOAT, 3), (0, 1), (0x50, 1), (0xB0, 1)):
        s.ask("cuMipmappedArrayCreate", out(), Array3DDescriptor(16, 16, 0, form, channels, 0), 2)


@case("mipmap.one_level")
def one_level(s: Session) -> None:
    """Whether a level is one array, and what can be done with it."""
    made = mipmap(s)
    first, again = (s.make("cuMipmappedArrayGetLevel", made, 1) for _ in range(2))
    s.say("same", first == again)
    s.ask("cuMipmappedArrayGetLevel", None, made, 0)
    for width in (32, 33):
        given = Memcpy2D(srcMemoryType=1, srcHost=address(out(256)), dstMemoryType=3, dstArray=first)
        given.WidthInBytes, given.Height = width, 8
        s.ask("cuMemcpy2D_v2", given)
    s.ask("cuArrayDestroy", first)
    s.ask("cuMipmappedArrayGetLevel", out(), made, 1)
    s.ask("cuMipmappedArrayDestroy", made)


@case("mipmap.about")
def about_mipmaps(s: Session) -> None:
    for bits in (0, SPARSE, DEFERRED):
        made = s.ask_made("cuMipmappedArrayCreate", Array3DDescriptor(512, 512, 0, FLOAT, 1, bits), 10)
        if not made:
            continue
        say_layout(s, "cuMipmappedArray", made)
        s.must("cuMipmappedArrayDestroy", made)
    s.ask("cuMipmappedArrayGetSparseProperties", SparseProperties(), 0)
    s.ask("cuMipmappedArrayGetMemoryRequirements", ArrayRequirements(), 0, 0)


@case("mipmap.destroyed", alone=True)
def destroyed_mipmap(s: Session) -> None:
    made = mipmap(s)
    level = s.make("cuMipmappedArrayGetLevel", made, 0)
    s.must("cuMipmappedArrayDestroy", made)
    s.ask("cuArrayDestroy", level)
    s.ask("cuMipmappedArrayGetLevel", out(), made, 0)
    s.ask("cuMipmappedArrayDestroy", made)


# ---- textures ------------------------------------------------------------------------------------------------------


@case("texture.describe")
def describe_texture(s: Session) -> None:
    """What is told of an object is what it was made of."""
    given = TextureDesc(addressMode=(0, 2, 3), filterMode=1, flags=2, maxAnisotropy=4, mipmapFilterMode=1)
    given.mipmapLevelBias, given.minMipmapLevelClamp, given.maxMipmapLevelClamp = 0.5, 1.0, 3.0
    given.borderColor = (0.25, 0.5, 0.75, 1.0)
    view = ViewDesc(format=0x16, width=16, height=16, lastMipmapLevel=4)
    memory = s.make("cuMemAlloc_v2", 4096)
    for resource, seen in (
        (LinearResource(resType=MIPMAP, devPtr=mipmap(s)), view),
        (LinearResource(resType=ARRAY, devPtr=flat_array(s)), None),
        (linear(memory), None),
        (
            LinearResource(resType=3, devPtr=memory, format=FLOAT, numChannels=1, width=16, height=4, pitchInBytes=64),
            None,
        ),
    ):
        made = s.ask_made("cuTexObjectCreate", resource, given, seen)
        if not made:
            continue
        told, described, viewed = LinearResource(), TextureDesc(), ViewDesc()
        s.ask("cuTexObjectGetResourceDesc", told, made)
        say_fields(s, told, "resType", "format", "numChannels", "width", "height", "pitchInBytes", "flags")
        s.say("same", told.devPtr == resource.devPtr)
        s.ask("cuTexObjectGetTextureDesc", described, made)
        say_fields(s, described, *(name for name, _ in TextureDesc._fields_ if name != "reserved"))
        s.ask("cuTexObjectGetResourceViewDesc", viewed, made)
        say_fields(s, viewed, *(name for name, _ in ViewDesc._fields_ if name != "reserved"))
        for function in ("ResourceDesc", "TextureDesc"):
            s.ask(f"cuTexObjectGet{function}", None, made)
        s.must("cuTexObjectDestroy", made)
    s.ask("cuTexObjectGetTextureDesc", TextureDesc(), 0)
    s.ask("cuTexObjectGetResourceViewDesc", ViewDesc(), 0)


@case("texture.modes")
def modes(s: Session) -> None:
    """Which ways of reading go with which elements."""
    memory = s.make("cuMemAlloc_v2", 4096)
    resources = [
        linear(memory),
        *(LinearResource(resType=ARRAY, devPtr=flat_array(s, form)) for form in (FLOAT, UINT8, 3)),
        LinearResource(resType=MIPMAP, devPtr=mipmap(s)),
        LinearResource(resType=ARRAY, devPtr=flat_array(s, UINT8, 4)),
    ]
    for resource in resources:
        for described in (
            TextureDesc(filterMode=1),
            TextureDesc(filterMode=1, flags=1),
            TextureDesc(filterMode=2),
            TextureDesc(flags=1),
            TextureDesc(flags=0x10),
            TextureDesc(flags=0x20),
            TextureDesc(flags=0x40),
            TextureDesc(flags=0x80),
            TextureDesc(flags=4),
            TextureDesc(flags=8),
            TextureDesc(addressMode=(0, 0, 0)),
            TextureDesc(addressMode=(2, 2, 2)),
            TextureDesc(addressMode=(0, 9, 0)),
            TextureDesc(addressMode=(0, 0, 9)),
            TextureDesc(addressMode=(4, 0, 0)),
            TextureDesc(mipmapFilterMode=1),
            TextureDesc(mipmapFilterMode=9),
            TextureDesc(minMipmapLevelClamp=3.0, maxMipmapLevelClamp=1.0),
            TextureDesc(maxAnisotropy=17),
        ):
            ask_texture(s, resource, described)


@case("texture.views")
def views(s: Session) -> None:
    """A view has elements as large as the array's, and lies in it."""
    layers = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 3, FLOAT, 1, LAYERED))
    flat, levels = flat_array(s), mipmap(s)
    blocks = flat_array(s, 3, 4)
    for kind, handle, given in (
        (ARRAY, flat, {}),
        (ARRAY, flat, {"format": 0x16}),
        (ARRAY, flat, {"format": 0x0D}),
        (ARRAY, flat, {"format": 0x03}),
        (ARRAY, flat, {"format": 0x17}),
        (ARRAY, flat, {"format": 0x19}),
        (ARRAY, flat, {"format": 0x23}),
        (ARRAY, flat, {"format": 0x16, "width": 8}),
        (ARRAY, flat, {"format": 0x16, "width": 17}),
        (ARRAY, flat, {"format": 0x16, "height": 2}),
        (ARRAY, flat, {"format": 0x16, "height": 5}),
        (ARRAY, flat, {"format": 0x16, "depth": 1}),
        (ARRAY, flat, {"format": 0x16, "lastMipmapLevel": 1}),
        (ARRAY, flat, {"format": 0x16, "lastLayer": 1}),
        (ARRAY, layers, {"format": 0x16, "depth": 3}),
        (ARRAY, layers, {"format": 0x16, "depth": 3, "firstLayer": 1, "lastLayer": 2}),
        (ARRAY, layers, {"format": 0x16, "depth": 2, "firstLayer": 1, "lastLayer": 2}),
        (ARRAY, layers, {"format": 0x16, "depth": 3, "firstLayer": 2, "lastLayer": 1}),
        (ARRAY, layers, {"format": 0x16, "depth": 3, "lastLayer": 3}),
        (MIPMAP, levels, {"format": 0x16, "height": 16, "lastMipmapLevel": 4}),
        (MIPMAP, levels, {"format": 0x16, "height": 16, "lastMipmapLevel": 5}),
        (MIPMAP, levels, {"format": 0x16, "height": 16, "firstMipmapLevel": 1, "lastMipmapLevel": 2}),
        (MIPMAP, levels, {"format": 0x16, "width": 8, "height": 8, "firstMipmapLevel": 1, "lastMipmapLevel": 2}),
        (MIPMAP, levels, {"format": 0x16, "height": 16, "firstMipmapLevel": 2, "lastMipmapLevel": 1}),
        (ARRAY, blocks, {"format": 0x1B, "width": 64, "height": 16}),
        (ARRAY, blocks, {"format": 0x1B}),
        (ARRAY, blocks, {"format": 0x0F}),
    ):
        view = ViewDesc(**{"width": 16, "height": 4, **given})
        ask_texture(s, LinearResource(resType=kind, devPtr=handle), TextureDesc(flags=1), view)
    memory = s.make("cuMemAlloc_v2", 4096)
    ask_texture(s, linear(memory), TextureDesc(), ViewDesc(format=0x16, width=16))


@case("texture.linear")
def linear_textures(s: Session) -> None:
    """Addresses, sizes and formats of linear and pitched memory."""
    memory, widest = s.make("cuMemAlloc_v2", 4096), 1 << 32
    for given in (
        linear(memory + 256),
        linear(memory + 512),
        linear(memory, width=3),
        linear(memory, width=widest),
        linear(memory, width=widest + 4),
        linear(memory, numChannels=4, width=widest),
        linear(memory, numChannels=4, width=widest + 16),
        linear(memory, format=UINT8, width=1 << 30),
        linear(memory, format=UINT8, width=(1 << 30) + 1),
        linear(memory, numChannels=2),
        linear(memory, format=0x50),
        linear(0x1000),
        linear(1 << 46),
    ):
        ask_texture(s, given, TextureDesc())
    right = {"resType": 3, "devPtr": memory, "format": FLOAT, "numChannels": 1, "width": 16, "height": 4}
    for other in (
        {"pitchInBytes": 64},
        {"pitchInBytes": 48},
        {"pitchInBytes": 0},
        {"pitchInBytes": 1 << 21},
        {"pitchInBytes": 1 << 22},
        {"width": 0},
        {"height": 0},
        {"width": 131072, "pitchInBytes": 1 << 19},
        {"width": 131073, "pitchInBytes": 1 << 20},
        {"height": 65000},
        {"height": 65001},
        {"height": 65536},
        {"height": 131073},
        {"devPtr": memory + 32},
        {"devPtr": memory + 512},
        {"devPtr": 0},
        {"numChannels": 3},
    ):
        ask_texture(s, LinearResource(**{**right, "pitchInBytes": 64, **other}), TextureDesc())


@case("texture.widths", bare=True)
def widths(s: Session) -> None:
    """How many elements a texture of linear memory can have."""
    for form in (1, 2, 3, 8, 9, 10, 0x10, 0x20, 0x50, 0xC0, 0x91):
        for channels in (1, 2, 4):
            s.ask_value("cuDeviceGetTexture1DLinearMaxWidth", form, channels, 0, size=8)
    s.ask("cuDeviceGetTexture1DLinearMaxWidth", out(), 1, 1, 99)
    s.ask("cuDeviceGetTexture1DLinearMaxWidth", out(), 0, 0, 99)


@case("texture.of_forms")
def of_forms(s: Session) -> None:
    """Textures and surfaces of arrays of every form."""
    for depth, bits in (
        (0, 0),
        (0, SURFACE),
        (6, LAYERED),
        (6, CUBE),
        (12, CUBE | LAYERED),
        (4, 0),
        (0, 8),
        (0, SPARSE),
    ):
        array = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 16, depth, FLOAT, 1, bits))
        resource = LinearResource(resType=ARRAY, devPtr=array)
        ask_texture(s, resource, TextureDesc())
        made = s.ask_made("cuSurfObjectCreate", resource)
        if made:
            s.must("cuSurfObjectDestroy", made)
        s.must("cuArrayDestroy", array)


for name in ("texture", "surface"):
    object_ = "Tex" if name == "texture" else "Surf"

    @case(f"{name}.gone", alone=True)
    def gone(s: Session, name: str = name, object_: str = object_) -> None:
        """Objects that were destroyed, and those whose array was."""
        array = flat_array(s, flags=SURFACE)
        rest = (TextureDesc(), None) if object_ == "Tex" else ()
        first, second = (
            s.make(f"cu{object_}ObjectCreate", LinearResource(resType=ARRAY, devPtr=array), *rest) for _ in range(2)
        )
        s.say("same", first == second)
        s.ask(f"cu{object_}ObjectDestroy", first)
        s.ask("cuArrayDestroy", array)
        s.ask(f"cu{object_}ObjectGetResourceDesc", LinearResource(), second)
        s.ask(f"cu{object_}ObjectDestroy", second)
        s.ask(f"cu{object_}ObjectDestroy", second)
        s.ask(f"cu{object_}ObjectDestroy", 12345)
        s.ask(f"cu{object_}ObjectGetResourceDesc", LinearResource(), second)
        s.ask(f"cu{object_}ObjectGetResourceDesc", LinearResource(), 12345)


@case("surface.describe")
def describe_surface(s: Session) -> None:
    array, levels = flat_array(s, flags=SURFACE), mipmap(s, flags=SURFACE)
    made = s.make("cuSurfObjectCreate", LinearResource(resType=ARRAY, devPtr=array))
    told = LinearResource()
    s.ask("cuSurfObjectGetResourceDesc", told, made)
    say_fields(s, told, "resType", "flags")
    s.say("same", told.devPtr == array)
    s.must("cuSurfObjectDestroy", made)
    s.ask("cuSurfObjectDestroy", 0)
    s.ask("cuSurfObjectGetResourceDesc", LinearResource(), 0)
    s.ask("cuSurfObjectCreate", out(), LinearResource(resType=MIPMAP, devPtr=levels))
    s.ask("cuSurfObjectCreate", out(), LinearResource(resType=ARRAY, devPtr=array, flags=1))
    s.ask("cuSurfObjectCreate", out(), LinearResource(resType=9, devPtr=array))


@case("texture.border")
def border(s: Session) -> None:
    """When a colour is told that was given for what lies outside."""
    memory = s.make("cuMemAlloc_v2", 4096)
    deep = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 4, FLOAT, 1, 0))
    for resource in (
        linear(memory),
        LinearResource(resType=ARRAY, devPtr=flat_array(s)),
        LinearResource(resType=ARRAY, devPtr=deep),
    ):
        for modes in ((0, 0, 0), (3, 0, 0), (0, 3, 0), (0, 0, 3), (3, 3, 3)):
            for flags in (0, 2):
                given = TextureDesc(addressMode=modes, flags=flags, borderColor=(0.25, 0.5, 0.75, 1.0))
                made, told = s.make("cuTexObjectCreate", resource, given, None), TextureDesc()
                s.ask("cuTexObjectGetTextureDesc", told, made)
                say_fields(s, told, "addressMode", "borderColor")
                s.must("cuTexObjectDestroy", made)


@case("texture.blocks")
def blocks(s: Session) -> None:
    """Arrays of compressed blocks: their rows, levels, textures and surfaces."""
    for form, channels, size in ((0x91, 4, 8), (0x95, 4, 16), (0x97, 1, 8)):
        array, told = flat_array(s, form, channels), Array3DDescriptor()
        s.ask("cuArray3DGetDescriptor_v2", told, array)
        say_fields(s, told, "Width", "Height", "Format", "NumChannels")
        for width, height in ((4 * size, 1), (4 * size + 1, 1), (16 * size, 1), (4 * size, 2), (4 * size, 4)):
            given = Memcpy2D(srcMemoryType=1, srcHost=address(out(4096)), srcPitch=512, dstMemoryType=3, dstArray=array)
            given.WidthInBytes, given.Height = width, height
            s.ask("cuMemcpy2D_v2", given)
        ask_texture(s, LinearResource(resType=ARRAY, devPtr=array), TextureDesc())
        for view in (0x19, 0x1B, 0x1C, 0x0E):
            for shape in ((16, 4), (64, 16), (4, 1)):
                seen = ViewDesc(format=view, width=shape[0], height=shape[1])
                ask_texture(s, LinearResource(resType=ARRAY, devPtr=array), TextureDesc(), seen)
        made = s.ask_made("cuSurfObjectCreate", LinearResource(resType=ARRAY, devPtr=array))
        if made:
            s.must("cuSurfObjectDestroy", made)
        ask_texture(s, linear(s.make("cuMemAlloc_v2", 4096), format=form, numChannels=channels), TextureDesc())
    s.ask("cuCtxSynchronize")
    levels = s.ask_made("cuMipmappedArrayCreate", Array3DDescriptor(20, 12, 0, 0x91, 4, 0), 100)
    for level in range(6):
        s.ask("cuMipmappedArrayGetLevel", out(), levels, level)
    for lengths, bits in (((512, 512, 0), SPARSE), ((512, 512, 0), DEFERRED), ((16, 16, 4), 0), ((16, 4, 0), SURFACE)):
        s.ask("cuArray3DCreate_v2", out(), Array3DDescriptor(*lengths, 0x91, 4, bits))


@case("mipmap.tails")
def tails(s: Session) -> None:
    """What sparse and deferred mipmaps say of themselves that are deep, layered, thin, or end early."""
    for width, height, depth, bits, count in (
        (512, 512, 0, SPARSE, 2),
        (4096, 64, 0, SPARSE, 13),
        (64, 64, 0, SPARSE, 7),
        (512, 512, 3, SPARSE | LAYERED, 10),
        (128, 128, 64, SPARSE, 8),
        (512, 512, 3, DEFERRED | LAYERED, 10),
        (20, 6, 0, DEFERRED, 5),
        (128, 128, 64, DEFERRED, 8),
    ):
        made = s.ask_made("cuMipmappedArrayCreate", Array3DDescriptor(width, height, depth, FLOAT, 1, bits), count)
        if not made:
            continue
        say_layout(s, "cuMipmappedArray", made)
        level = s.make("cuMipmappedArrayGetLevel", made, 1)
        s.ask("cuArrayGetSparseProperties", SparseProperties(), level)
        s.ask("cuArrayGetMemoryRequirements", ArrayRequirements(), level, 0)
        s.must("cuMipmappedArrayDestroy", made)


# ---- kernels -------------------------------------------------------------------------------------------------------

for kernel in ("read_texture", "read_surface"):
    for where in ("none", "unknown", "destroyed", "array_destroyed", "good"):

        @case(f"launch.{kernel}.{where}", alone=True)
        def reads(s: Session, kernel: str = kernel, where: str = where) -> None:
            """A kernel reads by a handle that is none, or not any more."""
            array, memory = flat_array(s, flags=SURFACE), s.make("cuMemAlloc_v2", 64)
            resource = LinearResource(resType=ARRAY, devPtr=array)
            if kernel == "read_texture":
                made = s.make("cuTexObjectCreate", resource, TextureDesc(), None)
            else:
                made = s.make("cuSurfObjectCreate", resource)
            if where == "destroyed":
                s.must("cuTexObjectDestroy" if kernel == "read_texture" else "cuSurfObjectDestroy", made)
            if where == "array_destroyed":
                s.must("cuArrayDestroy", array)
            handle = {"none": 0, "unknown": 0x12345}.get(where, made)
            s.module()  # what `aftermath` asks about
            s.say("launched", s.launch(s.function(kernel, "textures"), 1, 1, 0, memory, handle))
            aftermath(s)
