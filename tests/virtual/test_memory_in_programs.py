"""Device memory in programs under the preloaded library (memory.c)."""

from __future__ import annotations

from pathlib import Path

import pytest
import support

FOLDER = Path(__file__).parent


def lines(what: str, gpu: str = "h100") -> list[str]:
    """What the program prints."""
    done = support.run_preloaded([support.built(FOLDER) / "memory", what], mode="virtual", gpu=gpu)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def failures(seen: list[str]) -> list[str]:
    """The steps that are no success, with their results."""
    return [line for line in seen if not line.endswith(" 0")]


def test_mappings_of_the_same_memory() -> None:
    seen = lines("aliases")
    assert failures(seen) == [
        "MiB taken 4",
        "write without access 1",
        "written once",
        "written once",
        "write past the end 1",
        "release again 1",
        "unmap half of a mapping 1",
        "write after that 1",
        "MiB taken 4",
        "free mapped addresses 1",
        "free addresses again 1",
    ]
    assert seen[-1] == "MiB taken 0"


def test_what_is_not_allocated_is_not_touched() -> None:
    assert failures(lines("overrun")) == [
        f"{step} 1"
        for step in (
            "write more",
            "write over the end",
            "read more",
            "copy more",
            "set more",
            "read a foreign address",
            "write from NULL",
            "free inside",
            "free again",
            "write after that",
            "free a foreign address",
        )
    ]


def test_a_small_card_runs_out_of_memory() -> None:
    """Half of it is the context's."""
    turn = "8 allocations, then 2, 0 MiB left"
    assert lines("exhaust", "h100:memory=1GiB") == [turn, turn, "512 MiB left"]


def test_freed_memory_is_given_back_to_the_host() -> None:
    assert lines("cycles") == ["level"]


def test_more_than_the_host_has_is_there_until_it_is_written() -> None:
    assert lines("lazy") == ["allocate 0", "set 0", "read 0", "xxxxxxx", "small"]


def test_discarded_memory_takes_nothing() -> None:
    assert lines("discard", "h100:backing=discard") == ["allocate 0", "set 0", "read 0", "zeros", "small"]


def test_a_process_that_may_not_have_many_addresses() -> None:
    assert failures(lines("confined")) == ["allocate too much 2"]


def test_a_child_of_fork_has_no_driver() -> None:
    """As CUDA says: what the parent has initialised is of no use to it."""
    assert lines("fork") == [
        "allocate 0",
        "cuInit in a child 3",
        "allocate 3",
        "set 3",
        "child ended 0",
        "set in the parent 0",
    ]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_random_operations(seed: str) -> None:
    """The C half by itself, with the sanitizers of the compiler."""
    done = support.run([support.built(FOLDER) / "random_memory", seed])
    assert (done.returncode, done.stdout) == (0, "as the model has it\n"), done.stdout + done.stderr
