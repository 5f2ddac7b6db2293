"""Graphs and executable graphs."""

from __future__ import annotations

import ctypes

from misuses.layouts import (
    AllocNode,
    HostNode,
    InstantiateParams,
    KernelNode,
    Memcpy3D,
    MemsetNode,
    NodeParams,
    UpdateResult,
)
from misuses.session import Session, address, case, nothing, number, numbers, out, pack, words

HOST, DEVICE = 1, 2


def host_node() -> HostNode:
    return HostNode(fn=ctypes.cast(nothing, ctypes.c_void_p).value)


def kernel_node(function: int, block: int = 1, **given: int) -> KernelNode:
    return KernelNode(
        func=function, gridDimX=1, gridDimY=1, gridDimZ=1, blockDimX=block, blockDimY=1, blockDimZ=1, **given
    )


def memset_node(memory: int, width: int = 8, **given: int) -> MemsetNode:
    return MemsetNode(dst=memory, elementSize=1, width=width, height=1, **given)


def copy_node(to: int, source: int, size: int, **given: int) -> Memcpy3D:
    """A copy from the host to the device."""
    return Memcpy3D(
        srcMemoryType=HOST,
        srcHost=source,
        dstMemoryType=DEVICE,
        dstDevice=to,
        WidthInBytes=size,
        Height=1,
        Depth=1,
        **given,
    )


def empty(s: Session, graph: int, *after: int) -> int:
    return s.make("cuGraphAddEmptyNode", graph, words(*after), len(after))


def add_host(s: Session, graph: int, *after: int) -> int:
    return s.make("cuGraphAddHostNode", graph, words(*after), len(after), host_node())


def instantiated(s: Session, graph: int) -> int:
    return s.make("cuGraphInstantiateWithFlags", graph, 0)


@case("graph.create")
def create(s: Session) -> None:
    s.ask("cuGraphCreate", out(), 1)
    s.ask("cuGraphCreate", None, 0)
    s.ask("cuGraphDestroy", 0)
    s.ask("cuGraphDestroyNode", 0)
    s.ask("cuGraphExecDestroy", 0)
    s.ask("cuGraphLaunch", 0, 0)
    s.ask("cuGraphClone", out(), 0)
    s.ask("cuGraphInstantiateWithFlags", out(), 0, 0)
    s.ask("cuGraphGetNodes", 0, None, words(0))


@case("graph.destroyed", alone=True)
def destroyed(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    node = empty(s, graph)
    s.must("cuGraphDestroy", graph)
    s.ask("cuGraphGetNodes", graph, None, words(0))
    s.ask("cuGraphNodeGetType", node, out())
    s.ask("cuGraphDestroy", graph)


@case("graph.exec.destroyed", alone=True)
def exec_destroyed(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    executable = instantiated(s, graph)
    s.must("cuGraphExecDestroy", executable)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuGraphExecDestroy", executable)


@case("graph.dependencies")
def dependencies(s: Session) -> None:
    graph, other = s.make("cuGraphCreate", 0), s.make("cuGraphCreate", 0)
    first, foreign = empty(s, graph), empty(s, other)
    s.ask("cuGraphAddEmptyNode", None, graph, None, 0)
    s.ask("cuGraphAddEmptyNode", out(), graph, None, 1)
    s.ask("cuGraphAddEmptyNode", out(), graph, words(foreign), 1)
    s.ask("cuGraphAddEmptyNode", out(), graph, words(first, first), 2)
    s.ask("cuGraphAddEmptyNode", out(), graph, words(0), 1)
    second, third = empty(s, graph, first), empty(s, graph)
    add, remove = "cuGraphAddDependencies", "cuGraphRemoveDependencies"
    s.ask(add, graph, words(first), words(second), 1)
    s.ask(add, graph, words(second), words(first), 1)
    s.ask(add, graph, words(first), words(first), 1)
    s.ask(add, graph, words(first), words(foreign), 1)
    s.ask(add, graph, words(foreign), words(first), 1)
    s.ask(add, other, words(first), words(third), 1)
    s.ask(add, graph, words(first, first), words(third, third), 2)
    s.ask(add, graph, None, None, 0)
    s.ask(add, graph, None, None, 1)
    s.ask(add, graph, words(0), words(first), 1)
    s.ask(remove, graph, words(second), words(third), 1)
    s.ask(remove, graph, words(second), words(first), 1)
    s.ask(remove, graph, words(first, first), words(second, second), 2)
    s.ask(remove, graph, words(first), words(second), 1)
    s.ask(remove, graph, words(first), words(second), 1)
    s.ask(remove, graph, words(first), words(foreign), 1)
    s.ask(remove, graph, None, None, 0)
    edges = words(0)
    s.ask("cuGraphGetEdges", graph, None, None, edges)
    s.say("edges", edges[0])
    s.ask("cuGraphGetEdges", graph, None, None, None)
    s.ask("cuGraphDestroy", graph)
    s.ask("cuGraphDestroy", other)


@case("graph.cycle")
def cycle(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    first = empty(s, graph)
    second = empty(s, graph, first)
    third = empty(s, graph, second)
    s.ask("cuGraphAddDependencies", graph, words(third), words(first), 1)
    s.ask("cuGraphInstantiateWithFlags", out(), graph, 0)
    failed, log = out(), out(256)
    s.ask("cuGraphInstantiate_v2", out(), graph, failed, log, 256)
    s.say("node", number(failed) != 0)
    s.say("log", any(log))
    parameters = InstantiateParams()
    s.ask("cuGraphInstantiateWithParams", out(), graph, parameters)
    s.say("result", parameters.result_out)
    s.say("node", parameters.hErrNode_out != 0)
    s.ask("cuGraphClone", out(), graph)


@case("graph.lists")
def lists(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    first = empty(s, graph)
    empty(s, graph, first)
    for name, owner in (
        ("cuGraphGetNodes", graph),
        ("cuGraphGetRootNodes", graph),
        ("cuGraphNodeGetDependencies", first),
        ("cuGraphNodeGetDependentNodes", first),
    ):
        for room in (0, 1, 5):
            count, found = words(room), words(*[7] * 5)
            s.ask(name, owner, found, count)
            s.say("count", count[0])
            s.say("nulls", sum(node == 0 for node in found))
        s.ask(name, owner, None, None)
    s.ask("cuGraphNodeGetType", first, None)
    s.ask("cuGraphNodeGetType", 0, out())
    s.ask("cuGraphDestroy", graph)


@case("graph.instantiate")
def instantiate(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    executable = s.ask_made("cuGraphInstantiateWithFlags", graph, 0)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuGraphUpload", executable, 0)
    s.ask("cuGraphExecDestroy", executable)
    for flags in (1, 2, 4, 8, 16, 32, 1 << 40, 3):
        s.ask("cuGraphInstantiateWithFlags", out(), graph, flags)
    s.ask("cuGraphInstantiateWithFlags", None, graph, 0)
    for flags in (0, 2, 4, 6, 16, 64):
        parameters = InstantiateParams(flags=flags)
        s.ask("cuGraphInstantiateWithParams", out(), graph, parameters)
        s.say("result", parameters.result_out)
    s.ask("cuGraphInstantiateWithParams", out(), graph, None)
    add_host(s, graph)
    parameters = InstantiateParams(flags=4)
    s.ask("cuGraphInstantiateWithParams", out(), graph, parameters)
    s.say("result", parameters.result_out)
    s.ask("cuGraphDestroy", graph)


@case("graph.kernel_node")
def kernel(s: Session) -> None:
    graph, function, store = s.make("cuGraphCreate", 0), s.function("empty"), s.function("store")
    add = "cuGraphAddKernelNode_v2"
    s.ask(add, out(), graph, None, 0, None)
    s.ask(add, out(), graph, None, 0, kernel_node(0))
    s.ask(add, out(), graph, None, 0, kernel_node(function, 0))
    s.ask(add, out(), graph, None, 0, kernel_node(function, 1025))
    s.ask(add, out(), graph, None, 0, kernel_node(function, sharedMemBytes=1 << 20))
    s.ask(add, out(), graph, None, 0, kernel_node(store))
    s.ask(add, out(), graph, None, 0, kernel_node(s.function("at_most_64"), 65))
    node = s.ask_made(add, graph, None, 0, kernel_node(function))
    s.ask("cuGraphKernelNodeSetParams_v2", node, None)
    s.ask("cuGraphKernelNodeSetParams_v2", node, kernel_node(function, 0))
    s.ask("cuGraphKernelNodeGetParams_v2", node, None)
    for attribute in (0, 1, 2, 4, 8, 99):
        s.ask("cuGraphKernelNodeGetAttribute", node, attribute, out(64))
    s.ask("cuGraphKernelNodeSetAttribute", node, 2, words(2, *[0] * 7))
    s.ask("cuGraphKernelNodeSetAttribute", node, 4, words(3, *[0] * 7))
    s.ask("cuGraphKernelNodeCopyAttributes", node, node)
    s.ask("cuGraphDestroy", graph)


@case("graph.other_nodes")
def other_nodes(s: Session) -> None:
    graph, memory = s.make("cuGraphCreate", 0), s.make("cuMemAlloc_v2", 64)
    room = out(64)
    context = s.primary
    s.ask("cuGraphAddHostNode", out(), graph, None, 0, None)
    s.ask("cuGraphAddHostNode", out(), graph, None, 0, HostNode())
    copy = "cuGraphAddMemcpyNode"
    for node in (
        copy_node(memory, address(room), 0),
        copy_node(memory, address(room), 64),
        copy_node(memory, address(room), 513),
        copy_node(memory, address(room), 1 << 40),
        copy_node(memory, 0, 8),
        copy_node(0, address(room), 8),
        copy_node(memory, address(room), 8, dstPitch=4),
        Memcpy3D(),
    ):
        s.ask(copy, out(), graph, None, 0, node, context)
    s.ask(copy, out(), graph, None, 0, copy_node(memory, address(room), 8), 0)
    s.ask(copy, out(), graph, None, 0, None, context)
    fill = "cuGraphAddMemsetNode"
    for filled in (
        memset_node(memory, 0),
        memset_node(memory, 64),
        memset_node(memory, 65),
        memset_node(memory, 1 << 40),
        memset_node(0),
        MemsetNode(dst=memory, elementSize=3, width=1, height=1),
        MemsetNode(dst=memory + 1, elementSize=4, width=1, height=1),
        MemsetNode(dst=memory, elementSize=1, width=1, height=0),
        MemsetNode(dst=memory, elementSize=1, width=8, height=2, pitch=4),
        MemsetNode(dst=memory, elementSize=1, width=8, height=1, value=256),
    ):
        s.ask(fill, out(), graph, None, 0, filled, context)
    s.ask(fill, out(), graph, None, 0, memset_node(memory), 0)
    s.ask(fill, out(), graph, None, 0, None, context)
    s.ask("cuGraphAddEventRecordNode", out(), graph, None, 0, 0)
    s.ask("cuGraphAddEventWaitNode", out(), graph, None, 0, 0)
    s.ask("cuGraphAddMemFreeNode", out(), graph, None, 0, 0)
    s.ask("cuGraphAddMemFreeNode", out(), graph, None, 0, memory)
    s.ask("cuGraphAddBatchMemOpNode", out(), graph, None, 0, None)
    s.ask("cuGraphDestroy", graph)


@case("graph.child", alone=True)
def child(s: Session) -> None:
    graph, other = s.make("cuGraphCreate", 0), s.make("cuGraphCreate", 0)
    empty(s, graph)
    s.ask("cuGraphAddChildGraphNode", out(), graph, None, 0, graph)
    s.ask("cuGraphAddChildGraphNode", out(), graph, None, 0, 0)
    node = s.ask_made("cuGraphAddChildGraphNode", graph, None, 0, other)
    inner = out()
    s.ask("cuGraphChildGraphNodeGetGraph", node, inner)
    s.say("same", number(inner) == other)
    s.ask("cuGraphDestroy", number(inner))
    s.ask("cuGraphAddChildGraphNode", out(), number(inner), None, 0, graph)
    s.ask("cuGraphChildGraphNodeGetGraph", empty(s, graph), inner)
    s.ask("cuGraphDestroy", other)
    s.ask("cuGraphInstantiateWithFlags", out(), graph, 0)
    s.ask("cuGraphDestroy", graph)


@case("graph.child_with_memory")
def child_with_memory(s: Session) -> None:
    graph, other = s.make("cuGraphCreate", 0), s.make("cuGraphCreate", 0)
    s.must("cuGraphAddMemAllocNode", out(), other, None, 0, alloc_node(4096))
    s.ask("cuGraphAddChildGraphNode", out(), graph, None, 0, other)
    s.ask("cuGraphClone", out(), other)


@case("graph.clone", alone=True)
def clone(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    node, later = empty(s, graph), out()
    s.ask("cuGraphClone", None, graph)
    cloned = s.ask_made("cuGraphClone", graph)
    s.ask("cuGraphNodeFindInClone", out(), node, cloned)
    s.ask("cuGraphNodeFindInClone", out(), node, graph)
    s.must("cuGraphAddEmptyNode", later, graph, None, 0)
    s.ask("cuGraphNodeFindInClone", out(), number(later), cloned)
    s.ask("cuGraphNodeFindInClone", out(), 0, cloned)
    s.ask("cuGraphAddDependencies", cloned, words(node), words(number(later)), 1)
    s.ask("cuGraphDestroy", graph)
    s.ask("cuGraphNodeFindInClone", out(), node, cloned)
    s.ask("cuGraphInstantiateWithFlags", out(), cloned, 0)


@case("graph.destroy_node")
def destroy_node(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    first = empty(s, graph)
    second = empty(s, graph, first)
    empty(s, graph, second)
    executable = instantiated(s, graph)
    s.ask("cuGraphDestroyNode", second)
    nodes, edges = words(0), words(0)
    s.ask("cuGraphGetNodes", graph, None, nodes)
    s.say("nodes", nodes[0])
    s.ask("cuGraphGetEdges", graph, None, None, edges)
    s.say("edges", edges[0])
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuCtxSynchronize")


@case("graph.destroyed_node", alone=True)
def destroyed_node(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    node = empty(s, graph)
    s.must("cuGraphDestroyNode", node)
    s.ask("cuGraphNodeGetType", node, out())
    s.ask("cuGraphAddEmptyNode", out(), graph, words(node), 1)
    s.ask("cuGraphDestroyNode", node)


@case("graph.params_of_another_type")
def another_type(s: Session) -> None:
    graph, memory = s.make("cuGraphCreate", 0), s.make("cuMemAlloc_v2", 64)
    node = add_host(s, graph)
    room = out(64)
    executable = instantiated(s, graph)
    function = s.function("empty")
    s.ask("cuGraphKernelNodeSetParams_v2", node, kernel_node(function))
    s.ask("cuGraphKernelNodeGetParams_v2", node, KernelNode())
    s.ask("cuGraphMemcpyNodeSetParams", node, copy_node(memory, address(room), 8))
    s.ask("cuGraphMemcpyNodeGetParams", node, Memcpy3D())
    s.ask("cuGraphMemsetNodeSetParams", node, memset_node(memory))
    s.ask("cuGraphMemsetNodeGetParams", node, MemsetNode())
    s.ask("cuGraphEventRecordNodeGetEvent", node, out())
    s.ask("cuGraphEventWaitNodeSetEvent", node, s.make("cuEventCreate", 0))
    s.ask("cuGraphMemAllocNodeGetParams", node, AllocNode())
    s.ask("cuGraphMemFreeNodeGetParams", node, out())
    s.ask("cuGraphHostNodeSetParams", node, None)
    s.ask("cuGraphHostNodeSetParams", node, HostNode())
    s.ask("cuGraphHostNodeGetParams", node, None)
    s.ask("cuGraphExecKernelNodeSetParams_v2", executable, node, kernel_node(function))
    s.ask("cuGraphExecMemsetNodeSetParams", executable, node, memset_node(memory), s.primary)
    s.ask("cuGraphExecHostNodeSetParams", executable, node, HostNode())
    s.ask("cuGraphExecHostNodeSetParams", executable, node, None)
    s.ask("cuGraphExecHostNodeSetParams", executable, empty(s, graph), host_node())
    s.ask("cuGraphKernelNodeSetAttribute", node, 2, words(*[0] * 8))
    s.ask("cuGraphNodeSetParams", node, NodeParams(type=0))
    s.ask("cuGraphNodeSetParams", node, NodeParams(type=99))
    s.ask("cuGraphNodeSetParams", node, None)
    s.ask("cuGraphAddNode_v2", out(), graph, None, None, 0, NodeParams(type=99))
    s.ask("cuGraphAddNode_v2", out(), graph, None, None, 0, NodeParams(type=3))
    s.ask("cuGraphAddNode_v2", out(), graph, None, None, 0, NodeParams(type=5))
    s.ask("cuGraphAddNode_v2", out(), graph, None, None, 0, NodeParams(type=5, reserved2=1))
    s.ask("cuGraphAddNode_v2", out(), graph, None, None, 0, None)


@case("graph.exec.kernel_params")
def exec_kernel_params(s: Session) -> None:
    graph, memory = s.make("cuGraphCreate", 0), s.make("cuMemAlloc_v2", 64)
    given, pointers = pack(memory, 1)
    empty_kernel, add = s.function("empty"), s.function("add")
    node = s.make("cuGraphAddKernelNode_v2", graph, None, 0, kernel_node(add, kernelParams=address(pointers)))
    executable = instantiated(s, graph)
    change = "cuGraphExecKernelNodeSetParams_v2"
    s.ask(change, executable, node, kernel_node(add, 32, kernelParams=address(pointers)))
    s.ask(change, executable, node, kernel_node(empty_kernel))
    s.ask(change, executable, node, kernel_node(0))
    s.ask(change, executable, node, kernel_node(add, 0, kernelParams=address(pointers)))
    s.ask(change, executable, node, kernel_node(add, 2048, kernelParams=address(pointers)))
    s.ask(change, executable, node, None)
    s.ask(change, executable, 0, kernel_node(add))
    s.ask(change, 0, node, kernel_node(add))
    other = s.make("cuGraphCreate", 0)
    foreign = s.make("cuGraphAddKernelNode_v2", other, None, 0, kernel_node(empty_kernel))
    s.ask(change, executable, foreign, kernel_node(empty_kernel))
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuCtxSynchronize")
    del given


@case("graph.exec.enabled")
def enabled(s: Session) -> None:
    graph, memory = s.make("cuGraphCreate", 0), s.make("cuMemAlloc_v2", 64)
    host, nothing_done = add_host(s, graph), empty(s, graph)
    kernel_done = s.make("cuGraphAddKernelNode_v2", graph, None, 0, kernel_node(s.function("empty")))
    fill = s.make("cuGraphAddMemsetNode", graph, None, 0, memset_node(memory), s.primary)
    executable = instantiated(s, graph)
    for node in (host, nothing_done, kernel_done, fill, 0):
        s.ask("cuGraphNodeSetEnabled", executable, node, 0)
        s.ask("cuGraphNodeGetEnabled", executable, node, found := numbers(9))
        s.say("enabled", found[0])
    s.ask("cuGraphNodeSetEnabled", executable, kernel_done, 2)
    s.ask("cuGraphNodeGetEnabled", executable, kernel_done, found)
    s.say("enabled", found[0])
    s.ask("cuGraphNodeGetEnabled", executable, kernel_done, None)
    s.ask("cuGraphNodeSetEnabled", executable, empty(s, graph), 0)
    s.ask("cuGraphNodeSetEnabled", 0, kernel_done, 0)


@case("graph.exec.update")
def update(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 64)
    given, pointers = pack(memory, 1)
    empty_kernel, add, context = s.function("empty"), s.function("add"), s.primary

    def graph_of(*kinds: str, chained: bool = False) -> int:
        graph, last = s.make("cuGraphCreate", 0), list[int]()
        for kind in kinds:
            after = (words(*last), len(last)) if chained else (None, 0)
            if kind == "empty":
                node = s.make("cuGraphAddEmptyNode", graph, *after)
            elif kind == "host":
                node = s.make("cuGraphAddHostNode", graph, *after, host_node())
            elif kind == "fill":
                node = s.make("cuGraphAddMemsetNode", graph, *after, memset_node(memory), context)
            elif kind == "wide fill":
                node = s.make("cuGraphAddMemsetNode", graph, *after, memset_node(memory, 16), context)
            elif kind == "kernel":
                node = s.make("cuGraphAddKernelNode_v2", graph, *after, kernel_node(empty_kernel))
            elif kind == "larger kernel":
                node = s.make("cuGraphAddKernelNode_v2", graph, *after, kernel_node(empty_kernel, 64))
            else:
                node = s.make(
                    "cuGraphAddKernelNode_v2", graph, *after, kernel_node(add, kernelParams=address(pointers))
                )
            last = [node]
        return graph

    for one, other, chained in (
        (("kernel",), ("kernel",), False),
        (("kernel",), ("larger kernel",), False),
        (("kernel",), ("add",), False),
        (("kernel",), ("fill",), False),
        (("kernel",), ("host",), False),
        (("kernel",), (), False),
        (("kernel",), ("kernel", "kernel"), False),
        (("kernel", "kernel"), ("kernel",), False),
        (("kernel", "fill"), ("kernel", "fill"), True),
        (("kernel", "fill"), ("fill", "kernel"), False),
        (("fill",), ("wide fill",), False),
        (("empty",), ("host",), False),
        ((), (), False),
    ):
        executable, replacement = instantiated(s, graph_of(*one)), graph_of(*other, chained=chained)
        result = UpdateResult(result=99)
        s.ask("cuGraphExecUpdate_v2", executable, replacement, result)
        s.say("result", result.result)
        s.say("node", result.errorNode != 0)
        s.say("from", result.errorFromNode != 0)
        s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuGraphExecUpdate_v2", executable, 0, UpdateResult())
    s.ask("cuGraphExecUpdate_v2", 0, replacement, UpdateResult())
    s.ask("cuGraphExecUpdate_v2", executable, replacement, None)
    s.ask("cuGraphExecUpdate", executable, replacement, out(), out())
    s.must("cuCtxSynchronize")
    del given


def alloc_node(size: int, **given: int) -> AllocNode:
    node = AllocNode(bytesize=size, **given)
    node.poolProps.allocType = 1
    node.poolProps.locationType = 1
    return node


@case("graph.memory", alone=True)
def graph_memory(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    add = "cuGraphAddMemAllocNode"
    s.ask(add, out(), graph, None, 0, None)
    s.ask(add, out(), graph, None, 0, AllocNode(bytesize=64))
    s.ask(add, out(), graph, None, 0, alloc_node(0))
    s.ask(add, out(), graph, None, 0, alloc_node(1 << 50))
    s.ask(add, out(), graph, None, 0, alloc_node(64, accessDescCount=1))
    wrong = alloc_node(64)
    wrong.poolProps.locationId = 99
    s.ask(add, out(), graph, None, 0, wrong)
    node = alloc_node(4096)
    made = s.ask_made(add, graph, None, 0, node)
    s.say("address", node.dptr != 0)
    s.ask("cuMemsetD8_v2", node.dptr, 0, 8)
    s.ask("cuMemFree_v2", node.dptr)
    s.ask("cuMemFreeAsync", node.dptr, 0)
    s.ask("cuPointerGetAttribute", out(), 2, node.dptr)
    s.ask("cuGraphAddMemFreeNode", out(), graph, None, 0, node.dptr + 16)
    s.ask("cuGraphDestroyNode", made)
    s.ask("cuGraphClone", out(), graph)
    executable = s.ask_made("cuGraphInstantiateWithFlags", graph, 0)
    s.ask("cuGraphInstantiateWithFlags", out(), graph, 0)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuStreamSynchronize", 0)
    s.ask("cuMemsetD8_v2", node.dptr, 0, 8)
    s.ask("cuMemFreeAsync", node.dptr, 0)
    s.ask("cuMemFreeAsync", node.dptr, 0)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuMemFree_v2", node.dptr)
    s.ask("cuCtxSynchronize")
    s.ask("cuGraphAddMemFreeNode", out(), graph, words(made), 1, node.dptr)
    s.ask("cuGraphAddMemFreeNode", out(), graph, words(made), 1, node.dptr)
    s.ask("cuGraphExecDestroy", executable)
    s.ask("cuGraphDestroy", graph)


@case("graph.dot")
def dot(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    empty(s, graph)
    s.ask("cuGraphDebugDotPrint", graph, b"/nonexistent/graph.dot", 0)
    s.ask("cuGraphDebugDotPrint", graph, b"", 0)
    s.ask("cuGraphDebugDotPrint", graph, None, 0)
    s.ask("cuGraphDebugDotPrint", graph, b"/dev/null", 1 << 31)
    s.ask("cuGraphDebugDotPrint", graph, b"/dev/null", 1)
    s.ask("cuGraphDebugDotPrint", 0, b"/dev/null", 0)


@case("graph.launch")
def launch(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    add_host(s, graph)
    executable = instantiated(s, graph)
    for stream in (0, 1, 2):
        s.ask("cuGraphLaunch", executable, stream)
        s.ask("cuGraphUpload", executable, stream)
    s.ask("cuGraphUpload", 0, 0)
    s.ask("cuGraphDestroy", graph)
    s.ask("cuGraphLaunch", executable, 0)
    s.ask("cuGraphExecDestroy", executable)
    s.ask("cuCtxSynchronize")
    s.ask("cuGraphExecGetFlags", 0, out())


@case("graph.user_objects")
def user_objects(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    s.ask("cuUserObjectCreate", out(), 0, nothing, 1, 0)
    s.ask("cuUserObjectCreate", out(), 0, nothing, 0, 1)
    s.ask("cuUserObjectCreate", out(), 0, None, 1, 1)
    s.ask("cuUserObjectCreate", None, 0, nothing, 1, 1)
    made = s.ask_made("cuUserObjectCreate", 0, nothing, 2, 1)
    s.ask("cuUserObjectRetain", made, 0)
    s.ask("cuUserObjectRetain", 0, 1)
    s.ask("cuUserObjectRelease", made, 0)
    s.ask("cuGraphRetainUserObject", graph, made, 0, 0)
    s.ask("cuGraphRetainUserObject", graph, made, 1, 9)
    s.ask("cuGraphRetainUserObject", graph, made, 1, 1)
    s.ask("cuGraphReleaseUserObject", graph, made, 5)
    s.ask("cuGraphReleaseUserObject", graph, made, 1)
    s.ask("cuUserObjectRelease", made, 1)
    s.ask("cuGraphDestroy", graph)
