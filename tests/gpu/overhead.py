"""What a call costs with the library preloaded and no policy, beside what it costs bare.

Two processes of the same program may differ by more than the library costs, so bare and preloaded runs take turns;
for the driver's own functions both ways are also timed loop by loop within one process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from running import Command, Environment, run

PAIRS = 5
LONGEST = 60.0
"""Seconds for one process."""


class Cost:
    """One line of the result: nanoseconds a call, and preloaded over bare, pair by pair."""

    def __init__(self, call: str, way: str, bare: list[float], preloaded: list[float]) -> None:
        self.call = call
        self.way = way
        self.bare = min(bare)
        self.preloaded = min(preloaded)
        self.ratios = sorted(after / before for before, after in zip(bare, preloaded, strict=True))

    @property
    def ratio(self) -> float:
        """The middle one."""
        return statistics.median(self.ratios)


class NotMeasured(Exception):
    """A program that times calls failed; its text says which and how."""


Costs = dict[str, list[float]]


def times(command: Command, variables: Environment) -> Costs:
    """The numbers that a program prints after the name of each call."""
    result = run(command, variables, LONGEST)
    if result.code != 0:
        raise NotMeasured(f"{Path(command[-1]).name}: {result.ending}: {' '.join(result.errors[-1:])}")
    costs: Costs = {}
    for line in result.lines:
        name, *numbers = line.split()
        costs[name] = [float(number) for number in numbers]
    return costs


def in_pairs(command: Command, bare: Environment, preloaded: Environment, end: float) -> list[Cost]:
    """Bare and preloaded by turns, as many pairs as there is time for, two at least."""
    befores: list[Costs] = []
    afters: list[Costs] = []
    for pair in range(PAIRS):
        if pair >= 2 and time.monotonic() > end:
            break
        befores.append(times(command, bare))
        afters.append(times(command, preloaded))
    way = f"{len(befores)} pairs of processes"
    return [Cost(name, way, [b[name][0] for b in befores], [a[name][0] for a in afters]) for name in befores[0]]


def in_one_process(command: Command, library: Path, bare: Environment) -> list[Cost]:
    """The driver's function and our thunk for it by turns."""
    runs = [times([*command, library], bare) for _ in range(3)]
    return [
        Cost(name, "one process, 3 times", [r[name][0] for r in runs], [r[name][1] for r in runs]) for name in runs[0]
    ]


def measure(
    tools: Path, torch: Command | None, library: Path, bare: Environment, preloaded: Environment, end: float
) -> tuple[list[Cost], list[str]]:
    """Everything there is time for, and what went wrong.

    Args:
        tools: the folder of the built `timing`.
        torch: the program that times PyTorch, or None.
        library: the preloaded library.
        bare, preloaded: the environments to compare.
        end: time.monotonic() after which no further pair begins.
    """
    costs: list[Cost] = []
    problems: list[str] = []
    timing: Command = [tools / "timing"]
    parts: list[Callable[[], list[Cost]]] = [
        lambda: in_one_process(timing, library, bare),
        lambda: in_pairs(timing, bare, preloaded, end),
    ]
    if torch:
        parts.append(lambda: in_pairs(torch, bare, preloaded, end))
    for part in parts:
        try:
            costs += part()
        except NotMeasured as problem:
            problems.append(str(problem))
    return costs, problems
