"""What policies cost PyTorch: copies of one program, bare and under policies, take turns on the same card.

    python tests/gpu/costs.py TOOLS [--rehearse DRIVER]

Processes of the same program differ by more than is to be measured, and the machine's speed drifts. So copies of all
variants run at the same time but only one works, some milliseconds at a time; a turn is compared with the bare copies'
turns of the same round, and with new processes it all happens again. The copies under policies are also compared with
themselves, the policies switched off and on while they run.

Writes the section of docs/costs.md; with $OUT, costs.md and costs-gpu.json in that folder. With --rehearse the driver
is that in the folder DRIVER, and the program ctypes_turns.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import costs_page  # noqa: E402
import report  # noqa: E402
from running import Environment, environment, kill_group  # noqa: E402

import vgpu_embed  # noqa: E402
from vgpu_embed.cli.failure import Failure  # noqa: E402
from vgpu_embed.cli.service import ask  # noqa: E402
from vgpu_embed.cli.status import look  # noqa: E402

LIBRARY = Path(vgpu_embed.__file__).resolve().parent / "libvgpu-cuda.so"

BARE = "bare"
PRELOADED = "preloaded, no policy"
IN_FORCE = "`devices` and `quota` in force"
OBSERVED = "every call observed"
VARIANTS = (BARE, PRELOADED, IN_FORCE, OBSERVED)

LOOPS = {"add": "`x.add_(0)`", "train": "training step"}
TARGETS = {
    (IN_FORCE, "add"): 1.0,
    (OBSERVED, "add"): 5.0,
    (IN_FORCE, "train"): 0.5,
    (OBSERVED, "train"): 2.0,
}
"""Per cent."""
SHOWN_MEMORY = 40960
"""MiB that the policies show as the device's."""
SWITCHES = {
    IN_FORCE: (("gpu=", "memory=0"), (f"gpu=h100:memory={SHOWN_MEMORY}MiB", f"memory={SHOWN_MEMORY}MiB")),
    OBSERVED: (("observe=no",), ("observe=yes",)),
}
"""What switches the policies of a variant off, and on."""

COPIES = 3
SETS = 5
ROUNDS = 12
TURN = 30e6
"""Nanoseconds."""
SECONDS = 170.0
"""For everything; no further set begins if one as long as the last would end later."""


class Failed(Exception):
    """A copy did not do what it was to do; the text says which and what."""


class Copy:
    """One running copy of the program."""

    def __init__(self, variant: str, command: list[str], variables: Environment, errors: Path) -> None:
        self.variant = variant
        self.errors = errors
        with open(errors, "w") as file:
            self.process = subprocess.Popen(
                command,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,
            )

    def line(self) -> str:
        """What it prints next."""
        assert self.process.stdout
        text = self.process.stdout.readline().strip()
        if not text:
            raise Failed(f"{self.variant}: the program ended: {' '.join(self.errors.read_text().splitlines()[-3:])}")
        return text

    def turn(self, loop: str, calls: int) -> float:
        """Lets it run a loop; nanoseconds a call."""
        assert self.process.stdin
        self.process.stdin.write(f"{loop} {calls}\n")
        self.process.stdin.flush()
        return float(self.line())

    def end(self) -> None:
        """Lets it end by itself, so that policies write what they have seen."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


def variables_of(variant: str, tools: Path, driver: Path | None) -> Environment:
    """The environment of a copy."""
    found = environment(tools / "caches")
    found["PYTHONHASHSEED"] = "0"
    if driver:
        found["LD_LIBRARY_PATH"] = str(driver)
    if variant != BARE:
        found |= {"LD_PRELOAD": str(LIBRARY), "VGPU_MODE": "native"}
    if variant == IN_FORCE:
        found |= {"VGPU_POLICY": "devices;quota", "VGPU_SET": ";".join(SWITCHES[IN_FORCE][1])}
    if variant == OBSERVED:
        found |= {"VGPU_POLICY": str(HERE / "observe.py")}
    return found


class Samples:
    """What has been measured, a number a process, by variant and loop.

    Attributes:
        ns: nanoseconds a call: the median over rounds.
        turns: the same over the bare processes' of the same rounds.
        switched: policies on over policies off, in the same process.
        observed: calls that were observed, and that found no room.
        driver: calls of the driver's in one call of a loop, by function.
    """

    def __init__(self) -> None:
        keys = [(variant, loop) for variant in VARIANTS for loop in LOOPS]
        self.ns: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
        self.turns: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
        self.switched: dict[tuple[str, str], list[float]] = {key: [] for key in keys if key[0] in SWITCHES}
        self.observed = [0, 0]
        self.driver: dict[str, Counter[str]] = {}

    def take_turns(self, copies: list[Copy], calls: dict[str, int]) -> None:
        """All copies, ROUNDS times, each round beginning with another."""
        for loop in LOOPS:
            took: list[list[float]] = [[] for _ in copies]
            for round_ in range(ROUNDS):
                for place in range(len(copies)):
                    number = (place + round_) % len(copies)
                    took[number].append(copies[number].turn(loop, calls[loop]))
            bare = [ns for copy, ns in zip(copies, took, strict=True) if copy.variant == BARE]
            means = [statistics.mean(round_) for round_ in zip(*bare, strict=True)]
            for copy, ns in zip(copies, took, strict=True):
                key = copy.variant, loop
                self.ns[key].append(statistics.median(ns))
                self.turns[key].append(statistics.median(a / b for a, b in zip(ns, means, strict=True)))

    def switch(self, copy: Copy, calls: dict[str, int]) -> None:
        """One copy, its policies off and on by turns."""
        ratios: dict[str, list[float]] = {loop: [] for loop in LOOPS}
        for _ in range(ROUNDS):
            took = {}
            for on, settings in enumerate(SWITCHES[copy.variant]):
                for setting in settings:
                    ask(copy.process.pid, {"set": setting})
                for loop in LOOPS:
                    took[loop, on] = copy.turn(loop, calls[loop])
            for loop, found in ratios.items():
                found.append(took[loop, 1] / took[loop, 0])
        for loop, found in ratios.items():
            self.switched[copy.variant, loop].append(statistics.median(found))

    def count(self, copy: Copy, calls: dict[str, int]) -> None:
        """What one copy, whose calls are counted, asks of the driver."""
        for loop, number in calls.items():
            before = counts(copy)
            copy.turn(loop, number)
            made = number + max(1, number // 10)  # see turns.py
            self.driver[loop] = +Counter({name: round(n / made) for name, n in (counts(copy) - before).items()})


def counts(copy: Copy) -> Counter[str]:
    """How often it has called each function of the driver."""
    (state,), _ = look(str(copy.process.pid))
    return Counter({name: count.calls for name, count in state.calls.items()})


def check_devices(copies: list[Copy]) -> None:
    """Whether the policies are in force: they show less memory than there is."""
    for copy in copies:
        device = copy.line()
        if device.endswith(f" {SHOWN_MEMORY} MiB") != (copy.variant == IN_FORCE):
            raise Failed(f"{copy.variant}: the device is {device}")


def one_set(samples: Samples, command: list[str], tools: Path, driver: Path | None) -> None:
    """New processes."""
    copies: list[Copy] = []
    try:
        for number, variant in enumerate(VARIANTS * COPIES):
            variables = variables_of(variant, tools, driver)
            if variant == OBSERVED:
                variables["VGPU_SET"] = f"seen={tools}/{number}.seen"
            copies.append(Copy(variant, command, variables, tools / f"{number}.errors"))
        check_devices(copies)
        calls = {loop: max(1, int(TURN / copies[0].turn(loop, 10))) for loop in LOOPS}
        samples.take_turns(copies, calls)
        for copy in copies:
            if copy.variant in SWITCHES:
                samples.switch(copy, calls)
        if not samples.driver:
            samples.count(next(copy for copy in copies if copy.variant == OBSERVED), calls)
        for number, copy in enumerate(copies):
            copy.end()
            complaints = [line for line in copy.errors.read_text().splitlines() if line.startswith("[libvgpu-cuda]")]
            if complaints:
                raise Failed(f"{copy.variant}: {complaints[0]}")
            if copy.variant == OBSERVED:
                seen, lost = map(int, (tools / f"{number}.seen").read_text().split())
                if not seen:
                    raise Failed(f"{OBSERVED}: the policy saw no call")
                samples.observed = [samples.observed[0] + seen, samples.observed[1] + lost]
    finally:
        for copy in copies:
            kill_group(copy.process.pid)
            copy.process.wait()


def deviation(values: list[float]) -> float:
    """The standard error of the mean, in per cent."""
    return 100 * statistics.stdev(values) / math.sqrt(len(values))


def percentage(values: list[float], most: float | None) -> list[str]:
    """How much more than 1 the mean is, with its standard error, and whether that is little enough."""
    if not values:
        return ["", ""]
    more = 100 * (statistics.mean(values) - 1)
    held = costs_page.Verdict(more, most, f"{most:g} %").text if most else ""
    return [f"{more:+.2f} ± {deviation(values):.2f} %", held]


def section(samples: Samples, sets: int) -> list[str]:
    """The lines of the page."""
    rows = []
    for loop, title in LOOPS.items():
        for variant in VARIANTS:
            key = variant, loop
            most = TARGETS.get(key)
            ns = f"{statistics.median(samples.ns[key]):,.0f}"
            switched = percentage(samples.switched.get(key, []), most)
            rows.append([f"{title}, {variant}", ns, *percentage(samples.turns[key], most), *switched])
    profile = []
    for loop, title in LOOPS.items():
        functions, key = samples.driver[loop], (OBSERVED, loop)
        bare, number = statistics.median(samples.ns[BARE, loop]), functions.total()
        names = [f"{n} of `{name}`" for name, n in functions.most_common(6)]
        each = [
            f"{bare * (statistics.mean(ratios[key]) - 1) / number:.0f}" for ratios in (samples.turns, samples.switched)
        ]
        profile.append([title, str(number), ", ".join(names), *each])
    heads = ["", "ns", "more than bare processes", "target", "on, more than off in one process", "target"]
    seen, lost = samples.observed
    return [
        *report.fenced(report.machine()),
        "",
        f"{sets} sets of {COPIES} processes of each kind; mean and its standard error over processes.",
        "",
        *costs_page.table(heads, rows),
        "",
        f"{seen + lost:,} calls were observed, {lost:,} of them found no room and are only counted.",
        "",
        *costs_page.table(
            ["one", "driver's calls", "most of them", "ns to observe one, over bare", "on over off"], profile
        ),
    ]


def measure(command: list[str], tools: Path, driver: Path | None) -> tuple[Samples, int]:
    """As many sets as there is time for."""
    end = time.monotonic() + SECONDS
    samples = Samples()
    sets, took = 0, 0.0
    while sets < SETS and (not sets or time.monotonic() + took < end):
        begin = time.monotonic()
        one_set(samples, command, tools, driver)
        took = time.monotonic() - begin
        sets += 1
        print(f"set {sets}: {took:.0f} s", flush=True)
    return samples, sets


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", type=Path, metavar="TOOLS")
    parser.add_argument("--rehearse", type=Path, metavar="DRIVER")
    arguments = parser.parse_args()
    program = HERE / ("ctypes_turns.py" if arguments.rehearse else "torch_turns.py")
    processor = max(os.sched_getaffinity(0))
    command = [sys.executable, str(program), str(processor)]
    try:
        samples, sets = measure(command, arguments.tools.resolve(), arguments.rehearse)
    except (Failed, Failure) as problem:
        sys.exit(f"FAIL  {problem}")
    lines = section(samples, sets)
    print(*lines, sep="\n")
    out = os.environ.get("OUT")
    numbers = {
        f"{loop}, {variant}": {
            "ns": samples.ns[variant, loop],
            "over_bare": samples.turns[variant, loop],
            "on_over_off": samples.switched.get((variant, loop), []),
        }
        for loop in LOOPS
        for variant in VARIANTS
    }
    Path(out or arguments.tools, "costs-gpu.json").write_text(json.dumps(numbers, indent=1) + "\n")
    if out or not arguments.rehearse:
        costs_page.write("bench-gpu", lines, Path(out, "costs.md") if out else costs_page.PAGE)


if __name__ == "__main__":
    main()
