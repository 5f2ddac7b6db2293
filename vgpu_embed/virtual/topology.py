"""Graphs as wholes: functions of the driver that make them, list their nodes and edges, and change these."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.capture import ILLEGAL_STATE, LOSSY_QUERY
from vgpu_embed.virtual.executable import graph_of, node_of
from vgpu_embed.virtual.graphs import PLAIN, Graph, Node
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

answers = Answers(ready=initialised, opened=True)


@answers("cuGraphCreate")
def create(machine: Machine, call: AnyCall) -> int:
    if call.flags or not call.phGraph:
        return INVALID_VALUE
    return call.reply(phGraph=Graph(machine).handle)


@answers("cuGraphClone")
def clone(machine: Machine, call: AnyCall) -> int:
    graph = graph_of(machine, call.number("originalGraph"))
    return call.reply(phGraphClone=graph.clone().handle) if call.phGraphClone else INVALID_VALUE


@answers("cuGraphNodeFindInClone")
def find_in_clone(machine: Machine, call: AnyCall) -> int:
    original, graph = node_of(machine, call.number("hOriginalNode")), graph_of(machine, call.number("hClonedGraph"))
    if graph.original is not original.graph:
        return INVALID_VALUE
    twin = graph.twins.get(original)
    return call.reply(phNode=twin.handle) if twin in graph.nodes and twin else INVALID_VALUE


def _closed(machine: Machine, graph: Graph) -> Graph:
    """Refuses a graph that is still captured."""
    if any(capture.graph is graph for capture in machine.order.captures):
        raise Refused(ILLEGAL_STATE)
    return graph


@answers("cuGraphDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    _closed(machine, graph_of(machine, call.number("hGraph"))).destroy()
    return 0


@answers("cuGraphDestroyNode")
def destroy_node(machine: Machine, call: AnyCall) -> int:
    node = node_of(machine, call.number("hNode"))
    _closed(machine, node.graph).check_free().remove(node)
    return 0


@answers("cuGraphGetId")
def get_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(graphId=graph_of(machine, call.number("hGraph")).number)


# ---- a node --------------------------------------------------------------------------------------------------------


@answers("cuGraphNodeGetType")
def get_type(machine: Machine, call: AnyCall) -> int:
    return call.reply(type=node_of(machine, call.number("hNode")).operation.node_type)


@answers("cuGraphNodeGetContainingGraph")
def get_graph(machine: Machine, call: AnyCall) -> int:
    return call.reply(phGraph=node_of(machine, call.number("hNode")).graph.handle)


@answers("cuGraphNodeGetLocalId")
def get_local_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(nodeId=node_of(machine, call.number("hNode")).number)


@answers("cuGraphNodeGetToolsId")
def get_tools_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(toolsNodeId=node_of(machine, call.number("hNode")).handle)


# ---- lists of nodes ------------------------------------------------------------------------------------------------


def _list(call: AnyCall, count: Any, *lists: tuple[Any, Iterable[Node]], edges: Iterable[bytes], data: Any) -> int:
    """Writes handles and the data of their edges as far as there is room, zeros behind; without a list, the number."""
    if not count:
        return INVALID_VALUE
    found, out = [list(nodes) for _, nodes in lists], [pointer for pointer, _ in lists]
    if not all(out):
        if any(out) or data:
            return INVALID_VALUE
        count[0] = len(found[0])
        return 0
    if not data and any(edge != PLAIN for edge in edges):
        return LOSSY_QUERY
    room, written = count[0], min(count[0], len(found[0]))
    if not room:
        return INVALID_VALUE
    for pointer, nodes in zip(out, found, strict=True):
        words = call.ffi.cast("uint64_t *", pointer)
        for place in range(room):
            words[place] = nodes[place].handle if place < written else 0
    if data:
        call.ffi.memmove(data, b"".join(edges), written * len(PLAIN))
    count[0] = written
    return 0


@answers("cuGraphGetNodes")
def get_nodes(machine: Machine, call: AnyCall) -> int:
    nodes = graph_of(machine, call.number("hGraph")).nodes
    return _list(call, call.numNodes, (call.nodes, nodes), edges=(), data=None)


@answers("cuGraphGetRootNodes")
def get_root_nodes(machine: Machine, call: AnyCall) -> int:
    roots = [node for node in graph_of(machine, call.number("hGraph")).nodes if not node.before]
    return _list(call, call.numRootNodes, (call.rootNodes, roots), edges=(), data=None)


def edge_data(call: AnyCall) -> Any:
    """Where a function has the data of edges; those of before CUDA 12.3 do not."""
    return call.edgeData if call.function.endswith("_v2") else None


@answers("cuGraphGetEdges", "cuGraphGetEdges_v2")
def get_edges(machine: Machine, call: AnyCall) -> int:
    nodes = graph_of(machine, call.number("hGraph")).nodes
    found = [(other, node, data) for node in nodes for other, data in node.before.items()]
    ends = (call.from_, [one for one, _, _ in found]), (call.to, [one for _, one, _ in found])
    return _list(call, call.numEdges, *ends, edges=[data for _, _, data in found], data=edge_data(call))


@answers("cuGraphNodeGetDependencies", "cuGraphNodeGetDependencies_v2")
def get_dependencies(machine: Machine, call: AnyCall) -> int:
    before = node_of(machine, call.number("hNode")).before
    return _list(call, call.numDependencies, (call.dependencies, before), edges=before.values(), data=edge_data(call))


@answers("cuGraphNodeGetDependentNodes", "cuGraphNodeGetDependentNodes_v2")
def get_dependent(machine: Machine, call: AnyCall) -> int:
    after = node_of(machine, call.number("hNode")).after
    return _list(call, call.numDependentNodes, (call.dependentNodes, after), edges=after.values(), data=edge_data(call))


# ---- edges ---------------------------------------------------------------------------------------------------------


def _pairs(machine: Machine, call: AnyCall) -> list[tuple[Node, Node, bytes]]:
    """The edges that a call gives; refuses nodes that are not of its graph."""
    graph, data = graph_of(machine, call.number("hGraph")), edge_data(call)
    if call.numDependencies and not (call.from_ and call.to):
        raise Refused(INVALID_VALUE)
    found = []
    for place in range(call.numDependencies):
        before, after = (node_of(machine, call.address_of(one[place])) for one in (call.from_, call.to))
        if before.graph is not graph or after.graph is not graph:
            raise Refused(INVALID_VALUE)
        found.append((before, after, bytes(call.ffi.buffer(data + place, len(PLAIN))) if data else PLAIN))
    return found


@answers("cuGraphAddDependencies", "cuGraphAddDependencies_v2")
def add_dependencies(machine: Machine, call: AnyCall) -> int:
    """One that there is already is an error; that a node comes before itself is one when the graph is instantiated.

    Those given before the one that is wrong are added.
    """
    for before, after, data in _pairs(machine, call):
        if before in after.before or before is after:
            return INVALID_VALUE
        before.graph.connect(before, after, data)
    return 0


@answers("cuGraphRemoveDependencies", "cuGraphRemoveDependencies_v2")
def remove_dependencies(machine: Machine, call: AnyCall) -> int:
    """Those given before the one that is wrong are removed."""
    for before, after, data in _pairs(machine, call):
        if after.before.get(before) != data:
            return INVALID_VALUE
        before.graph.check_free().disconnect(before, after)
    return 0
