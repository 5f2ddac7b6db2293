"""Memcheck on programs that meet a policy: what it sees beyond the namespace, and that there is nothing to see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from embed.conftest import ANSWER, ANSWERS, Preloaded, hooking, host
from embed.conftest import own as embedded
from support import Completed

from .conftest import HERE, tool

QUICK = ["lookup", "eight_threads", "late_calls"]
LONG = [
    *QUICK,
    "in_callback",
    "get_proc_address",
    "many_keys",
    "blocked_signals",
    "reopen",
    "children",
    "constructor_opened",
]


def memcheck(
    preloaded: Preloaded, program: Path, *arguments: str, policy: str = ANSWERS, known: bool = True
) -> Completed:
    """Runs a program under valgrind; `known`: without what is known to be false."""
    options = ["--error-exitcode=99", "--num-callers=40", "--errors-for-leak-kinds=definite", "--leak-check=full"]
    options += [f"--suppressions={HERE}/valgrind.supp"] * known
    return preloaded(tool("valgrind", "valgrind"), *options, program, *arguments, policy=policy, timeout=170)


def contexts(done: Completed) -> int:
    """How many kinds of error were found."""
    summary = re.search(r"ERROR SUMMARY: \d+ errors from (\d+) contexts", done.stderr)
    assert summary, done.stderr
    return int(summary[1])


@pytest.mark.timeout(1800)
def test_programs_that_meet_a_policy_have_no_error_and_no_leak(preloaded: Preloaded, soak: bool) -> None:
    for program in LONG if soak else QUICK:
        done = memcheck(preloaded, host(program))
        assert contexts(done) == 0, done.stderr
        assert str(ANSWER) in done.stdout


def test_the_known_false_errors_are_all_in_the_namespace(preloaded: Preloaded) -> None:
    """So that the list of suppressions is no longer than it has to be: without it there is something."""
    done = memcheck(preloaded, host("lookup"), known=False)
    assert 0 < contexts(done) <= 14, done.stderr


def test_an_error_of_the_namespace_in_the_program_s_memory_is_seen(preloaded: Preloaded) -> None:
    """A hook that writes past the program's block, with the stack from the program's call to Python's code."""
    body = 'ffi.cast("int *", call.number("pi"))[1] = 7\nreturn call.reply(pi=1)'
    done = memcheck(preloaded, embedded("plain"), policy=hooking(body, "from vgpu_embed._core import ffi"))
    assert done.returncode == 99
    assert "Invalid write of size 4" in done.stderr
    assert "0 bytes after a block of size 4 alloc'd" in done.stderr
    assert "vgpu_entry" in done.stderr


def test_an_error_of_the_namespace_in_its_own_memory_is_not_seen(preloaded: Preloaded) -> None:
    """Its allocator is not replaced: to valgrind, past the end of a block is more of the same."""
    body = f'ffi.cast("char *", block)[80] = b"x"\nreturn call.reply(pi={ANSWER})'
    top = 'from vgpu_embed._core import ffi\nblock = ffi.new("char[]", 64)\nbehind = ffi.new("char[]", 64)'
    done = memcheck(preloaded, host("lookup"), policy=hooking(body, top))
    assert contexts(done) == 0, done.stderr
    assert str(ANSWER) in done.stdout
