"""What a virtual GPU costs: calls and replayed graphs, the load of libggml-cuda.so, the start of node-llama-cpp."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "hosts"))

import costs_page  # noqa: E402
import programs  # noqa: E402
import support  # noqa: E402

from vgpu_embed import tables  # noqa: E402
from vgpu_embed.inspect.cuda import Binary  # noqa: E402

GPU = "h100"
PROCESSES = 3
"""In which calls are timed, each time they are."""
LOADS, STARTS = 21, 7
"""How often what happens once a process is measured, with and without us."""

EACH, LONE = 3, "allocation of 4 KiB and its free, no other held"
CALLS = {
    "launch of a kernel": EACH,
    "copy of 4 bytes to the device": EACH,
    "copy of 4 bytes to the host": EACH,
    "allocation of 4 KiB, others held": EACH,
    "free of 4 KiB, others held": EACH,
    "allocation of 4 MiB, others held": EACH,
    "free of 4 MiB, others held": EACH,
    LONE: 2 * EACH,
}
"""Microseconds that a case of virtual_gpu.c may take."""
GRAPH, GRAPH_KERNEL = 5, 0.03
"""Microseconds that a replayed graph may take, and each of its kernels."""
SIZES = (0, 10, 100, 1000)
LOAD, LATER_LOAD = "libggml-cuda.so loaded, over a C stand-in's", "the same, where Python has started"
NODE = "node-llama-cpp started and ended, over its CPU backend's"
ONCE = {LOAD: 50, LATER_LOAD: 50, NODE: 1000}
"""Milliseconds that may be added to what a process does once."""
LIBRARIES = {"driver": "libcuda.", "runtime": "libcudart.", "cublas": "libcublas."}

Samples = dict[str, list[float]]
Pairs = list[tuple[float, float]]
"""Milliseconds without us and with us, measured one after the other."""


def graph(kernels: int | str) -> str:
    """What virtual_gpu.c calls the launch of a graph of that many kernels."""
    return f"replay of a graph of {kernels} kernels"


def measure(program: Path, samples: Samples) -> None:
    """Adds what some processes take for each case, in microseconds."""
    for _ in range(PROCESSES):
        for line in _run([program, "calls"], gpu=GPU, log="off").splitlines():
            nanoseconds, name = line.split(" ", 1)
            samples.setdefault(name, []).append(float(nanoseconds) / 1e3)


def stand_in(library: Path, folder: Path) -> None:
    """Libraries in C that have each function that a library wants of NVIDIA's, and do nothing."""
    wants = Binary(str(library))
    for needed in wants.needed:
        names = [name for name in wants.names if needed.startswith(LIBRARIES[tables.function(name).library])]
        source, versions = folder / "stand_in.c", folder / "stand_in.map"
        source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in names))
        versions.write_text(f"{needed} {{ *; }};\n")
        flags = ["-shared", "-fPIC", "-w", f"-Wl,-soname,{needed}", f"-Wl,--version-script,{versions}"]
        subprocess.run(["cc", "-O2", *flags, "-o", str(folder / needed), str(source)], check=True)


def load(program: Path, folder: Path, first: Sequence[str] = ()) -> Pairs:
    """The load of the real libggml-cuda.so, behind `first`: over the stand-in, and over a virtual GPU."""
    real = programs.real_libraries()
    stand_in(real / "libggml-cuda.so", folder)
    command: list[str | Path] = [program, "load", *first, real / "libggml-base.so", real / "libggml-cuda.so"]

    def bare() -> float:
        return float(_run(command, driver=folder)) / 1e6

    def ours() -> float:
        return float(_run(command, gpu=GPU)) / 1e6

    return by_turns(bare, ours, LOADS)


def start() -> Pairs:
    """From the start of node-llama-cpp to its end, nothing loaded: on its CPU backend, and on a virtual GPU."""
    script = Path(_run([sys.executable, HERE.parent / "real/node.py"]).strip()) / "generate.mjs"

    def timed(backend: str, gpu: str) -> float:
        begin = time.perf_counter()
        said = _run(["node", script, "", "0", backend, "max"], gpu=gpu)
        took = (time.perf_counter() - begin) * 1e3
        if json.loads(said.splitlines()[-1])["gpu"] != (backend if gpu else False):
            sys.exit(f"bench: node-llama-cpp does not run where it should, but says {said}")
        return took

    return by_turns(lambda: timed("false", ""), lambda: timed("cuda", GPU), STARTS)


def once(program: Path, folder: Path) -> dict[str, Pairs]:
    """What a process does once."""
    return {LOAD: load(program, folder), LATER_LOAD: load(program, folder, ["libcuda.so.1"]), NODE: start()}


def by_turns(bare: Callable[[], float], ours: Callable[[], float], times: int) -> Pairs:
    """Pairs of one and the other, after one that is not counted."""
    return [(bare(), ours()) for _ in range(times + 1)][1:]


def _run(command: Sequence[str | Path], driver: Path | None = None, gpu: str = "", log: str | None = None) -> str:
    """What a program prints: on a virtual GPU, or by itself with these libraries."""
    if gpu:
        done = support.run_preloaded(command, mode="virtual", gpu=gpu, log=log, timeout=120)
    else:
        done = support.run(command, env={"LD_LIBRARY_PATH": driver} if driver else {}, timeout=120)
    if done.returncode or done.stderr:
        sys.exit(f"bench: {command[0]} {command[1]}: exit code {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def table(samples: Samples, pairs: dict[str, Pairs]) -> list[str]:
    """The table of what a virtual GPU costs."""
    limits = CALLS | {graph(n): GRAPH + GRAPH_KERNEL * n for n in SIZES}
    rows = [_row(name, samples[name], most, "µs") for name, most in limits.items()]
    slope, base = fit(samples)
    verdict = costs_page.Verdict(max(base / GRAPH, slope / GRAPH_KERNEL), 1, "5 µs + 30 ns a kernel")
    rows.append([graph("n"), f"{base:.2f} µs + {slope * 1e3:.1f} ns a kernel", "", "", verdict.text])
    for name, found in pairs.items():
        bare, ours = (statistics.median(column) for column in zip(*found, strict=True))
        added = [pair[1] - pair[0] for pair in found]
        rows.append(_row(name, added, ONCE[name], "ms", f" ({ours:.1f} - {bare:.1f})"))
    return costs_page.table(["on a virtual H100", "figure", "quartiles", "least", "target"], rows)


def fit(samples: Samples) -> tuple[float, float]:
    """Microseconds that each kernel of a graph takes when it is replayed, and those of a graph of none."""
    medians = [statistics.median(samples[graph(n)]) for n in SIZES]
    slope, base = statistics.linear_regression(SIZES, medians)
    return slope, base


def _row(name: str, found: Sequence[float], most: float, unit: str, shown: str = "") -> list[str]:
    low, middle, high = statistics.quantiles(found, n=4)
    verdict = costs_page.Verdict(middle, most, f"{most:g} {unit}")
    return [name, f"{middle:.2f} {unit}{shown}", f"{low:.2f} … {high:.2f}", f"{min(found):.2f}", verdict.text]


def figures(samples: Samples, pairs: dict[str, Pairs]) -> dict[str, object]:
    """The same for the JSON, with each sample."""
    slope, base = fit(samples)
    once = {name: [{"without": bare, "ours": ours} for bare, ours in found] for name, found in pairs.items()}
    return {"calls_us": samples, "graph_us": {"base": base, "kernel": slope}, "once_ms": once}
