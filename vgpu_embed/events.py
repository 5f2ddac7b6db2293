"""Calls as observers see them: what a recording has of each."""

from __future__ import annotations

import vgpu_embed.policy as policy
import vgpu_embed.tables as tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FREE, FULL = 0, 2
"""States of a chunk, docs/traces.md."""
CHUNK_HEADER = 64
MARK_SLOT = 0xFFFF
"""Slot of a record that says whose the next ones are."""


class Event:
    """One call that has been made. Inputs are attributes under the header's names, as raw numbers.

    Attributes:
        function, caller: as a hook sees them.
        thread: its id (gettid).
        start, end: ns, CLOCK_MONOTONIC.
        result: the result register's number.
        verdict: 0 the driver's, 1 remembered, 2 a policy's.
    """

    __slots__ = ("_words", "caller", "end", "result", "row", "start", "thread", "verdict")

    def __init__(
        self,
        row: tables.Function,
        caller: str,
        thread: int,
        start: int,
        end: int,
        result: int,
        verdict: int,
        words: list[int],
    ) -> None:
        self.row = row
        self.caller = caller
        self.thread = thread
        self.start = start
        self.end = end
        self.result = result
        self.verdict = verdict
        self._words = words

    @property
    def function(self) -> str:
        """Exported name."""
        return self.row.name

    @property
    def args(self) -> dict[str, int | float]:
        """Every argument by its name; pointers are addresses. A struct is its first 8 bytes."""
        return {p.attribute: self._value(p) for p in self.row.parameters or ()}

    def __getattr__(self, name: str) -> int | float:
        for parameter in self.row.parameters or ():
            if parameter.attribute == name:
                return self._value(parameter)
        raise AttributeError(policy.unknown_field(self.row.name, name))

    def _value(self, parameter: tables.Parameter) -> int | float:
        return value_of(parameter, self._words[word_of(self.row, parameter)])

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.args.items())
        return f"<{self.function}({arguments}) -> {self.result}>"


class Events(list[Event]):
    """A batch. `dropped`: how many found no room since the batch before."""

    dropped = 0


def word_of(row: tables.Function, parameter: tables.Parameter) -> int:
    """Which of a recorded call's words a parameter begins at: general registers, floating-point ones, stack."""
    kind, place = parameter.location
    general, floating, _ = tables.words(row)
    return place + {"gp": 0, "fp": general, "stack": general + floating}[kind]


def value_of(parameter: tables.Parameter, word: int) -> int | float:
    """A parameter's value from its recorded word."""
    if parameter.kind in ("float", "double"):
        data = memoryview(word.to_bytes(8, "little"))
        value: float = data.cast("d")[0] if parameter.kind == "double" else data.cast("f")[0]
        return value
    bits = 8 * min(parameter.size, 8)
    word &= (1 << bits) - 1
    return word - (1 << bits) if parameter.kind == "int" and word >> (bits - 1) else word


def events_of(
    data: bytes, offset: int, thread: int, callers: Callable[[int], str], slots: set[int]
) -> tuple[list[Event], int]:
    """The events of these functions in a chunk's bytes from an offset on, and whose thread the chunk is at its end.

    `callers` gives file names by the recording's numbers.
    """
    words = memoryview(data).cast("Q")
    place, end = offset // 8, len(data) // 8
    events = []
    while place < end:
        head = words[place]
        size = (head & 0xFFFF) // 8
        slot = head >> 16 & 0xFFFF
        if slot == MARK_SLOT:
            thread = words[place + 1] & 0xFFFFFFFF
        elif slot in slots:
            start, stop, result = words[place + 1 : place + 4]
            row = tables.function(slot)
            arguments = words[place + 4 : place + size].tolist()
            caller = callers(head >> 32 & 0xFFFF)
            events.append(Event(row, caller, thread, start, stop, result, head >> 56, arguments))
        place += size
    return events, thread


def counted(data: bytes, offset: int, slots: set[int]) -> int:
    """How many events of these functions there are."""
    words = memoryview(data).cast("Q")
    place, end, count = offset // 8, len(data) // 8, 0
    while place < end:
        count += words[place] >> 16 & 0xFFFF in slots
        place += (words[place] & 0xFFFF) // 8
    return count
