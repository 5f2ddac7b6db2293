"""Arrays, mipmaps, textures and surfaces."""

from __future__ import annotations

from misuses.layouts import (
    Array3DDescriptor,
    ArrayDescriptor,
    LinearResource,
    Memcpy2D,
    TextureDesc,
)
from misuses.session import Session, address, case, number, out

UINT8, FLOAT = 1, 0x20


@case("array.create")
def create(s: Session) -> None:
    for width, height, form, channels in (
        (0, 0, FLOAT, 1),
        (0, 4, FLOAT, 1),
        (16, 0, FLOAT, 1),
        (16, 4, FLOAT, 1),
        (16, 4, FLOAT, 3),
        (16, 4, FLOAT, 0),
        (16, 4, FLOAT, 5),
        (16, 4, 0, 1),
        (16, 4, 99, 1),
        (131072, 0, UINT8, 1),
        (131073, 0, UINT8, 1),
        (131072, 65536, UINT8, 1),
        (131072, 65537, UINT8, 1),
        (16, 65537, UINT8, 1),
        (1 << 40, 1, UINT8, 1),
    ):
        made = s.ask_made("cuArrayCreate_v2", ArrayDescriptor(width, height, form, channels))
        if made:
            s.must("cuArrayDestroy", made)
    s.ask("cuArrayCreate_v2", None, ArrayDescriptor(16, 4, FLOAT, 1))
    s.ask("cuArrayCreate_v2", out(), None)
    s.ask("cuArrayDestroy", 0)


@case("array.create_3d")
def create_3d(s: Session) -> None:
    layered, surface, cube, gather, sparse = 1, 2, 4, 8, 0x40
    for width, height, depth, flags in (
        (0, 0, 0, 0),
        (16, 0, 4, 0),
        (16, 4, 4, 0),
        (16, 4, 0, layered),
        (16, 4, 4, layered),
        (16, 0, 4, layered),
        (16, 4, 4, cube),
        (16, 16, 6, cube),
        (16, 16, 7, cube),
        (16, 16, 12, cube),
        (16, 16, 12, cube | layered),
        (16, 4, 4, surface),
        (16, 4, 4, gather),
        (16, 4, 0, gather),
        (16, 4, 0, 0x80),
        (16, 4, 0, 0x100),
        (16, 4, 0, 0x1000),
        (16, 4, 0, sparse),
        (16385, 4, 4, 0),
        (16, 16385, 4, 0),
        (16, 4, 16385, 0),
        (16, 4, 2049, layered),
    ):
        made = s.ask_made("cuArray3DCreate_v2", Array3DDescriptor(width, height, depth, UINT8, 1, flags))
        if made:
            s.must("cuArrayDestroy", made)
    s.ask("cuArray3DCreate_v2", out(), None)
    s.ask("cuArray3DCreate_v2", None, Array3DDescriptor(16, 4, 4, UINT8, 1, 0))
    s.ask("cuArray3DCreate_v2", out(), Array3DDescriptor(16, 4, 4, UINT8, 3, 0))


@case("array.describe")
def describe(s: Session) -> None:
    flat = s.make("cuArrayCreate_v2", ArrayDescriptor(16, 4, FLOAT, 2))
    deep = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 2, FLOAT, 2, 0))
    for made in (flat, deep):
        described, described_3d = ArrayDescriptor(), Array3DDescriptor()
        s.ask("cuArrayGetDescriptor_v2", described, made)
        s.say("height", described.Height)
        s.ask("cuArray3DGetDescriptor_v2", described_3d, made)
        s.say("depth", described_3d.Depth)
        s.ask("cuArrayGetDescriptor_v2", None, made)
        s.ask("cuArrayGetPlane", out(), made, 0)
        s.ask("cuArrayGetPlane", out(), made, 9)
        s.ask("cuArrayGetSparseProperties", out(64), made)
        needs = out(64)
        s.ask("cuArrayGetMemoryRequirements", needs, made, 0)
        s.say("size", number(needs))
        s.must("cuArrayDestroy", made)
    s.ask("cuArrayGetDescriptor_v2", ArrayDescriptor(), 0)


@case("array.copy")
def copy(s: Session) -> None:
    line, flat = (s.make("cuArrayCreate_v2", ArrayDescriptor(64, height, UINT8, 1)) for height in (0, 4))
    memory, room = s.make("cuMemAlloc_v2", 4096), out(4096)
    s.ask("cuMemcpyHtoA_v2", line, 0, room, 64)
    s.ask("cuMemcpyHtoA_v2", line, 0, room, 65)
    s.ask("cuMemcpyHtoA_v2", line, 60, room, 8)
    s.ask("cuMemcpyHtoA_v2", line, 64, room, 0)
    s.ask("cuMemcpyHtoA_v2", flat, 0, room, 65)
    s.ask("cuMemcpyHtoA_v2", flat, 0, room, 256)
    s.ask("cuMemcpyAtoH_v2", room, line, 0, 65)
    s.ask("cuMemcpyAtoD_v2", memory, line, 0, 65)
    s.ask("cuMemcpyDtoA_v2", line, 0, memory, 65)
    s.ask("cuMemcpyAtoA_v2", line, 0, line, 32, 16)
    s.ask("cuMemcpyAtoA_v2", line, 0, flat, 32, 64)
    s.ask("cuMemcpyHtoA_v2", 0, 0, room, 8)
    s.ask("cuMemcpyHtoA_v2", line, 0, None, 8)
    for width, height, x, y in ((64, 4, 0, 0), (65, 4, 0, 0), (64, 5, 0, 0), (32, 2, 40, 0), (32, 2, 0, 3)):
        given = Memcpy2D(
            srcMemoryType=1,
            srcHost=address(room),
            srcPitch=128,
            dstMemoryType=3,
            dstArray=flat,
            dstXInBytes=x,
            dstY=y,
            WidthInBytes=width,
            Height=height,
        )
        s.ask("cuMemcpy2D_v2", given)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemFree_v2", line)
    s.ask("cuPointerGetAttribute", out(), 2, line)


@case("array.destroyed", alone=True)
def destroyed(s: Session) -> None:
    made = s.make("cuArrayCreate_v2", ArrayDescriptor(64, 4, UINT8, 1))
    s.must("cuArrayDestroy", made)
    s.ask("cuArrayGetDescriptor_v2", ArrayDescriptor(), made)
    s.ask("cuMemcpyHtoA_v2", made, 0, out(64), 64)
    s.ask("cuArrayDestroy", made)


@case("mipmap")
def mipmap(s: Session) -> None:
    described = Array3DDescriptor(16, 16, 0, FLOAT, 1, 0)
    for levels in (0, 1, 5, 6, 100):
        made = s.ask_made("cuMipmappedArrayCreate", described, levels)
        if made:
            for level in (0, 1, 4, 5, 100):
                s.ask("cuMipmappedArrayGetLevel", out(), made, level)
            s.must("cuMipmappedArrayDestroy", made)
    s.ask("cuMipmappedArrayCreate", out(), None, 1)
    s.ask("cuMipmappedArrayCreate", None, described, 1)
    s.ask("cuMipmappedArrayCreate", out(), Array3DDescriptor(0, 0, 0, FLOAT, 1, 0), 1)
    s.ask("cuMipmappedArrayGetLevel", out(), 0, 0)
    s.ask("cuMipmappedArrayDestroy", 0)


@case("mipmap.destroy_level")
def destroy_level(s: Session) -> None:
    made = s.make("cuMipmappedArrayCreate", Array3DDescriptor(16, 16, 0, FLOAT, 1, 0), 2)
    level = s.make("cuMipmappedArrayGetLevel", made, 0)
    s.ask("cuArrayDestroy", level)
    s.ask("cuMipmappedArrayDestroy", made)


def linear(memory: int, **given: int) -> LinearResource:
    return LinearResource(**{"resType": 2, "devPtr": memory, "format": FLOAT, "numChannels": 1, "width": 64, **given})


@case("texture")
def texture(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 4096)
    flat = s.make("cuArrayCreate_v2", ArrayDescriptor(16, 4, FLOAT, 1))
    for given in (
        None,
        LinearResource(),
        LinearResource(resType=9, devPtr=memory),
        LinearResource(resType=0, devPtr=flat),
        LinearResource(resType=0, devPtr=flat, flags=1),
        LinearResource(resType=1),
        linear(memory),
        linear(memory, width=0),
        linear(memory, width=8192),
        linear(memory, width=1 << 40),
        linear(memory, numChannels=3),
        linear(memory, format=0),
        linear(memory + 4),
        linear(0),
        LinearResource(resType=3, devPtr=memory, format=FLOAT, numChannels=1, width=16, height=4, pitchInBytes=512),
        LinearResource(resType=3, devPtr=memory, format=FLOAT, numChannels=1, width=16, height=4, pitchInBytes=33),
        LinearResource(resType=3, devPtr=memory, format=FLOAT, numChannels=1, width=256, height=4, pitchInBytes=32),
        LinearResource(resType=3, devPtr=memory, format=FLOAT, numChannels=1, width=16, height=4, pitchInBytes=32),
    ):
        made = s.ask_made("cuTexObjectCreate", given, TextureDesc(), None)
        if made:
            s.must("cuTexObjectDestroy", made)
    right = linear(memory)
    s.ask("cuTexObjectCreate", out(), right, None, None)
    s.ask("cuTexObjectCreate", None, right, TextureDesc(), None)
    for described in (
        TextureDesc(filterMode=1),
        TextureDesc(filterMode=9),
        TextureDesc(flags=1 << 20),
        TextureDesc(maxAnisotropy=1000),
        TextureDesc(addressMode=(9, 0, 0)),
    ):
        s.ask("cuTexObjectCreate", out(), LinearResource(resType=0, devPtr=flat), described, None)
    s.ask("cuTexObjectDestroy", 0)
    s.ask("cuTexObjectGetResourceDesc", LinearResource(), 0)


@case("surface", alone=True)
def surface(s: Session) -> None:
    plain = s.make("cuArrayCreate_v2", ArrayDescriptor(16, 4, FLOAT, 1))
    loadable = s.make("cuArray3DCreate_v2", Array3DDescriptor(16, 4, 0, FLOAT, 1, 2))
    memory = s.make("cuMemAlloc_v2", 4096)
    for given in (
        None,
        LinearResource(),
        LinearResource(resType=0, devPtr=plain),
        LinearResource(resType=0, devPtr=loadable),
        linear(memory),
    ):
        made = s.ask_made("cuSurfObjectCreate", given)
        if made:
            s.must("cuSurfObjectDestroy", made)
    s.ask("cuSurfObjectCreate", None, LinearResource(resType=0, devPtr=loadable))
    s.ask("cuSurfObjectDestroy", 0)
    s.ask("cuSurfObjectGetResourceDesc", LinearResource(), 0)
