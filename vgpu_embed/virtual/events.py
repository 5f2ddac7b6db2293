"""Events: what a stream had been asked for when they were recorded, and when that was done.

Of an event that processes share, a file has the number of its last recording; whoever has recorded it holds a lock on
the byte of that number until it is reached, so that an event is reached, too, when its process ends.
"""

from __future__ import annotations

from time import monotonic_ns, sleep

from vgpu_embed.virtual import sharing
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.contexts import closing
from vgpu_embed.virtual.contexts import named as context_named
from vgpu_embed.virtual.machine import INVALID_CONTEXT, INVALID_VALUE, initialised
from vgpu_embed.virtual.operations import EVENT_RECORD, WAIT_EVENT, Operation
from vgpu_embed.virtual.order import CAPTURE_UNSUPPORTED, LONGEST_PAUSE
from vgpu_embed.virtual.streams import INVALID_HANDLE, NON_BLOCKING, NOT_READY, Stream, check_uncaptured, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.capture import Capture
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.graphs import Node
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.order import Task
    from vgpu_embed.virtual.sharing import File

MAP_FAILED = 205
ILLEGAL_STATE = 401
CAPTURE_ISOLATION = 905
CAPTURED_EVENT = 907
"""CUDA_ERROR_… of cuda.h."""

DISABLE_TIMING, INTERPROCESS, ALL_FLAGS = 2, 4, 7
"""CU_EVENT_…."""
EXTERNAL = 1
"""CU_EVENT_RECORD_EXTERNAL, CU_EVENT_WAIT_EXTERNAL: in a capture, a node rather than an edge."""


class Recording(Operation):
    """What an event was recorded as the last time."""

    task: Task | None = None
    time = 0
    """When it was reached, in ns; 0: not yet."""

    def queued(self, task: Task) -> None:
        """See `Operation.queued`."""
        self.task = task

    def run(self) -> None:
        """It is reached."""
        self.time = monotonic_ns()

    @property
    def is_done(self) -> bool:
        """Whether all that came before it is done."""
        return self.task is None or self.task.done


class SharedRecording(Recording):
    """The same, of an event that other processes have too."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._number = file.begin()

    def run(self) -> None:
        """See `Recording.run`."""
        super().run()
        self._file.unlock(self._number, 1)

    @property
    def is_last(self) -> bool:
        """Whether nobody has recorded the event since."""
        return self._file.latest == self._number

    def __del__(self) -> None:
        self._file.unlock(self._number, 1)


class Elsewhere(Operation):
    """Waits for what another process has recorded an event as."""

    waits = True

    def __init__(self, file: File) -> None:
        self._file = file
        self._number = file.latest

    def ready(self) -> bool:
        """See `Operation.ready`."""
        return not self._number or not self._file.is_reached(self._number, 1)


class Event:
    """An event.

    recording  None: it was not recorded, and nobody waits for it
    captured   where it was recorded in a capture: that, and the nodes it stands for
    file       where other processes see it, once they may
    is_opened  whether it is another process's
    """

    file: File | None = None
    is_opened = False

    def __init__(self, machine: Machine, context: Context, handle: int, flags: int) -> None:
        self.machine = machine
        self.context = context
        self.handle = handle
        self.flags = flags
        self.recording: Recording | None = None
        self.captured: tuple[Capture, dict[Node, bytes]] | None = None

    def record(self, stream: Stream) -> None:
        """Stands from now on for what the stream was asked for so far."""
        if stream.capture is not None:
            self.captured = (stream.capture.valid(), dict(stream.capture.ends[stream]))
            return
        stream.check_usable()
        recording = self.begun()
        stream.order.do(stream, recording)
        self.recording, self.captured = recording, None

    def begun(self) -> Recording:
        """A new recording."""
        return SharedRecording(self.shared()) if self.flags & INTERPROCESS else Recording()

    def shared(self) -> File:
        """Where other processes see it."""
        if self.file is None:
            self.file = sharing.made(self.machine, sharing.EVENT, -1, 0)
        return self.file

    @property
    def unfinished(self) -> Task | None:
        """What somebody who waits for it has to wait for, in this process."""
        recording = self.recording
        return None if recording is None or recording.is_done else recording.task

    @property
    def elsewhere(self) -> Elsewhere | None:
        """The same in other processes, where one of them has recorded it last."""
        if self.file is None or (isinstance(self.recording, SharedRecording) and self.recording.is_last):
            return None
        found = Elsewhere(self.file)
        return None if found.ready() else found

    def check_not_captured(self) -> None:
        """Refuses what would be asked of it while it stands for nodes of a graph."""
        if self.captured:
            self.check_capture()
            self.captured[0].invalidate()
            raise Refused(CAPTURED_EVENT)

    def check_capture(self) -> None:
        """Refuses it where it stands for nodes of a capture in which something illegal was asked for."""
        if self.captured and self.captured[0].is_broken:
            raise Refused(INVALID_VALUE)


class RecordNode(Operation):
    """Records an event in a graph."""

    node_type = EVENT_RECORD
    _recording: Recording | None = None

    def __init__(self, event: Event) -> None:
        self.event = event

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Operation:
        """See `Operation.from_node`: CUDA_EVENT_RECORD_NODE_PARAMS, CUDA_EVENT_WAIT_NODE_PARAMS."""
        return cls(event_of(machine, call.address_of(parameters.event)))

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        return {"event": self.event.handle}

    def queued(self, task: Task) -> None:
        """See `Operation.queued`: from now on the event stands for this."""
        self._recording = self.event.recording = self.event.begun()
        self._recording.queued(task)

    def run(self) -> None:
        """Records it."""
        recording, self._recording = self._recording or self.event.begun(), None
        recording.run()
        self.event.recording = recording


class WaitNode(RecordNode):
    """Waits for an event in a graph."""

    node_type = WAIT_EVENT
    waits = True
    _elsewhere: Elsewhere | None = None

    def queued(self, task: Task) -> None:
        """See `Operation.queued`: it waits for what the event stands for now."""
        self._recording, self._elsewhere = self.event.recording, self.event.elsewhere

    def ready(self) -> bool:
        """Whether the event has been reached."""
        if self._elsewhere:
            return self._elsewhere.ready()
        return self._recording is None or self._recording.is_done

    def run(self) -> None:
        """It has been waited for."""


def event_of(machine: Machine, handle: int) -> Event:
    """An event by its handle; refuses what is none."""
    return known(machine.order.events, handle, INVALID_HANDLE)


def close_context(machine: Machine, context: Context) -> None:
    """Ends the events of a context."""
    events = machine.order.events
    for handle in [handle for handle, event in events.items() if event.context is context]:
        del events[handle]
    machine.order.gates.pop(context, None)


closing.append(close_context)


# ---- functions of the driver ---------------------------------------------------------------------------------------

answers = Answers(ready=initialised)


@answers("cuEventCreate")
def create(machine: Machine, call: AnyCall) -> int:
    context, flags = machine.current(), call.Flags
    if flags & ~ALL_FLAGS or (flags & INTERPROCESS and not flags & DISABLE_TIMING):
        return INVALID_VALUE
    handle = machine.handle()
    result = call.reply(phEvent=handle)
    if not result:
        machine.order.events[handle] = Event(machine, context, handle, flags)
    return result


@answers("cuEventDestroy", "cuEventDestroy_v2")
def destroy(machine: Machine, call: AnyCall) -> int:
    """Who waits for it goes on waiting for what it stood for."""
    event = event_of(machine, call.number("hEvent"))
    del machine.order.events[event.handle]
    return event.context.error


@answers("cuEventRecord", "cuEventRecord_ptsz")
def record(machine: Machine, call: AnyCall) -> int:
    return _record(machine, call, 0)


@answers("cuEventRecordWithFlags", "cuEventRecordWithFlags_ptsz")
def record_with_flags(machine: Machine, call: AnyCall) -> int:
    return _record(machine, call, call.flags)


def _record(machine: Machine, call: AnyCall, flags: int) -> int:
    """Event and stream have to be of the same context."""
    event, stream = event_of(machine, call.number("hEvent")), named(machine, call)
    if stream.context is not event.context:
        return INVALID_HANDLE
    if flags & ~EXTERNAL:
        return INVALID_VALUE
    if flags and stream.capture is None:
        return ILLEGAL_STATE
    if flags:
        stream.take(RecordNode(event))
    else:
        event.record(stream)
    return 0


@answers("cuEventQuery")
def query(machine: Machine, call: AnyCall) -> int:
    event = _waitable(machine, call)
    return NOT_READY if event.elsewhere or event.unfinished else event.context.error


@answers("cuEventSynchronize")
def synchronize(machine: Machine, call: AnyCall) -> int:
    event = _waitable(machine, call)
    if elsewhere := event.elsewhere:
        while not elsewhere.ready():
            sleep(LONGEST_PAUSE)
    elif task := event.unfinished:
        machine.order.wait([task])
    return event.context.error


def _waitable(machine: Machine, call: AnyCall) -> Event:
    event = event_of(machine, call.number("hEvent"))
    event.check_not_captured()
    machine.order.check_safe()
    return event


@answers("cuEventElapsedTime", "cuEventElapsedTime_v2")
def elapsed_time(machine: Machine, call: AnyCall) -> int:
    """By the clock: what a GPU would take for what lies between is not known here."""
    start, end = event_of(machine, call.number("hStart")), event_of(machine, call.number("hEnd"))
    if not call.number("pMilliseconds"):
        return INVALID_HANDLE
    if (start.flags | end.flags) & DISABLE_TIMING or start.context is not end.context:
        return INVALID_HANDLE
    start.check_not_captured()
    end.check_not_captured()
    if start.recording is None or end.recording is None:
        return INVALID_HANDLE
    if start.unfinished or end.unfinished:
        return NOT_READY
    return call.reply(pMilliseconds=(end.recording.time - start.recording.time) / 1e6)


@answers("cuStreamWaitEvent", "cuStreamWaitEvent_ptsz")
def wait_event(machine: Machine, call: AnyCall) -> int:
    """Waiting for an event of a capture makes the stream part of that."""
    stream, event = named(machine, call), event_of(machine, call.number("hEvent"))
    if call.Flags & ~EXTERNAL:
        return INVALID_VALUE
    if call.Flags and stream.capture is None:
        return ILLEGAL_STATE
    event.check_capture()
    if call.Flags:
        stream.take(WaitNode(event))
    elif event.captured:
        capture, ends = event.captured
        capture.join(stream, ends)
    elif stream.capture is not None and event.recording is not None:
        stream.capture.break_off(CAPTURE_ISOLATION)
    elif stream.capture is not None:
        stream.capture.valid()
    else:
        wait_for(stream, event)
    return 0


def wait_for(stream: Stream, event: Event) -> None:
    """What the stream is asked for next comes after what the event stands for."""
    stream.check_usable()
    if elsewhere := event.elsewhere:
        stream.order.do(stream, elsewhere)
        return
    if not stream.order.last:
        return
    with stream.order.lock:
        if task := event.unfinished:
            stream.order.later(stream, None, [*stream.order.before(stream), task])


# ---- of all streams of a context -----------------------------------------------------------------------------------


@answers("cuCtxRecordEvent")
def record_of_context(machine: Machine, call: AnyCall) -> int:
    """The event stands for what comes last in a stream of its own, after all that the context was asked for."""
    context, event = context_named(machine, call, call.hCtx), event_of(machine, call.number("hEvent"))
    if event.context is not context:
        return INVALID_HANDLE
    check_uncaptured(machine, context)
    order, recording = machine.order, event.begun()
    with order.lock:
        if before := order.of(context):
            order.later(Stream(machine, context, 0, NON_BLOCKING), recording, before)
        else:
            recording.run()
    event.recording, event.captured = recording, None
    return context.error


@answers("cuCtxWaitEvent")
def wait_in_context(machine: Machine, call: AnyCall) -> int:
    """Streams that the context has, and those that it will have."""
    context, event = context_named(machine, call, call.hCtx), event_of(machine, call.number("hEvent"))
    check_uncaptured(machine, context)
    if event.captured:
        event.captured[0].break_off(CAPTURE_UNSUPPORTED)
    with machine.order.lock:
        if elsewhere := event.elsewhere:
            stream = Stream(machine, context, 0, NON_BLOCKING)
            machine.order.later(stream, elsewhere, ())
            task = machine.order.last.get(stream)
        else:
            task = event.unfinished
        if task:
            machine.order.hold(context, task)
    return context.error


# ---- events of several processes -----------------------------------------------------------------------------------


@answers("cuIpcGetEventHandle")
def get_handle(machine: Machine, call: AnyCall) -> int:
    """Of an event that was made for this, here."""
    if not call.number("pHandle") or not call.number("event"):
        return INVALID_VALUE
    event = event_of(machine, call.number("event"))
    if not event.flags & INTERPROCESS or event.is_opened:
        return INVALID_HANDLE
    return call.reply(pHandle={"reserved": event.shared().handle()})


@answers("cuIpcOpenEventHandle")
def open_handle(machine: Machine, call: AnyCall) -> int:
    """Each time another event, of the current context, that stands for the same."""
    context = machine.current()
    given = sharing.Handle(bytes(call.ffi.buffer(call.ffi.addressof(call.handle))), sharing.EVENT, MAP_FAILED)
    if given.is_own:
        return INVALID_CONTEXT
    event = Event(machine, context, machine.handle(), DISABLE_TIMING | INTERPROCESS)
    files = [one.file for one in machine.order.events.values() if one.file and one.file.number == given.number]
    event.file, event.is_opened = files[0].reopened() if files else given.file(machine), True
    result = call.reply(phEvent=event.handle)
    if not result:
        machine.order.events[event.handle] = event
    return result
