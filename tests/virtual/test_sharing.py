"""What processes of a virtual machine share, in two processes each, and its devices; memory of the host."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import support

PROGRAMS = Path(__file__).parent / "programs"
TWO_PROCESSES = Path(__file__).parents[1] / "gpu/two_processes.py"


def lines(ask: str, gpu: str = "h200") -> list[str]:
    """What tests/gpu/two_processes.py prints."""
    program = [sys.executable, str(TWO_PROCESSES), ask]
    done = support.run_preloaded(program, mode="virtual", gpu=gpu, policy=PROGRAMS / "adding_kernels.py")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def answers(gpu: str, case: str) -> list[list[object]]:
    """What a virtual machine says to a case of tests/gpu/misuse.py."""
    program = [sys.executable, str(TWO_PROCESSES.with_name("misuse.py")), "--calls", case]
    done = support.run_preloaded(program, mode="virtual", gpu=gpu)
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout)["cases"][case]
    return found


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


def test_memory_of_the_host() -> None:
    calls = ["cuMemMap 0", "cuMemSetAccess 0"]
    seen = [line for line in lines("host") if line not in calls]
    assert seen == ["launch 0", "number 7", "fresh 0"] * 4 + ["mapped 5", "counted 0"]


@pytest.mark.parametrize("gpu", ["2xt4", "h200;h100"], ids=["no-links", "different"])
def test_devices_that_are_not_linked(gpu: str) -> None:
    """They copy, but do not reach each other's memory; two that are linked are compared with real ones."""
    assert answers(gpu, "peer.queries")[:2] == [["cuDeviceCanAccessPeer", 0], ["value", 0]]
    assert {result for name, result in answers(gpu, "peer.enable") if name == "cuCtxEnablePeerAccess"} >= {217}
    assert ["cuMemSetAccess", 101] in answers(gpu, "peer.mapping")
    assert ["cuMemPoolSetAccess", 101] in answers(gpu, "peer.pool")
    assert ["mine", 1] in answers(gpu, "peer.copies")
