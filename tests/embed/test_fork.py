"""Children: of fork with a thread in Python, of its relatives, and of what execs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import TESTS

from .conftest import ANSWER, ANSWERS, DRIVER, Preloaded, hooking, host, lines, own, said

BUSY = hooking(
    top="import time\nlocal = []",
    body=f"local.extend(range(2000))\nlocal.clear()\ntime.sleep(0.0002)\nreturn call.reply(pi={ANSWER})",
)


@pytest.mark.every_python
@pytest.mark.parametrize("policy", [ANSWERS, BUSY], ids=["short", "busy"])
def test_children_of_fork_meet_the_policy_while_a_thread_is_in_python(preloaded: Preloaded, policy: str) -> None:
    done = preloaded(host("children"), "fork", "200", policy=policy)
    assert lines(done)[-1] == "fork: 200 of 200 children good"
    assert f"(75, 0) = 0 {ANSWER}" in done.stdout


@pytest.mark.parametrize("how", ["fork_first", "fork_tree"])
def test_a_child_may_start_python_or_fork_in_its_turn(preloaded: Preloaded, how: str) -> None:
    done = preloaded(host("children"), how, "20")
    assert f"{how}: 20 of 20 children good" in lines(done)
    assert f"(75, 0) = 0 {ANSWER}" in done.stdout


@pytest.mark.parametrize("how", ["vfork", "spawn"])
def test_programs_that_are_started_meet_the_policy(preloaded: Preloaded, how: str) -> None:
    done = preloaded(host("children"), how, "20")
    assert lines(done)[-1] == f"{how}: 20 of 20 children good"
    assert done.stdout.count(f"(75, 0) = 0 {ANSWER}\n") == 21


@pytest.mark.every_python
@pytest.mark.parametrize("how", ["_Fork", "clone"])
def test_a_child_made_past_the_fork_handlers_is_forwarded_and_says_so(preloaded: Preloaded, how: str) -> None:
    """The program counts such a child as bad (2: other answers than its parent's)."""
    done = preloaded(host("children"), how, "5")
    assert f"(75, 0) = 0 {ANSWER}" in done.stdout
    assert done.stdout.splitlines()[-6:] == [
        *(f"child {i}: exit status 2" for i in range(5)),
        f"{how}: 0 of 5 children good",
    ]
    assert said(done) == 5 * [
        "this process was made by clone or _Fork, past the fork handlers; "
        "the policy is not in force, children runs on without it"
    ]


CHILD_ASKS = """
import ctypes, os
driver = ctypes.CDLL("libcuda.so.1")
def ask():
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), 75, 0)
    return value.value
assert ask() == os.getpid()
for _ in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0 if ask() == os.getpid() else 3)
    print(os.waitpid(child, 0)[1])
"""


@pytest.mark.every_python
def test_hooks_and_what_python_does_at_fork_run_in_the_child(preloaded: Preloaded, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(CHILD_ASKS)
    policy = hooking(
        top="""
import os
here = [os.getpid()]
os.register_at_fork(after_in_child=lambda: here.append(os.getpid()))
""",
        body="return call.reply(pi=call.process.pid if here[-1] == os.getpid() else -1)",
    )
    # From 3.12 on Python warns about a fork beside other threads: the service thread is none by then.
    assert lines(preloaded(sys.executable, "-W", "error", program, policy=policy)) == ["0"] * 5


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_meets_the_policy(preloaded: Preloaded, method: str) -> None:
    done = preloaded(sys.executable, TESTS / "hosts/python_host.py", method)
    assert lines(done)[-1] == "3 of 3 children agree"
    assert f"(75, 0) = 0 {ANSWER}" in done.stdout


def test_a_driver_may_fork_in_a_call_that_a_hook_forwards(preloaded: Preloaded) -> None:
    policy = ANSWERS + '@policy.hook("cuInit")\ndef init(call):\n    return call.forward()\n'
    done = preloaded(own("leaving"), policy=policy, driver=own("forking"))
    assert (done.stdout, done.stderr, done.returncode) == ("cuInit: 0\n", "", 5)


def test_a_child_made_during_the_start_is_forwarded(preloaded: Preloaded) -> None:
    """The thread that was starting Python does not exist there; nobody waits for it."""
    policy = "import time\ntime.sleep(1)\n" + ANSWERS
    done = preloaded(own("fork_starting"), policy=policy)
    assert lines(done) == [f"thread: {ANSWER}", f"child: {DRIVER}"]


def test_the_service_thread_is_there_again_after_a_fork(preloaded: Preloaded) -> None:
    """In the parent at once, which is no Python; in the child with the first call that the policy wants."""
    done = preloaded(own("forked"))
    assert lines(done) == [f"child: 1, then 2, asked {ANSWER}", f"parent: 2, then 2, asked {ANSWER}"]
