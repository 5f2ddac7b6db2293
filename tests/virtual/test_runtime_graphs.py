"""Nodes of the runtime's graphs: those of any type, and what a program is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE, NOT_SUPPORTED = 1, 801
KERNEL, MEMCPY, MEMSET, EMPTY, MEM_ALLOC, CONDITIONAL = 0, 1, 2, 5, 10, 13
TO_HOST = 2
PTX = b".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry one(.param .u64 p) { ret; }\0"


class Graph:
    """A graph, and nodes that are described in one struct."""

    def __init__(self) -> None:
        self.driver = FakeDriver()
        self.graph = self.driver.cudaGraphCreate().pGraph
        self.memory = int(self.driver.cudaMalloc(size=64).devPtr)

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.driver.call(function, *arguments).result)

    def add(self, parameters: Any, *before: Any) -> Any:
        node = ffi.new("cudaGraphNode_t *")
        given = ffi.new("cudaGraphNode_t[]", list(before)) if before else None
        assert self.result("cudaGraphAddNode", node, self.graph, given, None, len(before), parameters) == 0
        return node[0]

    def launch(self) -> Any:
        executable = self.driver.cudaGraphInstantiate(graph=self.graph).pGraphExec
        assert self.result("cudaGraphLaunch", executable, None) == 0
        return executable

    def seen(self, size: int) -> bytes:
        out = ffi.new("char[]", size)
        assert self.result("cudaMemcpy", out, ffi.cast("void *", self.memory), size, TO_HOST) == 0
        return bytes(ffi.buffer(out, size))


@pytest.fixture
def graph() -> Graph:
    return Graph()


def described(kind: int, **members: dict[str, Any]) -> Any:
    """A cudaGraphNodeParams."""
    made = ffi.new("struct cudaGraphNodeParams *", {"type": kind})
    for name, fields in members.items():
        for field, value in fields.items():
            setattr(getattr(made, name), field, value)
    return made


def filling(graph: Graph, value: bytes, offset: int = 0) -> Any:
    place = ffi.cast("void *", graph.memory + offset)
    return described(
        MEMSET, memset={"dst": place, "value": value[0], "elementSize": 1, "width": 2, "height": 1, "pitch": 0}
    )


def test_a_fill_and_a_copy(graph: Graph) -> None:
    fill = graph.add(filling(graph, b"x"))
    copied = described(MEMCPY)
    parameters = copied.memcpy.copyParams
    parameters.srcPtr = {"ptr": ffi.cast("void *", graph.memory), "pitch": 2, "xsize": 2, "ysize": 1}
    parameters.dstPtr = {"ptr": ffi.cast("void *", graph.memory + 2), "pitch": 2, "xsize": 2, "ysize": 1}
    parameters.extent, parameters.kind = (2, 1, 1), 3
    copy = graph.add(copied, fill)
    executable = graph.launch()
    assert graph.seen(4) == b"xxxx"
    assert graph.result("cudaGraphExecNodeSetParams", executable, fill, filling(graph, b"y")) == 0
    assert graph.result("cudaGraphLaunch", executable, None) == 0
    assert graph.seen(4) == b"yyyy"
    assert graph.result("cudaGraphNodeSetParams", fill, filling(graph, b"z", 4)) == 0
    graph.launch()
    assert graph.seen(6) == b"yyyyzz"
    assert graph.result("cudaGraphNodeSetParams", fill, copied) == INVALID_VALUE
    told = ffi.new("struct cudaGraphNodeParams *")
    assert graph.result("cudaGraphNodeGetParams", fill, told) == 0
    assert (told.type, told.memset.value, int(ffi.cast("uintptr_t", told.memset.dst))) == (
        MEMSET,
        ord("z"),
        graph.memory + 4,
    )
    assert graph.result("cudaGraphNodeGetParams", copy, told) == 0
    again = ffi.new("struct cudaMemcpy3DParms *")
    assert graph.result("cudaGraphMemcpyNodeGetParams", copy, again) == 0
    for seen in (told.memcpy.copyParams, again):
        assert (seen.kind, seen.extent.width, seen.extent.height, seen.extent.depth) == (3, 2, 1, 1)
        assert [int(ffi.cast("uintptr_t", side.ptr)) for side in (seen.srcPtr, seen.dstPtr)] == [
            graph.memory,
            graph.memory + 2,
        ]
    assert graph.result("cudaGraphMemcpyNodeGetParams", fill, again) == INVALID_VALUE
    assert graph.result("cudaGraphMemcpyNodeGetParams", copy, None) == INVALID_VALUE
    assert graph.result("cudaGraphMemcpyNodeSetParams", copy, again) == 0


def test_a_kernel(graph: Graph) -> None:
    library = graph.driver.cudaLibraryLoadData(code=ffi.new("char[]", PTX)).library
    kernel = graph.driver.cudaLibraryGetKernel(library=library, name="one").pKernel
    value = ffi.new("uint64_t *", 7)
    pointers = ffi.new("void *[]", [value])
    given = described(KERNEL)
    given.kernel.kern = ffi.cast("cudaKernel_t", kernel)
    given.kernel.gridDim, given.kernel.blockDim = (2, 1, 1), (32, 2, 1)
    given.kernel.kernelParams = pointers
    node = graph.add(given)
    graph.launch()
    told, again = ffi.new("struct cudaGraphNodeParams *"), ffi.new("struct cudaKernelNodeParams *")
    assert graph.result("cudaGraphNodeGetParams", node, told) == 0
    assert graph.result("cudaGraphKernelNodeGetParams", node, again) == 0
    assert (told.type, told.kernel.functionType) == (KERNEL, 3)
    for seen in (told.kernel, again):
        assert (seen.gridDim.x, seen.gridDim.y, seen.blockDim.x, seen.blockDim.y) == (2, 1, 32, 2)
        assert ffi.cast("uint64_t *", seen.kernelParams[0])[0] == 7
    assert graph.result("cudaGraphKernelNodeSetParams", node, again) == 0
    assert graph.result("cudaGraphKernelNodeGetParams", node, None) == INVALID_VALUE
    given.kernel.blockDim.x = 4096
    assert graph.result("cudaGraphNodeSetParams", node, given) == INVALID_VALUE


def test_memory_and_an_empty_node(graph: Graph) -> None:
    given = described(MEM_ALLOC, alloc={"bytesize": 64})
    given.alloc.poolProps.allocType, given.alloc.poolProps.location.type = 1, 1
    node = graph.add(given)
    assert given.alloc.dptr
    told = ffi.new("struct cudaGraphNodeParams *")
    assert graph.result("cudaGraphNodeGetParams", node, told) == 0
    assert told.alloc.dptr == given.alloc.dptr
    graph.add(described(EMPTY), node)
    assert graph.driver.cudaGraphGetNodes(graph=graph.graph).numNodes == 2


def test_what_is_refused(graph: Graph) -> None:
    node = ffi.new("cudaGraphNode_t *")
    rest = None, None, 0
    assert graph.result("cudaGraphAddNode", node, graph.graph, *rest, None) == INVALID_VALUE
    assert graph.result("cudaGraphAddNode", node, graph.graph, *rest, described(CONDITIONAL)) == NOT_SUPPORTED
    assert graph.result("cudaGraphAddNode", node, graph.graph, *rest, described(77)) == INVALID_VALUE
    assert graph.result("cudaGraphAddNode", None, graph.graph, *rest, described(EMPTY)) == INVALID_VALUE
    assert graph.result("cudaGraphAddNode", node, None, *rest, described(EMPTY)) == INVALID_VALUE
    reserved = described(EMPTY)
    reserved.reserved2 = 1
    assert graph.result("cudaGraphAddNode", node, graph.graph, *rest, reserved) == INVALID_VALUE
    assert graph.result("cudaGraphNodeGetParams", None, described(EMPTY)) == INVALID_VALUE


def test_a_copy_of_an_executable_graph_from_elsewhere(graph: Graph) -> None:
    first, second = ffi.new("char[]", b"one"), ffi.new("char[]", b"two")
    node = graph.driver.cudaGraphAddMemcpyNode1D(graph=graph.graph, dst=graph.memory, src=first, count=3, kind=1)
    assert node.result == 0
    executable = graph.launch()
    arguments = node.pGraphNode, ffi.cast("void *", graph.memory), second, 3, 1
    assert graph.result("cudaGraphExecMemcpyNodeSetParams1D", executable, *arguments) == 0
    assert graph.result("cudaGraphLaunch", executable, None) == 0
    assert graph.seen(3) == b"two"
