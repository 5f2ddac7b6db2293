"""Memory that graphs own."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed.testing import ffi
from virtual.device import Device

INVALID_VALUE, NOT_SUPPORTED = 1, 801
SIZE = 1 << 20
PROPERTIES = {"poolProps": {"allocType": 1, "location": {"type": 1, "id": 0}}, "bytesize": SIZE}


def attribute(device: Device, number: int) -> int:
    out = ffi.new("uint64_t *")
    assert device.call("cuDeviceGetGraphMemAttribute", 0, number, out) == 0
    return int(out[0])


def allocating(device: Device, graph: Any) -> tuple[Any, int]:
    """A node, and the address that it allocates."""
    given = ffi.new("CUDA_MEM_ALLOC_NODE_PARAMS *", PROPERTIES)
    node = device.made("cuGraphAddMemAllocNode", graph, None, 0, given, ctype="CUgraphNode")
    got = device.told("cuGraphMemAllocNodeGetParams", node, ctype="CUDA_MEM_ALLOC_NODE_PARAMS")
    assert (got.dptr, got.bytesize) == (given.dptr, SIZE)
    return node, int(given.dptr)


@pytest.fixture
def graph(device: Device) -> Any:
    return device.made("cuGraphCreate", 0, ctype="CUgraph")


def test_is_the_programs_after_a_launch(device: Device, graph: Any) -> None:
    _, address = allocating(device, graph)
    executable = device.instantiated(graph)
    assert device.call("cuMemFree_v2", address) == INVALID_VALUE
    device.launch(executable)
    assert device.call("cuGraphLaunch", executable, None) == INVALID_VALUE
    assert device.call("cuMemsetD8_v2", address, 1, SIZE) == 0
    size = ffi.new("uint64_t *")
    assert [device.call("cuPointerGetAttribute", size, 12, address), size[0]] == [0, SIZE]
    assert device.call("cuMemFree_v2", address) == 0
    device.launch(executable)
    assert device.call("cuMemFreeAsync", address, None) == 0
    device.launch(executable)


def test_is_freed_in_the_graph(device: Device, graph: Any) -> None:
    node, address = allocating(device, graph)
    free = device.made("cuGraphAddMemFreeNode", graph, [node], 1, address, ctype="CUgraphNode")
    assert device.told("cuGraphMemFreeNodeGetParams", free, ctype="CUdeviceptr") == address
    executable = device.instantiated(graph)
    for _ in range(2):
        device.launch(executable)
    assert device.call("cuMemFree_v2", address) == INVALID_VALUE
    out = ffi.new("CUgraphNode *")
    assert device.call("cuGraphAddMemFreeNode", out, graph, None, 0, 0x1000) == INVALID_VALUE


def test_may_be_freed_by_the_next_launch(device: Device, graph: Any) -> None:
    allocating(device, graph)
    executable = device.made("cuGraphInstantiateWithFlags", graph, 1, ctype="CUgraphExec")
    for _ in range(3):
        device.launch(executable)


def test_there_is_one_of_it(device: Device, graph: Any) -> None:
    node, _ = allocating(device, graph)
    executable = device.instantiated(graph)
    out = ffi.new("CUgraphExec *")
    assert device.call("cuGraphInstantiateWithFlags", out, graph, 0) == INVALID_VALUE
    assert device.call("cuGraphClone", ffi.new("CUgraph *"), graph) == NOT_SUPPORTED
    assert device.call("cuGraphDestroyNode", node) == NOT_SUPPORTED
    assert device.call("cuGraphExecDestroy", executable) == 0
    assert device.instantiated(graph)


def test_is_given_back_with_the_graph(device: Device, graph: Any) -> None:
    free = device.machine.free(0)
    allocating(device, graph)
    assert attribute(device, 0) == attribute(device, 1) == SIZE
    assert device.machine.free(0) == free - (32 << 20)
    executable = device.instantiated(graph)
    device.launch(executable)
    assert device.call("cuGraphDestroy", graph) == 0
    assert attribute(device, 0) == SIZE
    assert device.call("cuGraphExecDestroy", executable) == 0
    assert attribute(device, 0) == attribute(device, 2) == 0
    assert attribute(device, 3) == 32 << 20
    assert device.machine.free(0) == free
    assert device.call("cuDeviceSetGraphMemAttribute", 0, 3, ffi.new("uint64_t *")) == 0
    assert attribute(device, 3) == 0
    assert device.call("cuDeviceGraphMemTrim", 0) == 0


def test_captured(device: Device) -> None:
    stream = device.stream()
    device.begin(stream)
    address = device.made("cuMemAllocAsync", SIZE, stream, ctype="CUdeviceptr")
    assert device.call("cuMemsetD8Async", address, 7, SIZE, stream) == 0
    host = ffi.new("char[]", SIZE)
    assert device.call("cuMemcpyDtoHAsync_v2", host, address, SIZE, stream) == 0
    assert device.call("cuMemFreeAsync", address, stream) == 0
    graph = device.end(stream)
    assert [device.told("cuGraphNodeGetType", node) for node in device.nodes("cuGraphGetNodes", graph)] == [
        10,
        2,
        1,
        11,
    ]
    executable = device.instantiated(graph)
    for _ in range(2):
        ffi.memmove(host, b"ab", 2)
        device.launch(executable, stream)
        assert device.call("cuStreamSynchronize", stream) == 0
        assert ffi.buffer(host, SIZE)[:] == b"\7" * SIZE
