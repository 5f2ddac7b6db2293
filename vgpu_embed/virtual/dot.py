"""Graphs as text for Graphviz: cuGraphDebugDotPrint. The flags, which ask for more, change nothing."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.executable import graph_of
from vgpu_embed.virtual.graphs import ChildGraph, Graph
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.operations import (
    BATCH_MEM_OP,
    EMPTY,
    EVENT_RECORD,
    HOST,
    KERNEL,
    MEM_ALLOC,
    MEM_FREE,
    MEMCPY,
    MEMSET,
    WAIT_EVENT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.graphs import Node
    from vgpu_embed.virtual.machine import Machine

OPERATING_SYSTEM = 304
"""CUDA_ERROR_OPERATING_SYSTEM."""
NAMES = {MEMCPY: "MEMCPY", MEMSET: "MEMSET", HOST: "HOST", EMPTY: "EMPTY", WAIT_EVENT: "WAIT_EVENT"}
NAMES |= {EVENT_RECORD: "EVENT_RECORD", MEM_ALLOC: "MEM_ALLOC", MEM_FREE: "MEM_FREE", BATCH_MEM_OP: "BATCH_MEM_OP"}
"""What a node's type is called."""

answers = Answers(ready=initialised)


@answers("cuGraphDebugDotPrint")
def print_dot(machine: Machine, call: AnyCall) -> int:
    graph = graph_of(machine, call.number("hGraph"))
    if call.path is None:
        return INVALID_VALUE
    try:
        with open(call.path, "w", encoding="utf-8") as file:
            file.write("\n".join(["digraph dot {", *lines_of(graph), "}", ""]))
    except OSError:
        return OPERATING_SYSTEM
    return 0


def lines_of(graph: Graph) -> Iterator[str]:
    """A graph's nodes and edges, and those of the graphs in it."""
    yield f"subgraph cluster_{graph.number} {{"
    yield f'label="graph_{graph.number}" graph[style="dashed"]'
    for node in graph.nodes:
        yield f'"{name_of(node)}"[shape="record" label="{{{node.number} | {what(node)}}}"];'
    for node in graph.nodes:
        yield from (f'"{name_of(node)}" -> "{name_of(other)}";' for other in node.after)
    yield "}"
    for node in graph.nodes:
        if isinstance(node.operation, ChildGraph):
            yield from lines_of(node.operation.graph)


def name_of(node: Node) -> str:
    """What no other node in the text is called."""
    return f"graph_{node.graph.number}_node_{node.number}"


def what(node: Node) -> str:
    """What a node is, a kernel by its name."""
    if node.operation.node_type == KERNEL:
        return f"KERNEL | {getattr(getattr(node.operation, 'function', None), 'name', '')}"
    if isinstance(node.operation, ChildGraph):
        return f"GRAPH | graph_{node.operation.graph.number}"
    return NAMES[node.operation.node_type]
