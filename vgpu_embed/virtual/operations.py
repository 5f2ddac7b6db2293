"""What a stream does in its order, and what a node of a graph is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.order import Task

KERNEL, MEMCPY, MEMSET, HOST, GRAPH, EMPTY, WAIT_EVENT, EVENT_RECORD = range(8)
MEM_ALLOC, MEM_FREE, BATCH_MEM_OP = 10, 11, 12
"""CU_GRAPH_NODE_TYPE_… of cuda.h."""


class Operation:
    """One thing that is done in a stream's order. It has been checked: what is wrong with its arguments is said before.

    A graph runs the same object at each launch, so that it keeps what it needs by value (a copy's addresses, not what
    lies there; a kernel's parameters, which the caller's array holds only during the call).
    """

    node_type = EMPTY
    """What kind of node it is in a graph."""

    waits = False
    """Whether it may have to wait for something beside its stream, so that it is not simply run."""

    is_function = False
    """Whether running it calls a function of the program's, which has a thread for it; then `waits` too."""

    is_told = False
    """Whether that is called even where the context is broken, and told so."""

    inert = False
    """Whether running it computes nothing and is only counted: a launch of a kernel without a body."""

    parts: Sequence[tuple[Operation, Sequence[int]]] = ()
    """What it consists of, where that may have to wait: each with the numbers of those that come before."""

    previous: Task | None = None
    """What has to be done before it may be done again."""

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """Makes one from a pointer to its struct of node parameters (CUDA_MEMCPY3D, …).

        `context` is the handle that comes beside some of them, 0 where there is none. Raises Refused.
        """
        raise NotImplementedError

    def fields(self) -> dict[str, Any]:
        """What `from_node` was given, by the struct's fields."""
        return {}

    def captured(self) -> Operation:
        """What a graph gets of it when a stream that is captured takes it; refuses what cannot be captured."""
        return self

    def held(self) -> None:
        """Is told that a graph has it as a node, or an executable one as a step."""

    def released(self) -> None:
        """Is told that one has it no more."""

    def run(self) -> None:
        """Does it. Raises Refused."""

    def queued(self, task: Task) -> None:
        """Is told when it is not run at once."""

    def ready(self) -> bool:
        """Whether what it waits for is there; asked again and again where `waits`."""
        return True

    @classmethod
    def tally(cls, operations: Sequence[Operation]) -> Callable[[], None]:
        """What counts these inert operations of this class, once each; a graph calls it at each of its launches."""
        raise NotImplementedError
