"""Thread-specific data: two C libraries, one array of slots in each thread."""

from __future__ import annotations

import pytest

from .conftest import ANSWER, ANSWERS, DRIVER, Preloaded, attributes, host, lines, own, said


@pytest.mark.every_python
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 700), (29, 3), (400, 400), (900, 0)])
def test_a_program_s_keys_keep_their_values(preloaded: Preloaded, before: int, after: int) -> None:
    """Slots from 32 up have another storage than those below."""
    policy = f"""
import ssl, sqlite3, threading, numpy
from vgpu_embed import Policy
policy = Policy()
local = threading.local()
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    local.calls = getattr(local, "calls", 0) + 1
    sqlite3.connect(":memory:").execute("select 1").fetchall()
    return call.reply(pi={ANSWER} if local.calls else 0)
"""
    assert lines(preloaded(own("keys"), str(before), str(after), policy=policy)) == [
        f"main: {ANSWER} with {before} keys",
        f"96 threads with {before + after} keys",
        f"main: {ANSWER}",
    ]


def test_keys_made_in_both_places_stay_apart(preloaded: Preloaded) -> None:
    done = preloaded(host("many_keys"))
    kept = [line for line in lines(done) if line.startswith(("kept", "thread", "keys", "destroyed"))]
    assert kept == [
        *("keys before: 400", "kept: 400", "keys after: 400"),
        *(f"thread {i} kept: 800" for i in range(4)),
        "destroyed: 3200",
    ]
    assert attributes(done) == {ANSWER}


def test_a_program_that_has_used_up_all_keys_runs_on(preloaded: Preloaded) -> None:
    done = preloaded(own("keys"), "1000", "0")
    assert done.stdout.splitlines() == [
        f"main: {DRIVER} with 1000 keys",
        "96 threads with 1000 keys",
        f"main: {DRIVER}",
    ]
    assert said(done) == [
        "the program has used up its 1024 thread-specific-data keys (pthread_key_create); "
        "the policy is not in force, keys runs on without it"
    ]
    assert done.returncode == 0


@pytest.mark.every_python
def test_ended_threads_leave_little_behind(preloaded: Preloaded) -> None:
    done = preloaded(host("many_threads"), "8192")
    *_, answered, grown = lines(done)
    assert answered == "all of 8192 threads got an answer"
    assert attributes(done) == {ANSWER}
    assert int(grown.removeprefix("bytes a thread: ")) <= 2048


@pytest.mark.every_python
@pytest.mark.parametrize("keys", [31, 222, 223, 224])
def test_slots_that_only_the_interpreter_uses_are_freed_by_whoever_allocated_them(
    preloaded: Preloaded, keys: int
) -> None:
    """Slots come in blocks of 32. After 31 or 223 keys the interpreter's are in one that no other
    key is in; it is allocated when a thread first uses it, and freed by the program's C library."""
    done = preloaded(own("ended"), "200", str(keys), policy="import ssl, numpy\n" + ANSWERS)
    assert lines(done) == [f"main: {ANSWER}"] * 2
