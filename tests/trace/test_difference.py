"""`vgpu-embed trace diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from recordings import chunk, record, write
from traced import run_traced

from vgpu_embed.cli import main

ADDRESS = 0x7F0000000000


def allocation(start: int, result: int = 0, *, verdict: int = 0, duration: int = 100) -> bytes:
    return record("cuMemAlloc_v2", start, start + duration, result, (ADDRESS, 4096), verdict=verdict)


def free(start: int) -> bytes:
    return record("cuMemFree_v2", start, start + 50, 0, (ADDRESS,))


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write(tmp_path / "a.trace", [chunk(11, [allocation(10), free(20)]), chunk(12, [allocation(30), free(40)])])


def diff(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["trace", "diff", *map(str, arguments)])


def found(first: Path, second: Path) -> Any:
    return json.loads(diff("--json", first, second).stdout)


def test_the_same_calls_in_other_threads_and_at_other_times(first: Path, tmp_path: Path) -> None:
    second = [chunk(99, [allocation(1010, duration=150), free(1020)]), chunk(98, [allocation(1030), free(1040)])]
    result = diff(first, write(tmp_path / "b.trace", second))
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split("\t")[:4] for line in result.stdout.splitlines()] == [
        ["cuMemAlloc_v2", "same", "2", "2 CUDA_SUCCESS, 2 forwarded"],
        ["cuMemFree_v2", "same", "2", "2 CUDA_SUCCESS, 2 forwarded"],
    ]
    assert result.stdout.splitlines()[0].endswith("\t100 ns → 125 ns (+25 %)")


def test_results_counts_and_functions_that_differ(first: Path, tmp_path: Path) -> None:
    second = [
        chunk(11, [allocation(10), free(20)]),
        chunk(12, [allocation(30, 2, verdict=2), record("cuInit", 40, 41, 0, (0,))]),
    ]
    path = write(tmp_path / "b.trace", second)
    result = diff(first, path)
    assert result.exit_code == 1
    assert result.stderr == (
        "vgpu-embed: they part at call 1 of thread 2: cuMemAlloc_v2: CUDA_SUCCESS / "
        "cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY\n"
    )
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in result.stdout.splitlines()}
    assert lines["cuMemAlloc_v2"][:3] == [
        "differs",
        "2",
        "2 CUDA_SUCCESS, 2 forwarded → 1 CUDA_SUCCESS, 1 CUDA_ERROR_OUT_OF_MEMORY, 1 forwarded, 1 answered",
    ]
    assert lines["cuMemFree_v2"][1] == "2 → 1"
    assert lines["cuInit"] == ["differs", "0 → 1", "- → 1 CUDA_SUCCESS, 1 forwarded", "- → 1 ns"]
    said = found(first, path)
    assert [one["name"] for one in said["functions"]] == ["cuMemAlloc_v2", "cuMemFree_v2", "cuInit"]
    assert said["divergence"]["thread"] == 1


def test_what_c_has_repeated_was_answered(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / str(verdict), [chunk(11, [allocation(10, verdict=2), allocation(20, verdict=verdict)])])
        for verdict in (1, 2)
    ]
    assert diff(*paths).exit_code == 0


def test_a_thread_that_ends_earlier(first: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "b.trace", [chunk(11, [allocation(10), free(20)]), chunk(12, [allocation(30)])])
    assert found(first, path)["divergence"] == {
        "thread": 1,
        "call": 1,
        "first": "cuMemFree_v2: CUDA_SUCCESS",
        "second": "no further call",
    }


def test_two_runs_of_a_program_are_the_same(tmp_path: Path) -> None:
    result = diff(run_traced(tmp_path / "a.trace"), run_traced(tmp_path / "b.trace"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert {line.split("\t")[1] for line in result.stdout.splitlines()} == {"same"}


def test_what_is_no_trace(first: Path, tmp_path: Path) -> None:
    result = diff(first, tmp_path / "missing")
    assert (result.exit_code, result.stdout) == (2, "")
