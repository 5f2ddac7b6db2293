"""Traces of real processes over the fake driver: ended, running, killed, forked, without room."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import support
from support import run_preloaded

import vgpu_embed
from vgpu_embed.trace import Trace

BEGIN = """
import ctypes, os, sys, threading
cuda = ctypes.CDLL("libcuda.so.1")
cuda.cuInit(0)
context = ctypes.c_void_p()
cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
def allocate(sizes):
    pointer = ctypes.c_uint64()
    cuda.cuCtxSetCurrent(context)
    for size in sizes:
        cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size))
        cuda.cuMemFree_v2(pointer)
"""
POLICY = """
from vgpu_embed import CUresult, Policy
policy = Policy()
seed = policy.option("seed", 7, help="for this test")
@policy.hook("cuMemAlloc_v2")
def allocate(call):
    if call.bytesize % 3 == 0:
        return CUresult.ERROR_OUT_OF_MEMORY
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "program.trace"


def traced(path: Path, code: str, **arguments: Any) -> Trace:
    """The trace of a program that ended well."""
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": path}, **arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return vgpu_embed.read_trace(path)


def functions(trace: Trace) -> Counter[str]:
    return Counter(trace.table["function"].to_pylist())


def test_every_call_is_there_with_its_arguments(path: Path) -> None:
    trace = traced(path, "allocate(range(1, 4001))\nprint(os.getpid(), threading.get_native_id())")
    counts = {"cuInit": 1, "cuDevicePrimaryCtxRetain": 1, "cuCtxSetCurrent": 1}
    assert functions(trace) == {**counts, "cuMemAlloc_v2": 4000, "cuMemFree_v2": 4000}
    allocations = trace.calls("cuMemAlloc_v2").to_pandas()
    assert list(allocations.bytesize) == list(range(1, 4001))
    assert set(allocations.result) == {0}
    assert all("ffi" in name or "_ctypes" in name for name in set(allocations.caller))
    calls = trace.to_pandas()
    assert (calls.duration >= 0).all()
    assert calls.start.is_monotonic_increasing
    assert set(calls.verdict) == {"forwarded"}
    assert trace.info["program"] == os.path.basename(os.path.realpath(sys.executable))
    assert trace.dropped == 0


def test_the_wall_clock_is_that_of_the_run(path: Path) -> None:
    before = time.time_ns()
    trace = traced(path, "allocate([1])")
    times = vgpu_embed.read_trace(path, wall_clock=True).to_pandas()["time"]
    assert before - 10**6 < times[0].value <= times[len(trace) - 1].value < time.time_ns() + 10**6


def test_times_are_those_of_the_clock(path: Path) -> None:
    """Whatever they are taken from, and however long a thread did not call."""
    code = """
import time
clock = time.CLOCK_MONOTONIC
for pause in [0] * 2000 + [0.0001] * 200 + [0.005] * 20 + [0.2, 1.1] + [0] * 2000:
    time.sleep(pause)
    before = time.clock_gettime_ns(clock)
    cuda.cuCtxSetCurrent(context)
    print(before, time.clock_gettime_ns(clock))
"""
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": path})
    outer = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    calls = vgpu_embed.read_trace(path).calls("cuCtxSetCurrent")
    inner = zip(calls["start"].to_pylist(), calls["end"].to_pylist(), strict=True)
    near = 1000  # ns
    outside = [
        (before, start, end, after)
        for (before, after), (start, end) in zip(outer, inner, strict=True)
        if not before - near <= start <= end <= after + near
    ]
    assert not outside


def test_verdicts_and_where_the_figures_come_from(path: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(POLICY)
    trace = traced(path, "allocate(range(1, 10))", policy=policy, options="seed=11")
    allocations = trace.calls("cuMemAlloc_v2").to_pandas()
    assert list(allocations.verdict) == ["forwarded", "forwarded", "answered"] * 3
    assert list(allocations.result) == [0, 0, 2] * 3
    assert trace.info["policies"] == [{"path": str(policy), "sha256": hashlib.sha256(policy.read_bytes()).hexdigest()}]
    assert (trace.info["options"], trace.info["seed"], trace.info["mode"]) == ({"seed": 11}, 11, "native")
    assert "/libcuda.so." in trace.info["driver"]["path"]


def test_threads_are_told_apart(path: Path) -> None:
    code = """
def work(number):
    sys.stdout.write(f"{threading.get_native_id()} {number}\\n")
    allocate([number] * 500)
threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": path})
    expected = {tuple(map(int, line.split())) for line in done.stdout.splitlines()}
    calls = vgpu_embed.read_trace(path).calls("cuMemAlloc_v2").to_pandas()
    assert set(zip(calls.thread, calls.bytesize, strict=True)) == expected
    assert len(calls) == 8 * 500


def test_threads_that_follow_each_other_share_chunks(path: Path) -> None:
    code = """
for number in range(200):
    thread = threading.Thread(target=allocate, args=([number + 1],))
    thread.start()
    thread.join()
"""
    trace = traced(path, code)
    calls = trace.calls("cuMemAlloc_v2").to_pandas()
    assert list(calls.bytesize) == list(range(1, 201))
    assert path.stat().st_size < 50 * 65536


def test_children_of_fork_write_into_the_same_trace_or_one_of_their_own(path: Path, tmp_path: Path) -> None:
    code = """
allocate([1])
children = []
for number in (2, 3):
    child = os.fork()
    if child == 0:
        allocate([number] * 100)
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
print(os.getpid(), *children)
"""
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": path})
    assert (done.returncode, done.stderr) == (0, ""), done
    pids = list(map(int, done.stdout.split()))
    calls = vgpu_embed.read_trace(path).calls("cuMemAlloc_v2").to_pandas()
    assert Counter(zip(calls.process, calls.bytesize, strict=True)) == {
        (pids[0], 1): 1,
        (pids[1], 2): 100,
        (pids[2], 3): 100,
    }
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": tmp_path / "%p.own"})
    found = {int(file.stem): vgpu_embed.read_trace(file) for file in tmp_path.glob("*.own")}
    assert {pid: trace.calls("cuMemAlloc_v2").num_rows for pid, trace in found.items()} == dict(
        zip(map(int, done.stdout.split()), (1, 100, 100), strict=True)
    )


def test_while_it_runs_and_after_it_was_killed(path: Path) -> None:
    code = """
numbers = iter(range(1, 1 << 40))
for line in sys.stdin:
    allocate(next(numbers) for _ in range(1000))
    print("done", flush=True)
"""
    variables = {**support.clean_environment(), **support.preloading(), "VGPU_TRACE": str(path)}
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + code], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for rounds in (1, 2):
            process.stdin.write("go\n")
            process.stdin.flush()
            process.stdout.readline()
            sizes = vgpu_embed.read_trace(path).calls("cuMemAlloc_v2")["bytesize"].to_pylist()
            assert sizes == list(range(1, 1000 * rounds + 1))
        process.stdin.write("go\n" * 1000)
        process.stdin.flush()
        process.stdout.readline()
        seen = [vgpu_embed.read_trace(path).calls("cuMemAlloc_v2").num_rows for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert seen == sorted(seen)
    sizes = vgpu_embed.read_trace(path).calls("cuMemAlloc_v2")["bytesize"].to_pylist()
    assert sizes == list(range(1, len(sizes) + 1))
    assert len(sizes) >= max(3000, seen[-1])


def test_without_room_calls_are_counted_as_dropped(path: Path) -> None:
    """A limit on file sizes stands for a full disk."""
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({1 << 20}, {1 << 20}))
allocate(range(1, 20001))
"""
    done = run_preloaded([sys.executable, "-c", BEGIN + code], env={"VGPU_TRACE": path})
    assert done.returncode == 0
    assert re.search(rf"{path} has no more room", done.stderr)
    trace = vgpu_embed.read_trace(path)
    sizes = trace.calls("cuMemAlloc_v2")["bytesize"].to_pylist()
    assert 1000 < len(sizes) < 20000
    assert sizes == list(range(1, len(sizes) + 1))
    assert len(trace) + trace.dropped == 3 + 2 * 20000


def test_by_the_command_line(path: Path) -> None:
    command = [sys.executable, "-m", "vgpu_embed.cli", "run", "--mode", "native", "--trace", path.name, "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", BEGIN + "allocate([1])"],
        env={**support.clean_environment(), "LD_LIBRARY_PATH": str(support.fake_driver())},
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert functions(vgpu_embed.read_trace(path))["cuMemAlloc_v2"] == 1
