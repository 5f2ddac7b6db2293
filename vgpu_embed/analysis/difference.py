"""What two traces have different: which calls, how many, with which results, and how long they took."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from vgpu_embed.analysis.results import shown
from vgpu_embed.trace import Trace

Side = tuple[int, dict[str, int], dict[str, int], "float | None"]
"""A function's calls in one trace: how many, results, verdicts, mean time."""


class Function(NamedTuple):
    """A function's calls in two traces. Times are means in ns, None where it was not called."""

    name: str
    calls: tuple[int, int]
    results: tuple[dict[str, int], dict[str, int]]
    verdicts: tuple[dict[str, int], dict[str, int]]
    mean: tuple[float | None, float | None]

    @property
    def differs(self) -> bool:
        """Whether it was called another number of times, or with other outcomes. Times always differ."""
        return self.results[0] != self.results[1] or self.verdicts[0] != self.verdicts[1]

    @property
    def change(self) -> float | None:
        """How much longer a call took in the second trace: 0.5 is half as long again."""
        before, after = self.mean
        return after / before - 1 if before and after is not None else None


class Divergence(NamedTuple):
    """Where a thread's calls first differ; `thread` counts threads by their first call, from 0."""

    thread: int
    call: int
    first: str
    second: str


def functions(first: Trace, second: Trace) -> list[Function]:
    """Every function that either has, those that differ first, then by calls."""
    sides = [_functions(trace) for trace in (first, second)]
    nothing: Side = (0, {}, {}, None)
    found = []
    for name in sorted({*sides[0], *sides[1]}):
        before, after = (side.get(name, nothing) for side in sides)
        pairs: Any = zip(before, after, strict=True)
        found.append(Function(name, *pairs))
    return sorted(found, key=lambda one: (not one.differs, -max(one.calls), one.name))


def _functions(trace: Trace) -> dict[str, Side]:
    found: dict[str, Side] = {}
    for name in trace.functions:
        table = trace.table.take(trace.rows(name))
        results = Counter(shown(name, result) for result in table["result"].to_pylist())
        verdicts = Counter(_verdict(verdict) for verdict in table["verdict"].to_pylist())
        mean = float(table["duration"].to_numpy().mean())
        found[name] = (table.num_rows, dict(results), dict(verdicts), mean)
    return found


def _verdict(verdict: str) -> str:
    """What C has repeated was answered by a policy all the same: how often is a matter of chance."""
    return "answered" if verdict == "remembered" else verdict


def divergence(first: Trace, second: Trace) -> Divergence | None:
    """The first call, of all threads by their order, that the traces do not have in common; None if there is none."""
    before, after = _sequences(first), _sequences(second)
    for number in range(max(len(before), len(after))):
        one, other = (side[number] if number < len(side) else [] for side in (before, after))
        for call in range(max(len(one), len(other))):
            here, there = (side[call] if call < len(side) else None for side in (one, other))
            if here != there:
                return Divergence(number, call, _sentence(here), _sentence(there))
    return None


def _sequences(trace: Trace) -> list[list[tuple[str, int | None]]]:
    """What each thread has called, with results; threads by their first call."""
    found: dict[tuple[int, int], list[tuple[str, int | None]]] = {}
    columns = (trace.table[name].to_pylist() for name in ("process", "thread", "function", "result"))
    for process, thread, function, result in zip(*columns, strict=True):
        found.setdefault((process, thread), []).append((function, result))
    return list(found.values())


def _sentence(call: tuple[str, int | None] | None) -> str:
    if call is None:
        return "no further call"
    result = shown(*call)
    return f"{call[0]}: {result}" if result else call[0]
