"""Graphs: nodes, edges, launches, updates."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import KernelLaunch
from vgpu_embed.policy import Policy
from vgpu_embed.testing import ffi
from virtual.conftest import Machine
from virtual.device import Device, Held, Inert

INVALID_VALUE, LOSSY_QUERY, NOT_READY, UPDATE_FAILURE = 1, 402, 600, 910
KERNEL, HOST, GRAPH, EMPTY, WAIT_EVENT, EVENT_RECORD = 0, 3, 4, 5, 6, 7


def graph_of(device: Device) -> Any:
    return device.made("cuGraphCreate", 0, ctype="CUgraph")


def empty(device: Device, graph: Any, *before: Any) -> Any:
    return device.made("cuGraphAddEmptyNode", graph, list(before) or None, len(before), ctype="CUgraphNode")


def host(device: Device, graph: Any, text: str, *before: Any) -> Any:
    """A node that leaves a mark."""
    given = {"fn": device.function(lambda: device.marks.append(text)), "userData": ffi.NULL}
    return device.made("cuGraphAddHostNode", graph, list(before) or None, len(before), given, ctype="CUgraphNode")


def captured(device: Device, *texts: str) -> Any:
    """A graph of marks."""
    stream = device.stream()
    device.begin(stream)
    for text in texts:
        device.note(text, stream)
    return device.end(stream)


def run(device: Device, executable: Any) -> str:
    """What a launch leaves."""
    device.marks.clear()
    device.launch(executable)
    assert device.call("cuCtxSynchronize") == 0
    return "".join(device.marks)


class TestStructure:
    def test_nodes_and_edges(self, device: Device) -> None:
        graph = graph_of(device)
        a, b = empty(device, graph), empty(device, graph)
        c = empty(device, graph, a, b)
        assert device.nodes("cuGraphGetNodes", graph) == [a, b, c]
        assert device.nodes("cuGraphGetRootNodes", graph) == [a, b]
        assert device.nodes("cuGraphNodeGetDependencies", c) == [a, b]
        assert device.nodes("cuGraphNodeGetDependentNodes", a) == [c]
        count, before, after = ffi.new("size_t *", 5), ffi.new("CUgraphNode[]", 5), ffi.new("CUgraphNode[]", 5)
        assert device.call("cuGraphGetEdges", graph, before, after, count) == 0
        assert count[0] == 2
        assert (list(before), list(after)) == ([a, b, *[ffi.NULL] * 3], [c, c, *[ffi.NULL] * 3])
        count[0] = 1
        assert device.call("cuGraphGetEdges", graph, before, after, count) == 0
        assert (count[0], before[0]) == (1, a)
        assert device.told("cuGraphNodeGetContainingGraph", c, ctype="CUgraph") == graph
        assert device.told("cuGraphNodeGetLocalId", c, ctype="unsigned int") == 2

    def test_edges_are_added_and_removed(self, device: Device) -> None:
        graph = graph_of(device)
        a, b = empty(device, graph), empty(device, graph)
        assert device.call("cuGraphAddDependencies", graph, [a], [b], 1) == 0
        assert device.call("cuGraphAddDependencies", graph, [a], [b], 1) == INVALID_VALUE
        assert device.nodes("cuGraphNodeGetDependencies", b) == [a]
        assert device.call("cuGraphRemoveDependencies", graph, [a], [b], 1) == 0
        assert device.call("cuGraphRemoveDependencies", graph, [a], [b], 1) == INVALID_VALUE
        assert device.nodes("cuGraphNodeGetDependencies", b) == []
        assert device.call("cuGraphAddDependencies", graph, [a, a], [b, b], 2) == INVALID_VALUE
        assert device.nodes("cuGraphNodeGetDependencies", b) == [a]
        assert device.call("cuGraphRemoveDependencies", graph, [a, a], [b, b], 2) == INVALID_VALUE
        assert device.nodes("cuGraphNodeGetDependencies", b) == []

    def test_edges_have_data(self, device: Device) -> None:
        graph = graph_of(device)
        a, b = empty(device, graph), empty(device, graph)
        data = ffi.new("CUgraphEdgeData *", {"from_port": 1, "type": 1})
        assert device.call("cuGraphAddDependencies_v2", graph, [a], [b], data, 1) == 0
        count, nodes, edges = ffi.new("size_t *", 1), ffi.new("CUgraphNode[1]"), ffi.new("CUgraphEdgeData[1]")
        assert device.call("cuGraphNodeGetDependencies", b, nodes, count) == LOSSY_QUERY
        assert device.call("cuGraphNodeGetDependencies_v2", b, nodes, edges, count) == 0
        assert (nodes[0], edges[0].from_port, edges[0].type) == (a, 1, 1)

    def test_a_node_is_of_one_graph(self, device: Device) -> None:
        graph, other = graph_of(device), graph_of(device)
        node = empty(device, other)
        out = ffi.new("CUgraphNode *")
        assert device.call("cuGraphAddEmptyNode", out, graph, [node], 1) == INVALID_VALUE
        mine = empty(device, graph)
        assert device.call("cuGraphAddEmptyNode", out, graph, [mine, mine], 2) == INVALID_VALUE
        assert device.call("cuGraphAddDependencies", graph, [node], [mine], 1) == INVALID_VALUE

    def test_destroyed(self, device: Device) -> None:
        graph = graph_of(device)
        a = empty(device, graph)
        b = empty(device, graph, a)
        assert device.call("cuGraphDestroyNode", a) == 0
        assert device.nodes("cuGraphNodeGetDependencies", b) == []
        assert device.call("cuGraphDestroyNode", a) == INVALID_VALUE
        assert device.call("cuGraphDestroy", graph) == 0
        assert device.call("cuGraphDestroy", graph) == INVALID_VALUE
        assert device.call("cuGraphNodeGetType", b, ffi.new("CUgraphNodeType *")) == INVALID_VALUE

    def test_cloned(self, device: Device) -> None:
        graph = graph_of(device)
        a = host(device, graph, "a")
        b = host(device, graph, "b", a)
        copy = device.made("cuGraphClone", graph, ctype="CUgraph")
        twin = device.made("cuGraphNodeFindInClone", b, copy, ctype="CUgraphNode")
        assert twin == device.nodes("cuGraphGetNodes", copy)[1]
        assert device.call("cuGraphDestroyNode", twin) == 0
        assert device.call("cuGraphNodeFindInClone", ffi.new("CUgraphNode *"), b, copy) == INVALID_VALUE
        assert run(device, device.instantiated(copy)) == "a"
        assert run(device, device.instantiated(graph)) == "ab"

    def test_a_cycle_cannot_be_launched(self, device: Device) -> None:
        graph = graph_of(device)
        a = empty(device, graph)
        b = empty(device, graph, a)
        assert device.call("cuGraphAddDependencies", graph, [b], [a], 1) == 0
        out, node, log = ffi.new("CUgraphExec *"), ffi.new("CUgraphNode *"), ffi.new("char[8]", b"wwwwwww")
        assert device.call("cuGraphInstantiate_v2", out, graph, node, log, 8) == INVALID_VALUE
        assert node[0] == ffi.NULL
        given = ffi.new("CUDA_GRAPH_INSTANTIATE_PARAMS *")
        assert device.call("cuGraphInstantiateWithParams", out, graph, given) == INVALID_VALUE
        assert given.result_out == 2
        assert given.hErrNode_out in (a, b)


class TestNodes:
    def test_host(self, device: Device) -> None:
        graph = graph_of(device)
        node = host(device, graph, "a")
        got = device.told("cuGraphHostNodeGetParams", node, ctype="CUDA_HOST_NODE_PARAMS")
        got.fn = device.function(lambda: device.marks.append("b"))
        executable = device.instantiated(graph)
        assert device.call("cuGraphHostNodeSetParams", node, ffi.addressof(got)) == 0
        assert device.told("cuGraphHostNodeGetParams", node, ctype="CUDA_HOST_NODE_PARAMS").fn == got.fn
        assert run(device, executable) == "a"
        assert run(device, device.instantiated(graph)) == "b"
        assert device.call("cuGraphExecHostNodeSetParams", executable, node, ffi.addressof(got)) == 0
        assert run(device, executable) == "b"

    def test_a_graph_in_a_graph(self, device: Device) -> None:
        inner, graph = captured(device, "b", "c"), graph_of(device)
        a = host(device, graph, "a")
        node = device.made("cuGraphAddChildGraphNode", graph, [a], 1, inner, ctype="CUgraphNode")
        host(device, graph, "d", node)
        own = device.told("cuGraphChildGraphNodeGetGraph", node, ctype="CUgraph")
        assert own != inner
        assert device.call("cuGraphDestroy", inner) == 0
        executable = device.instantiated(graph)
        assert run(device, executable) == "abcd"
        other = captured(device, "e", "f")
        assert device.call("cuGraphExecChildGraphNodeSetParams", executable, node, other) == 0
        assert run(device, executable) == "aefd"
        longer = captured(device, "e", "f", "g")
        assert device.call("cuGraphExecChildGraphNodeSetParams", executable, node, longer) == UPDATE_FAILURE

    def test_events(self, device: Device) -> None:
        graph, event, other = graph_of(device), device.event(), device.event()
        record = device.made("cuGraphAddEventRecordNode", graph, None, 0, event, ctype="CUgraphNode")
        wait = device.made("cuGraphAddEventWaitNode", graph, None, 0, other, ctype="CUgraphNode")
        host(device, graph, "after", wait)
        assert device.told("cuGraphEventRecordNodeGetEvent", record, ctype="CUevent") == event
        assert device.told("cuGraphEventWaitNodeGetEvent", wait, ctype="CUevent") == other
        busy, stream = device.stream(), device.stream()
        held = Held(device, busy)
        assert device.call("cuEventRecord", other, busy) == 0
        executable = device.instantiated(graph)
        device.launch(executable, stream)
        assert device.call("cuStreamQuery", stream) == NOT_READY
        assert device.call("cuEventSynchronize", event) == 0
        assert not device.marks
        held.let_go()
        assert device.marks == ["function", "after"]
        assert device.call("cuGraphEventWaitNodeSetEvent", record, other) == INVALID_VALUE
        assert device.call("cuGraphEventRecordNodeSetEvent", record, other) == 0
        assert device.told("cuGraphEventRecordNodeGetEvent", record, ctype="CUevent") == other

    @pytest.mark.parametrize("function", ["cuGraphAddNode", "cuGraphAddNode_v2"])
    def test_of_any_type(self, device: Device, function: str) -> None:
        graph = graph_of(device)
        more = () if function == "cuGraphAddNode" else (None,)
        given = ffi.new("CUgraphNodeParams *", {"type": HOST})
        given.host.fn = device.function(lambda: device.marks.append("a"))
        node = device.made(function, graph, None, *more, 0, given, ctype="CUgraphNode")
        got = ffi.new("CUgraphNodeParams *")
        assert device.call("cuGraphNodeGetParams", node, got) == 0
        assert (got.type, got.host.fn) == (HOST, given.host.fn)
        executable = device.instantiated(graph)
        given.host.fn = device.function(lambda: device.marks.append("b"))
        assert device.call("cuGraphExecNodeSetParams", executable, node, given) == 0
        assert run(device, executable) == "b"
        given.type = EMPTY
        assert device.call("cuGraphNodeSetParams", node, given) == INVALID_VALUE
        child = ffi.new("CUgraphNodeParams *", {"type": GRAPH})
        child.graph.graph = captured(device, "c")
        device.made(function, graph, [node], *more, 1, child, ctype="CUgraphNode")
        assert run(device, device.instantiated(graph)) == "ac"

    def test_of_a_type_that_there_is_not(self, device: Device, capsys: pytest.CaptureFixture[str]) -> None:
        given = ffi.new("CUgraphNodeParams *", {"type": 13})
        for _ in range(2):
            assert device.call("cuGraphAddNode", ffi.new("CUgraphNode *"), graph_of(device), None, 0, given) == 801
        said = capsys.readouterr().err + "".join(device.program.driver.log)
        assert said.count("cuGraphAddNode: nodes of CUgraphNodeType 13 are not implemented here") == 1

    def test_attributes_of_kernels(self, device: Device) -> None:
        a, b = device.nodes("cuGraphGetNodes", captured(device, "a", "b"))
        value = ffi.new("CUkernelNodeAttrValue *")
        value.priority = -3
        assert device.call("cuGraphKernelNodeSetAttribute", a, 8, value) == 0
        assert device.call("cuGraphKernelNodeCopyAttributes", b, a) == 0
        got = device.told("cuGraphKernelNodeGetAttribute", b, 8, ctype="CUkernelNodeAttrValue")
        assert got.priority == -3
        assert device.call("cuGraphKernelNodeSetAttribute", a, 7, value) == INVALID_VALUE


class TestLaunch:
    def test_a_graph_stays_as_it_was(self, device: Device) -> None:
        graph = captured(device, "a", "b")
        executable = device.instantiated(graph)
        assert device.call("cuGraphDestroyNode", device.nodes("cuGraphGetNodes", graph)[0]) == 0
        assert run(device, executable) == "ab"
        assert device.call("cuGraphDestroy", graph) == 0
        assert run(device, executable) == "ab"
        assert device.call("cuGraphExecDestroy", executable) == 0
        assert device.call("cuGraphLaunch", executable, None) == INVALID_VALUE

    def test_nodes_can_be_disabled(self, device: Device) -> None:
        graph = captured(device, "a", "b")
        node = device.nodes("cuGraphGetNodes", graph)[0]
        executable = device.instantiated(graph)
        assert device.call("cuGraphNodeSetEnabled", executable, node, 0) == 0
        assert device.told("cuGraphNodeGetEnabled", executable, node, ctype="unsigned int") == 0
        assert run(device, executable) == "b"
        assert device.call("cuGraphNodeSetEnabled", executable, node, 1) == 0
        assert run(device, executable) == "ab"

    def test_waits_for_the_stream_and_keeps_it(self, device: Device) -> None:
        stream, graph = device.stream(), graph_of(device)
        gate = threading.Event()

        def wait() -> None:
            assert gate.wait(30)

        given = {"fn": device.function(wait), "userData": ffi.NULL}
        device.made("cuGraphAddHostNode", graph, None, 0, given, ctype="CUgraphNode")
        device.launch(device.instantiated(graph), stream)
        device.note("after", stream)
        assert not device.marks
        gate.set()
        assert device.call("cuStreamSynchronize", stream) == 0
        assert device.marks == ["after"]

    def test_is_not_launched_twice_at_a_time(self, device: Device) -> None:
        graph = graph_of(device)
        running, most = [], []

        def function() -> None:
            running.append(1)
            most.append(len(running))
            running.pop()

        given = {"fn": device.function(function), "userData": ffi.NULL}
        first = device.made("cuGraphAddHostNode", graph, None, 0, given, ctype="CUgraphNode")
        device.made("cuGraphAddHostNode", graph, [first], 1, given, ctype="CUgraphNode")
        executable = device.instantiated(graph)
        for stream in [device.stream() for _ in range(3)]:
            device.launch(executable, stream)
        assert device.call("cuCtxSynchronize") == 0
        assert most == [1] * 6

    def test_inert_operations_are_counted_together(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        for _ in range(1000):
            device.submit(Inert(), stream)
        device.note("a", stream)
        executable = device.instantiated(device.end(stream))
        Inert.counted = 0
        assert run(device, executable) == run(device, executable) == "a"
        assert Inert.counted == 2000

    def test_flags(self, device: Device) -> None:
        graph = captured(device, "a")
        executable = device.made("cuGraphInstantiateWithFlags", graph, 8, ctype="CUgraphExec")
        assert device.told("cuGraphExecGetFlags", executable, ctype="cuuint64_t") == 8
        assert device.call("cuGraphUpload", executable, None) == 0
        out = ffi.new("CUgraphExec *")
        assert device.call("cuGraphInstantiateWithFlags", out, graph, 16) == INVALID_VALUE
        given = ffi.new("CUDA_GRAPH_INSTANTIATE_PARAMS *", {"flags": 4})
        assert device.call("cuGraphInstantiateWithParams", out, graph, given) == given.result_out == 0
        host(device, graph, "b")
        assert device.call("cuGraphInstantiateWithParams", out, graph, given) == INVALID_VALUE
        assert given.result_out == 3


class TestUpdate:
    def update(self, device: Device, executable: Any, graph: Any) -> tuple[int, int, Any]:
        info = ffi.new("CUgraphExecUpdateResultInfo *")
        result = device.call("cuGraphExecUpdate_v2", executable, graph, info)
        node, changed = ffi.new("CUgraphNode *"), ffi.new("CUgraphExecUpdateResult *")
        assert device.call("cuGraphExecUpdate", executable, graph, node, changed) == result
        assert (node[0], changed[0]) == (info.errorNode, info.result)
        return result, info.result, info.errorNode

    def test_of_the_same_form(self, device: Device) -> None:
        executable = device.instantiated(captured(device, "a", "b"))
        assert self.update(device, executable, captured(device, "c", "d")) == (0, 0, ffi.NULL)
        assert run(device, executable) == "cd"

    def test_of_another_form(self, device: Device) -> None:
        executable = device.instantiated(captured(device, "a", "b"))
        assert self.update(device, executable, captured(device, "c")) == (UPDATE_FAILURE, 2, ffi.NULL)
        graph = captured(device, "c", "d")
        c, d = device.nodes("cuGraphGetNodes", graph)
        assert device.call("cuGraphRemoveDependencies", graph, [c], [d], 1) == 0
        assert self.update(device, executable, graph) == (UPDATE_FAILURE, 2, ffi.NULL)
        graph = captured(device, "c")
        node = host(device, graph, "d", *device.nodes("cuGraphGetNodes", graph))
        assert self.update(device, executable, graph) == (UPDATE_FAILURE, 3, node)
        assert run(device, executable) == "ab"


def test_text_for_graphviz(device: Device, tmp_path: Path) -> None:
    graph, file = captured(device, "a"), tmp_path / "graph.dot"
    (a,) = device.nodes("cuGraphGetNodes", graph)
    device.made("cuGraphAddChildGraphNode", graph, [a], 1, captured(device, "b"), ctype="CUgraphNode")
    assert device.call("cuGraphDebugDotPrint", graph, str(file), 0) == 0
    number = device.told("cuGraphGetId", graph, ctype="unsigned int")
    lines = file.read_text().splitlines()
    assert lines[0] == "digraph dot {"
    assert f'"graph_{number}_node_0" -> "graph_{number}_node_1";' in lines
    assert sum("KERNEL" in line for line in lines) == 2
    assert device.call("cuGraphDebugDotPrint", graph, str(tmp_path), 0) == 304


def test_user_objects(device: Device) -> None:
    ended = threading.Event()
    destroy = device.function(ended.set)
    user = device.made("cuUserObjectCreate", None, destroy, 1, 1, ctype="CUuserObject")
    graph = captured(device, "a")
    assert device.call("cuGraphRetainUserObject", graph, user, 1, 1) == 0
    executable = device.instantiated(graph)
    assert device.call("cuGraphDestroy", graph) == 0
    assert not ended.is_set()
    assert device.call("cuGraphExecDestroy", executable) == 0
    assert ended.wait(30)
    assert device.call("cuUserObjectCreate", ffi.new("CUuserObject *"), None, destroy, 1, 0) == INVALID_VALUE


IMAGE = b"""
.version 8.0
.target sm_80
.visible .entry add(.param .u64 p, .param .u32 n) { ret; }
.visible .entry nothing() { ret; }
"""


class Kernels:
    """A module, whose kernel `add` a policy computes: it adds to a number in memory."""

    def __init__(self, device: Device) -> None:
        self.device = device
        image = ffi.new("char[]", IMAGE)
        self.module = device.made("cuModuleLoadData", image, ctype="CUmodule")
        self.address = device.made("cuMemAlloc_v2", 8, ctype="CUdeviceptr")
        assert device.call("cuMemsetD32_v2", self.address, 0, 2) == 0

    def function(self, name: str) -> Any:
        return self.device.made("cuModuleGetFunction", self.module, name, ctype="CUfunction")

    def parameters(self, number: int) -> Any:
        """A pointer to pointers."""
        values = ffi.new("uint64_t *", self.address), ffi.new("uint32_t *", number)
        self.device.kept.append(values)
        return ffi.new("void *[]", values)

    def node(self, number: int) -> Any:
        """CUDA_KERNEL_NODE_PARAMS."""
        sizes = dict.fromkeys(("gridDimX", "gridDimY", "gridDimZ", "blockDimX", "blockDimY", "blockDimZ"), 1)
        given = ffi.new("CUDA_KERNEL_NODE_PARAMS *", {"func": self.function("add"), **sizes})
        pointers = given.kernelParams = self.parameters(number)
        self.device.kept.append(pointers)
        return given

    def sum(self) -> int:
        out = ffi.new("uint32_t *")
        assert self.device.call("cuMemcpyDtoH_v2", out, self.address, 4) == 0
        return int(out[0])


@pytest.fixture
def kernels(machine: Machine) -> Kernels:
    computes = Policy()

    @computes.kernel("add", parameters="PI")
    def add(launch: KernelLaunch, p: int, n: int) -> None:
        launch.array(p, "I", 1)[0] += n

    program = machine("h100", computes)
    assert program.call("cuInit", 0) == 0
    device = Device(program)
    device.made("cuCtxCreate_v2", 0, 0, ctype="CUcontext")
    return Kernels(device)


class TestKernels:
    def test_nodes(self, kernels: Kernels) -> None:
        device, graph = kernels.device, graph_of(kernels.device)
        node = device.made("cuGraphAddKernelNode_v2", graph, None, 0, kernels.node(3), ctype="CUgraphNode")
        got = device.told("cuGraphKernelNodeGetParams_v2", node, ctype="CUDA_KERNEL_NODE_PARAMS")
        assert (got.func, got.blockDimX) == (kernels.function("add"), 1)
        assert ffi.cast("uint32_t *", got.kernelParams[1])[0] == 3
        executable = device.instantiated(graph)
        for _ in range(2):
            device.launch(executable)
        assert kernels.sum() == 6
        assert device.call("cuGraphExecKernelNodeSetParams_v2", executable, node, kernels.node(10)) == 0
        device.launch(executable)
        assert kernels.sum() == 16
        assert device.call("cuGraphKernelNodeSetParams_v2", node, kernels.node(100)) == 0
        device.launch(executable)
        device.launch(device.instantiated(graph))
        assert kernels.sum() == 126

    def test_captured_with_its_parameters(self, kernels: Kernels) -> None:
        device, stream = kernels.device, kernels.device.stream()
        device.begin(stream)
        pointers = kernels.parameters(5)
        sizes = (1, 1, 1, 1, 1, 1, 0)
        assert device.call("cuLaunchKernel", kernels.function("add"), *sizes, stream, pointers, None) == 0
        ffi.cast("uint32_t *", pointers[1])[0] = 1000
        for _ in range(100):
            assert device.call("cuLaunchKernel", kernels.function("nothing"), *sizes, stream, None, None) == 0
        executable = device.instantiated(device.end(stream))
        assert kernels.sum() == 0
        for _ in range(3):
            device.launch(executable, stream)
        assert kernels.sum() == 15
        assert device.machine.programs.policy.skipped == {"nothing": 300}
