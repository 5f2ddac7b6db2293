"""Stream memory operations: waiting for values in memory, and writing them."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed.testing import ffi
from virtual.device import Device

INVALID_VALUE, NOT_READY, NOT_SUPPORTED = 1, 600, 801
GEQ, EQ, AND, NOR = range(4)
WAIT_32, WRITE_32, _, WAIT_64, WRITE_64 = range(1, 6)


class Word:
    """Eight bytes of a device's memory."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.address = device.made("cuMemAlloc_v2", 8, ctype="CUdeviceptr")
        self.set(0)

    def set(self, value: int) -> None:
        """Writes them past all streams."""
        data = ffi.new("uint64_t *", value)
        space = self.device.machine.space
        space.copy(self.address, int(ffi.cast("uintptr_t", data)), 8, 2)

    def get(self) -> int:
        """Reads them."""
        data = ffi.new("uint64_t *")
        assert self.device.call("cuMemcpyDtoH_v2", data, self.address, 8) == 0
        return int(data[0])


@pytest.fixture
def word(device: Device) -> Word:
    return Word(device)


@pytest.mark.parametrize(("bits", "more"), [(32, ""), (64, "_ptsz")])
@pytest.mark.parametrize(
    ("flags", "value", "wrong", "right"),
    [(GEQ, 5, 4, 6), (GEQ, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF), (EQ, 5, 6, 5), (AND, 6, 9, 2), (NOR, 1, -2, 0)],
)
def test_waits_for_a_value(
    device: Device, word: Word, bits: int, more: str, flags: int, value: int, wrong: int, right: int
) -> None:
    stream = device.stream()
    word.set(wrong & ((1 << bits) - 1))
    assert device.call(f"cuStreamWaitValue{bits}_v2{more}", stream, word.address, value, flags) == 0
    device.note("after", stream)
    assert device.call("cuStreamQuery", stream) == NOT_READY
    assert not device.marks
    word.set(right)
    assert device.call("cuStreamSynchronize", stream) == 0
    assert device.marks == ["after"]


def test_one_stream_lets_another_go(device: Device, word: Word) -> None:
    first, second = device.stream(), device.stream()
    assert device.call("cuStreamWaitValue32_v2", first, word.address, 1, EQ) == 0
    device.note("first", first)
    device.note("second", second)
    assert device.call("cuStreamWriteValue32_v2", second, word.address, 1, 0) == 0
    assert device.call("cuStreamSynchronize", first) == 0
    assert device.marks == ["second", "first"]


def test_writes(device: Device, word: Word) -> None:
    word.set(0xFFFFFFFFFFFFFFFF)
    assert device.call("cuStreamWriteValue32_v2", None, word.address, 7, 0) == 0
    assert word.get() == 0xFFFFFFFF00000007
    assert device.call("cuStreamWriteValue64_v2", None, word.address, 1 << 40, 0) == 0
    assert word.get() == 1 << 40


def test_misuse(device: Device, word: Word) -> None:
    assert device.call("cuStreamWriteValue64_v2", None, word.address + 4, 1, 0) == INVALID_VALUE
    assert device.call("cuStreamWriteValue64_v2", None, word.address, 1, 1) == INVALID_VALUE
    assert device.call("cuStreamWaitValue32_v2", None, 8, 1, 0) == INVALID_VALUE
    assert device.call("cuStreamWaitValue32_v2", None, word.address, 1, 4) == INVALID_VALUE
    assert device.call("cuStreamWaitValue32_v2", None, word.address, 1, 1 << 30) == NOT_SUPPORTED
    assert device.call("cuStreamWaitValue32", None, word.address, 1, 0) == NOT_SUPPORTED


def batch(*operations: tuple[int, int, int]) -> Any:
    """Operations as a program gives them: kind, address and value."""
    made = ffi.new("CUstreamBatchMemOpParams[]", len(operations))
    for one, (kind, address, value) in zip(made, operations, strict=True):
        one.waitValue.operation, one.waitValue.address, one.waitValue.value64 = kind, address, value
        one.waitValue.flags = EQ if kind in (WAIT_32, WAIT_64) else 0
    return made


def test_a_batch(device: Device, word: Word) -> None:
    stream, other = device.stream(), Word(device)
    given = batch((WRITE_32, other.address, 3), (WAIT_64, word.address, 1), (WRITE_64, other.address, 4))
    assert device.call("cuStreamBatchMemOp_v2", stream, 3, given, 0) == 0
    assert device.call("cuStreamQuery", stream) == NOT_READY
    assert other.get() == 3
    word.set(1)
    assert device.call("cuStreamSynchronize", stream) == 0
    assert other.get() == 4
    assert device.call("cuStreamBatchMemOp_v2", stream, 0, given, 0) == 0
    given[0].operation = 8
    assert device.call("cuStreamBatchMemOp_v2", stream, 1, given, 0) == NOT_SUPPORTED


def test_in_a_graph(device: Device, word: Word) -> None:
    stream, graph = device.stream(), device.made("cuGraphCreate", 0, ctype="CUgraph")
    first = {"count": 1, "paramArray": batch((WRITE_32, word.address, 1))}
    second = {"count": 1, "paramArray": batch((WRITE_32, word.address, 2))}
    node = device.made("cuGraphAddBatchMemOpNode", graph, None, 0, first, ctype="CUgraphNode")
    assert device.told("cuGraphNodeGetType", node) == 12
    executable = device.instantiated(graph)
    device.launch(executable, stream)
    assert word.get() == 1
    assert device.call("cuGraphExecBatchMemOpNodeSetParams", executable, node, second) == 0
    device.launch(executable, stream)
    assert word.get() == 2
    got = device.told("cuGraphBatchMemOpNodeGetParams", node, ctype="CUDA_BATCH_MEM_OP_NODE_PARAMS")
    one = got.paramArray[0].writeValue
    assert (got.count, one.operation, one.address, one.value) == (1, WRITE_32, word.address, 1)


def test_captured(device: Device, word: Word) -> None:
    stream = device.stream()
    device.begin(stream)
    assert device.call("cuStreamWaitValue32_v2", stream, word.address, 1, EQ) == 0
    assert device.call("cuStreamWriteValue32_v2", stream, word.address, 5, 0) == 0
    executable = device.instantiated(device.end(stream))
    for _ in range(2):
        device.launch(executable, stream)
        assert device.call("cuStreamQuery", stream) == NOT_READY
        word.set(1)
        assert device.call("cuStreamSynchronize", stream) == 0
        assert word.get() == 5
