"""What the virtual H200 answers to misuse, beside what a real one did.

data/h200-misuse.json is what `tests/gpu/misuse.py --calls` has printed on an NVIDIA H200 under driver 580.159.04, and
data/h200-x2-misuse.json what it has with `--devices 2` on a machine of two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import support

from virtual.differences import DIFFERENT

HERE = Path(__file__).parent
PROGRAM = HERE.parent / "gpu/misuse.py"
GROUPS = (
    ("array", "mipmap", "texture", "surface"),
    ("capture",),
    ("context", "init"),
    ("device", "errors", "export_table", "proc_address", "profiler", "flush_remote_writes"),
    ("event", "stream"),
    ("graph",),
    ("launch", "occupancy"),
    ("mapping", "pool"),
    ("memory", "pointer", "batch", "tensor"),
    ("module", "link", "library", "function", "logs"),
    ("peer",),
    ("ipc",),
    ("descriptor",),
)
"""Cases that are asked together, by the beginning of their names."""


def recorded() -> dict[str, Any]:
    """The H200's answers, by case: [[function or what was noted, result], …].

    Where its driver has ended the process, or did not return, "before" has what came before that.
    """
    return answers_of("h200") | answers_of("h200-x2")


def answers_of(machine: str) -> dict[str, Any]:
    """Those of one recording."""
    answers: dict[str, Any] = json.loads((HERE / f"data/{machine}-misuse.json").read_text("utf-8"))["cases"]
    return answers


def is_like(ours: list[Any], real: Any) -> bool:
    """Whether answers are the card's, as far as it got."""
    if isinstance(real, dict):
        real, ours = real["before"], ours[: len(real["before"])]
    return bool(ours == real)


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_as_the_card(group: tuple[str, ...]) -> None:
    """What differs is in `DIFFERENT`, and only that."""
    real = {name: answer for name, answer in recorded().items() if name.startswith(group)}
    # On the card kernels were computed, as they are here only where a policy says how.
    policy = HERE / "programs/faulty_kernels.py" if "launch" in group else None
    program = [sys.executable, str(PROGRAM), "--calls", *real]
    gpu = "h200" if real.keys() <= answers_of("h200").keys() else "2xh200"
    done = support.run_preloaded(program, mode="virtual", gpu=gpu, policy=policy, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "in a hook of" not in done.stderr, done.stderr  # an exception of ours
    ours = json.loads(done.stdout)["cases"]
    assert [name for name, answer in ours.items() if not isinstance(answer, list)] == []
    different = {name for name in real if not is_like(ours[name], real[name])}
    listed = {name for name in DIFFERENT if name.startswith(group)}
    assert different == listed, "\n".join(
        [f"{name}: {ours[name]}\nis no longer different: take it off the list" for name in listed - different]
        + [f"{name}: {ours[name]}\nwas on the card: {real[name]}" for name in different - listed]
    )


def test_all_cases_are_asked() -> None:
    names = recorded()
    beginnings = tuple(beginning for group in GROUPS for beginning in group)
    assert [name for name in names if not name.startswith(beginnings)] == []
    assert DIFFERENT.keys() <= names.keys()
