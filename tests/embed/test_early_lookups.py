"""Libraries that look names up before our library is initialized."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import LIBRARY

from .conftest import ANSWER, Preloaded, lines, own


@pytest.mark.parametrize("order", [0, 1])
def test_a_library_preloaded_beside_ours_finds_names_in_its_constructor(preloaded: Preloaded, order: int) -> None:
    both = [own("libearly.so"), LIBRARY][:: -1 if order else 1]
    done = preloaded(own("first"), env={"LD_PRELOAD": ":".join(map(str, both))})
    assert done.stdout == f"main: {ANSWER}\n"
    assert done.stderr == "early: malloc strlen cos memcpy libnosuch\n"


def sanitizer(name: str) -> Path:
    """Where the compiler has a sanitizer's library."""
    command = ["cc", f"-print-file-name=lib{name}.so"]
    return Path(subprocess.run(command, capture_output=True, text=True).stdout.strip()).resolve()


@pytest.mark.parametrize("first", [True, False], ids=["sanitizer-first", "ours-first"])
@pytest.mark.parametrize(("program", "library"), [("plain_address", "asan"), ("plain_thread", "tsan")])
def test_a_program_built_with_a_sanitizer_meets_the_policy(
    preloaded: Preloaded, program: str, library: str, first: bool
) -> None:
    """Its constructor interposes much of the C library, and looks each name up."""
    env = {"LD_PRELOAD": f"{sanitizer(library)}:{LIBRARY}"} if first else {}
    done = preloaded(
        "setarch",
        "-R",
        own(program),
        env={"ASAN_OPTIONS": "verify_asan_link_order=0", **env},
    )
    assert lines(done) == [f"thread: {ANSWER}"] * 8
