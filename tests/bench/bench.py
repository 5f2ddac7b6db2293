"""What a call costs: each case against the bare driver, by turns in one process. Table on stdout, JSON in build/.

make bench                  everything; writes docs/costs.md
bench.py NAME…              the cases and curves whose names contain one of these; writes nothing
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
sys.path.insert(0, str(HERE.parent))

import costs_page  # noqa: E402
import support  # noqa: E402
import virtual_gpu  # noqa: E402

from vgpu_embed import tables  # noqa: E402

ASKED = "cuDeviceGetAttribute"
PASSES = 9
"""How often the whole list is gone through: a machine's speed drifts."""
ROUNDS = 9
BLOCK = 100_000
STARTS, IDLE_STARTS = 25, 300
RECORDED = 3000
"""Calls in a round that are observed: fewer than a ring has room for, and time to drain it follows."""
TRACED = 20_000
"""Calls in a round that go to a file: 17 chunks of it."""

HEAD = "from vgpu_embed import Policy\npolicy = Policy()\n"
HOOK = f"{HEAD}@policy.hook('{ASKED}')\ndef asked(call):\n    return {{}}\n"
WHERE = HOOK.replace(f"'{ASKED}'", f"'{ASKED}', where='attrib == 75 and dev == 0'")
ANSWER = f"{HEAD}@policy.answer('{ASKED}')\ndef told(call):\n    return {{}}\n"
OBSERVE = f"{HEAD}@policy.observe('{ASKED}')\ndef seen(events):\n    pass\n"
SMALLEST = f"""
from vgpu_embed import Policy
from vgpu_embed._core import ffi, lib
import vgpu_embed.embed.dispatch
policy = Policy()
policy.hook("{ASKED}")(lambda call: None)
@ffi.def_extern()
def vgpu_decide(frame, key):
    return {{}}
"""


def others(number: int) -> str:
    """A policy with this many hooks, none on the function that is called."""
    names = [name for name in tables.names("driver") if tables.function(name).parameters is not None and name != ASKED]
    return HEAD + "".join(f"policy.hook('{name}')(lambda call: None)\n" for name in names[:number])


@dataclasses.dataclass
class Case:
    """One thing that is measured.

    Attributes:
        name: for the table.
        policy: the source of the policy, if there is one.
        threads: how many call at the same time.
        function: what they call.
        calls: in a round; 0: as many as take some milliseconds.
        pause: milliseconds after each half of a round.
        traced: whether VGPU_TRACE is set.
        rounds: in one process.
        most: nanoseconds that may be added; `besides` names the case whose cost is allowed too, or "stamps".
    """

    name: str
    policy: str | None = None
    threads: int = 1
    function: str = ASKED
    calls: int = 0
    pause: int = 0
    traced: bool = False
    rounds: int = ROUNDS
    most: float | None = None
    besides: str = ""
    samples: list[tuple[float, ...]] = dataclasses.field(default_factory=list)
    dropped: int = 0

    def middle(self, column: int) -> float:
        """The median over rounds: of bare (0 by the threads' clocks, 1 by the wall), ours (2, 3) and stamps (4)."""
        return statistics.median(sample[column] for sample in self.samples)

    @property
    def added(self) -> float:
        """Nanoseconds of a thread's time that a call costs more, the median over pairs."""
        return statistics.median(self.differences)

    @property
    def differences(self) -> list[float]:
        """Of each round."""
        return [sample[2] - sample[0] for sample in self.samples]

    @property
    def quartiles(self) -> tuple[float, float]:
        """Of the differences."""
        low, _, high = statistics.quantiles(self.differences, n=4)
        return low, high

    def above(self, other: Case | None) -> float:
        """What was added besides the two time stamps, or besides another case measured in the same pass: the median."""
        if other is None:
            return statistics.median(sample[2] - sample[0] - sample[4] for sample in self.samples)
        pairs = zip(self._by_pass(), other._by_pass(), strict=True)
        return statistics.median(ours - theirs for ours, theirs in pairs)

    def _by_pass(self) -> list[float]:
        starts = range(0, len(self.samples), self.rounds)
        return [statistics.median(self.differences[start : start + self.rounds]) for start in starts]

    def block(self, number: int) -> float:
        """What was added in the n-th round of each process: the median."""
        return statistics.median(self.differences[number :: self.rounds])


SMALLEST_NAME = "smallest cffi callback"
SMALLEST_CALL_NAME = "smallest callback with a bare cffi call"
REPLY = "call.reply(pi=9)"


def cases() -> list[Case]:
    """The rows of the table of costs."""
    found = [Case("forwarded, no policy", threads=n, most=2) for n in (1, 8)]
    found += [Case("forwarded, hooks on other names", others(10), n, most=2) for n in (1, 8)]
    found += [Case("answered", ANSWER.format(REPLY), n, most=20) for n in (1, 2, 8)]
    found += [Case("answered: no opinion", ANSWER.format("None"), most=20)]
    found += [Case("observed", OBSERVE, n, calls=RECORDED, pause=5 + 5 * n, most=40, besides="stamps") for n in (1, 8)]
    found += [
        Case("traced (VGPU_TRACE, no Python)", threads=n, traced=True, calls=TRACED, most=40, besides="stamps")
        for n in (1, 8)
    ]
    found.append(Case("observed, more than there is room for", OBSERVE))
    found += [
        Case("hook, where= false", WHERE.format("None")),
        Case(SMALLEST_NAME, SMALLEST.format(0)),
        Case("hook, None", HOOK.format("None"), most=400, besides=SMALLEST_NAME),
        Case("hook, reply()", HOOK.format(REPLY)),
        Case(SMALLEST_CALL_NAME, SMALLEST.format("lib.host_call(frame) and 0 or 1")),
        Case("hook, forward()", HOOK.format("call.forward()"), most=400, besides=SMALLEST_CALL_NAME),
        Case("dlsym of a name that is not ours", function="dlsym", most=20),
    ]
    return found


def curves() -> dict[str, list[Case]]:
    """The cases of each curve."""
    return {
        "hooks on other names": [Case(str(number), others(number)) for number in (0, 1, 10, 100)],
        "threads, forwarded": [Case(str(n), threads=n) for n in range(1, 9)],
        "threads, answered": [Case(str(n), ANSWER.format(REPLY), n) for n in range(1, 9)],
        "calls so far": [
            Case("forwarded", calls=BLOCK, rounds=10),
            Case("answered", ANSWER.format(REPLY), calls=BLOCK, rounds=10),
            Case("traced", traced=True, calls=BLOCK, rounds=10),
            Case("hook, None", HOOK.format("None"), calls=BLOCK, rounds=10),
        ],
    }


def measure(case: Case, driver: Path, folder: Path) -> None:
    """Adds one process's rounds to a case."""
    policy = folder / "policy.py" if case.policy else None
    if policy and case.policy:
        policy.write_text(case.policy)
    trace = folder / "trace"
    numbers: list[str | Path] = [str(n) for n in (case.threads, case.rounds, case.calls, case.pause)]
    done = support.run_preloaded(
        [BUILD / "calls", BUILD / "bare.so", case.function, *numbers],
        policy=policy,
        driver=driver,
        env={"VGPU_TRACE": trace} if case.traced else {},
        timeout=120,
    )
    if done.returncode or done.stderr:
        sys.exit(f"bench: {case.name}: exit code {done.returncode}: {done.stderr[-500:]}")
    trace.unlink(missing_ok=True)
    chunks = 0
    for line in done.stdout.splitlines():
        if line.startswith("recorded"):
            chunks, dropped = map(int, line.split()[1:])
            case.dropped += dropped
        else:
            case.samples.append(tuple(map(float, line.split())))
    if bool(chunks) != (case.traced or case.policy == OBSERVE):
        sys.exit(f"bench: {case.name}: the calls were {'' if chunks else 'not '}recorded")


def process(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from spawning a process to its end."""
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - begin
    if status:
        sys.exit(f"bench: {command[0]} ended with status {status}")
    return took


def start(preloaded: dict[str, str]) -> dict[str, float]:
    """From the first use of CUDA to the policy in force, over `python3 -S -c pass`, pair by pair."""
    pairs = []
    for _ in range(STARTS):
        python = process([sys.executable, "-S", "-c", "pass"], support.clean_environment())
        done = support.run([BUILD / "calls", "start"], env=preloaded)
        if done.returncode or done.stderr:
            sys.exit(f"bench: start: {done.stderr}")
        pairs.append((python, int(done.stdout) / 1e9))
    ratios = sorted(ours / python for python, ours in pairs)
    return {
        "python_ms": statistics.median(pair[0] for pair in pairs) * 1e3,
        "policy_ms": statistics.median(pair[1] for pair in pairs) * 1e3,
        "ratio": statistics.median(ratios),
        "least": ratios[0],
        "most": ratios[-1],
    }


def memory(environment: dict[str, str]) -> dict[str, int]:
    """KiB of a `cat` that waits for input."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as cat:
        assert cat.stdin
        assert cat.stdout
        cat.stdin.write(b"x")
        cat.stdin.flush()
        cat.stdout.read(1)
        text = Path(f"/proc/{cat.pid}/smaps_rollup").read_text()
        cat.stdin.close()
    return {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}


def no_cuda(preloaded: dict[str, str]) -> dict[str, float]:
    """What a process pays that never uses CUDA, with a policy named in its environment."""
    bare = {name: value for name, value in preloaded.items() if name != "LD_PRELOAD"}
    true = shutil.which("true") or "/bin/true"
    added = sorted(process([true], preloaded) - process([true], bare) for _ in range(IDLE_STARTS))
    pairs = [(memory(bare), memory(preloaded)) for _ in range(STARTS)]

    def more(key: str) -> float:
        return statistics.median(after[key] - before[key] for before, after in pairs)

    return {
        "added_ms": statistics.median(added) * 1e3,
        "low_ms": added[len(added) // 4] * 1e3,
        "high_ms": added[3 * len(added) // 4] * 1e3,
        "private_dirty_KiB": more("Private_Dirty"),
        "rss_KiB": more("Rss"),
    }


def verdict(case: Case, known: dict[str, Case]) -> costs_page.Verdict | None:
    """A case held against its target, if it has one."""
    if case.most is None or (case.besides not in ("", "stamps") and case.besides not in known):
        return None
    if not case.besides:
        return costs_page.Verdict(case.added, case.most, f"{case.most:.0f}")
    above = case.above(known.get(case.besides))
    what = "stamps" if case.besides == "stamps" else "the smallest"
    return costs_page.Verdict(above, case.most, f"{above:.0f} above {what}, {case.most:.0f} allowed")


def machine() -> str:
    """What the figures were taken on."""
    model = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    libc = " ".join(platform.libc_ver())
    return f"{os.cpu_count()} cores of {model.partition(': ')[2]}, {libc}, Python {platform.python_version()}"


def costs(found: list[Case]) -> list[str]:
    """The table of costs."""
    known = {case.name: case for case in found}
    rows = []
    for case in found:
        low, high = case.quartiles
        held = verdict(case, known)
        rows.append(
            [
                case.name + (f" ({case.dropped} dropped)" if case.dropped else ""),
                str(case.threads),
                f"{case.middle(0):.1f}",
                f"{case.middle(2):.1f}",
                f"{case.added:.1f}",
                f"{low:.1f} … {high:.1f}",
                held.text if held else "",
            ]
        )
    return costs_page.table(["a call", "threads", "bare, ns", "ours, ns", "added, ns", "quartiles", "target"], rows)


def curve(name: str, found: list[Case]) -> list[str]:
    """The table of one curve."""
    if name == "calls so far":
        heads = ["calls so far", *(f"{case.name}, ns" for case in found)]
        rows = [
            [f"{(number + 1) * BLOCK:,}", *(f"{case.block(number):.1f}" for case in found)]
            for number in range(found[0].rounds)
        ]
        return costs_page.table(heads, rows)
    heads = [name, "added, ns", "quartiles", "bare, million calls/s", "ours, million calls/s"]
    return costs_page.table(
        heads,
        [
            [
                case.name,
                f"{case.added:.1f}",
                "{:.1f} … {:.1f}".format(*case.quartiles),
                f"{1000 / case.middle(1):.1f}",
                f"{1000 / case.middle(3):.1f}",
            ]
            for case in found
        ],
    )


def processes(started: dict[str, float], idle: dict[str, float]) -> list[str]:
    """The table of what a process pays once."""
    ratio = costs_page.Verdict(started["ratio"], 3, "3")
    milliseconds = costs_page.Verdict(idle["added_ms"], 0.3, "0.3 ms")
    kibibytes = costs_page.Verdict(idle["private_dirty_KiB"], 200, "200 KiB")
    in_all = costs_page.Verdict(idle["rss_KiB"], 200, "200 KiB")
    return costs_page.table(
        ["a process", "figure", "spread", "target"],
        [
            [
                "first use of CUDA to policy in force / `python3 -S -c pass`",
                f"{started['ratio']:.2f} ({started['policy_ms']:.1f} ms / {started['python_ms']:.1f} ms)",
                f"{started['least']:.2f} … {started['most']:.2f}",
                ratio.text,
            ],
            [
                "`/bin/true`, preloaded, a policy named: time",
                f"{idle['added_ms']:.2f} ms",
                f"{idle['low_ms']:.2f} … {idle['high_ms']:.2f}",
                milliseconds.text,
            ],
            [
                "`/bin/cat`, likewise: private memory written",
                f"{idle['private_dirty_KiB']:.0f} KiB",
                "",
                kibibytes.text,
            ],
            ["`/bin/cat`, likewise: resident, file pages included", f"{idle['rss_KiB']:.0f} KiB", "", in_all.text],
        ],
    )


def wanted(name: str, words: Iterable[str]) -> bool:
    """Whether the command line asks for it."""
    words = list(words)
    return not words or any(word in name for word in words)


def main() -> None:
    """Runs every case and writes the figures."""
    words = sys.argv[1:]
    begin = time.monotonic()
    driver = support.fake_driver()
    shutil.copy(driver / "libcuda.so", BUILD / "bare.so")  # another file: nobody's driver
    found = [case for case in cases() if wanted(case.name, words)]
    curved = {name: list_ for name, list_ in curves().items() if wanted(name, words)}
    lines, virtual = [f"{machine()}.", ""], [f"{machine()}.", ""]
    figures: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples: virtual_gpu.Samples = {}
        for _ in range(PASSES):
            for case in [*found, *(case for several in curved.values() for case in several)]:
                measure(case, driver, folder)
            if wanted("virtual", words):
                virtual_gpu.measure(BUILD / "virtual_gpu", samples)
        if found:
            lines += [*costs(found), ""]
        if wanted("process", words):
            policy = folder / "policy.py"
            policy.write_text(others(1))
            preloaded = {**support.clean_environment(), **support.preloading(policy=policy, driver=driver)}
            started, idle = start(preloaded), no_cuda(preloaded)
            figures |= {"start": started, "no CUDA": idle}
            lines += [*processes(started, idle), ""]
        if wanted("virtual", words):
            pairs = virtual_gpu.once(BUILD / "virtual_gpu", folder)
            figures["virtual"] = virtual_gpu.figures(samples, pairs)
            virtual += virtual_gpu.table(samples, pairs)
    for name, several in curved.items():
        lines += [*curve(name, several), ""]
    lines.pop()
    figures["cases"] = [_figures(case) for case in found]
    figures["curves"] = {name: [_figures(case) for case in several] for name, several in curved.items()}
    figures["seconds"] = time.monotonic() - begin
    print("\n".join([*lines, "", *virtual[2:]]))
    print(f"\n{figures['seconds']:.0f} seconds")
    if not words:
        (BUILD / "bench.json").write_text(json.dumps(figures, indent=1) + "\n")
        costs_page.write("bench", lines)
        costs_page.write("bench-virtual", virtual)


def _figures(case: Case) -> dict[str, object]:
    return {
        "case": case.name,
        "threads": case.threads,
        "bare": case.middle(0),
        "ours": case.middle(2),
        "bare_wall": case.middle(1),
        "ours_wall": case.middle(3),
        "added": case.added,
        "quartiles": case.quartiles,
        "stamps": case.middle(4),
        "dropped": case.dropped,
        "blocks": [case.block(n) for n in range(case.rounds)] if case.calls == BLOCK else [],
    }


if __name__ == "__main__":
    main()
