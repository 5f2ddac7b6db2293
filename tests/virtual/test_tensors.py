"""Descriptors of tensors: what a kernel's body finds in them. What is refused, misuse on an H200 says."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed import Policy, TensorMap, devices
from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE, NOT_SUPPORTED = 1, 801
FLOAT16, FLOAT32, PACKED_8, PACKED_16, PACKED_6 = 6, 7, 13, 14, 15
PTX = b".version 7.8\n.target sm_90\n.visible .entry load(.param .align 64 .b8 map[128], .param .u64 to) { ret; }\0"


def encoded(driver: FakeDriver, function: str, arguments: tuple[Any, ...]) -> tuple[int, bytes]:
    """The result, and the descriptor."""
    room = ffi.new("CUtensorMap *")
    result = int(driver.call(function, room, *arguments).result)
    return result, bytes(ffi.buffer(room))


def tiled(driver: FakeDriver, **changed: Any) -> tuple[int, bytes]:
    plain: dict[str, Any] = {"type": FLOAT32, "address": 4096, "dims": (64, 32), "strides": (256,), "box": (32, 8)}
    given = {**plain, "steps": (1, 2), "interleave": 0, "swizzle": 3, "l2": 2, "fill": 1, **changed}
    arrays = [ffi.new(f"cuuint{bits}_t[]", given[name]) for name, bits in (("dims", 64), ("strides", 64))]
    boxes = [ffi.new("cuuint32_t[]", given[name]) for name in ("box", "steps")]
    address = ffi.cast("void *", given["address"])
    modes = given["interleave"], given["swizzle"], given["l2"], given["fill"]
    return encoded(
        driver, "cuTensorMapEncodeTiled", (given["type"], len(given["dims"]), address, *arrays, *boxes, *modes)
    )


@pytest.fixture
def driver() -> FakeDriver:
    made = FakeDriver()
    made.cuCtxCreate_v2(dev=0)
    return made


def said(data: bytes) -> dict[str, Any]:
    return dict(vars(TensorMap.read(data)))


MODES = {"interleave": 0, "swizzle": 3, "l2_promotion": 2, "fill": 1, "mode": 0}
SHAPE = {"address": 4096, "dims": (64, 32), "strides": (256,), "steps": (1, 2)}
NO_BOX = {"lower": (), "upper": (), "channels": 0, "pixels": 0}


def test_tiled(driver: FakeDriver) -> None:
    result, data = tiled(driver)
    assert result == 0
    assert said(data) == {"kind": "tiled", "data_type": FLOAT32, **SHAPE, **MODES, **NO_BOX, "box": (32, 8)}
    assert TensorMap.read(data).write() == data
    largest = {"dims": (1 << 32,) * 5, "strides": ((1 << 40) - 16,) * 4, "box": (4, 1, 1, 1, 8), "steps": (8,) * 5}
    result, data = tiled(driver, **largest)
    assert (result, {name: said(data)[name] for name in largest}) == (0, largest)


@pytest.mark.parametrize("rank", [3, 4, 5])
def test_im2col(driver: FakeDriver, rank: int) -> None:
    dims, strides = (*(64, 16, 16, 8)[: rank - 1], 2), tuple(128 << 4 * n for n in range(rank - 1))
    lower, upper = (-1, -2, -3)[: rank - 2], (3, 2, 1)[: rank - 2]
    address, steps = ffi.cast("void *", 4096), (1, 2, 3, 4, 5)[:rank]
    arrays = ffi.new("cuuint64_t[]", dims), ffi.new("cuuint64_t[]", strides)
    rest = 64, 128, ffi.new("cuuint32_t[]", steps), 0
    corners = ffi.new("int[]", lower), ffi.new("int[]", upper)
    plain = FLOAT16, rank, address, *arrays, *corners, *rest, 3, 2, 1
    result, data = encoded(driver, "cuTensorMapEncodeIm2col", plain)
    shape = {"data_type": FLOAT16, "address": 4096, "dims": dims, "strides": strides, "steps": steps, "box": ()}
    columns = {"channels": 64, "pixels": 128}
    assert result == 0
    assert said(data) == {"kind": "im2col", **shape, **MODES, "lower": lower, "upper": upper, **columns}
    in_one = FLOAT16, rank, address, *arrays, -5, 6, *rest, 1, 3, 2, 1
    result, data = encoded(driver, "cuTensorMapEncodeIm2colWide", in_one)
    wide = {"kind": "im2col_wide", **MODES, "mode": 1, "lower": (-5,), "upper": (6,)}
    assert (result, said(data)) == (0, {**shape, **columns, **wide})


def test_another_address(driver: FakeDriver) -> None:
    room = ffi.new("CUtensorMap *")
    ffi.buffer(room)[:] = tiled(driver)[1]
    assert driver.call("cuTensorMapReplaceAddress", room, ffi.cast("void *", 8192)).result == 0
    assert bytes(ffi.buffer(room)) == tiled(driver, address=8192)[1]


def test_bytes_of_somebody_else() -> None:
    for data in (b"", bytes(128), b"vgpu-map"):
        with pytest.raises(ValueError, match="no tensor map of a virtual GPU"):
            TensorMap.read(data)


def test_devices_of_before() -> None:
    driver = FakeDriver(gpu="a100")
    driver.cuCtxCreate_v2(dev=0)
    assert tiled(driver)[0] == NOT_SUPPORTED


def test_packed_types_of_later_devices() -> None:
    """As cuda.h says of them: no driver has been asked."""
    driver = FakeDriver(gpu=[devices.load("h200", compute_capability="10.0")])
    driver.cuCtxCreate_v2(dev=0)
    packed = {"dims": (256, 32), "strides": (128,), "box": (128, 8), "steps": (1, 1), "swizzle": 0, "fill": 0}

    def result(kind: int, **changed: Any) -> int:
        return tiled(driver, **{"type": kind, **packed, **changed})[0]

    for kind in (PACKED_8, PACKED_16, PACKED_6):
        assert result(kind) == 0
        assert result(kind, fill=1) == result(kind, dims=(255, 32)) == INVALID_VALUE
    for kind in (PACKED_16, PACKED_6):
        assert result(kind, swizzle=4) == 0
        wrong = ({"address": 4112}, {"strides": (144,)}, {"dims": (192, 32)}, {"box": (64, 8)}, {"swizzle": 1})
        assert [result(kind, **one) for one in wrong] == [INVALID_VALUE] * 5
    assert (result(PACKED_8, box=(64, 8)), result(PACKED_8, box=(16, 8))) == (0, INVALID_VALUE)
    assert (result(PACKED_16, swizzle=6), result(PACKED_6, swizzle=6)) == (INVALID_VALUE, 0)
    assert tiled(driver, swizzle=4)[0] == 0


def test_a_body_reads_a_tensor() -> None:
    computes = Policy()

    @computes.kernel("load", parameters="128sP")
    def load(launch: Any, descriptor: bytes, to: int) -> None:
        tensor = TensorMap.read(descriptor)
        columns, rows = tensor.box
        source = launch.array(tensor.address, "f", tensor.dims[::-1])
        target = launch.array(to, "f", (rows, columns))
        for row in range(rows):
            for column in range(columns):
                target[row, column] = source[row, column]

    driver = FakeDriver([computes])
    driver.cuCtxCreate_v2(dev=0)
    memory, to = (int(driver.cuMemAlloc_v2(bytesize=8192).dptr) for _ in range(2))
    values = ffi.new("float[]", [*range(64 * 32)])
    assert driver.cuMemcpyHtoD_v2(dstDevice=memory, srcHost=values, ByteCount=8192).result == 0
    result, data = tiled(driver, address=memory, box=(4, 2), swizzle=0)
    assert result == 0
    module = driver.cuModuleLoadData(image=ffi.from_buffer(PTX)).module
    function = driver.cuModuleGetFunction(hmod=module, name="load").hfunc
    parameters = ffi.new("char[]", data), ffi.new("uint64_t *", to)
    pointers = ffi.new("void *[]", list(parameters))
    launch = ffi.cast("CUfunction", function), *[1] * 6, 0, None, pointers, None
    assert driver.call("cuLaunchKernel", *launch).result == 0
    seen = ffi.new("float[8]")
    assert driver.cuMemcpyDtoH_v2(dstHost=seen, srcDevice=to, ByteCount=32).result == 0
    assert list(seen) == [0, 1, 2, 3, 64, 65, 66, 67]
