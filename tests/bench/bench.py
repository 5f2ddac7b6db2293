"""What a call costs: each case against the bare driver, by turns in one process. Table on stdout, JSON in build/.

make bench
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import support  # noqa: E402

HOOK = "from vgpu_embed import Policy\npolicy = Policy()\n@policy.hook('cuDeviceGetAttribute')\ndef asked(call):\n"
OTHER = HOOK.replace("cuDeviceGetAttribute", "cuMemAlloc_v2")
SMALLEST = """
from vgpu_embed import Policy
from vgpu_embed._core import ffi
import vgpu_embed.embed.dispatch
policy = Policy()
policy.hook("cuDeviceGetAttribute")(lambda call: None)
@ffi.def_extern()
def vgpu_decide(frame, key):
    return {}
"""
SMALLEST_CALL = SMALLEST.replace("import ffi", "import ffi, lib").format("lib.host_call(frame, 0) and 0 or 1")

CASES = {
    "no policy": None,
    "a policy on another name": OTHER + "    return None\n",
    "hook, None": HOOK + "    return None\n",
    "hook, forward()": HOOK + "    return call.forward()\n",
    "hook, reply()": HOOK + "    return call.reply(pi=9)\n",
    "smallest cffi callback": SMALLEST.format(0),
    "smallest callback that calls": SMALLEST_CALL,
}


def measure(driver: Path, policy: Path | None, threads: int) -> tuple[float, float]:
    """Nanoseconds a call, bare and preloaded: medians over the rounds of one process."""
    bare = HERE / "build/bare.so"
    done = support.run_preloaded(
        [HERE / "build/calls", bare, "cuDeviceGetAttribute", str(threads)], policy=policy, driver=driver, timeout=300
    )
    if done.returncode or done.stderr:
        sys.exit(f"bench: {done.stderr}")
    rounds = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    return statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)


def start(policy: Path, driver: Path) -> list[float]:
    """Seconds, pair by pair, of a process that meets a policy over `python3 -S -c pass`."""
    ratios = []
    environment = {**support.clean_environment(), **support.preloading(policy=policy, driver=driver)}
    program: list[str | Path] = [HERE / "build/calls", HERE / "build/bare.so", "cuInit", "0"]
    for _ in range(15):
        times = []
        bare: list[str | Path] = [sys.executable, "-S", "-c", "pass"]
        for command, env in ((program, environment), (bare, dict(os.environ))):
            begin = time.perf_counter()
            subprocess.run(command, env=env, capture_output=True)
            times.append(time.perf_counter() - begin)
        ratios.append(times[0] / times[1])
    return ratios


def main() -> None:
    """Runs every case and writes the figures."""
    driver = support.fake_driver()
    shutil.copy(driver / "libcuda.so", HERE / "build/bare.so")  # another file: nobody's driver
    figures: dict[str, dict[str, float]] = {}
    print(f"{'case':32} {'threads':>7} {'bare ns':>9} {'ns':>9} {'added ns':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in CASES.items():
            policy = Path(folder, "policy.py") if source else None
            if policy and source:
                policy.write_text(source)
            for threads in (1, 8) if "no policy" in name or "another" in name else (1,):
                bare, through = measure(driver, policy, threads)
                figures[f"{name}, {threads}"] = {"bare": bare, "preloaded": through, "added": through - bare}
                print(f"{name:32} {threads:7} {bare:9.1f} {through:9.1f} {through - bare:9.1f}")
        (Path(folder) / "policy.py").write_text(OTHER + "    return None\n")
        ratios = start(Path(folder) / "policy.py", driver)
    print(f"start to policy in force / python3 -S -c pass: median {statistics.median(ratios):.2f}")
    figures["start"] = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    (HERE / "build/bench.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
