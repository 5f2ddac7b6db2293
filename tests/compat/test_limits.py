"""Hooks that go too far: what the program still gets, and what no interposer can mend."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support import TESTS, Completed, built, run_preloaded

ANSWER, DRIVER, MINOR = 42, 8, 6
"""The policy's answer to attribute 75, and the fake driver's to 75 and 76."""

POLICY = """
import ctypes, time
from vgpu_embed import Policy
holding = ctypes.PyDLL(None)  # calls without letting go of the interpreter lock
policy = Policy()
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    if call.attrib != 75:
        return call.forward()
    {body}
    return call.reply(pi=42)
"""

PROGRAM = """
import ctypes, sys, threading, time
driver = ctypes.CDLL("libcuda.so.1")
def ask(attribute):
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0)
    return value.value
def count():
    value = ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(value))
    return value.value
ask(76)
ended = {}
def start(name, function):
    def run():
        ended[name] = function()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
long = start("long", lambda: ask(75))
time.sleep(0.3)
"""
"""A call whose hook lasts is under way in a thread."""


def ran(tmp_path: Path, text: str, program: str) -> Completed:
    """Runs a program in Python under a policy."""
    policy, file = tmp_path / "policy.py", tmp_path / "program.py"
    policy.write_text(text)
    file.write_text(PROGRAM + program)
    return run_preloaded([sys.executable, file], policy=policy, timeout=60)


def test_while_a_hook_sleeps_calls_of_other_threads_go_on(tmp_path: Path) -> None:
    """Those that are hooked too."""
    done = ran(
        tmp_path,
        POLICY.format(body="time.sleep(3)"),
        """
others = [start(i, lambda: [ask(76) for _ in range(50)] + [count()]) for i in range(4)]
for thread in others: thread.join()
print(all(ended[i] == [6] * 50 + [1] for i in range(4)), "long" in ended)
long.join()
print(ended["long"])
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"True False\n{ANSWER}\n", "", 0)


ENDLESS = {
    "sleeps": "time.sleep(10 ** 6)",
    "computes": "while True: pass",
    "swallows": "while True:\n        try: time.sleep(10 ** 6)\n        except Exception: pass",
}


@pytest.mark.every_python
@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_a_hook_that_does_not_end_is_cut_and_disabled(tmp_path: Path, body: str) -> None:
    """After its policy's budget; the call gets the driver's own answer, and one line says what happened."""
    policy = POLICY.replace("Policy()", "Policy(budget=0.5)").format(body=body)
    done = ran(tmp_path, policy, "long.join()\nprint(ended['long'], ask(75))\n")
    assert (done.stdout, done.returncode) == (f"{DRIVER} {DRIVER}\n", 0)
    (line,) = done.stderr.splitlines()
    assert (
        "it took longer than its budget of 0.5 s, in a hook of cuDeviceGetAttribute; such calls are forwarded" in line
    )


def test_a_hook_that_waits_in_c_is_not_cut(tmp_path: Path) -> None:
    """A limit: what waits in C without a time limit (a lock, a socket) never comes back to be cut."""
    policy = POLICY.replace("Policy()", "Policy(budget=0.3)").format(body="import threading; threading.Event().wait()")
    done = ran(
        tmp_path,
        policy,
        "long.join(2)\nprint('long' in ended, ask(76), flush=True)\nsys.exit(5)\n",
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"False {MINOR}\n", "", 5)


def test_an_extension_that_keeps_the_interpreter_lock_stops_whoever_needs_it(tmp_path: Path) -> None:
    """A limit. Calls that no policy hooks go on, and the program can end."""
    done = ran(
        tmp_path,
        POLICY.format(body="holding.sleep(600)"),
        """
hooked = start("hooked", lambda: ask(76))
hooked.join(2)
print("hooked" in ended, count(), "long" in ended, flush=True)
sys.exit(5)
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("False 1 False\n", "", 5)


def test_such_an_extension_stops_nobody_once_it_lets_go(tmp_path: Path) -> None:
    done = ran(
        tmp_path,
        POLICY.format(body="holding.sleep(2)"),
        """
hooked = start("hooked", lambda: ask(76))
hooked.join(0.5)
print("hooked" in ended)
for thread in (hooked, long): thread.join()
print(ended["hooked"], ended["long"])
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"False\n{MINOR} {ANSWER}\n", "", 0)


HOARDS = {
    "large": "hoard = []\n    while True: hoard.append(bytearray(32 << 20))",
    "small": "hoard = []\n    while True: hoard.append([None] * 1000)",
    "doubled": "hoard = [None]\n    while True: hoard += hoard",
}


@pytest.mark.every_python
@pytest.mark.parametrize("mode", ["main", "threads"])
@pytest.mark.parametrize("hoard", HOARDS)
def test_a_hook_that_allocates_without_end_fails_as_others_do(tmp_path: Path, hoard: str, mode: str) -> None:
    """Where the process has a limit (here of 1 GiB of addresses); without one, the kernel decides who is killed."""
    policy = tmp_path / "policy.py"
    policy.write_text(POLICY.replace("Policy()", "Policy(failures=1000, budget=3600)").format(body=HOARDS[hoard]))
    program = built(TESTS / "embed") / "first"
    done = run_preloaded(["sh", "-c", f"ulimit -v 1048576; exec {program} {mode}"], policy=policy, timeout=120)
    assert done.returncode == 0
    threads = 8 if mode == "threads" else 0
    assert done.stdout.splitlines() == [f"thread: {DRIVER}"] * threads + [f"main: {DRIVER}"]
    (line,) = done.stderr.splitlines()
    assert re.search("MemoryError: .*, in a hook of cuDeviceGetAttribute; such calls are forwarded", line)
