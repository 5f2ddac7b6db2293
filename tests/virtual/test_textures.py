"""Mipmapped arrays, texture and surface objects, and what kernels of policies see of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from vgpu_embed import KernelLaunch, Policy
from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE, INVALID_DEVICE, INVALID_HANDLE, ILLEGAL_ADDRESS, LAUNCH_FAILED, NOT_SUPPORTED = (
    1,
    101,
    400,
    700,
    719,
    801,
)
UINT8, UINT32, FLOAT, PACKED, UNORM_8X2, BC1, BC3 = 1, 3, 0x20, 0x50, 0xC1, 0x91, 0x95
LAYERED, SURFACE, CUBE, SPARSE, DEFERRED = 1, 2, 4, 0x40, 0x80
ARRAY, MIPMAP, LINEAR, PITCHED = range(4)
FLOAT_1X32, UINT_4X8, VIEW_BC1, VIEW_BC3 = 0x16, 0x03, 0x19, 0x1B
PTX = b".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u64 handle) { ret; }\0"

Body = Callable[[KernelLaunch, int], object]


class Textures:
    """A program with a kernel that gets a handle; a policy computes it with `body`."""

    def __init__(self) -> None:
        computes = Policy()
        computes.kernel("k", parameters="Q")(lambda launch, handle: self.body(launch, handle))
        self.body: Body = lambda launch, handle: None
        self.driver = FakeDriver(computes)
        module = self.driver.cuModuleLoadData(image=ffi.new("char[]", PTX)).module
        self.function = self.driver.cuModuleGetFunction(hmod=module, name="k").hfunc

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.driver.call(function, *arguments).result)

    def array(
        self, width: int, height: int = 0, depth: int = 0, format: int = FLOAT, channels: int = 1, flags: int = 0
    ) -> Any:
        given = ffi.new("CUDA_ARRAY3D_DESCRIPTOR *", [width, height, depth, format, channels, flags])
        return ffi.cast("CUarray", self.driver.cuArray3DCreate_v2(pAllocateArray=given).pHandle)

    def mipmap(self, width: int, height: int = 0, depth: int = 0, flags: int = 0, levels: int = 99) -> Any:
        given = ffi.new("CUDA_ARRAY3D_DESCRIPTOR *", [width, height, depth, FLOAT, 1, flags])
        made = self.driver.cuMipmappedArrayCreate(pMipmappedArrayDesc=given, numMipmapLevels=levels)
        return ffi.cast("CUmipmappedArray", made.pHandle)

    def level(self, mipmap: Any, number: int) -> Any:
        made = self.driver.cuMipmappedArrayGetLevel(hMipmappedArray=mipmap, level=number)
        assert made.result == 0
        return ffi.cast("CUarray", made.pLevelArray)

    def put(self, array: Any, values: Any) -> None:
        """Copies elements to an array of that shape."""
        data = numpy.ascontiguousarray(values)
        shape = (1,) * (3 - data.ndim) + data.shape
        box = ffi.new("CUDA_MEMCPY3D *", {"srcMemoryType": 1, "dstMemoryType": 3, "dstArray": array})
        box.srcHost, box.srcHeight = ffi.from_buffer(data), shape[1]
        box.WidthInBytes, box.Height, box.Depth = shape[2] * data.itemsize, shape[1], shape[0]
        assert self.result("cuMemcpy3D_v2", box) == 0

    def row(self, array: Any, count: int) -> list[float]:
        """The first numbers of an array."""
        out = ffi.new("float[]", count)
        assert self.result("cuMemcpyAtoH_v2", out, array, 0, 4 * count) == 0
        return list(out)

    def texture(self, kind: int, resource: dict[str, Any], view: Any = None, **described: Any) -> int:
        made = self.driver.cuTexObjectCreate(
            pResDesc=resource_of(kind, resource), pTexDesc=ffi.new("CUDA_TEXTURE_DESC *", described), pResViewDesc=view
        )
        assert made.result == 0
        return int(made.pTexObject)

    def surface(self, array: Any) -> int:
        made = self.driver.cuSurfObjectCreate(pResDesc=resource_of(ARRAY, {"hArray": array}))
        assert made.result == 0
        return int(made.pSurfObject)

    def launch(self, handle: int, body: Body) -> int:
        """Launches the kernel, and what the program is told after that."""
        self.body = body
        value = ffi.new("uint64_t *", handle)
        pointers = ffi.new("void *[]", [value])
        assert self.result("cuLaunchKernel", self.function, 1, 1, 1, 1, 1, 1, 0, None, pointers, None) == 0
        return self.result("cuCtxSynchronize")

    def seen(self, handle: int) -> list[Any]:
        """Elements of each level of a texture."""
        found: list[Any] = []
        assert (
            self.launch(
                handle, lambda launch, handle: found.extend(level.copy() for level in launch.texture(handle).levels)
            )
            == 0
        )
        assert self.driver.log == []
        return found


def resource_of(kind: int, fields: dict[str, Any]) -> Any:
    """A CUDA_RESOURCE_DESC."""
    made = ffi.new("CUDA_RESOURCE_DESC *", {"resType": kind})
    member = getattr(made.res, ("array", "mipmap", "linear", "pitch2D")[kind])
    for name, value in fields.items():
        setattr(member, name, value)
    return made


LAYERS = {"width": 2, "height": 1, "depth": 3}
"""What a view says of an array of that size."""


def view_of(**fields: int) -> Any:
    return ffi.new("CUDA_RESOURCE_VIEW_DESC *", fields)


@pytest.fixture
def textures() -> Textures:
    return Textures()


def numbers(*shape: int) -> Any:
    return numpy.arange(numpy.prod(shape), dtype="f").reshape(shape)


class TestMipmaps:
    @pytest.mark.parametrize(
        ("lengths", "flags", "levels"),
        [
            ((20, 0, 0), 0, [(20, 0, 0), (10, 0, 0), (5, 0, 0), (2, 0, 0), (1, 0, 0)]),
            ((5, 2, 0), 0, [(5, 2, 0), (2, 1, 0), (1, 1, 0)]),
            ((2, 2, 8), 0, [(2, 2, 8), (1, 1, 4), (1, 1, 2), (1, 1, 1)]),
            ((2, 2, 8), LAYERED, [(2, 2, 8), (1, 1, 8)]),
            ((4, 4, 6), CUBE, [(4, 4, 6), (2, 2, 6), (1, 1, 6)]),
        ],
    )
    def test_levels(self, textures: Textures, lengths: tuple[int, int, int], flags: int, levels: list[Any]) -> None:
        mipmap, told = textures.mipmap(*lengths, flags), ffi.new("CUDA_ARRAY3D_DESCRIPTOR *")
        for number, expected in enumerate(levels):
            assert textures.result("cuArray3DGetDescriptor_v2", told, textures.level(mipmap, number)) == 0
            assert (told.Width, told.Height, told.Depth) == expected
            assert (told.Format, told.NumChannels, told.Flags) == (FLOAT, 1, flags)
        beyond = textures.driver.cuMipmappedArrayGetLevel(hMipmappedArray=mipmap, level=len(levels))
        assert beyond.result == INVALID_VALUE

    def test_levels_do_not_touch(self, textures: Textures) -> None:
        before = textures.driver.cuMemGetInfo_v2().free
        mipmap = textures.mipmap(1024, 1024)
        assert before - textures.driver.cuMemGetInfo_v2().free >= 1024 * 1024 * 4 * 4 // 3
        for number in range(11):
            side = 1024 >> number
            textures.put(textures.level(mipmap, number), numpy.full((side, side), number, "f"))
        assert [textures.row(textures.level(mipmap, n), 1) for n in range(11)] == [[float(n)] for n in range(11)]
        level = textures.level(mipmap, 3)
        assert textures.result("cuArrayDestroy", level) == 0
        assert textures.row(level, 1) == [3]
        assert textures.result("cuMipmappedArrayDestroy", mipmap) == 0
        assert textures.driver.cuMemGetInfo_v2().free == before
        assert textures.result("cuMipmappedArrayDestroy", mipmap) == INVALID_HANDLE
        assert textures.result("cuArrayDestroy", level) == INVALID_HANDLE

    def test_one_that_cannot_be_told(self, textures: Textures) -> None:
        before = textures.driver.cuMemGetInfo_v2().free
        given = ffi.new("CUDA_ARRAY3D_DESCRIPTOR *", [1024, 1024, 0, FLOAT, 1, 0])
        assert textures.result("cuMipmappedArrayCreate", None, given, 1) == INVALID_VALUE
        assert textures.driver.cuMemGetInfo_v2().free == before

    @pytest.mark.parametrize(
        ("lengths", "flags", "tile", "first", "size", "single"),
        [
            ((512, 512, 0), SPARSE, (128, 128, 1), 3, 65536, 0),
            ((512, 512, 300), SPARSE | LAYERED, (128, 128, 1), 3, 65536, 0),
            ((64, 64, 0), SPARSE, (128, 128, 1), 0, 65536, 1),
            ((4096, 64, 0), SPARSE, (128, 128, 1), 0, 22 * 65536, 1),
            ((128, 128, 64), SPARSE, (32, 32, 16), 3, 65536, 0),
            ((256, 256, 2), SPARSE | LAYERED, (128, 128, 1), 2, 65536, 0),
        ],
    )
    def test_tiles(
        self,
        textures: Textures,
        lengths: tuple[int, int, int],
        flags: int,
        tile: Any,
        first: int,
        size: int,
        single: int,
    ) -> None:
        """Levels smaller than a tile share some."""
        told = ffi.new("CUDA_ARRAY_SPARSE_PROPERTIES *")
        mipmap = textures.mipmap(*lengths, flags)
        assert textures.result("cuMipmappedArrayGetSparseProperties", told, mipmap) == 0
        assert (told.tileExtent.width, told.tileExtent.height, told.tileExtent.depth) == tile
        assert (told.miptailFirstLevel, told.miptailSize, told.flags) == (first, size, single)
        assert textures.result("cuArrayGetSparseProperties", told, textures.level(mipmap, 0)) == INVALID_VALUE
        needs = ffi.new("CUDA_ARRAY_MEMORY_REQUIREMENTS *")
        assert textures.result("cuMipmappedArrayGetMemoryRequirements", needs, mipmap, 0) == INVALID_VALUE

    @pytest.mark.parametrize("function", ["cuMemcpy2D_v2", "cuMemcpyAtoH_v2"])
    def test_a_deferred_one_has_no_memory(self, textures: Textures, function: str) -> None:
        line, array = (textures.array(512, height, flags=DEFERRED) for height in (0, 4))
        out = ffi.new("char[2048]")
        needs = ffi.new("CUDA_ARRAY_MEMORY_REQUIREMENTS *")
        for made in (line, array):
            assert textures.result("cuArrayGetMemoryRequirements", needs, made, 0) == 0
            assert (needs.size, needs.alignment) == (65536, 65536)
        assert textures.result("cuArrayGetMemoryRequirements", needs, array, 9) == INVALID_DEVICE
        if function == "cuMemcpyAtoH_v2":
            textures.result(function, out, array, 0, 4)
        else:
            box = ffi.new(
                "CUDA_MEMCPY2D *", {"srcMemoryType": 3, "srcArray": array, "dstMemoryType": 1, "dstHost": out}
            )
            box.WidthInBytes, box.Height = 4, 1
            textures.result(function, box)
        assert textures.result("cuCtxSynchronize") == LAUNCH_FAILED


class TestTextures:
    def test_an_array(self, textures: Textures) -> None:
        array, values = textures.array(4, 3), numbers(3, 4)
        textures.put(array, values)
        [seen] = textures.seen(textures.texture(ARRAY, {"hArray": array}))
        assert seen.dtype == "f"
        assert (seen == values).all()

    @pytest.mark.parametrize(
        ("lengths", "channels", "flags", "shape"),
        [
            ((5, 0, 0), 1, 0, (5,)),
            ((5, 0, 0), 4, 0, (5, 4)),
            ((5, 0, 2), 1, LAYERED, (2, 5)),
            ((5, 3, 2), 2, 0, (2, 3, 5, 2)),
            ((4, 4, 6), 1, CUBE, (6, 4, 4)),
        ],
    )
    def test_shapes(
        self, textures: Textures, lengths: tuple[int, int, int], channels: int, flags: int, shape: Any
    ) -> None:
        array = textures.array(*lengths, UINT8, channels, flags)
        [seen] = textures.seen(textures.texture(ARRAY, {"hArray": array}))
        assert (seen.shape, seen.dtype) == (shape, numpy.uint8)

    @pytest.mark.parametrize(
        ("format", "channels", "shape", "dtype"),
        [
            (PACKED, 4, (6, 10), "I"),
            (UNORM_8X2, 2, (6, 10, 2), "B"),
            (BC1, 4, (2, 3, 2), "I"),
            (BC3, 4, (2, 3, 4), "I"),
        ],
    )
    def test_other_formats(self, textures: Textures, format: int, channels: int, shape: Any, dtype: str) -> None:
        """What is compressed lies there in blocks of four columns and rows."""
        array = textures.array(10, 6, 0, format, channels)
        values = numpy.arange(numpy.prod(shape)).astype(dtype).reshape(shape)
        textures.put(array, values.reshape(shape[0], -1))
        [seen] = textures.seen(textures.texture(ARRAY, {"hArray": array}))
        assert (seen == values).all()
        assert (seen.shape, seen.dtype) == (shape, dtype)

    def test_a_view_of_blocks(self, textures: Textures) -> None:
        array = textures.array(3, 2, 0, UINT32, 4)
        view = view_of(format=VIEW_BC3, width=12, height=8)
        [seen] = textures.seen(textures.texture(ARRAY, {"hArray": array}, view))
        assert (seen.shape, seen.dtype) == ((2, 3, 4), "I")

    def test_what_is_compressed_is_only_read(self, textures: Textures) -> None:
        array = resource_of(ARRAY, {"hArray": textures.array(8, 8, 0, BC1, 4)})
        memory = int(textures.driver.cuMemAlloc_v2(bytesize=64).dptr)
        linear = resource_of(LINEAR, {"devPtr": memory, "format": BC1, "numChannels": 4, "sizeInBytes": 64})
        described, out, view = (
            ffi.new("CUDA_TEXTURE_DESC *"),
            ffi.new("CUtexObject *"),
            view_of(format=VIEW_BC1, width=8, height=8),
        )
        assert textures.result("cuTexObjectCreate", out, array, described, view) == INVALID_VALUE
        assert textures.result("cuTexObjectCreate", out, linear, described, None) == INVALID_VALUE
        assert textures.result("cuSurfObjectCreate", out, array) == INVALID_VALUE
        given = ffi.new("CUDA_ARRAY3D_DESCRIPTOR *", [8, 8, 0, BC1, 4, SURFACE])
        assert textures.result("cuArray3DCreate_v2", ffi.new("CUarray *"), given) == NOT_SUPPORTED

    def test_linear_memory(self, textures: Textures) -> None:
        memory = int(textures.driver.cuMemAlloc_v2(bytesize=64).dptr)
        textures.driver.cuMemcpyHtoD_v2(dstDevice=memory, srcHost=ffi.from_buffer(numbers(16)), ByteCount=64)
        given = {"devPtr": memory, "format": FLOAT, "numChannels": 4, "sizeInBytes": 63}
        [seen] = textures.seen(textures.texture(LINEAR, given))
        assert (seen == numbers(3, 4)).all()

    @pytest.mark.parametrize("channels", [1, 2])
    def test_pitched_memory(self, textures: Textures, channels: int) -> None:
        memory = int(textures.driver.cuMemAlloc_v2(bytesize=128).dptr)
        textures.driver.cuMemcpyHtoD_v2(dstDevice=memory, srcHost=ffi.from_buffer(numbers(32)), ByteCount=128)
        given = {
            "devPtr": memory,
            "format": FLOAT,
            "numChannels": channels,
            "width": 3,
            "height": 2,
            "pitchInBytes": 64,
        }
        [seen] = textures.seen(textures.texture(PITCHED, given))
        rows = numbers(2, 16)[:, : 3 * channels]
        assert (seen == (rows if channels == 1 else rows.reshape(2, 3, 2))).all()

    def test_a_mipmap(self, textures: Textures) -> None:
        mipmap = textures.mipmap(4, 2)
        for number, shape in enumerate(((2, 4), (1, 2), (1, 1))):
            textures.put(textures.level(mipmap, number), numbers(*shape) + number)
        resource = {"hMipmappedArray": mipmap}
        whole = textures.seen(textures.texture(MIPMAP, resource))
        assert [level.tolist() for level in whole] == [[[0, 1, 2, 3], [4, 5, 6, 7]], [[1, 2]], [[2]]]
        view = view_of(format=FLOAT_1X32, width=4, height=2, firstMipmapLevel=1, lastMipmapLevel=2)
        assert [level.tolist() for level in textures.seen(textures.texture(MIPMAP, resource, view))] == [
            [[1, 2]],
            [[2]],
        ]

    def test_views(self, textures: Textures) -> None:
        """Other elements of the same size, and some of the layers."""
        layers = textures.array(2, 1, 3, flags=LAYERED)
        textures.put(layers, numbers(3, 1, 2))
        resource = {"hArray": layers}
        [some] = textures.seen(
            textures.texture(ARRAY, resource, view_of(**LAYERS, format=FLOAT_1X32, firstLayer=1, lastLayer=2))
        )
        assert some.tolist() == [[[2, 3]], [[4, 5]]]
        [as_bytes] = textures.seen(textures.texture(ARRAY, resource, view_of(**LAYERS, format=UINT_4X8)))
        assert (as_bytes.shape, as_bytes.dtype) == ((3, 1, 2, 4), numpy.uint8)
        assert as_bytes.tobytes() == numbers(3, 1, 2).tobytes()

    @pytest.mark.parametrize(
        "view",
        [
            {"format": FLOAT_1X32 + 1},
            {"format": 0},
            {"format": 0x23},
            {"format": VIEW_BC1},
            {"width": 3},
            {"depth": 2},
            {"lastMipmapLevel": 1},
            {"firstLayer": 1},
            {"lastLayer": 4},
        ],
        ids=str,
    )
    def test_views_of_what_is_not_there(self, textures: Textures, view: dict[str, int]) -> None:
        resource = resource_of(ARRAY, {"hArray": textures.array(2, 1, 3, flags=LAYERED)})
        described, out = ffi.new("CUDA_TEXTURE_DESC *"), ffi.new("CUtexObject *")
        assert (
            textures.result(
                "cuTexObjectCreate", out, resource, described, view_of(**{"format": FLOAT_1X32, **LAYERS, **view})
            )
            == INVALID_VALUE
        )

    def test_how_it_is_read(self, textures: Textures) -> None:
        told: list[Any] = []

        def body(launch: KernelLaunch, handle: int) -> None:
            t = launch.texture(handle)
            told.append((t.filter, t.mipmap_filter, t.address, t.border, t.normalized, t.as_floats, t.elements.shape))

        resource = {"hArray": textures.array(4, 2)}
        plain = textures.texture(ARRAY, resource, flags=1)
        rich = textures.texture(
            ARRAY,
            resource,
            addressMode=[1, 3, 2],
            filterMode=1,
            mipmapFilterMode=1,
            flags=2,
            borderColor=[0.5, 1, 2, 4],
        )
        assert [textures.launch(handle, body) for handle in (plain, rich)] == [0, 0]
        assert told == [
            ("point", "point", ("wrap", "wrap", "wrap"), (0, 0, 0, 0), False, False, (2, 4)),
            ("linear", "linear", ("clamp", "border", "mirror"), (0.5, 1, 2, 4), True, True, (2, 4)),
        ]

    def test_what_is_told_of_it(self, textures: Textures) -> None:
        array, view = textures.array(4, 2), view_of(format=FLOAT_1X32, width=4, height=2)
        made = textures.texture(ARRAY, {"hArray": array}, view, filterMode=1, maxAnisotropy=3, borderColor=[1, 1, 1, 1])
        resource, described, seen = (
            ffi.new(f"CUDA_{name}_DESC *") for name in ("RESOURCE", "TEXTURE", "RESOURCE_VIEW")
        )
        assert textures.result("cuTexObjectGetResourceDesc", resource, made) == 0
        assert (resource.resType, resource.res.array.hArray) == (ARRAY, array)
        assert textures.result("cuTexObjectGetTextureDesc", described, made) == 0
        assert (described.filterMode, described.maxAnisotropy, *described.borderColor) == (1, 3, 0, 0, 0, 0)
        assert textures.result("cuTexObjectGetResourceViewDesc", seen, made) == 0
        assert bytes(ffi.buffer(seen)) == bytes(ffi.buffer(view))
        without = textures.texture(ARRAY, {"hArray": array})
        assert textures.result("cuTexObjectGetResourceViewDesc", seen, without) == 0
        assert not any(bytes(ffi.buffer(seen)))


class TestBodies:
    def test_a_surface_is_written(self, textures: Textures) -> None:
        array = textures.array(4, 2)
        textures.put(array, numbers(2, 4))

        def body(launch: KernelLaunch, handle: int) -> None:
            launch.surface(handle)[0] *= 2

        surface = textures.surface(array)
        assert textures.launch(surface, body) == 0
        assert textures.row(array, 4) == [0, 2, 4, 6]
        told = ffi.new("CUDA_RESOURCE_DESC *")
        assert textures.result("cuSurfObjectGetResourceDesc", told, surface) == 0
        assert told.res.array.hArray == array

    @pytest.mark.parametrize("kind", ["texture", "surface"])
    @pytest.mark.parametrize("how", ["unknown", "destroyed", "array_destroyed", "other_context", "other_kind"])
    def test_what_there_is_not_breaks_the_context(self, textures: Textures, kind: str, how: str) -> None:
        if how == "other_context":
            assert textures.driver.cuCtxCreate_v2(dev=0).result == 0
        array = textures.array(4, 2)
        handles = {"texture": textures.texture(ARRAY, {"hArray": array}), "surface": textures.surface(array)}
        handle = handles[kind if how != "other_kind" else {"texture": "surface", "surface": "texture"}[kind]]
        if how == "unknown":
            handle = 12345
        elif how == "destroyed":
            destroy = {"texture": "cuTexObjectDestroy", "surface": "cuSurfObjectDestroy"}[kind]
            assert textures.result(destroy, handle) == 0
        elif how == "array_destroyed":
            assert textures.result("cuArrayDestroy", array) == 0
        elif how == "other_context":
            assert textures.result("cuCtxPopCurrent_v2", ffi.new("CUcontext *")) == 0
        assert textures.launch(handle, lambda launch, handle: getattr(launch, kind)(handle)) == ILLEGAL_ADDRESS

    def test_an_array_without_memory_breaks_the_context(self, textures: Textures) -> None:
        texture = textures.texture(ARRAY, {"hArray": textures.array(4, 2, flags=DEFERRED)})
        assert textures.launch(texture, lambda launch, handle: launch.texture(handle)) == ILLEGAL_ADDRESS

    def test_objects_end_with_their_context(self, textures: Textures) -> None:
        context = textures.driver.cuCtxCreate_v2(dev=0).pctx
        array, mipmap = textures.array(4, 2), textures.mipmap(4, 2)
        texture, surface = textures.texture(ARRAY, {"hArray": array}), textures.surface(textures.level(mipmap, 0))
        assert textures.result("cuCtxDestroy_v2", context) == 0
        told = ffi.new("CUDA_RESOURCE_DESC *")
        assert textures.result("cuTexObjectGetResourceDesc", told, texture) == INVALID_VALUE
        assert textures.result("cuSurfObjectGetResourceDesc", told, surface) == INVALID_VALUE
        assert textures.result("cuMipmappedArrayDestroy", mipmap) == INVALID_HANDLE

    def test_without_numpy(self, textures: Textures, monkeypatch: pytest.MonkeyPatch) -> None:
        array, found = textures.array(4, 2), []
        textures.put(array, numbers(2, 4))
        monkeypatch.delitem(sys.modules, "numpy")
        textures.launch(textures.surface(array), lambda launch, handle: found.append(launch.surface(handle).tolist()))
        assert found == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
        memory = int(textures.driver.cuMemAlloc_v2(bytesize=128).dptr)
        given = {"devPtr": memory, "format": FLOAT, "numChannels": 1, "width": 3, "height": 2, "pitchInBytes": 64}
        textures.launch(textures.texture(PITCHED, given), lambda launch, handle: launch.texture(handle))
        assert [line for line in textures.driver.log if "import it at the top of the policy" in line]
