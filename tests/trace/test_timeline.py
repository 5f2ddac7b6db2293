"""`vgpu-embed trace timeline`, as Perfetto reads it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import perfetto_trace
import pytest
from click.testing import CliRunner
from recordings import chunk, record, write
from traced import run_traced

from vgpu_embed import read_trace
from vgpu_embed.cli import main

SLICES = """
select s.name, s.category, s.ts, s.dur, t.tid, p.pid, p.name as program
from slice s join thread_track on s.track_id = thread_track.id join thread t using (utid) join process p using (upid)
order by s.ts
"""
ARGUMENTS = "select key, display_value from slice join args using (arg_set_id) where slice.name = '{}' order by key"
PROBLEMS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


def timeline(*traces: Path, to: Path) -> Path:
    result = CliRunner().invoke(main, ["trace", "timeline", "-o", str(to), *map(str, traces)])
    assert (result.exit_code, result.output) == (0, "")
    return to


def test_perfetto_reads_every_call_of_a_real_run(tmp_path: Path) -> None:
    path = run_traced(tmp_path / "program.trace")
    trace = read_trace(path)
    columns = [trace.table[name].to_pylist() for name in ("function", "start", "duration", "thread", "process")]
    expected = [(*call, trace.info["program"]) for call in zip(*columns, strict=True)]
    with perfetto_trace.opened(timeline(path, to=tmp_path / "a.json"), tmp_path) as processor:
        found = perfetto_trace.rows(processor, SLICES)
        assert perfetto_trace.rows(processor, PROBLEMS) == []
    assert len({call[3] for call in expected}) == 3
    assert sorted((name, ts, dur, tid, pid, program) for name, _, ts, dur, tid, pid, program in found) == sorted(
        expected
    )
    assert {category for _, category, *_ in found} == {"driver"}


def test_arguments_and_results_are_there(tmp_path: Path) -> None:
    launch = record("cudaLaunchKernel", 1_000, 2_000, 98, (0x7F00, 1 << 32 | 2, 3, 4, 5, 0x7F0000000000, 6, 7), gp=6)
    allocation = record("cuMemAlloc_v2", 1_100, 1_200, 2, (0x7F0000000000, 4096), verdict=2)
    path = write(tmp_path / "a.trace", [chunk(11, [launch, allocation])])
    with perfetto_trace.opened(timeline(path, to=tmp_path / "a.json"), tmp_path) as processor:
        arguments = dict(perfetto_trace.rows(processor, ARGUMENTS.format("cuMemAlloc_v2")))
        depths = perfetto_trace.rows(processor, "select name, depth from slice order by ts")
        launched = dict(perfetto_trace.rows(processor, ARGUMENTS.format("cudaLaunchKernel")))
    assert arguments == {
        "args.result": "CUDA_ERROR_OUT_OF_MEMORY",
        "args.caller": "libcudart.so.12",
        "args.verdict": "answered",
        "args.dptr": "0x7f0000000000",
        "args.bytesize": "4096",
    }
    assert depths == [("cudaLaunchKernel", 0), ("cuMemAlloc_v2", 1)]
    assert launched["args.result"] == "cudaErrorInvalidDeviceFunction"


def test_several_traces_and_where_they_come_from(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{pid}.trace", [chunk(pid, [record("cuInit", 1, 2, 0, (0,))], process=pid)])
        for pid in (11, 12)
    ]
    written = json.loads(timeline(*paths, to=tmp_path / "a.json").read_text())
    origin = [(one["path"], one["dropped"]) for one in written["otherData"]["vgpu_embed"]]
    assert origin == [(str(path), 0) for path in paths]
    assert [event["pid"] for event in written["traceEvents"] if event["ph"] == "X"] == [11, 12]
    assert list(tmp_path.glob("a.json.*")) == []


def test_a_pipe_gets_it_and_a_terminal_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.trace", [chunk(11, [record("cuInit", 1, 2, 0, (0,))])])
    result = CliRunner().invoke(main, ["trace", "timeline", str(path)])
    assert json.loads(result.stdout)["traceEvents"][-1]["name"] == "cuInit"
    assert CliRunner().invoke(main, ["trace", "timeline", "-o", "/dev/null", str(path)]).exit_code == 0
    assert Path("/dev/null").is_char_device()
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "vgpu_embed.cli", "trace", "timeline", str(path)]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (
        2,
        "vgpu-embed: give a file, as in: vgpu-embed trace timeline -o FILE …\n",
    )


@pytest.mark.parametrize("folder", ["missing", "a.trace"])
def test_a_file_that_cannot_be_written(folder: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.trace", [chunk(11, [record("cuInit", 1, 2, 0, (0,))])])
    result = CliRunner().invoke(main, ["trace", "timeline", "-o", str(tmp_path / folder / "a.json"), str(path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"vgpu-embed: {tmp_path / folder / 'a.json'} cannot be written: ")
