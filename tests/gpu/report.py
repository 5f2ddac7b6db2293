"""The report: what ran on which card and driver, what it printed, what it cost."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

from overhead import Cost
from running import Result

HEAD = """# On a real GPU

Written by `make test-gpu` (tests/gpu): each program runs bare, with the library preloaded and no policy, under a policy
that is asked at every allocation of device memory, and under `examples/other_capability.py`, which tells the program
named `ollama` another compute capability. The programs of a case run at the same time. A case passes if the program
ends as it did bare and prints the same lines."""


class Outcome:
    """One program in one case.

    Attributes:
        case, program: their names.
        result: how the program ended.
        problems: what differed from what was expected; nothing if it passed.
        note: what else there is to say, such as how many calls were seen.
    """

    def __init__(self, case: str, program: str, result: Result, problems: list[str], note: str = "") -> None:
        self.case = case
        self.program = program
        self.result = result
        self.problems = problems
        self.note = note

    def line(self) -> str:
        """The outcome in one line."""
        tail = f" ({self.note})" if self.note else ""
        if self.problems:
            return f"FAIL  {self.program}, {self.case}: {'; '.join(self.problems)}"
        return f"ok    {self.program}, {self.case}: {self.result.seconds:.1f} s{tail}"


def machine() -> list[str]:
    """Card, driver and what runs on them, as the machine's own tools say."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        shown = subprocess.run(query, capture_output=True, text=True, timeout=60)
        cards = shown.stdout.splitlines() if shown.returncode == 0 else ["nvidia-smi failed"]
    except (OSError, subprocess.TimeoutExpired):
        cards = ["nvidia-smi cannot be run here"]
    rows = [f"card, driver, memory: {card}" for card in cards]
    libc = " ".join(platform.libc_ver())
    release = ".".join(platform.release().split(".")[:2])
    return [*rows, f"Linux {release}, {libc}, Python {platform.python_version()}"]


def fenced(lines: Iterable[str]) -> list[str]:
    """As a block of text."""
    return ["```text", *lines, "```"]


def table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table."""
    marks = ["---"] * len(heads)
    return ["| " + " | ".join(cells).replace("\n", " ") + " |" for cells in (heads, marks, *rows)]


def outcomes(cases: list[str], all_outcomes: list[Outcome]) -> list[str]:
    """A row a program, a column a case: passed or not, and the seconds."""
    programs = list(dict.fromkeys(outcome.program for outcome in all_outcomes))
    cells = {
        (o.program, o.case): f"{'FAILED' if o.problems else 'passed'}, {o.result.seconds:.1f} s" for o in all_outcomes
    }
    rows = [[program, *(cells.get((program, case), "") for case in cases)] for program in programs]
    return table(["program", *cases], rows)


def printed(all_outcomes: list[Outcome], bare: str) -> list[str]:
    """What programs printed: bare, and in other cases where that was something else."""
    lines: list[str] = []
    known: dict[str, list[str]] = {}
    for outcome in all_outcomes:
        if outcome.case == bare or outcome.result.lines != known.get(outcome.program):
            known.setdefault(outcome.program, outcome.result.lines)
            lines += [f"### {outcome.program}, {outcome.case}", "", *fenced(outcome.result.lines), ""]
    return lines


def costs(measured: list[Cost]) -> list[str]:
    """The table of what calls cost."""
    heads = ["call", "bare, ns", "preloaded, ns", "ratio: median (least, most)", "how"]
    rows = [
        [
            f"`{cost.call}`",
            f"{cost.bare:,.1f}",
            f"{cost.preloaded:,.1f}",
            f"{cost.ratio:.3f} ({cost.ratios[0]:.3f}, {cost.ratios[-1]:.3f})",
            cost.way,
        ]
        for cost in measured
    ]
    return table(heads, rows)


def write(
    path: Path, cases: list[str], all_outcomes: list[Outcome], measured: list[Cost], problems: list[str], seconds: float
) -> None:
    """Writes the whole report; again after each case, so that a run that is cut short leaves one."""
    failed = sum(bool(outcome.problems) for outcome in all_outcomes) + len(problems)
    lines = [HEAD, "", *fenced(machine()), ""]
    lines += [f"{len(all_outcomes)} runs of programs, {failed} failures, {seconds:.0f} seconds.", ""]
    lines += [*outcomes(cases, all_outcomes), ""]
    for outcome in all_outcomes:
        if outcome.problems:
            lines += [f"**{outcome.line()}**", "", *fenced(outcome.result.errors[-15:]), ""]
    lines += [f"**{problem}**\n" for problem in problems]
    notes = [f"- {o.program}, {o.case}: {o.note}" for o in all_outcomes if o.note]
    lines += ["## What the policies saw", "", *notes, ""] if notes else []
    if measured:
        lines += ["## What a call costs without a policy", "", *costs(measured), ""]
    lines += ["## What the programs printed", "", *printed(all_outcomes, cases[0])]
    path.write_text("\n".join(lines).rstrip() + "\n")
