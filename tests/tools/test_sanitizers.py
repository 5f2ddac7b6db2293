"""The library itself under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer.

How far they see: the library's own code, whoever calls it, the interpreter included. What lives in the namespace is
not instrumented and has a C library that is not intercepted: what it does to memory is not seen, the program's memory
neither, nor its locks. The last tests show both.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from embed.conftest import ANSWER, ANSWERS, hooking, host
from embed.conftest import own as embedded
from support import Completed, run_bare

from vgpu_embed import tables

from .conftest import run_instrumented

REPORTS = ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer")

QUICK = ["lookup", "eight_threads", "many_threads 256", "children fork 4", "late_calls", "in_callback"]
# Not rtld_deepbind and runpath: the sanitizers' own dlopen refuses that flag, and calls as if from themselves.
LONG = [
    *QUICK,
    *("get_proc_address", "rtld_default", "versioned_lookup", "interposed"),
    *("constructor_opened", "blocked_signals", "many_keys", "reopen", "children vfork 4", "children posix_spawn 4"),
    *("children fork_first 4", "children fork_tree", "many_threads 8192"),
]

EVERYTHING = """
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cu*")
def every(call):
    call.log.debug("seen", by=call.caller)
    return call.forward()
"""


def reports(done: Completed) -> list[str]:
    return [line for line in done.stderr.splitlines() if any(report in line for report in REPORTS)]


def about_devices(text: str) -> list[str]:
    """A program's output but for its memory figure and what the policy changes."""
    return [line for line in text.splitlines() if not line.startswith("bytes a thread") and "GetAttribute" not in line]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "policy.py").write_text(ANSWERS)
    return tmp_path / "policy.py"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["address", "thread"])
@pytest.mark.parametrize("text", [ANSWERS, EVERYTHING], ids=["answers", "everything"])
def test_no_program_makes_the_library_err(tmp_path: Path, name: str, text: str, soak: bool) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(text)
    for program in LONG if soak else QUICK:
        command: list[str | Path] = [host(program.split()[0]), *program.split()[1:]]
        done = run_instrumented(name, command, policy, log="debug")
        bare = run_bare(command)
        assert reports(done) == [], done.stderr
        assert (about_devices(done.stdout), done.returncode) == (about_devices(bare.stdout), bare.returncode), program
        assert text == EVERYTHING or str(ANSWER) in done.stdout


@pytest.mark.parametrize("name", ["address", "thread"])
def test_virtual_mode_makes_the_library_err_neither(policy: Path, name: str) -> None:
    for program in ("lookup", "eight_threads", "get_proc_address"):
        done = run_instrumented(name, [host(program)], policy, gpu="h100", log="debug")
        assert reports(done) == [], done.stderr
        assert done.returncode == 0


# ---- how far they see ----

OVER_THE_END = f"lib.host_route({sum(len(tables.names(library)) for library in tables.LIBRARIES)}, 0, 0, 0, 0)"
"""A hook that makes the library write behind its tables."""

LIB = "from vgpu_embed._core import ffi, lib"


def test_the_library_s_errors_are_seen_though_the_interpreter_calls_it(policy: Path) -> None:
    policy.write_text(hooking(f"{OVER_THE_END}\nreturn call.reply(pi=1)", LIB))
    done = run_instrumented("address", [host("lookup")], policy)
    assert "runtime error: index" in done.stderr, done.stderr
    assert "vgpu_route" in done.stderr


def test_a_race_in_the_library_is_seen_though_the_interpreter_makes_it(policy: Path) -> None:
    """Two of the program's threads, in hooks that let go of the interpreter's lock, write one constant."""
    slot = tables.index("cuMemAlloc_v2")
    body = f"for n in range(200): lib.host_route({slot}, lib.VGPU_CONSTANT, n, 0, 0)\nreturn call.reply(pi=1)"
    policy.write_text(hooking(body, LIB))
    done = run_instrumented("thread", [embedded("plain")], policy)
    assert "WARNING: ThreadSanitizer: data race" in done.stderr, done.stderr
    assert "vgpu_route" in done.stderr


@pytest.mark.parametrize("place", ['call.number("pi")', "block"])
def test_what_the_interpreter_does_to_memory_is_not_seen(policy: Path, place: str) -> None:
    """Past the program's block, past one of its own: code that is not instrumented (valgrind sees the first)."""
    body = f'ffi.cast("int *", {place})[1] += 0\nreturn call.reply(pi={ANSWER})'
    policy.write_text(hooking(body, f'{LIB}\nblock = ffi.new("int *")'))
    done = run_instrumented("address", [embedded("plain")], policy)
    assert (reports(done), done.returncode) == ([], 0), done.stderr
