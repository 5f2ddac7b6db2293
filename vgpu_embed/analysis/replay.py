"""What policies would have said to the calls of a trace.

The calls are made again, in order of their start, through the policies, as `vgpu_embed.testing` does it; below them is
not a driver but the trace: a call that the driver answered then gets the same result. What lay in memory is not in a
trace, so a hook that wants to know it has no verdict: such a call is *undecidable*, and so is one whose hook asks the
driver something itself, or wants a result that the driver never gave because a policy had answered.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vgpu_embed import policy as policies
from vgpu_embed import tables
from vgpu_embed.events import Event
from vgpu_embed.frames import FrameCall, argument, call_class
from vgpu_embed.inspect import recording
from vgpu_embed.policy import Handler, Policy, Process
from vgpu_embed.testing import LAZY, FakeDriver, HostCall, ffi

if TYPE_CHECKING:
    from vgpu_embed._frames import Field, Kind

ROOM = 1 << 20
"""Bytes behind each pointer argument; what a policy writes goes there."""
BATCH = 50_000_000
"""Nanoseconds after which observers get what there is, as in a process."""


class Undecidable(BaseException):
    """What a policy wants to know is not in the trace. No Exception: a policy is not to go on as if it knew."""


class Outcome(NamedTuple):
    """What became of a call.

    verdict: "forwarded", "answered" or "undecidable".
    result: what it returned; None where that is not known, or nothing.
    reason: why it is undecidable.
    """

    verdict: str
    result: int | None
    reason: str = ""


class Replayed(NamedTuple):
    """A call as it was recorded and as it would be."""

    event: recording.Event
    before: Outcome
    after: Outcome

    @property
    def differs(self) -> bool:
        """Whether the policies would have said something else. A result that nobody knows is no difference."""
        before, after = self.before, self.after
        if after.verdict == "undecidable":
            return False
        known = before.result is not None and after.result is not None
        return before.verdict != after.verdict or (known and before.result != after.result)


class Pointer:
    """A pointer of a recorded call: where it pointed is known, and what a hook writes there, but not what was there."""

    __slots__ = ("_address", "_call", "_name", "_room")

    def __init__(self, call: RecordedCall, name: str, address: int, room: Any) -> None:
        for slot, value in (("_call", call), ("_name", name), ("_address", address), ("_room", room)):
            object.__setattr__(self, slot, value)

    def _read(self) -> Any:
        """The room behind it, if a hook has filled it."""
        if self._name not in self._call.written and self._name not in self._call.assigned:
            raise Undecidable(f"it depends on what {self._name} of {self._call.function} pointed to")
        return self._room

    def _write(self) -> Any:
        self._call.assigned.add(self._name)
        return self._room

    def __getitem__(self, index: Any) -> Any:
        return self._read()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._write()[index] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._write(), name, value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ffi.CData):
            return bool(self._address == int(ffi.cast("uintptr_t", other)))
        return isinstance(other, Pointer) and self._address == other._address

    def __hash__(self) -> int:
        return hash(self._address)


class RecordedProcess(Process):
    """The process of the trace."""

    def __init__(self, name: str, pid: int) -> None:
        super().__init__(name)
        self._pid = pid

    @property
    def pid(self) -> int:
        """As it was."""
        return self._pid


class RecordedCall(HostCall):
    """A call of a trace."""

    assigned: set[str]
    """Outputs that a hook has written through the pointer."""

    def real(self) -> int:
        """What the driver said then."""
        self._reached = True
        said: int | None = self._kind.owner.said
        if said is None:
            raise Undecidable(f"the driver was not asked for {self.function} then, so its result is not known")
        return said

    def _made_kind(self, function: str) -> Kind:
        """The driver's answer to another call is not in the trace."""
        raise Undecidable(f"it depends on what the driver says to a {function} of the policy's own")

    def address_of(self, pointer: Any) -> int:
        """See `Call.address_of`."""
        return pointer._address if isinstance(pointer, Pointer) else super().address_of(pointer)


def _field(parameter: tables.Parameter, base: Field) -> property:
    """A parameter that points to memory, as hooks see it."""

    def read(call: RecordedCall) -> Any:
        address = call._kind.owner.addresses.get(parameter.attribute)
        if not address:
            return base.__get__(call)
        if parameter.direction == "in" and parameter.ctype == "const char *":
            raise Undecidable(f"it depends on the text {parameter.attribute} of {call.function}")
        if parameter.direction == "out":
            base.__get__(call)  # raises before the call has a result
        return Pointer(call, parameter.attribute, address, argument(call, parameter))

    return property(read)


class Replay(FakeDriver):
    """The policies of one process, and its calls."""

    def __init__(self, policy: Sequence[Policy], program: str, pid: int) -> None:
        super().__init__(policy, program=program)
        self.process = RecordedProcess(program, pid)
        self.said: int | None = None
        """What the driver said to the call that is being made."""
        self.addresses: dict[str, int] = {}
        """Where the arguments of the call that is being made pointed to."""
        self._room = ffi.from_buffer("char[]", mmap.mmap(-1, 16 * ROOM, LAZY))
        self._flushed = 0
        self._observed = {name for one in policy for observer in one.observers for name in observer.functions}

    def host_class(self, function: str) -> type[FrameCall]:
        """See `FakeDriver.host_class`."""
        recorded = call_class(function, RecordedCall)
        pointers = [p for p in tables.function(function).parameters or () if p.pointee is not None]
        fields = {p.attribute: _field(p, getattr(recorded, p.attribute)) for p in pointers}
        return type(function, (recorded,), fields)

    def _failed(self, handler: Handler, call: FrameCall, error: BaseException) -> int | str | bytes | None:
        if isinstance(error, Undecidable):
            raise error
        return super()._failed(handler, call, error)

    def again(self, event: recording.Event, said: int | None) -> Outcome:
        """What becomes of a recorded call; `said` is what the driver said, None where it was not asked."""
        if event.start - self._flushed > BATCH:
            self.flush()
            self._flushed = event.start
        outcome = self._decide(event, said)
        if event.function in self._observed:
            verdict = recording.VERDICTS.index(outcome.verdict) if outcome.verdict in recording.VERDICTS else 0
            result = event.result if outcome.result is None else outcome.result
            row, times = tables.function(event.function), (event.start, event.end)
            self._events.append(Event(row, event.caller, event.thread, *times, result, verdict, list(event.words)))
        return outcome

    def _decide(self, event: recording.Event, said: int | None) -> Outcome:
        if tables.index(event.function) is None:
            return Outcome("forwarded", said)
        kind = self.host_kind(event.function, event.caller)
        if not kind.hooks:
            return Outcome("forwarded", said)
        row = tables.function(event.function)
        if len(event.words) < sum(tables.words(row)):
            return Outcome("undecidable", None, f"the arguments of {event.function} were not recorded")
        self._enter()
        self.said = said
        frame = self._frame(row, event)
        call = kind(int(ffi.cast("uintptr_t", frame)))
        call.assigned = set()
        try:
            verdict = call.run()
        except Undecidable as error:
            return Outcome("undecidable", None, str(error))
        if verdict is None:
            return Outcome("forwarded", said)
        return Outcome("forwarded" if call._reached else "answered", result_of(row, verdict))

    def _frame(self, row: tables.Function, event: recording.Event) -> Any:
        """The call's frame; its pointers to memory point into a room of ours."""
        frame = ffi.new("struct vgpu_frame *")
        self._stack = frame.stack = ffi.new("uint64_t[]", row.stack_words or 1)  # a frame does not keep it
        general, floating, _ = tables.words(row)
        for place, word in enumerate(event.words):
            if place < general:
                frame.gp[place] = word
            elif place < general + floating:
                ffi.cast("uint64_t *", frame.xmm[place - general])[0] = word
            else:
                self._stack[place - general - floating] = word
        self.addresses = {}
        for number, parameter in enumerate(p for p in row.parameters or () if p.pointee is not None):
            register, place = parameter.location
            words = self._stack if register == "stack" else frame.gp
            if words[place]:
                self.addresses[parameter.attribute] = int(words[place])
                words[place] = int(ffi.cast("uintptr_t", self._room + number % 16 * ROOM))
        return frame


def result_of(row: tables.Function, result: Any) -> int | None:
    """A result in as many bits as its type has; None where it is text, or there is none."""
    if row.result_kind in ("void", "struct") or not isinstance(result, int):
        return None
    return int(result) & ((1 << 8 * row.result_size) - 1)


def _recorded(event: recording.Event) -> int | None:
    if tables.index(event.function) is None:
        return event.result
    row = tables.function(event.function)
    return None if row.result_kind == "pointer" else result_of(row, event.result)


def replay(
    events: Iterable[recording.Event], driver_of: Callable[[int], Replay], said: Callable[[int], bool]
) -> Iterator[Replayed]:
    """Makes recorded calls again.

    Args:
        events: in order of their start.
        driver_of: makes the policies of a process.
        said: whether the driver, real or virtual, made the call of that number.
    """
    drivers: dict[int, Replay] = {}
    for number, event in enumerate(events):
        driver = drivers.get(event.process)
        if driver is None:
            driver = drivers[event.process] = driver_of(event.process)
        result = _recorded(event)
        forwarded = said(number)
        before = Outcome("forwarded" if forwarded else "answered", result)
        yield Replayed(event, before, driver.again(event, result if forwarded else None))


class Recorded:
    """A trace to be made again.

    Attributes:
        info: what the trace says of its process, see docs/traces.md.
        events: its calls.
    """

    def __init__(self, path: str) -> None:
        """Reads a file. Raises NotARecording, OSError."""
        with recording.Recording(path) as opened:
            self.info = opened.info
            self.events = opened.events()

    def settings(self, loaded: Sequence[Policy], given: Sequence[str]) -> list[str]:
        """Options to set: those of the trace, in policies that are the same as then, then those given."""
        then = {one["sha256"] for one in self.info.get("policies", ())}
        same = {name for policy in loaded if policy.sha256 in then for name in policy.options}
        recorded = [f"{name}={value}" for name, value in self.info.get("options", {}).items() if name in same]
        return [*recorded, *given]

    def run(self, names: Sequence[str], given: Sequence[str] = ()) -> Iterator[Replayed]:
        """Makes the calls again under policies, a fresh set for each process. Raises PolicyError."""
        return replay(self.events, lambda pid: self._driver(names, given, pid), self._said())

    def _driver(self, names: Sequence[str], given: Sequence[str], pid: int) -> Replay:
        loaded = [policies.load(name) for name in names]
        policies.apply_settings(loaded, self.settings(loaded, given))
        return Replay(loaded, self.info.get("program", "?"), pid)

    def _said(self) -> Callable[[int], bool]:
        """Which calls the driver made. Where GPUs were given, answers of theirs are the driver's, too.

        Those are told from the policies' by making the calls again under the policies of then.
        """
        if not self.info.get("devices"):
            return lambda number: self.events[number].verdict == 0
        then = [one["path"] for one in self.info.get("policies", ())]
        answered = set()
        if then:
            outcomes = replay(self.events, lambda pid: self._driver(then, (), pid), lambda number: True)
            answered = {number for number, one in enumerate(outcomes) if one.after.verdict != "forwarded"}
        return lambda number: number not in answered
