"""Nodes of graphs: functions of the driver that add them, and say and change what they do."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.capture import nodes_given
from vgpu_embed.virtual.copies import Copy, Fill
from vgpu_embed.virtual.events import RecordNode, WaitNode, event_of
from vgpu_embed.virtual.executable import executable_of, graph_of, node_of
from vgpu_embed.virtual.graphs import ChildGraph, Node
from vgpu_embed.virtual.kernels import CLUSTER_DIMENSION, Launch, check_cluster
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.memory.owned import Allocate, Free, owned_at
from vgpu_embed.virtual.operations import (
    BATCH_MEM_OP,
    EMPTY,
    EVENT_RECORD,
    GRAPH,
    HOST,
    KERNEL,
    MEM_ALLOC,
    MEM_FREE,
    MEMCPY,
    MEMSET,
    WAIT_EVENT,
    Operation,
)
from vgpu_embed.virtual.streams import HostFunction
from vgpu_embed.virtual.values import Batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.events import Event
    from vgpu_embed.virtual.machine import Machine

MEMBERS = {
    KERNEL: "kernel",
    MEMCPY: "memcpy",
    MEMSET: "memset",
    HOST: "host",
    GRAPH: "graph",
    WAIT_EVENT: "eventWait",
    EVENT_RECORD: "eventRecord",
    MEM_ALLOC: "alloc",
    MEM_FREE: "free",
    BATCH_MEM_OP: "memOp",
}
"""Where a CUgraphNodeParams has the parameters of each type of node that there is here."""
POINTERS = ("pointer", "function")
"""What cffi calls types whose values are addresses."""
LAST_TYPE = 13
"""The last CUgraphNodeType, CU_GRAPH_NODE_TYPE_CONDITIONAL."""
MOVE = 1
"""CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE."""

answers = Answers(ready=initialised, opened=True)


class Child(ChildGraph):
    """A graph in a graph, as a program makes one."""

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """See `Operation.from_node`: CUDA_CHILD_GRAPH_NODE_PARAMS."""
        graph = graph_of(machine, call.address_of(parameters.graph))
        return ChildGraph(graph if parameters.ownership == MOVE else graph.clone())


KINDS: dict[int, type[Operation]] = {
    KERNEL: Launch,
    EMPTY: Operation,
    MEMCPY: Copy,
    MEMSET: Fill,
    HOST: HostFunction,
    GRAPH: Child,
    WAIT_EVENT: WaitNode,
    MEM_ALLOC: Allocate,
    MEM_FREE: Free,
    BATCH_MEM_OP: Batch,
    EVENT_RECORD: RecordNode,
}
"""What makes the operations of nodes, by their type."""


def made(machine: Machine, call: AnyCall, node_type: int, parameters: Any, context: int = 0) -> Operation:
    """The operation of a node of some type. Raises Refused."""
    kind = KINDS.get(node_type)
    if node_type > LAST_TYPE:
        raise Refused(INVALID_VALUE)
    if kind is None:
        about = f"nodes of CUgraphNodeType {node_type}"
        machine.programs.say(about, f"{call.function}: {about} are not implemented here: CUDA_ERROR_NOT_SUPPORTED")
        raise Refused(NOT_SUPPORTED, f"{about} are not implemented by virtual GPUs")
    if node_type == EMPTY:
        return Operation()
    if not parameters:
        raise Refused(INVALID_VALUE)
    return kind.from_node(machine, call, parameters, context)


def made_of_any(machine: Machine, call: AnyCall, given: Any) -> Operation:
    """The operation that a CUgraphNodeParams describes. Raises Refused."""
    if not given or given.reserved2:
        raise Refused(INVALID_VALUE)
    if given.type not in MEMBERS:
        return made(machine, call, given.type, None)
    member = call.ffi.addressof(given[0], MEMBERS[given.type])
    if given.type == MEMCPY:
        context, parameters = member.copyCtx, call.ffi.addressof(member[0], "copyParams")
        return made(machine, call, MEMCPY, parameters, call.address_of(context))
    return made(machine, call, given.type, member, call.address_of(member.ctx) if given.type == MEMSET else 0)


def fill(call: AnyCall, struct: Any, node: Node) -> None:
    """Writes a node's parameters to a struct; what that points to stays as long as the node."""
    kinds = dict(call.ffi.typeof(struct).item.fields)
    for name, value in node.operation.fields().items():
        if isinstance(value, bytes):
            value = node.array = call.ffi.new("char[]", value)
        if name in kinds:
            kind = kinds[name].type
            setattr(struct, name, call.ffi.cast(kind, value) if kind.kind in POINTERS else value)


# ---- adding nodes --------------------------------------------------------------------------------------------------


def _add(machine: Machine, call: AnyCall, operation: Operation, data: Any = None) -> int:
    operation.held()
    try:
        graph = graph_of(machine, call.number("hGraph"))
        before = nodes_given(machine, call, call.dependencies, call.numDependencies, data)
        if not call.phGraphNode or any(node.graph is not graph for node in before):
            return INVALID_VALUE
        return call.reply(phGraphNode=graph.add(operation, before).handle)
    finally:
        operation.released()


@answers("cuGraphAddEmptyNode")
def add_empty(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, Operation())


@answers("cuGraphAddKernelNode", "cuGraphAddKernelNode_v2")
def add_kernel(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, KERNEL, call.nodeParams))


@answers("cuGraphAddMemcpyNode")
def add_memcpy(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, MEMCPY, call.copyParams, call.number("ctx")))


@answers("cuGraphAddMemsetNode")
def add_memset(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, MEMSET, call.memsetParams, call.number("ctx")))


@answers("cuGraphAddHostNode")
def add_host(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, HOST, call.nodeParams))


@answers("cuGraphAddMemAllocNode")
def add_allocation(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, MEM_ALLOC, call.nodeParams))


@answers("cuGraphAddMemFreeNode")
def add_free(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, Free(owned_at(machine, call.dptr)))


@answers("cuGraphAddBatchMemOpNode")
def add_batch(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made(machine, call, BATCH_MEM_OP, call.nodeParams))


@answers("cuGraphAddChildGraphNode")
def add_child(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, ChildGraph(graph_of(machine, call.number("childGraph")).clone()))


def _event(machine: Machine, call: AnyCall) -> Event:
    """The event that a call gives for a new node."""
    if not call.event:
        raise Refused(INVALID_VALUE)
    return event_of(machine, call.number("event"))


@answers("cuGraphAddEventRecordNode")
def add_event_record(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, RecordNode(_event(machine, call)))


@answers("cuGraphAddEventWaitNode")
def add_event_wait(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, WaitNode(_event(machine, call)))


@answers("cuGraphAddNode")
def add_any(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made_of_any(machine, call, call.nodeParams))


@answers("cuGraphAddNode_v2", "cuGraphAddNode_v3")
def add_any_with_data(machine: Machine, call: AnyCall) -> int:
    return _add(machine, call, made_of_any(machine, call, call.nodeParams), call.dependencyData)


# ---- parameters of nodes -------------------------------------------------------------------------------------------


def _node(machine: Machine, call: AnyCall, *types: int) -> Node:
    """The node that a call names; refuses one of another type."""
    node = node_of(machine, call.number("hNode"))
    if types and node.operation.node_type not in types:
        raise Refused(INVALID_VALUE)
    return node


def _get(machine: Machine, call: AnyCall, node_type: int, parameters: Any) -> int:
    node = _node(machine, call, node_type)
    if not parameters:
        return INVALID_VALUE
    fill(call, parameters, node)
    return 0


@answers("cuGraphKernelNodeGetParams", "cuGraphKernelNodeGetParams_v2")
def get_kernel(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, KERNEL, call.nodeParams)


@answers("cuGraphMemcpyNodeGetParams")
def get_memcpy(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, MEMCPY, call.nodeParams)


@answers("cuGraphMemsetNodeGetParams")
def get_memset(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, MEMSET, call.nodeParams)


@answers("cuGraphHostNodeGetParams")
def get_host(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, HOST, call.nodeParams)


@answers("cuGraphMemAllocNodeGetParams")
def get_allocation(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, MEM_ALLOC, call.params_out)


@answers("cuGraphMemFreeNodeGetParams")
def get_free(machine: Machine, call: AnyCall) -> int:
    return call.reply(dptr_out=_node(machine, call, MEM_FREE).operation.fields()["dptr"])


@answers("cuGraphBatchMemOpNodeGetParams")
def get_batch(machine: Machine, call: AnyCall) -> int:
    return _get(machine, call, BATCH_MEM_OP, call.nodeParams_out)


@answers("cuGraphEventRecordNodeGetEvent")
def get_event_record(machine: Machine, call: AnyCall) -> int:
    return call.reply(event_out=_node(machine, call, EVENT_RECORD).operation.fields()["event"])


@answers("cuGraphEventWaitNodeGetEvent")
def get_event_wait(machine: Machine, call: AnyCall) -> int:
    return call.reply(event_out=_node(machine, call, WAIT_EVENT).operation.fields()["event"])


@answers("cuGraphChildGraphNodeGetGraph")
def get_child(machine: Machine, call: AnyCall) -> int:
    return call.reply(phGraph=_node(machine, call, GRAPH).operation.fields()["graph"])


@answers("cuGraphNodeGetParams")
def get_any(machine: Machine, call: AnyCall) -> int:
    node, out = _node(machine, call), call.nodeParams
    operation = node.operation
    if not out:
        return INVALID_VALUE
    if operation.node_type != EMPTY and operation.node_type not in MEMBERS:
        return NOT_SUPPORTED
    call.ffi.buffer(out, call.ffi.sizeof(out[0]))[:] = bytes(call.ffi.sizeof(out[0]))
    out.type = operation.node_type
    if operation.node_type == EMPTY:
        return 0
    member = call.ffi.addressof(out[0], MEMBERS[operation.node_type])
    if operation.node_type == MEMCPY:
        member = call.ffi.addressof(member[0], "copyParams")
    fill(call, member, node)
    return 0


def _set(machine: Machine, call: AnyCall, node_type: int, parameters: Any, context: int = 0) -> int:
    """Of a node, or of the step of an executable graph that was made of it."""
    node = _node(machine, call, node_type)
    _put(machine, call, node, made(machine, call, node_type, parameters, context))
    return 0


def _put(machine: Machine, call: AnyCall, node: Node, operation: Operation) -> None:
    if call.function.startswith("cuGraphExec"):
        executable_of(machine, call).replace(node, operation)
    else:
        node.operation = operation


@answers(
    "cuGraphKernelNodeSetParams",
    "cuGraphKernelNodeSetParams_v2",
    "cuGraphExecKernelNodeSetParams",
    "cuGraphExecKernelNodeSetParams_v2",
)
def set_kernel(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, KERNEL, call.nodeParams)


@answers("cuGraphMemcpyNodeSetParams")
def set_memcpy(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, MEMCPY, call.nodeParams)


@answers("cuGraphExecMemcpyNodeSetParams")
def set_memcpy_of_executable(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, MEMCPY, call.copyParams, call.number("ctx"))


@answers("cuGraphMemsetNodeSetParams")
def set_memset(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, MEMSET, call.nodeParams)


@answers("cuGraphExecMemsetNodeSetParams")
def set_memset_of_executable(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, MEMSET, call.memsetParams, call.number("ctx"))


@answers("cuGraphHostNodeSetParams", "cuGraphExecHostNodeSetParams")
def set_host(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, HOST, call.nodeParams)


@answers("cuGraphBatchMemOpNodeSetParams", "cuGraphExecBatchMemOpNodeSetParams")
def set_batch(machine: Machine, call: AnyCall) -> int:
    return _set(machine, call, BATCH_MEM_OP, call.nodeParams)


@answers("cuGraphEventRecordNodeSetEvent", "cuGraphExecEventRecordNodeSetEvent")
def set_event_record(machine: Machine, call: AnyCall) -> int:
    _put(machine, call, _node(machine, call, EVENT_RECORD), RecordNode(event_of(machine, call.number("event"))))
    return 0


@answers("cuGraphEventWaitNodeSetEvent", "cuGraphExecEventWaitNodeSetEvent")
def set_event_wait(machine: Machine, call: AnyCall) -> int:
    _put(machine, call, _node(machine, call, WAIT_EVENT), WaitNode(event_of(machine, call.number("event"))))
    return 0


@answers("cuGraphExecChildGraphNodeSetParams")
def set_child(machine: Machine, call: AnyCall) -> int:
    node, graph = _node(machine, call, GRAPH), graph_of(machine, call.number("childGraph"))
    executable_of(machine, call).replace_child(node, graph)
    return 0


@answers("cuGraphNodeSetParams", "cuGraphNodeSetParams_v2", "cuGraphExecNodeSetParams")
def set_any(machine: Machine, call: AnyCall) -> int:
    node = _node(machine, call)
    if not call.nodeParams or call.nodeParams.type != node.operation.node_type:
        return INVALID_VALUE
    if node.operation.node_type in (MEM_ALLOC, MEM_FREE):
        return NOT_SUPPORTED
    if node.operation.node_type == GRAPH:
        if call.function != "cuGraphExecNodeSetParams":
            return NOT_SUPPORTED
        graph = graph_of(machine, call.address_of(call.nodeParams.graph.graph))
        executable_of(machine, call).replace_child(node, graph)
    else:
        _put(machine, call, node, made_of_any(machine, call, call.nodeParams))
    return 0


# ---- attributes of kernel nodes ------------------------------------------------------------------------------------

ATTRIBUTES = (1, 2, 4, 5, 8, 9, 10, 11, 13, 14)
"""CU_LAUNCH_ATTRIBUTE_…: those that graph nodes have."""
ATTRIBUTE_SIZE = 64
"""Bytes of a CUlaunchAttributeValue."""


def _attribute(call: AnyCall) -> int:
    number = call.number("attr")
    if number not in ATTRIBUTES:
        raise Refused(INVALID_VALUE)
    return int(number)


@answers("cuGraphKernelNodeGetAttribute")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    node = _node(machine, call, KERNEL)
    return call.reply(value_out=node.attributes.get(_attribute(call), bytes(ATTRIBUTE_SIZE)))


@answers("cuGraphKernelNodeSetAttribute")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    """Kept, and given back; nothing here is any different for it."""
    node, number = _node(machine, call, KERNEL), _attribute(call)
    if not call.value:
        return INVALID_VALUE
    asked = call.value.clusterDim
    if number == CLUSTER_DIMENSION and isinstance(node.operation, Launch) and (asked.x or asked.y or asked.z):
        check_cluster(node.operation.function, node.operation.grid, (asked.x, asked.y, asked.z))
    node.attributes = {**node.attributes, number: bytes(call.ffi.buffer(call.value, ATTRIBUTE_SIZE))}
    return 0


@answers("cuGraphKernelNodeCopyAttributes")
def copy_attributes(machine: Machine, call: AnyCall) -> int:
    to, source = (node_of(machine, call.number(name)) for name in ("dst", "src"))
    if {to.operation.node_type, source.operation.node_type} != {KERNEL}:
        return INVALID_VALUE
    to.attributes = source.attributes
    return 0
