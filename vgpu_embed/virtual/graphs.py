"""Graphs: nodes, and what comes before what."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.machine import NOT_SUPPORTED
from vgpu_embed.virtual.operations import GRAPH, MEM_ALLOC, MEM_FREE, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vgpu_embed.virtual.machine import Machine

PLAIN = bytes(8)
"""The CUgraphEdgeData of an edge that nobody said more about."""


NO_ATTRIBUTES: dict[int, bytes] = {}


class Node:
    """A node of a graph: an operation, and the nodes that come before and after it, each with its edge's data.

    attributes  CUkernelNodeAttrValue, by CUkernelNodeAttrID; replaced, not changed
    array       what the program was last told of its parameters; it points there
    """

    __slots__ = ("after", "array", "attributes", "before", "graph", "handle", "number", "operation")

    def __init__(self, graph: Graph, operation: Operation, number: int) -> None:
        self.graph = graph
        self.operation = operation
        self.number = number
        """What no other node of the graph has had."""
        self.before: dict[Node, bytes] = {}
        self.after: dict[Node, bytes] = {}
        self.array: Any = None
        self.attributes = NO_ATTRIBUTES
        self.handle = graph.machine.handle()
        graph.machine.order.nodes[self.handle] = self


class Graph:
    """Nodes in the order in which they were made.

    number    what no other graph of the process has
    original  the graph that it was cloned from
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.number = machine.order.number()
        self.handle = machine.handle()
        self.nodes: dict[Node, None] = {}
        self.original: Graph | None = None
        self.twins: dict[Node, Node] = {}
        """Nodes by those that they are clones of."""
        self.users: dict[UserObject, int] = {}
        self._made = 0
        machine.order.graphs[self.handle] = self

    def add(self, operation: Operation, before: Mapping[Node, bytes]) -> Node:
        """A new node after those."""
        operation.held()
        node = Node(self, operation, self._made)
        self._made += 1
        self.nodes[node] = None
        for other, data in before.items():
            self.connect(other, node, data)
        return node

    def connect(self, before: Node, after: Node, data: bytes = PLAIN) -> None:
        """Adds an edge."""
        before.after[after] = after.before[before] = data

    def disconnect(self, before: Node, after: Node) -> None:
        """Takes an edge away."""
        del before.after[after], after.before[before]

    def remove(self, node: Node) -> None:
        """Takes a node away, and its edges."""
        for other in list(node.before):
            self.disconnect(other, node)
        for other in list(node.after):
            self.disconnect(node, other)
        del self.nodes[node]
        self._forget(node)

    def destroy(self) -> None:
        """Ends it with its nodes."""
        self.machine.order.graphs.pop(self.handle, None)
        for node in self.nodes:
            self._forget(node)
        for user, count in self.users.items():
            user.release(count)
        self.users.clear()

    def _forget(self, node: Node) -> None:
        self.machine.order.nodes.pop(node.handle, None)
        node.operation.released()
        if isinstance(node.operation, ChildGraph):
            node.operation.graph.destroy()

    @property
    def owns_memory(self) -> bool:
        """Whether it allocates or frees: then nothing of it is taken away, and there is one of it only."""
        return any(node.operation.node_type in (MEM_ALLOC, MEM_FREE) for node in self.nodes)

    def check_free(self) -> Graph:
        """Itself; refuses one that owns memory."""
        if self.owns_memory:
            raise Refused(NOT_SUPPORTED)
        return self

    def clone(self) -> Graph:
        """Another one of the same nodes. Raises Refused."""
        self.check_free()
        made = Graph(self.machine)
        made.original = self
        for node in self.nodes:
            operation = node.operation
            if isinstance(operation, ChildGraph):
                operation = ChildGraph(operation.graph.clone())
            twin = made.twins[node] = made.add(operation, {})
            twin.attributes = node.attributes
        for node, twin in made.twins.items():
            for other, data in node.before.items():
                made.connect(made.twins[other], twin, data)
        for user, count in self.users.items():
            user.retain(count)
            made.users[user] = count
        return made

    def in_order(self) -> list[Node]:
        """Its nodes, each after those before it; fewer than there are where some come before themselves."""
        waiting = {node: len(node.before) for node in self.nodes}
        found = [node for node, count in waiting.items() if not count]
        for node in found:
            for other in node.after:
                waiting[other] -= 1
                if not waiting[other]:
                    found.append(other)
        return found


class ChildGraph(Operation):
    """A graph in a graph, which it belongs to."""

    node_type = GRAPH

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`: CUDA_CHILD_GRAPH_NODE_PARAMS."""
        return {"graph": self.graph.handle}


def ancestors(nodes: Iterable[Node]) -> set[Node]:
    """These nodes and all that come before them."""
    found = set(nodes)
    waiting = list(found)
    while waiting:
        for other in waiting.pop().before:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


class UserObject:
    """Something of the program's that graphs keep: its destructor is called when nobody does any more."""

    def __init__(self, machine: Machine, function: int, argument: int, count: int) -> None:
        self.machine = machine
        self.function = function
        self.argument = argument
        self.count = count

    def retain(self, count: int) -> None:
        """So many keep it."""
        self.count += count

    def release(self, count: int) -> None:
        """So many do not keep it any more."""
        self.count -= count
        if self.count <= 0:
            order = self.machine.order
            order.call(lambda: order.host.call(self.function, self.argument))
