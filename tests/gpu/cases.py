"""Programs over a real driver: bare, preloaded without a policy, under a policy with a hook, under an example.

    python tests/gpu/cases.py TOOLS [--rehearse DRIVER]

TOOLS is the folder in which run.sh built program.c and timing.c; it is also where the programs' caches go. With
--rehearse the driver is that in the folder DRIVER, which may be one that computes nothing, and only the programs that
need no framework run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import overhead
import report
from report import Outcome
from running import Command, Environment, Result, environment, run_together

import vgpu_embed

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIBRARY = Path(vgpu_embed.__file__).resolve().parent / "libvgpu-cuda.so"
EXAMPLE = ROOT / "examples/other_capability.py"
TOLD = ("8.6", "7.5")
"""What the example tells the program of the name OTHER: the first that the card is not."""
OTHER = "ollama"

BARE = "bare"
PRELOADED = "preloaded, no policy"
HOOKED = "allocations hooked"
ONE_PROGRAM = "another capability for ollama"
CASES = [BARE, PRELOADED, HOOKED, ONE_PROGRAM]

FRAMEWORKS = ("torch_program.py", "cupy_program.py", "jax_program.py")
SECONDS = 430.0
"""For everything; the measurements at the end get what the cases leave."""
LONGEST = {BARE: 200.0}
"""Seconds for one case: bare comes first and reads gigabytes of libraries from a cold disk."""
OTHERWISE_LONGEST = 120.0
NAME = "%PROGRAM%"


def compare(result: Result, wanted: list[str]) -> list[str]:
    """What is wrong with how a program ended and with what it printed."""
    problems = [] if result.code == 0 else [result.ending]
    for number, (line, right) in enumerate(zip(result.lines, wanted, strict=False), 1):
        if line != right:
            problems.append(f"line {number} is {line!r}, not {right!r}")
            break
    else:
        if len(result.lines) != len(wanted):
            problems.append(f"it printed {len(result.lines)} lines, not {len(wanted)}")
    return problems


def check_preloaded(result: Result, wanted: bool) -> list[str]:
    """Whether the library was there, or was not; and that it had nothing to complain about."""
    problems = []
    if f"preloaded: {'yes' if wanted else 'no'}" not in result.errors:
        problems.append(f"the library is {'not ' if wanted else ''}loaded")
    complaints = [line for line in result.errors if line.startswith("[libvgpu-cuda]")]
    return problems + complaints[:2]


class Run:
    """All cases, one after the other; the programs of a case at the same time."""

    def __init__(self, tools: Path, driver: Path | None) -> None:
        self.end = time.monotonic() + SECONDS
        self.started = time.monotonic()
        self.tools = tools
        self.rehearsing = driver is not None
        self.driver = driver
        words: list[str | Path] = ["--rehearse"] if self.rehearsing else []
        self.programs: dict[str, Command] = {"program.c": [tools / "program", *words]}
        self.programs["ctypes_program.py"] = [sys.executable, HERE / "ctypes_program.py"]
        if not self.rehearsing:
            self.programs.update({name: [sys.executable, HERE / name] for name in FRAMEWORKS})
        self.bare: dict[str, Result] = {}
        self.outcomes: list[Outcome] = []

    def environment(self, case: str, **variables: str | Path) -> Environment:
        """The environment of a case."""
        base = environment(self.tools / f"caches-{CASES.index(case)}")
        if self.driver:
            base["LD_LIBRARY_PATH"] = str(self.driver)
        return {**base, **{name: str(value) for name, value in variables.items()}}

    def together(self, case: str, programs: dict[str, Command], variables: Environment) -> dict[str, Result]:
        """Runs the programs of a case; NAME in a variable stands for the program's name."""
        longest = min(LONGEST.get(case, OTHERWISE_LONGEST), self.end - time.monotonic())
        jobs = {
            name: (command, {variable: value.replace(NAME, name) for variable, value in variables.items()})
            for name, command in programs.items()
        }
        return run_together(jobs, longest)

    def add(self, case: str, program: str, result: Result, problems: list[str], note: str = "") -> None:
        """Takes an outcome down and prints it."""
        outcome = Outcome(case, program, result, problems, note)
        self.outcomes.append(outcome)
        print(outcome.line(), flush=True)
        for line in result.errors[-15:] if problems else ():
            print(f"      | {line}", flush=True)

    def run_bare(self) -> None:
        """What the other cases are compared with."""
        self.bare = self.together(BARE, self.programs, self.environment(BARE))
        for name, result in self.bare.items():
            self.add(BARE, name, result, compare(result, result.lines) + check_preloaded(result, False))

    def run_preloaded(self) -> None:
        """Nothing but the library."""
        results = self.together(PRELOADED, self.programs, self.environment(PRELOADED, LD_PRELOAD=LIBRARY))
        for name, result in results.items():
            problems = compare(result, self.bare[name].lines) + check_preloaded(result, True)
            self.add(PRELOADED, name, result, problems)

    def run_hooked(self) -> None:
        """The policy writes down what it saw, each program's in a file of its own."""
        seen = self.tools / f"{NAME}.seen"
        variables: dict[str, str | Path] = {"VGPU_POLICY": HERE / "allocations.py", "VGPU_SET": f"seen={seen}"}
        base = self.environment(HOOKED, LD_PRELOAD=LIBRARY, **variables)
        results = self.together(HOOKED, self.programs, base)
        for name, result in results.items():
            problems = compare(result, self.bare[name].lines) + check_preloaded(result, True)
            calls = count_calls(Path(str(seen).replace(NAME, name)))
            if not calls:
                problems.append("the policy saw no allocation")
            note = ", ".join(f"{function} {count} times" for function, count in calls.most_common())
            self.add(HOOKED, name, result, problems, note)

    def run_example(self) -> None:
        """program.c under the name of the one that is told something else, beside all others under their own."""
        bare = self.bare["program.c"].lines
        told = next(choice for choice in TOLD if choice != capability(bare))
        other = self.tools / OTHER
        shutil.copy2(self.tools / "program", other)
        programs = {OTHER: [other, *self.programs["program.c"][1:]], **self.programs}
        start: list[str | Path] = [
            sys.executable,
            "-m",
            "vgpu_embed.cli",
            "run",
            "--policy",
            EXAMPLE,
            "--set",
            f"capability={told}",
            "--",
        ]
        commands: dict[str, Command] = {name: [*start, *command] for name, command in programs.items()}
        results = self.together(ONE_PROGRAM, commands, self.environment(ONE_PROGRAM))
        for name, result in results.items():
            wanted = bare if name == OTHER else self.bare[name].lines
            note = ""
            if name == OTHER:
                wanted = [f"{CAPABILITY}{told}" if line.startswith(CAPABILITY) else line for line in wanted]
                note = f"it was told {told}, the others {capability(bare)}"
            self.add(ONE_PROGRAM, name, result, compare(result, wanted) + check_preloaded(result, True), note)

    def run(self, path: Path) -> int:
        """Everything; returns how many failed."""
        costs: list[overhead.Cost] = []
        problems: list[str] = []
        for step in (self.run_bare, self.run_preloaded, self.run_hooked, self.run_example):
            step()
            self.write(path, costs, problems)
        torch: Command | None = None if self.rehearsing else [sys.executable, HERE / "torch_timing.py"]
        plain, preloaded = self.environment(BARE), self.environment(BARE, LD_PRELOAD=LIBRARY)
        costs, problems = overhead.measure(self.tools, torch, LIBRARY, plain, preloaded, self.end)
        for problem in problems:
            print(f"FAIL  {problem}")
        self.write(path, costs, problems)
        print(*report.costs(costs), sep="\n")
        failed = sum(bool(outcome.problems) for outcome in self.outcomes)
        print(f"{len(self.outcomes) - failed} passed, {failed + len(problems)} failed")
        return failed + len(problems)

    def write(self, path: Path, costs: list[overhead.Cost], problems: list[str]) -> None:
        """The report as far as it goes."""
        seconds = time.monotonic() - self.started
        report.write(path, CASES, self.outcomes, costs, problems, seconds)


CAPABILITY = "compute capability: "


def capability(lines: list[str]) -> str:
    """What program.c printed as compute capability; "" if it did not get that far."""
    return next((line.removeprefix(CAPABILITY) for line in lines if line.startswith(CAPABILITY)), "")


def count_calls(seen: Path) -> Counter[str]:
    """The calls that the policy wrote down, by function."""
    lines = seen.read_text().splitlines() if seen.exists() else []
    return Counter(line.split()[0] for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", type=Path, metavar="TOOLS")
    parser.add_argument("--rehearse", type=Path, metavar="DRIVER")
    arguments = parser.parse_args()
    folder = os.environ.get("OUT") or ROOT / "docs"
    driver = arguments.rehearse and arguments.rehearse.resolve()
    sys.exit(1 if Run(arguments.tools.resolve(), driver).run(Path(folder, "gpu.md")) else 0)


main()
