"""Stream capture: what streams are asked for becomes a graph instead of being done.

What is illegal meanwhile ends with the error that cuda.h names for it, and most of it makes the capture invalid: it can
only be ended, and gives no graph.
"""

from __future__ import annotations

from _thread import get_ident

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.executable import graph_of, node_of
from vgpu_embed.virtual.graphs import PLAIN, Graph, Node, ancestors
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.operations import Operation
from vgpu_embed.virtual.order import CAPTURE_UNSUPPORTED
from vgpu_embed.virtual.streams import CAPTURE_IMPLICIT, Legacy, Stream, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine, Thread

ILLEGAL_STATE = 401
LOSSY_QUERY = 402
CAPTURE_INVALIDATED = 901
CAPTURE_MERGE = 902
CAPTURE_UNMATCHED = 903
CAPTURE_UNJOINED = 904
CAPTURE_WRONG_THREAD = 908
"""CUDA_ERROR_… of cuda.h."""

GLOBAL, THREAD_LOCAL, RELAXED = range(3)
"""CU_STREAM_CAPTURE_MODE_…."""
NONE, ACTIVE, INVALIDATED = range(3)
"""CU_STREAM_CAPTURE_STATUS_…."""
ADD, SET = range(2)
"""CU_STREAM_ADD_CAPTURE_DEPENDENCIES, CU_STREAM_SET_CAPTURE_DEPENDENCIES."""


class Capture:
    """What is captured.

    graph     what it becomes
    origin    the stream that it began with
    number    what no other capture has
    ends      the streams that are part of it: what comes next in each comes after these nodes
    is_own    whether the graph was made for it
    """

    def __init__(
        self,
        machine: Machine,
        origin: Stream,
        mode: int,
        graph: Graph | None = None,
        ends: dict[Node, bytes] | None = None,
    ) -> None:
        self.machine = machine
        self.graph = graph or Graph(machine)
        self.is_own = graph is None
        self.origin = origin
        self.mode = mode
        self.thread = get_ident()
        self.number = machine.order.number()
        self.ends: dict[Stream, dict[Node, bytes]] = {}
        self.is_valid = True
        self.is_broken = False
        """Whether something illegal was asked for."""
        self._set_aside: set[Node] = set()
        """Nodes that the program took out of the ends of a stream: they need not be joined."""
        machine.order.captures.append(self)
        self._enter(origin, ends or {})

    def _enter(self, stream: Stream, ends: dict[Node, bytes]) -> None:
        stream.capture = self
        self.ends[stream] = ends

    def take(self, stream: Stream, operation: Operation) -> None:
        """Makes a node of what a stream is asked for. Raises Refused."""
        self.valid()
        try:
            captured = operation.captured()
        except Refused as refused:
            if refused.result >= CAPTURE_UNSUPPORTED:  # what is wrong with the operation leaves the capture as it was
                self.invalidate()
            raise
        self.ends[stream] = {self.graph.add(captured, self.ends[stream]): PLAIN}

    def join(self, stream: Stream, ends: dict[Node, bytes]) -> None:
        """A stream waits for nodes of it, and is part of it from now on. Raises Refused."""
        if stream.capture is not None and stream.capture is not self:
            self.invalidate()
            stream.capture.break_off(CAPTURE_MERGE)
        if stream.is_legacy:
            self.break_off(CAPTURE_IMPLICIT)
        self.valid()
        if stream.capture is None:
            self._enter(stream, dict(ends))
        else:
            self.ends[stream] = {**self.ends[stream], **ends}

    def valid(self) -> Capture:
        """Itself; refuses what would be added to it if it is invalid, or over."""
        if not self.is_valid:
            raise Refused(CAPTURE_INVALIDATED)
        return self

    def invalidate(self) -> None:
        """There will be no graph."""
        self.is_valid = False
        self.is_broken = True

    def break_off(self, error: int) -> NoReturn:
        """Refuses something, which makes it invalid."""
        self.invalidate()
        raise Refused(error)

    def forbids(self, thread: Thread) -> bool:
        """Whether this thread may not do what no graph would have: see cuThreadExchangeStreamCaptureMode."""
        if RELAXED in (self.mode, thread.capture_mode):
            return False
        is_own = self.thread == get_ident()
        return is_own or (self.mode == GLOBAL and thread.capture_mode == GLOBAL)

    def set_ends(self, stream: Stream, ends: dict[Node, bytes]) -> None:
        """What comes next in a stream comes after these; what came before it need not be joined."""
        self._set_aside |= self.ends[stream].keys() - ends.keys()
        self.ends[stream] = ends

    def is_joined(self) -> bool:
        """Whether all streams have come together in the one that it began with."""
        joined = ancestors(self.ends[self.origin]) | self._set_aside
        return all(ends.keys() <= joined for ends in self.ends.values())

    def end(self) -> Graph:
        """Ends it, whatever comes of it. Raises Refused."""
        is_valid, is_joined = self.is_valid, self.is_joined()
        if is_valid and is_joined:
            self.let_go()
            return self.graph
        self.abandon()
        raise Refused(CAPTURE_UNJOINED if is_valid else CAPTURE_INVALIDATED)

    def leave(self, stream: Stream) -> None:
        """A stream is not there any more. One that was not the first cannot be joined any more."""
        if stream is self.origin:
            self.abandon()

    def abandon(self) -> None:
        """Ends it without a graph."""
        self.invalidate()
        self.let_go()
        if self.is_own:
            self.graph.destroy()

    def let_go(self) -> None:
        """Lets its streams go."""
        self.is_valid = False
        self.machine.order.captures.remove(self)
        for stream in self.ends:
            stream.capture = None


# ---- functions of the driver ---------------------------------------------------------------------------------------

answers = Answers(ready=initialised, opened=True)


@answers("cuStreamBeginCapture", "cuStreamBeginCapture_ptsz")
def begin(machine: Machine, call: AnyCall) -> int:
    Capture(machine, _to_capture(machine, call), GLOBAL)
    return 0


@answers("cuStreamBeginCapture_v2", "cuStreamBeginCapture_v2_ptsz")
def begin_v2(machine: Machine, call: AnyCall) -> int:
    mode = call.number("mode")
    if mode > RELAXED:
        return INVALID_VALUE
    Capture(machine, _to_capture(machine, call), mode)
    return 0


@answers("cuStreamBeginCaptureToGraph", "cuStreamBeginCaptureToGraph_ptsz")
def begin_to_graph(machine: Machine, call: AnyCall) -> int:
    mode = call.number("mode")
    if mode > RELAXED:
        return INVALID_VALUE
    graph = graph_of(machine, call.number("hGraph"))
    ends = nodes_given(machine, call, call.dependencies, call.numDependencies, call.dependencyData)
    if any(node.graph is not graph for node in ends):
        return INVALID_VALUE
    Capture(machine, _to_capture(machine, call), mode, graph, ends)
    return 0


def _to_capture(machine: Machine, call: AnyCall) -> Stream:
    stream = named(machine, call)
    stream.check_usable() if stream.is_legacy else None
    if stream.is_legacy:
        raise Refused(CAPTURE_UNSUPPORTED)
    if stream.capture is not None:
        raise Refused(ILLEGAL_STATE)
    return stream


def nodes_given(machine: Machine, call: AnyCall, nodes: Any, count: int, data: Any = None) -> dict[Node, bytes]:
    """The nodes of an array of handles, each with the data of its edge. Refuses any that is given twice."""
    if count and not nodes:
        raise Refused(INVALID_VALUE)
    found: dict[Node, bytes] = {}
    for place in range(count):
        node = node_of(machine, call.address_of(nodes[place]))
        if node in found:
            raise Refused(INVALID_VALUE)
        found[node] = bytes(call.ffi.buffer(data + place, len(PLAIN))) if data else PLAIN
    return found


@answers("cuStreamEndCapture", "cuStreamEndCapture_ptsz")
def end(machine: Machine, call: AnyCall) -> int:
    """Another thread than the one that began it ends it without a graph. The graph need not be wanted."""
    stream = named(machine, call)
    capture = stream.capture
    if capture is None:
        return ILLEGAL_STATE
    if capture.origin is not stream:
        capture.break_off(CAPTURE_UNMATCHED)
    if capture.mode != RELAXED and capture.thread != get_ident():
        capture.abandon()
        return CAPTURE_WRONG_THREAD
    try:
        graph = capture.end()
    except Refused as refused:
        return call.reply(refused.result, phGraph=None) if call.phGraph else refused.result
    return call.reply(phGraph=graph.handle) if call.phGraph else 0


@answers("cuThreadExchangeStreamCaptureMode")
def exchange_mode(machine: Machine, call: AnyCall) -> int:
    """Any number is taken, and given back the next time."""
    if not call.mode:
        return INVALID_VALUE
    mode = call.mode[0]
    call.mode[0], machine.thread.capture_mode = machine.thread.capture_mode, mode
    return 0


def _status(stream: Stream) -> int:
    """Refuses the legacy stream while a stream is captured that it would have to wait for; that goes on."""
    if isinstance(stream, Legacy) and stream.captured():
        raise Refused(CAPTURE_IMPLICIT)
    if stream.capture is None:
        return NONE
    return ACTIVE if stream.capture.is_valid else INVALIDATED


@answers("cuStreamIsCapturing", "cuStreamIsCapturing_ptsz")
def is_capturing(machine: Machine, call: AnyCall) -> int:
    return call.reply(captureStatus=_status(named(machine, call)))


@answers("cuStreamGetCaptureInfo", "cuStreamGetCaptureInfo_ptsz")
def get_info(machine: Machine, call: AnyCall) -> int:
    """The number may be left out."""
    stream = named(machine, call)
    status = _status(stream)
    result = call.reply(captureStatus_out=status)
    if not result and call.id_out and stream.capture is not None:
        call.id_out[0] = stream.capture.number
    return result


@answers(
    "cuStreamGetCaptureInfo_v2",
    "cuStreamGetCaptureInfo_v2_ptsz",
    "cuStreamGetCaptureInfo_v3",
    "cuStreamGetCaptureInfo_v3_ptsz",
)
def get_full_info(machine: Machine, call: AnyCall) -> int:
    """Anything but the status may be left out. The arrays stay as they are until the stream is asked for more."""
    stream = named(machine, call)
    data_out = call.edgeData_out if "_v3" in call.function else None
    if data_out and not call.dependencies_out:
        return INVALID_VALUE
    status = _status(stream)
    result = call.reply(captureStatus_out=status)
    capture = stream.capture
    if result or capture is None or status != ACTIVE:
        return result
    ends = capture.ends[stream]
    if call.dependencies_out and not data_out and any(data != PLAIN for data in ends.values()):
        return LOSSY_QUERY
    if call.id_out:
        call.id_out[0] = capture.number
    if call.graph_out:
        call.graph_out[0] = call.ffi.cast("CUgraph", capture.graph.handle)
    arrays = stream.arrays = (
        call.ffi.new("uint64_t[]", [node.handle for node in ends] or 1),
        call.ffi.new("char[]", b"".join(ends.values())),
    )
    if call.dependencies_out:
        call.dependencies_out[0] = call.ffi.cast("CUgraphNode *", arrays[0])
    if data_out:
        data_out[0] = call.ffi.cast("CUgraphEdgeData *", arrays[1])
    if call.numDependencies_out:
        call.numDependencies_out[0] = len(ends)
    return result


@answers(
    "cuStreamUpdateCaptureDependencies",
    "cuStreamUpdateCaptureDependencies_ptsz",
    "cuStreamUpdateCaptureDependencies_v2",
    "cuStreamUpdateCaptureDependencies_v2_ptsz",
)
def update_dependencies(machine: Machine, call: AnyCall) -> int:
    stream = named(machine, call)
    capture = stream.capture
    if capture is None:
        return ILLEGAL_STATE
    capture.valid()
    data = call.dependencyData if "_v2" in call.function else None
    ends = nodes_given(machine, call, call.dependencies, call.numDependencies, data)
    if call.flags > SET or any(node.graph is not capture.graph for node in ends):
        return INVALID_VALUE
    capture.set_ends(stream, ends if call.flags == SET else {**capture.ends[stream], **ends})
    return 0
