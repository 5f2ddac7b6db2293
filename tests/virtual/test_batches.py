"""Copies with attributes, one or many in a call."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE, INVALID_HANDLE, CAPTURE_UNSUPPORTED = 1, 400, 900
STREAM, DURING_THE_CALL = 1, 2
POINTER, ARRAY = 1, 2
NONE_OF_THEM = (1 << 64) - 1
SUFFIXES = ("", "_ptsz")


class Copies:
    """A program with a stream and memory."""

    def __init__(self) -> None:
        self.driver = FakeDriver()
        self.call = self.driver.call
        self.stream = self.driver.cuStreamCreate(Flags=1).phStream
        self.memory = int(self.driver.cuMemAlloc_v2(bytesize=4096).dptr)

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.call(function, *arguments).result)

    def put(self, offset: int, data: bytes) -> None:
        assert self.result("cuMemcpyHtoD_v2", self.memory + offset, ffi.from_buffer(data), len(data)) == 0

    def seen(self, offset: int, size: int) -> bytes:
        out = ffi.new("char[]", size)
        assert self.result("cuMemcpyDtoH_v2", out, self.memory + offset, size) == 0
        return bytes(ffi.buffer(out, size))

    def array(self, width: int, height: int, channels: int = 1) -> Any:
        given = ffi.new("CUDA_ARRAY_DESCRIPTOR *", {"Width": width, "Height": height, "Format": 1})
        given.NumChannels = channels
        return ffi.cast("CUarray", self.driver.cuArrayCreate_v2(pAllocateArray=given).pHandle)

    def hold(self) -> threading.Event:
        """Keeps the stream back until that is set."""
        go = threading.Event()

        def wait(_: Any) -> None:
            go.wait(60)

        self.waiting = ffi.callback("void (void *)", wait)
        assert self.result("cuLaunchHostFunc", self.stream, self.waiting, None) == 0
        return go


@pytest.fixture
def copies() -> Copies:
    return Copies()


def box(
    source: int, target: int, extent: tuple[int, int, int], rows: tuple[int, int] = (0, 0), order: int = STREAM
) -> Any:
    """A copy between pointers; `rows`: the lengths of rows of source and target."""
    made = ffi.new("CUDA_MEMCPY3D_BATCH_OP *", {"extent": extent, "srcAccessOrder": order})
    for side, address, row in ((made.src, source, rows[0]), (made.dst, target, rows[1])):
        side.type = POINTER
        side.op.ptr.ptr, side.op.ptr.rowLength = address, row
    return made


class TestBoxes:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_rows_and_slices(self, copies: Copies, suffix: str) -> None:
        copies.put(0, bytes(range(24)))
        given = box(copies.memory, copies.memory + 100, (2, 2, 2), (4, 3))
        given.src.op.ptr.layerHeight = 3
        assert copies.result("cuMemcpy3DBatchAsync_v2" + suffix, 1, given, 0, copies.stream) == 0
        assert copies.seen(100, 11)[:2] + copies.seen(103, 2) == bytes([0, 1, 4, 5])
        assert copies.seen(106, 2) + copies.seen(109, 2) == bytes([12, 13, 16, 17])
        assert copies.result("cuMemcpy3DWithAttributesAsync" + suffix, given, 0, copies.stream) == 0

    def test_elements_are_an_arrays(self, copies: Copies) -> None:
        array = copies.array(8, 2, 4)
        copies.put(0, bytes(range(64)))
        given = box(copies.memory, 0, (8, 2, 1))
        given.dst.type, given.dst.op.array.array = ARRAY, array
        assert copies.result("cuMemcpy3DWithAttributesAsync", given, 0, copies.stream) == 0
        back = box(0, copies.memory + 100, (2, 1, 1))
        back.src.type, back.src.op.array = ARRAY, {"array": array, "offset": {"x": 1, "y": 1}}
        assert copies.result("cuMemcpy3DBatchAsync_v2", 1, back, 0, copies.stream) == 0
        assert copies.seen(100, 9) == bytes([*range(36, 44), 0])
        other = copies.array(8, 2)
        back.dst.type, back.dst.op.array = ARRAY, {"array": other}
        assert copies.result("cuMemcpy3DBatchAsync_v2", 1, back, 0, copies.stream) == INVALID_VALUE
        back.src.op.array = {"array": other, "offset": {"x": 7}}
        assert copies.result("cuMemcpy3DBatchAsync_v2", 1, back, 0, copies.stream) == INVALID_VALUE
        assert copies.result("cuArrayDestroy", array) == 0
        given.dst.op.array.array = array
        assert copies.result("cuMemcpy3DWithAttributesAsync", given, 0, copies.stream) == INVALID_VALUE

    def test_what_is_wrong_and_with_which(self, copies: Copies) -> None:
        good = {"type": POINTER, "op": {"ptr": {"ptr": copies.memory}}}
        target = {"type": POINTER, "op": {"ptr": {"ptr": copies.memory + 100}}}
        plain = {"src": good, "dst": target, "extent": (3, 1, 1), "srcAccessOrder": STREAM}
        two = ffi.new("CUDA_MEMCPY3D_BATCH_OP[2]", [plain, plain])
        failed = ffi.new("size_t *", 7)
        copies.put(0, b"new")

        def changed(**fields: Any) -> tuple[int, int]:
            given = ffi.new("CUDA_MEMCPY3D_BATCH_OP[2]", [plain, {**plain, **fields}])
            return copies.result("cuMemcpy3DBatchAsync", 2, given, failed, 0, copies.stream), failed[0]

        assert changed(srcAccessOrder=0) == (INVALID_VALUE, 1)
        assert changed(srcAccessOrder=4) == (INVALID_VALUE, 1)
        assert changed(extent=(0, 1, 1)) == (INVALID_VALUE, 1)
        assert changed(extent=(3, 1, 0)) == (INVALID_VALUE, 1)
        assert changed(extent=(1 << 20, 1, 1)) == (INVALID_VALUE, 1)
        assert changed(src={"type": 0}) == (INVALID_VALUE, 1)
        assert changed(src={**good, "op": {"ptr": {"ptr": copies.memory, "rowLength": 2}}}) == (INVALID_VALUE, 1)
        assert changed(extent=(1, 3, 1), dst={"type": POINTER, "op": {"ptr": {"ptr": 64, "layerHeight": 2}}}) == (
            INVALID_VALUE,
            1,
        )
        assert copies.seen(100, 3) == bytes(3)
        for arguments in ((0, two, failed, 0), (2, None, failed, 0), (2, two, failed, 1)):
            assert copies.result("cuMemcpy3DBatchAsync", *arguments, copies.stream) == INVALID_VALUE
            assert failed[0] == NONE_OF_THEM
        assert copies.result("cuMemcpy3DBatchAsync", 2, two, failed, 0, None) == INVALID_VALUE
        assert copies.result("cuMemcpy3DBatchAsync", 2, two, None, 0, ffi.cast("CUstream", 77)) == INVALID_HANDLE
        assert copies.result("cuMemcpy3DWithAttributesAsync", None, 0, copies.stream) == INVALID_VALUE
        assert copies.result("cuMemcpy3DWithAttributesAsync", two, 1, copies.stream) == INVALID_VALUE
        assert changed(flags=1)[0] == 0
        assert changed(flags=2) == (INVALID_VALUE, 1)
        assert (*changed(), copies.seen(100, 3)) == (0, NONE_OF_THEM, b"new")

    @pytest.mark.parametrize(("order", "read"), [(STREAM, b"new"), (DURING_THE_CALL, b"old")])
    def test_when_the_source_is_read(self, copies: Copies, order: int, read: bytes) -> None:
        """Of a stream that is not yet so far."""
        text = ffi.new("char[]", b"old")
        address = int(ffi.cast("uintptr_t", text))
        given = box(address, copies.memory, (3, 1, 1), order=order)
        attributes = ffi.new("CUmemcpyAttributes *", {"srcAccessOrder": order})
        go = copies.hold()
        assert copies.result("cuMemcpy3DWithAttributesAsync", given, 0, copies.stream) == 0
        arguments = copies.memory + 3, address, 3, attributes, copies.stream
        assert copies.result("cuMemcpyWithAttributesAsync", *arguments) == 0
        text[0:3] = b"new"
        go.set()
        assert copies.result("cuStreamSynchronize", copies.stream) == 0
        assert copies.seen(0, 6) == 2 * read

    def test_a_graph_reads_at_its_launch(self, copies: Copies) -> None:
        """One by itself; a captured stream takes no batch, but goes on."""
        text = ffi.new("char[]", b"old")
        given = box(int(ffi.cast("uintptr_t", text)), copies.memory, (3, 1, 1), order=DURING_THE_CALL)
        assert copies.result("cuStreamBeginCapture_v2", copies.stream, 2) == 0
        assert copies.result("cuMemcpy3DBatchAsync_v2", 1, given, 0, copies.stream) == CAPTURE_UNSUPPORTED
        assert copies.result("cuMemcpy3DWithAttributesAsync", given, 0, copies.stream) == 0
        graph = copies.driver.cuStreamEndCapture(hStream=copies.stream).phGraph
        executable = copies.driver.cuGraphInstantiateWithFlags(hGraph=graph).phGraphExec
        text[0:3] = b"new"
        assert copies.result("cuGraphLaunch", executable, copies.stream) == 0
        assert copies.seen(0, 3) == b"new"


class TestBytes:
    def test_each_attribute_is_for_those_from_its_index_on(self, copies: Copies) -> None:
        copies.put(0, b"abc")
        targets = ffi.new("CUdeviceptr[]", [copies.memory + 100 + n for n in range(3)])
        sources = ffi.new("CUdeviceptr[]", [copies.memory + n for n in range(3)])
        sizes, failed = ffi.new("size_t[]", [1, 1, 1]), ffi.new("size_t *", 7)

        def several(orders: list[int], places: list[int], count: int = 3) -> tuple[int, int]:
            attributes = ffi.new("CUmemcpyAttributes[]", [{"srcAccessOrder": order} for order in orders])
            begins = ffi.new("size_t[]", places)
            arguments = targets, sources, sizes, count, attributes, begins, len(places), failed, copies.stream
            return copies.result("cuMemcpyBatchAsync", *arguments), failed[0]

        assert several([STREAM, 0], [0, 2]) == (INVALID_VALUE, NONE_OF_THEM)
        sizes[1] = 0
        assert several([STREAM], [0]) == (INVALID_VALUE, 1)
        sizes[1] = 1
        for places in ([1, 2], [0, 0], [0, 3], [0, 1, 2, 3]):
            failed[0] = 7
            assert several([STREAM] * 4, places) == (INVALID_VALUE, NONE_OF_THEM)
        assert copies.seen(100, 3) == bytes(3)
        assert several([STREAM, 3, DURING_THE_CALL], [0, 1, 2]) == (0, NONE_OF_THEM)
        assert copies.seen(100, 3) == b"abc"

    def test_one(self, copies: Copies) -> None:
        attributes = ffi.new("CUmemcpyAttributes *", {"srcAccessOrder": STREAM})
        copies.put(0, b"one")
        arguments = copies.memory + 8, copies.memory, 3
        assert copies.result("cuMemcpyWithAttributesAsync", *arguments, attributes, copies.stream) == 0
        assert copies.seen(8, 3) == b"one"
        assert copies.result("cuMemcpyWithAttributesAsync_ptsz", *arguments, attributes, None) == 0
        assert copies.result("cuMemcpyWithAttributesAsync", *arguments, None, copies.stream) == INVALID_VALUE
        for field, value in (("srcAccessOrder", 0), ("flags", 2), ("dstLocHint", (9,))):
            changed = ffi.new("CUmemcpyAttributes *", {"srcAccessOrder": STREAM, field: value})
            assert copies.result("cuMemcpyWithAttributesAsync", *arguments, changed, copies.stream) == INVALID_VALUE
