"""`vgpu-embed trace summary`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from recordings import chunk, record, write

from vgpu_embed import tables
from vgpu_embed.analysis.summary import factors
from vgpu_embed.cli import main

MIB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """100 allocations of 1 to 100 µs by one thread, the last of them refused; a copy and a set by another one."""
    allocations = [
        record("cuMemAlloc_v2", 10**6 * n, 10**6 * n + 1000 * n, 2 if n == 100 else 0, (0x7F00, MIB), caller=2)
        for n in range(1, 101)
    ]
    others = [
        record("cuMemcpyHtoD_v2", 5, 2_000_005, 0, (0x7F00, 0x1000, 3 * MIB)),
        record("cuMemsetD32_v2", 3_000_000, 3_000_010, 0, (0x7F00, 1, MIB)),
        record("cudaGetErrorString", 4_000_000, 4_000_100, 0x7F00, (2,)),
    ]
    return write(tmp_path / "program.trace", [chunk(11, allocations), chunk(12, others)])


def summary(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["trace", "summary", *map(str, arguments)])


def rows(*arguments: str | Path) -> list[dict[str, Any]]:
    result = summary("--json", *arguments)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["rows"]
    return found


def test_calls_times_bytes_and_errors_by_function(path: Path) -> None:
    assert rows(path) == [
        {
            "function": "cuMemAlloc_v2",
            "calls": 100,
            "total": 5_050_000,
            "mean": 50_500,
            "p99": 99_010,
            "bytes": 100 * MIB,
            "errors": 1,
        },
        {
            "function": "cuMemcpyHtoD_v2",
            "calls": 1,
            "total": 2_000_000,
            "mean": 2_000_000,
            "p99": 2_000_000,
            "bytes": 3 * MIB,
            "errors": 0,
        },
        {
            "function": "cudaGetErrorString",
            "calls": 1,
            "total": 100,
            "mean": 100,
            "p99": 100,
            "bytes": 0,
            "errors": 0,
        },
        {
            "function": "cuMemsetD32_v2",
            "calls": 1,
            "total": 10,
            "mean": 10,
            "p99": 10,
            "bytes": 4 * MIB,
            "errors": 0,
        },
    ]


def test_by_caller_and_by_thread_and_by_both(path: Path) -> None:
    def short(*by: str) -> list[tuple[Any, ...]]:
        options = [word for one in by for word in ("--by", one)]
        return [(*(row[one] for one in by), row["calls"]) for row in rows(*options, path)]

    assert short("caller") == [("program", 100), ("libcudart.so.12", 3)]
    assert short("thread") == [(11, 100), (12, 3)]
    assert short("thread", "caller") == [(11, "program", 100), (12, "libcudart.so.12", 3)]


def test_several_traces_are_one(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", [chunk(11, [record("cuMemAlloc_v2", 1, 2, 0, (0x7F00, 7))])], dropped=4)
    result = summary("--json", path, other)
    assert json.loads(result.stdout)["dropped"] == 4
    assert json.loads(result.stdout)["rows"][0]["calls"] == 101
    assert result.stderr == f"vgpu-embed: {other} lacks 4 calls, for which there was no room\n"


def test_to_be_read_and_piped(path: Path) -> None:
    lines = [line.split("\t") for line in summary(path).stdout.splitlines()]
    assert lines[0] == ["cuMemAlloc_v2", "100", "5.05 ms", "50.50 µs", "99.01 µs", "100.00 MiB", "1"]
    assert lines[2] == ["cudaGetErrorString", "1", "100 ns", "100 ns", "100 ns", "-", "0"]


def test_an_empty_trace(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "empty", [])) == []


@pytest.mark.parametrize(
    ("function", "parameters", "unit"),
    [
        ("cuMemAlloc_v2", ["bytesize"], 1),
        ("cuMemAllocPitch_v2", ["WidthInBytes", "Height"], 1),
        ("cuMemcpyDtoHAsync_v2_ptsz", ["ByteCount"], 1),
        ("cuMemsetD2D16_v2", ["Width", "Height"], 2),
        ("cuMemCreate", ["size"], 1),
        ("cudaMalloc", ["size"], 1),
        ("cudaMemcpyAsync", ["count"], 1),
        ("cudaMemcpy2D", ["width", "height"], 1),
        ("cudaMemset2D", ["width", "height"], 1),
        ("cuMemcpyBatchAsync", [], 0),
        ("cudaMallocArray", [], 0),
        ("cuMemFree_v2", [], 0),
        ("cuLaunchKernel", [], 0),
        ("cuCtxSetLimit", [], 0),
    ],
)
def test_which_arguments_are_bytes(function: str, parameters: list[str], unit: int) -> None:
    assert factors(tables.function(function)) == (parameters, unit)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read: No such file or directory"), (b"text", "is not a recording of vgpu_embed")],
)
@pytest.mark.parametrize("command", ["summary", "timeline", "html", "replay"])
def test_what_is_no_trace_is_said_in_a_sentence(
    content: bytes | None, sentence: str, command: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "a.trace").write_bytes(content)
    result = CliRunner().invoke(main, ["trace", command, str(tmp_path / "a.trace")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"vgpu-embed: {tmp_path / 'a.trace'} {sentence}\n"
