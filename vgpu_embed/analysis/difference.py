"""What two traces have different: which calls, how many, with which results, and how long they took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from vgpu_embed.analysis.results import shown
from vgpu_embed.trace import Trace

if TYPE_CHECKING:
    from vgpu_embed.trace import Numbers
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
        results = {shown(name, result): count for result, count in _counted(table["result"])}
        verdicts: Counter[str] = Counter()
        for verdict, count in _counted(table["verdict"]):
            verdicts["answered" if verdict == "remembered" else verdict] += count  # which of them is chance
        mean = float(table["duration"].to_numpy().mean())
        found[name] = (table.num_rows, results, dict(verdicts), mean)
    return found


def _counted(column: Any) -> list[tuple[Any, int]]:
    """The values of a column and how often each is there, the most frequent first."""
    counts = column.value_counts().to_pylist()
    return sorted(((one["values"], one["counts"]) for one in counts), key=lambda one: -one[1])


def divergence(first: Trace, second: Trace) -> Divergence | None:
    """The first call, of all threads by their order, that the traces do not have in common; None if there is none."""
    import numpy as np

    before, after = _sequences(first), _sequences(second)
    nothing = np.empty((0, 2), object)
    for number in range(max(len(before), len(after))):
        one, other = (side[number] if number < len(side) else nothing for side in (before, after))
        shorter = min(len(one), len(other))
        parted = np.flatnonzero((one[:shorter] != other[:shorter]).any(axis=1))
        if len(parted) or len(one) != len(other):
            call = int(parted[0]) if len(parted) else shorter
            return Divergence(number, call, *(_sentence(side, call) for side in (one, other)))
    return None


def _sequences(trace: Trace) -> list[Numbers]:
    """What each thread has called, with results; threads by their first call."""
    calls = trace.table.select(["process", "thread", "function", "result"]).to_pandas(integer_object_nulls=True)
    threads = calls.astype({"function": object, "result": object}).groupby(["process", "thread"], sort=False)
    return [thread[["function", "result"]].to_numpy() for _, thread in threads]


def _sentence(calls: Numbers, place: int) -> str:
    if place >= len(calls):
        return "no further call"
    function, result = calls[place]
    result = shown(function, result)
    return f"{function}: {result}" if result else str(function)
