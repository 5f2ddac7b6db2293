"""Arrays, textures and surfaces of the runtime."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE, INVALID_PITCH, INVALID_CHANNEL_DESCRIPTOR, INVALID_DIRECTION, INVALID_HANDLE = 1, 12, 20, 21, 400
TO_HOST_TO_HOST, TO_DEVICE, TO_HOST, ON_DEVICE, DEFAULT = range(5)
SIGNED, UNSIGNED, FLOAT, NONE = range(4)
VARIANTS = ("", "_ptds", "Async", "Async_ptsz")
ARRAY, MIPMAP, LINEAR, PITCHED = range(4)
FLOATS = (32, 0, 0, 0, FLOAT)


class Arrays:
    """A program of the runtime."""

    def __init__(self) -> None:
        self.driver = FakeDriver()

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.driver.call(function, *arguments).result)

    def array(self, width: int, height: int = 0, depth: int = 0, channels: Any = FLOATS, flags: int = 0) -> Any:
        out, described = ffi.new("cudaArray_t *"), ffi.new("struct cudaChannelFormatDesc *", channels)
        assert self.result("cudaMalloc3DArray", out, described, (width, height, depth), flags) == 0
        return out[0]

    def fill(self, array: Any, shape: tuple[int, ...]) -> Any:
        """Counts through an array of floats."""
        values = numpy.arange(numpy.prod(shape), dtype="f").reshape(shape)
        host = ffi.from_buffer(values)
        assert self.result("cudaMemcpyToArray", array, 0, 0, host, values.nbytes, TO_DEVICE) == 0
        return values

    def seen(self, array: Any, *shape: int) -> Any:
        out = numpy.zeros(shape, "f")
        assert self.result("cudaMemcpyFromArray", ffi.from_buffer(out), array, 0, 0, out.nbytes, TO_HOST) == 0
        return out


@pytest.fixture
def arrays() -> Arrays:
    return Arrays()


def stream_of(variant: str) -> list[None]:
    """What the asynchronous variants want besides."""
    return [None] * variant.startswith("Async")


class TestDescriptions:
    @pytest.mark.parametrize(
        "channels",
        [
            (8, 0, 0, 0, UNSIGNED),
            (16, 16, 0, 0, SIGNED),
            (32, 32, 32, 32, FLOAT),
            (16, 0, 0, 0, FLOAT),
            (8, 8, 0, 0, 6),
            (16, 16, 16, 16, 16),
            (8, 8, 8, 8, 17),
            (16, 16, 16, 0, 27),
            (10, 10, 10, 2, 31),
        ],
        ids=str,
    )
    def test_what_is_told_is_what_was_given(self, arrays: Arrays, channels: Any) -> None:
        array = arrays.array(8, 4, 2, channels, flags=1)
        told, extent, flags = (
            ffi.new(f"{name} *") for name in ("struct cudaChannelFormatDesc", "struct cudaExtent", "unsigned int")
        )
        assert arrays.result("cudaArrayGetInfo", told, extent, flags, array) == 0
        assert (told.x, told.y, told.z, told.w, told.f) == channels
        assert (extent.width, extent.height, extent.depth, flags[0]) == (8, 4, 2, 1)
        assert arrays.result("cudaArrayGetInfo", None, None, None, array) == 0
        again = ffi.new("struct cudaChannelFormatDesc *")
        assert arrays.result("cudaGetChannelDesc", again, array) == 0
        assert bytes(ffi.buffer(again)) == bytes(ffi.buffer(told))
        assert arrays.result("cudaGetChannelDesc", None, array) == INVALID_VALUE

    @pytest.mark.parametrize(
        "channels",
        [(8, 16, 0, 0, UNSIGNED), (0, 8, 0, 0, UNSIGNED), (64, 0, 0, 0, FLOAT), (32, 0, 0, 0, NONE), (0,) * 5],
        ids=str,
    )
    def test_what_no_element_is(self, arrays: Arrays, channels: Any) -> None:
        described = ffi.new("struct cudaChannelFormatDesc *", channels)
        out = ffi.new("cudaArray_t *")
        assert arrays.result("cudaMallocArray", out, described, 8, 8, 0) == INVALID_CHANNEL_DESCRIPTOR
        assert arrays.result("cudaMallocArray", out, None, 8, 8, 0) == INVALID_VALUE
        assert (
            arrays.result("cudaMallocArray", None, ffi.new("struct cudaChannelFormatDesc *", FLOATS), 8, 8, 0)
            == INVALID_VALUE
        )

    def test_a_description_without_room_for_it(self, arrays: Arrays) -> None:
        """Where the struct goes to is no argument; tests/cuda/textures.cu has some."""
        assert arrays.result("cudaCreateChannelDesc", 8, 0, 0, 0, UNSIGNED) == INVALID_VALUE

    def test_the_end(self, arrays: Arrays) -> None:
        array, free = arrays.array(1024, 1024), arrays.driver.cudaMemGetInfo().free
        assert [arrays.result("cudaFreeArray", one) for one in (array, array, None)] == [0, INVALID_HANDLE, 0]
        assert arrays.driver.cudaMemGetInfo().free > free
        assert arrays.result("cudaFreeMipmappedArray", None) == 0

    def test_widths_of_linear_textures(self, arrays: Arrays) -> None:
        width, described = ffi.new("size_t *"), ffi.new("struct cudaChannelFormatDesc *", (32, 32, 32, 32, FLOAT))
        assert arrays.result("cudaDeviceGetTexture1DLinearMaxWidth", width, described, 0) == 0
        assert width[0] == 1 << 28
        assert arrays.result("cudaDeviceGetTexture1DLinearMaxWidth", width, described, 9) == 101


class TestCopies:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_rows(self, arrays: Arrays, variant: str) -> None:
        array, stream = arrays.array(4, 3), stream_of(variant)
        arrays.fill(array, (3, 4))
        rows = numpy.full((2, 4), -1, "f")
        given = array, 4, 1, ffi.from_buffer(rows), 16, 8, 2, TO_DEVICE
        assert arrays.result("cudaMemcpy2DToArray" + variant, *given, *stream) == 0
        assert arrays.seen(array, 3, 4).tolist() == [[0, 1, 2, 3], [4, -1, -1, 7], [8, -1, -1, 11]]
        back = ffi.from_buffer(rows), 16, array, 8, 0, 8, 2, TO_HOST
        assert arrays.result("cudaMemcpy2DFromArray" + variant, *back, *stream) == 0
        assert rows.tolist() == [[2, 3, -1, -1], [-1, 7, -1, -1]]

    def test_rows_of_what_is_not_there(self, arrays: Arrays) -> None:
        array, room = arrays.array(4, 3), ffi.new("char[]", 256)
        for given, result in (
            ((array, 0, 0, room, 16, 20, 1, TO_DEVICE), INVALID_PITCH),
            ((array, 4, 0, room, 16, 16, 1, TO_DEVICE), INVALID_VALUE),
            ((array, 0, 2, room, 16, 16, 2, TO_DEVICE), INVALID_VALUE),
            ((array, 0, 0, room, 16, 16, 1, TO_HOST), INVALID_DIRECTION),
            ((array, 0, 0, room, 16, 16, 1, 9), INVALID_DIRECTION),
            ((ffi.NULL, 0, 0, room, 16, 16, 1, TO_DEVICE), INVALID_VALUE),
        ):
            assert arrays.result("cudaMemcpy2DToArray", *given) == result

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_bytes_go_on_in_the_next_row(self, arrays: Arrays, variant: str) -> None:
        array, stream = arrays.array(4, 4), stream_of(variant)
        arrays.fill(array, (4, 4))
        data = numpy.arange(100, 110, dtype="f")
        given = array, 8, 0, ffi.from_buffer(data), 40, TO_DEVICE
        assert arrays.result("cudaMemcpyToArray" + variant, *given, *stream) == 0
        expected = [0, 1, *range(100, 110), 12, 13, 14, 15]
        assert arrays.seen(array, 16).tolist() == expected
        out = numpy.zeros(7, "f")
        back = ffi.from_buffer(out), array, 12, 1, 28, DEFAULT
        assert arrays.result("cudaMemcpyFromArray" + variant, *back, *stream) == 0
        assert out.tolist() == expected[7:14]

    def test_bytes_beyond_the_end_are_not_begun(self, arrays: Arrays) -> None:
        array, data = arrays.array(4, 2), ffi.from_buffer(numpy.ones(9, "f"))
        assert arrays.result("cudaMemcpyToArray", array, 0, 0, data, 36, TO_DEVICE) == INVALID_VALUE
        assert arrays.result("cudaMemcpyToArray", array, 16, 0, data, 4, TO_DEVICE) == INVALID_VALUE
        assert arrays.seen(array, 8).tolist() == [0] * 8

    def test_between_arrays(self, arrays: Arrays) -> None:
        wide, narrow = arrays.array(6, 2), arrays.array(4, 3)
        arrays.fill(wide, (2, 6))
        assert arrays.result("cudaMemcpyArrayToArray", narrow, 4, 0, wide, 8, 0, 40, ON_DEVICE) == 0
        assert arrays.seen(narrow, 12).tolist() == [0, *range(2, 12), 0]
        assert arrays.result("cudaMemcpy2DArrayToArray_ptds", narrow, 0, 1, wide, 16, 0, 8, 2, DEFAULT) == 0
        assert arrays.seen(narrow, 3, 4).tolist() == [[0, 2, 3, 4], [4, 5, 7, 8], [10, 11, 11, 0]]
        assert arrays.result("cudaMemcpyArrayToArray", narrow, 0, 0, wide, 0, 0, 4, TO_HOST) == INVALID_DIRECTION

    def test_pitched_memory_of_the_device(self, arrays: Arrays) -> None:
        array = arrays.array(4, 2)
        values = arrays.fill(array, (2, 4))
        made = arrays.driver.cudaMallocPitch(width=16, height=2)
        assert arrays.result("cudaMemcpy2DFromArray", made.devPtr, made.pitch, array, 0, 0, 16, 2, ON_DEVICE) == 0
        out = numpy.zeros((2, 4), "f")
        assert arrays.result("cudaMemcpy2D", ffi.from_buffer(out), 16, made.devPtr, made.pitch, 16, 2, TO_HOST) == 0
        assert (out == values).all()

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_boxes_are_in_elements(self, arrays: Arrays, variant: str) -> None:
        array, target = arrays.array(3, 2, 2), arrays.array(3, 2, 2)
        values = numpy.arange(12, dtype="f").reshape(2, 2, 3)
        box = ffi.new("struct cudaMemcpy3DParms *", {"dstArray": array, "extent": (3, 2, 2), "kind": TO_DEVICE})
        box.srcPtr = {"ptr": ffi.cast("void *", ffi.from_buffer(values)), "pitch": 12, "xsize": 3, "ysize": 2}
        stream = stream_of(variant)
        assert arrays.result("cudaMemcpy3D" + variant, box, *stream) == 0
        within = ffi.new("struct cudaMemcpy3DParms *", {"srcArray": array, "dstArray": target, "kind": ON_DEVICE})
        within.srcPos, within.dstPos, within.extent = (1, 1, 0), (0, 0, 1), (2, 1, 1)
        assert arrays.result("cudaMemcpy3D" + variant, within, *stream) == 0
        out = numpy.zeros((2, 2, 3), "f")
        back = ffi.new("struct cudaMemcpy3DParms *", {"srcArray": target, "extent": (3, 2, 2), "kind": TO_HOST})
        back.dstPtr = {"ptr": ffi.cast("void *", ffi.from_buffer(out)), "pitch": 12, "xsize": 3, "ysize": 2}
        assert arrays.result("cudaMemcpy3D" + variant, back, *stream) == 0
        assert out.tolist() == [[[0, 0, 0], [0, 0, 0]], [[4, 5, 0], [0, 0, 0]]]

    def test_boxes_between_devices(self, arrays: Arrays) -> None:
        source, target = arrays.array(3, 2), arrays.array(3, 2)
        values = arrays.fill(source, (2, 3))
        box = ffi.new("struct cudaMemcpy3DPeerParms *", {"srcArray": source, "dstArray": target, "extent": (3, 2, 1)})
        assert arrays.result("cudaMemcpy3DPeer", box) == 0
        assert (arrays.seen(target, 2, 3) == values).all()

    def test_boxes_of_what_is_not_there(self, arrays: Arrays) -> None:
        array, bytes_of = arrays.array(3, 2, 2), arrays.array(3, 2, 2, (8, 0, 0, 0, UNSIGNED))
        memory = {"ptr": ffi.cast("void *", ffi.new("char[]", 64)), "pitch": 12, "xsize": 3, "ysize": 2}
        for fields, result in (
            ({"dstArray": array, "srcPtr": memory, "extent": (4, 2, 2), "kind": TO_DEVICE}, INVALID_VALUE),
            (
                {"dstArray": array, "srcPtr": memory, "dstPtr": memory, "extent": (3, 2, 2), "kind": TO_DEVICE},
                INVALID_VALUE,
            ),
            ({"dstArray": array, "srcPtr": memory, "extent": (3, 2, 2), "kind": TO_HOST}, INVALID_DIRECTION),
            ({"dstArray": array, "srcArray": bytes_of, "extent": (1, 1, 1), "kind": ON_DEVICE}, INVALID_VALUE),
        ):
            assert arrays.result("cudaMemcpy3D", ffi.new("struct cudaMemcpy3DParms *", fields)) == result

    def test_a_node_of_a_graph(self, arrays: Arrays) -> None:
        """It copies when it is launched, and what is told of it is what was given."""
        array = arrays.array(3, 2)
        values = numpy.arange(6, dtype="f").reshape(2, 3)
        given = ffi.new("struct cudaMemcpy3DParms *", {"dstArray": array, "extent": (2, 2, 1), "kind": TO_DEVICE})
        given.dstPos = (1, 0, 0)
        given.srcPtr = {"ptr": ffi.cast("void *", ffi.from_buffer(values)), "pitch": 12, "xsize": 12, "ysize": 2}
        graph, node = arrays.driver.cudaGraphCreate().pGraph, ffi.new("cudaGraphNode_t *")
        assert arrays.result("cudaGraphAddMemcpyNode", node, graph, None, 0, given) == 0
        told = ffi.new("struct cudaMemcpy3DParms *")
        assert arrays.result("cudaGraphMemcpyNodeGetParams", node[0], told) == 0
        assert bytes(ffi.buffer(told)) == bytes(ffi.buffer(given))
        executable = arrays.driver.cudaGraphInstantiate(graph=graph).pGraphExec
        assert arrays.seen(array, 6).tolist() == [0] * 6
        assert arrays.result("cudaGraphLaunch", executable, None) == 0
        assert arrays.seen(array, 2, 3).tolist() == [[0, 0, 1], [0, 3, 4]]

    def test_copies_of_a_capture(self, arrays: Arrays) -> None:
        array = arrays.array(4, 2)
        data = numpy.ones(8, "f")
        stream = arrays.driver.cudaStreamCreateWithFlags(flags=1).pStream
        assert arrays.result("cudaStreamBeginCapture", stream, 0) == 0
        given = array, 0, 0, ffi.from_buffer(data), 16, 16, 2, TO_DEVICE
        assert arrays.result("cudaMemcpy2DToArrayAsync", *given, stream) == 0
        graph = arrays.driver.cudaStreamEndCapture(stream=stream).pGraph
        assert arrays.seen(array, 8).tolist() == [0] * 8
        executable = arrays.driver.cudaGraphInstantiate(graph=graph).pGraphExec
        assert arrays.result("cudaGraphLaunch", executable, stream) == 0
        assert arrays.seen(array, 8).tolist() == [1] * 8


class TestObjects:
    def resource(self, arrays: Arrays, kind: int) -> Any:
        """A cudaResourceDesc of each type."""
        made = ffi.new("struct cudaResourceDesc *", {"resType": kind})
        memory = ffi.cast("void *", arrays.driver.cudaMalloc(size=4096).devPtr)
        if kind == ARRAY:
            made.res.array.array = arrays.array(4, 2)
        elif kind == MIPMAP:
            out, described = ffi.new("cudaMipmappedArray_t *"), ffi.new("struct cudaChannelFormatDesc *", FLOATS)
            assert arrays.result("cudaMallocMipmappedArray", out, described, (4, 2, 0), 9, 0) == 0
            made.res.mipmap.mipmap = out[0]
        elif kind == LINEAR:
            made.res.linear = {"devPtr": memory, "desc": FLOATS, "sizeInBytes": 64}
        else:
            made.res.pitch2D = {"devPtr": memory, "desc": FLOATS, "width": 4, "height": 2, "pitchInBytes": 32}
        return made

    @pytest.mark.parametrize("kind", range(4))
    @pytest.mark.parametrize("create", ["cudaCreateTextureObject", "cudaCreateTextureObject_v2"])
    def test_what_is_told_is_what_was_given(self, arrays: Arrays, kind: int, create: str) -> None:
        """In the structs of CUDA 13, and, as far as these go, in older ones."""
        resource = self.resource(arrays, kind)
        described = ffi.new("struct cudaTextureDesc *", {"addressMode": [1, 2, 3], "filterMode": 1, "readMode": 1})
        described.sRGB = described.normalizedCoords = described.disableTrilinearOptimization = 1
        described.maxAnisotropy, described.mipmapFilterMode, described.mipmapLevelBias = 4, 1, 0.5
        view = ffi.new("struct cudaResourceViewDesc *", {"format": 0x16, "width": 4, "height": 2})
        out = ffi.new("cudaTextureObject_t *")
        assert arrays.result(create, out, resource, described, view) == 0
        for suffix, ctype, given, sizes in (
            ("ResourceDesc", "cudaResourceDesc", resource, {"": 144, "@12": 64}),
            ("TextureDesc", "cudaTextureDesc", described, {"": 72, "_v2": 72, "@11": 68}),
            ("ResourceViewDesc", "cudaResourceViewDesc", view, {"": 112, "@12": 48}),
        ):
            for version, size in sizes.items():
                room = ffi.new("char[]", b"w" * (size + 16))
                assert arrays.result(f"cudaGetTextureObject{suffix}{version}", room, out[0]) == 0
                assert bytes(ffi.buffer(room, size)) == bytes(ffi.buffer(given))[:size], ctype
                assert bytes(ffi.buffer(room))[size : size + 16] == b"w" * 16
        assert arrays.result("cudaDestroyTextureObject", out[0]) == 0
        assert arrays.result("cudaGetTextureObjectTextureDesc", room, out[0]) == INVALID_VALUE

    def test_surfaces(self, arrays: Arrays) -> None:
        resource, out = self.resource(arrays, ARRAY), ffi.new("cudaSurfaceObject_t *")
        assert arrays.result("cudaCreateSurfaceObject", out, resource) == 0
        for version, size in (("", 144), ("@12", 64)):
            room = ffi.new("char[]", b"w" * (size + 16))
            assert arrays.result("cudaGetSurfaceObjectResourceDesc" + version, room, out[0]) == 0
            assert bytes(ffi.buffer(room))[: size + 16] == bytes(ffi.buffer(resource))[:size] + b"w" * 16
        assert arrays.result("cudaDestroySurfaceObject", out[0]) == 0
        assert arrays.result("cudaCreateSurfaceObject", out, self.resource(arrays, LINEAR)) == INVALID_VALUE

    def test_what_is_not_described(self, arrays: Arrays) -> None:
        resource, described = self.resource(arrays, ARRAY), ffi.new("struct cudaTextureDesc *")
        out, other = ffi.new("cudaTextureObject_t *"), ffi.new("struct cudaResourceDesc *", {"resType": 9})
        for given in ((None, described), (resource, None), (other, described)):
            assert arrays.result("cudaCreateTextureObject", out, *given, None) == INVALID_VALUE
        assert arrays.result("cudaCreateTextureObject", None, resource, described, None) == INVALID_VALUE

    @pytest.mark.parametrize(("kind", "depth", "told"), [(ARRAY, 6, 1), (ARRAY, 0, 0), (MIPMAP, 6, 1), (LINEAR, 0, 0)])
    def test_a_cube_without_seams(self, arrays: Arrays, kind: int, depth: int, told: int) -> None:
        """What CUDA 11 has behind its struct is no wish for others."""
        resource, flags = self.resource(arrays, kind), 4 if depth else 0
        if kind == ARRAY:
            resource.res.array.array = arrays.array(4, 4, depth, flags=flags)
        elif kind == MIPMAP:
            out, channels = ffi.new("cudaMipmappedArray_t *"), ffi.new("struct cudaChannelFormatDesc *", FLOATS)
            assert arrays.result("cudaMallocMipmappedArray", out, channels, (4, 4, depth), 9, flags) == 0
            resource.res.mipmap.mipmap = out[0]
        described, made = ffi.new("struct cudaTextureDesc *", {"seamlessCubemap": 1}), ffi.new("cudaTextureObject_t *")
        assert arrays.result("cudaCreateTextureObject", made, resource, described, None) == 0
        again = ffi.new("struct cudaTextureDesc *")
        assert arrays.result("cudaGetTextureObjectTextureDesc", again, made[0]) == 0
        assert again.seamlessCubemap == told

    def test_levels(self, arrays: Arrays) -> None:
        resource, level = self.resource(arrays, MIPMAP), ffi.new("cudaArray_t *")
        mipmap = resource.res.mipmap.mipmap
        assert arrays.result("cudaGetMipmappedArrayLevel", level, mipmap, 1) == 0
        extent = ffi.new("struct cudaExtent *")
        assert arrays.result("cudaArrayGetInfo", None, extent, None, level[0]) == 0
        assert (extent.width, extent.height, extent.depth) == (2, 1, 0)
        assert arrays.result("cudaGetMipmappedArrayLevel", level, mipmap, 3) == INVALID_VALUE
        assert arrays.result("cudaFreeMipmappedArray", mipmap) == 0
        assert arrays.result("cudaFreeArray", level[0]) == INVALID_HANDLE
