"""What processes of a virtual machine share, in two processes each."""

from __future__ import annotations

import sys
from pathlib import Path

import support

PROGRAMS = Path(__file__).parent / "programs"
TWO_PROCESSES = Path(__file__).parents[1] / "gpu/two_processes.py"


def lines(ask: str, gpu: str = "h200") -> list[str]:
    """What tests/gpu/two_processes.py prints."""
    program = [sys.executable, str(TWO_PROCESSES), ask]
    done = support.run_preloaded(program, mode="virtual", gpu=gpu, policy=PROGRAMS / "adding_kernels.py")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_by_the_runtime() -> None:
    done = support.run_preloaded([support.built(PROGRAMS) / "ipc"], mode="virtual", gpu="h100")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["read xxxxxxxx", "close again 1", "then iiiiiiii"]


def test_kernels_write_what_others_read() -> None:
    assert lines("kernels") == ["launch 0", "there 5", "launch 0", "there 11"]


def test_what_is_not_written_takes_nothing() -> None:
    assert lines("large") == ["first 3", "last 0", "last 4", "small True", "fresh True", "kept 3"]


def test_discarded_memory_is_shared_too() -> None:
    assert lines("kernels", "h200:backing=discard") == ["launch 0", "there 0", "launch 0", "there 0"]


def test_memory_is_counted_once() -> None:
    assert lines("counted") == [
        "allocated 64",
        "opened 64",
        "freed 64",
        "only its context is free True",
        "closed 32",
    ]


def test_events_keep_the_order_of_processes() -> None:
    assert lines("events") == ["query 600", "copied 7", "query 0"]


def test_physical_memory_by_descriptor() -> None:
    seen = lines("physical")
    calls = [line for line in seen if line.removeprefix("other ").startswith("cu")]
    assert [line for line in calls if not line.endswith(" 0")] == []
    assert [line for line in seen if line not in calls] == [
        "launch 0",
        "there 5",
        "last 0",
        "small True",
        "counted True",
    ]


def test_pools_by_descriptor() -> None:
    assert lines("pool") == ["launch 0", "there 5", "here 9", "fresh 0"]


def test_pools_by_the_runtime() -> None:
    done = support.run_preloaded([support.built(PROGRAMS) / "pools"], mode="virtual", gpu="h100")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["read xxxxxxxx", "then iiiiiiii"]
