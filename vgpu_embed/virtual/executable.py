"""Graphs that can be launched: what one was made of is laid out once, so that a launch has little to do.

Launches of kernels without a body are counted together: a graph of nothing else costs the same for any number of them.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.graphs import ChildGraph, Graph, Node
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.memory.owned import Allocate, Renew
from vgpu_embed.virtual.operations import GRAPH, KERNEL, MEMCPY, MEMSET, Operation
from vgpu_embed.virtual.order import CAPTURE_UNSUPPORTED
from vgpu_embed.virtual.streams import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.order import Order, Task

EXEC_UPDATE_FAILURE = 910
"""CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE."""
UPDATED, UPDATE_ERROR, TOPOLOGY_CHANGED, TYPE_CHANGED, _, PARAMETERS_CHANGED = range(6)
"""CU_GRAPH_EXEC_UPDATE_…."""
INSTANTIATED, INSTANTIATE_ERROR, INVALID_STRUCTURE, OPERATION_NOT_SUPPORTED = range(4)
"""CUDA_GRAPH_INSTANTIATE_…."""
AUTO_FREE, UPLOAD, DEVICE_LAUNCH, NODE_PRIORITY = 1, 2, 4, 8
"""CUDA_GRAPH_INSTANTIATE_FLAG_…."""
SWITCHABLE = (KERNEL, MEMCPY, MEMSET)
"""Types of nodes that can be disabled."""
IN_DEVICE_LAUNCHES = (KERNEL, MEMCPY, MEMSET, GRAPH)


class Step:
    """One operation of an executable graph: a node's, or the end of a graph in it.

    before  the numbers of the steps that come first
    """

    __slots__ = ("before", "is_enabled", "node", "operation", "type")

    def __init__(self, node: Node, operation: Operation, before: list[int], node_type: int) -> None:
        self.node = node
        self.operation = operation
        self.before = before
        self.type = node_type
        self.is_enabled = True


def steps_of(graph: Graph) -> list[Step]:
    """What a graph is made of, each after those before it. Raises Cycle."""
    steps: list[Step] = []
    _lay_out(graph, [], steps)
    return steps


def _lay_out(graph: Graph, first: list[int], steps: list[Step]) -> list[int]:
    """Adds a graph's steps, after those; returns the numbers of its last ones."""
    order = graph.in_order()
    if len(order) < len(graph.nodes):
        raise Cycle(next(node for node in graph.nodes if node not in set(order)))
    numbers: dict[Node, int] = {}
    for node in order:
        operation = node.operation
        before = [numbers[other] for other in node.before] or first
        if isinstance(operation, ChildGraph):
            before = _lay_out(operation.graph, before, steps) or before
            operation = Operation()
        numbers[node] = len(steps)
        steps.append(Step(node, operation, list(before), node.operation.node_type))
    return [number for node, number in numbers.items() if not node.after]


class Cycle(Exception):
    """A node comes before itself."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"node {node.number}")
        self.node = node


class Work(Operation):
    """An executable graph as it was when it was launched: what a stream does for it."""

    node_type = GRAPH

    def __init__(self, executable: Executable) -> None:
        self.executable = executable
        off = Operation()
        self.generation = executable.order.generation
        steps = [(renewed(s.operation, executable.flags) if s.is_enabled else off, s.before) for s in executable.steps]
        self.waits = any(operation.waits for operation, _ in steps)
        if self.waits:
            self.parts = steps
        self._runs = runs_of([operation for operation, _ in steps if type(operation) is not Operation])

    @property
    def previous(self) -> Task | None:
        """See `Operation.previous`: a graph is not launched twice at a time."""
        return self.executable.previous

    @previous.setter
    def previous(self, task: Task | None) -> None:
        self.executable.previous = task

    def run(self) -> None:
        """Does all of it."""
        for run in self._runs:
            run()

    def captured(self) -> Operation:
        """See `Operation.captured`: a graph is not launched into another one."""
        raise Refused(CAPTURE_UNSUPPORTED)


def renewed(operation: Operation, flags: int) -> Operation:
    """What a launch does for a node: with AUTO_FREE, what the last one has allocated is freed first."""
    return Renew(operation.owned) if flags & AUTO_FREE and isinstance(operation, Allocate) else operation


def runs_of(operations: list[Operation]) -> list[Callable[[], None]]:
    """What is to be called at each launch: the inert ones are counted together."""
    runs: list[Callable[[], None]] = []
    inert: dict[type[Operation], list[Operation]] = {}
    for operation in operations:
        if operation.inert:
            inert.setdefault(type(operation), []).append(operation)
        else:
            runs.append(operation.run)
    return [kind.tally(some) for kind, some in inert.items()] + runs


class Executable:
    """A CUgraphExec.

    number    what no other one, and no graph, has
    source    that of the graph that it was made of
    flags     as it was instantiated
    previous  the task that the last launch ends with, where it had to wait
    """

    def __init__(self, machine: Machine, graph: Graph, flags: int) -> None:
        self.machine = machine
        self.order: Order = machine.order
        self.number = self.order.number()
        self.flags = flags
        self.source = graph.number
        self.previous: Task | None = None
        self.steps = steps_of(graph)
        for step in self.steps:
            step.operation.held()
        self.places = {step.node: number for number, step in enumerate(self.steps)}
        self._work: Work | None = None
        self.handle = machine.handle()
        self.users = [(user, count) for user, count in graph.users.items()]
        for user, count in self.users:
            user.retain(count)
        self.order.executables[self.handle] = self

    def destroy(self) -> None:
        """Ends it; a launch goes on."""
        del self.order.executables[self.handle]
        for step in self.steps:
            step.operation.released()
        for user, count in self.users:
            user.release(count)

    def work(self) -> Work:
        """What a launch does now."""
        work = self._work
        if work is None or work.generation != self.order.generation:
            work = self._work = Work(self)
        return work

    def changed(self) -> None:
        """Later launches are different ones."""
        self._work = None

    def step(self, node: Node) -> Step:
        """The step of a node; refuses one that it has not."""
        if node not in self.places:
            raise Refused(INVALID_VALUE)
        return self.steps[self.places[node]]

    def replace(self, node: Node, operation: Operation) -> None:
        """Gives a node's step another operation of the same type."""
        self._put(self.step(node), operation)

    def _put(self, step: Step, operation: Operation) -> None:
        operation.held()
        step.operation.released()
        step.operation = operation
        self._work = None

    def replace_child(self, node: Node, graph: Graph) -> None:
        """Gives the steps of a graph in it those of another one, which has to have the same form."""
        if not isinstance(node.operation, ChildGraph):
            raise Refused(INVALID_VALUE)
        self.step(node)
        own = [self.step(one) for one in nodes_of(node.operation.graph)]
        others = steps_of(graph)
        if [step.type for step in own] != [step.type for step in others]:
            raise Refused(EXEC_UPDATE_FAILURE)
        for step, other in zip(own, others, strict=True):
            self._put(step, other.operation)

    def update(self, graph: Graph) -> tuple[int, Node | None]:
        """Takes the operations of a graph of the same form: CUgraphExecUpdateResult, and the node that is different."""
        try:
            steps = steps_of(graph)
        except Cycle:
            return TOPOLOGY_CHANGED, None
        if len(steps) != len(self.steps):
            return TOPOLOGY_CHANGED, None
        for own, other in zip(self.steps, steps, strict=True):
            if own.type != other.type:
                return TYPE_CHANGED, other.node
            if own.before != other.before:
                return TOPOLOGY_CHANGED, None
        for own, other in zip(self.steps, steps, strict=True):
            self._put(own, other.operation)
        return UPDATED, None


def nodes_of(graph: Graph) -> list[Node]:
    """A graph's nodes in the order of its steps, those of graphs in it included."""
    return [step.node for step in steps_of(graph)]


# ---- functions of the driver ---------------------------------------------------------------------------------------

answers = Answers(ready=initialised)
opened = Answers(ready=initialised, opened=True)


def graph_of(machine: Machine, handle: int) -> Graph:
    """A graph by its handle; refuses what is none."""
    return known(machine.order.graphs, handle, INVALID_VALUE)


def node_of(machine: Machine, handle: int) -> Node:
    """A node by its handle; refuses what is none."""
    return known(machine.order.nodes, handle, INVALID_VALUE)


def executable_of(machine: Machine, call: AnyCall) -> Executable:
    """The executable graph that a call names; refuses what is none."""
    return known(machine.order.executables, call.number("hGraphExec"), INVALID_VALUE)


@opened("cuGraphInstantiate", "cuGraphInstantiate_v2")
def instantiate(machine: Machine, call: AnyCall) -> int:
    """Neither the node that is wrong, which it never names, nor the log has to be wanted."""
    try:
        result = _instantiate(machine, call, 0)
    except Cycle:
        if call.phErrorNode:
            call.reply(phErrorNode=None)
        return call.reply(INVALID_VALUE, logBuffer="") if call.logBuffer and call.bufferSize else INVALID_VALUE
    if not result and call.phErrorNode:
        call.reply(phErrorNode=None)
    return call.reply(logBuffer="") if not result and call.logBuffer and call.bufferSize else result


@opened("cuGraphInstantiateWithFlags")
def instantiate_with_flags(machine: Machine, call: AnyCall) -> int:
    if call.flags & ~(AUTO_FREE | DEVICE_LAUNCH | NODE_PRIORITY):
        return INVALID_VALUE
    try:
        return _instantiate(machine, call, call.flags)
    except Cycle:
        return INVALID_VALUE


@opened("cuGraphInstantiateWithParams", "cuGraphInstantiateWithParams_ptsz")
def instantiate_with_parameters(machine: Machine, call: AnyCall) -> int:
    """What went wrong stands in the parameters."""
    given = call.instantiateParams
    if not given:
        return INVALID_VALUE
    wrong, node = INSTANTIATED, None
    try:
        result = INVALID_VALUE if given.flags & ~15 else _instantiate(machine, call, int(given.flags))
    except Cycle as cycle:
        result, wrong, node = INVALID_VALUE, INVALID_STRUCTURE, cycle.node
    except Unlaunchable as one:
        result, wrong, node = INVALID_VALUE, OPERATION_NOT_SUPPORTED, one.node
    given.result_out = wrong or (INSTANTIATE_ERROR if result else INSTANTIATED)
    given.hErrNode_out = call.ffi.cast("CUgraphNode", node.handle if node else 0)
    return result


class Unlaunchable(Refused):
    """A device cannot launch a graph with this node."""

    def __init__(self, node: Node) -> None:
        super().__init__(INVALID_VALUE)
        self.node = node


def _instantiate(machine: Machine, call: AnyCall, flags: int) -> int:
    """Raises Cycle."""
    machine.safely_current()
    graph = graph_of(machine, call.number("hGraph"))
    if graph.owns_memory and any(one.source == graph.number for one in machine.order.executables.values()):
        return INVALID_VALUE
    if flags & DEVICE_LAUNCH:
        if flags & AUTO_FREE or not graph.nodes:
            return INVALID_VALUE
        for node in graph.nodes:
            if node.operation.node_type not in IN_DEVICE_LAUNCHES:
                raise Unlaunchable(node)
    if not call.phGraphExec:
        return INVALID_VALUE
    return call.reply(phGraphExec=Executable(machine, graph, flags).handle)


@answers("cuGraphLaunch", "cuGraphLaunch_ptsz")
def launch(machine: Machine, call: AnyCall) -> int:
    executable_ = executable_of(machine, call)
    named(machine, call).take(executable_.work())
    return 0


@answers("cuGraphUpload", "cuGraphUpload_ptsz")
def upload(machine: Machine, call: AnyCall) -> int:
    """There is nothing that has to be anywhere else."""
    executable_of(machine, call).work()
    named(machine, call).check_usable()
    return 0


@answers("cuGraphExecDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    machine.order.check_safe()
    executable_of(machine, call).destroy()
    return 0


@answers("cuGraphExecGetFlags")
def get_flags(machine: Machine, call: AnyCall) -> int:
    return call.reply(flags=executable_of(machine, call).flags)


@answers("cuGraphExecGetId")
def get_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(graphId=executable_of(machine, call).number)


@opened("cuGraphExecUpdate")
def update(machine: Machine, call: AnyCall) -> int:
    changed, node = executable_of(machine, call).update(graph_of(machine, call.number("hGraph")))
    if call.hErrorNode_out:
        call.reply(hErrorNode_out=node.handle if node else None)
    result = EXEC_UPDATE_FAILURE if changed else 0
    return call.reply(result, updateResult_out=changed) if call.updateResult_out else result


@opened("cuGraphExecUpdate_v2")
def update_v2(machine: Machine, call: AnyCall) -> int:
    changed, node = executable_of(machine, call).update(graph_of(machine, call.number("hGraph")))
    result = EXEC_UPDATE_FAILURE if changed else 0
    if not call.resultInfo:
        return result
    handle = call.ffi.cast("CUgraphNode", node.handle if node else 0)
    nothing = call.ffi.cast("CUgraphNode", 0)
    return call.reply(
        result,
        resultInfo={"result": changed, "errorNode": handle, "errorFromNode": nothing},
    )


@answers("cuGraphNodeSetEnabled")
def set_enabled(machine: Machine, call: AnyCall) -> int:
    step = _switchable(machine, call)
    step.is_enabled = bool(call.isEnabled)
    executable_of(machine, call).changed()
    return 0


@answers("cuGraphNodeGetEnabled")
def get_enabled(machine: Machine, call: AnyCall) -> int:
    return call.reply(isEnabled=int(_switchable(machine, call).is_enabled))


def _switchable(machine: Machine, call: AnyCall) -> Step:
    step = executable_of(machine, call).step(node_of(machine, call.number("hNode")))
    if step.type not in SWITCHABLE:
        raise Refused(INVALID_VALUE)
    return step
