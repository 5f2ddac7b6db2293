"""Everything at once: nothing is lost, nothing hangs, nothing is said."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.conftest import Start
from engine.live import Program, until, write_policy

POLICY = """
version = {0}
number = policy.option("number", 1)
which = policy.option("which", "cuDeviceGetP2PAttribute")
seen = [0]

@policy.answer("cuDeviceGetAttribute")
def answer(call):
    return call.reply(pi=1000 * version + number.value)

@policy.hook("cuDeviceCanAccessPeer")
def forwards(call):
    return call.forward()

@policy.hook("cuDeviceGetExecAffinitySupport", where="type > 50")
def sometimes(call):
    return call.reply(pi=number.value)

@policy.observe("cuDeviceGet*")
def look(events):
    seen[0] += len(events) + events.dropped

@policy.configure
def declare():
    @policy.hook(which.value)
    def changing(call):
        return None

@policy.command
def counted():
    return seen[0]
"""
FUNCTIONS = ["cuDeviceGetAttribute", "cuDeviceCanAccessPeer", "cuDeviceGetExecAffinitySupport", "cuDeviceGet"]
CALLS = f"""
stop, done = [], []
def calls(name):
    count = 0
    while not stop:
        library("libcalls.so").on_threads(name.encode(), 2, 300)
        count += 1
    done.append((name, count))
def children():
    count = 0
    while not stop:
        assert in_child(lambda: [attribute(2) > 1000, in_thread(attribute, 3) > 1000]) == [True, True]
        count += 1
    done.append(("children", count))
threads = [threading.Thread(target=calls, args=(name,)) for name in {FUNCTIONS!r}]
threads.append(threading.Thread(target=children))
for thread in threads: thread.start()
"""


@pytest.mark.every_python
@pytest.mark.parametrize("traced", [False, True])
def test_calls_children_changes_and_reloads(start: Start, tmp_path: Path, traced: bool) -> None:
    env = {"VGPU_TRACE": tmp_path / "calls.trace"} if traced else {}
    policy = POLICY.replace("@policy.observe", "# @policy.observe") if traced else POLICY
    program = start(policy.format(1), env=env)
    assert program("attribute(2)") == 1001
    program(CALLS)
    recording = program.recording
    saver = threading.Thread(target=save, args=(program, tmp_path / "policy.py", policy))
    saver.start()
    for number in range(2, 16):
        program.set("number", number)
        program.set("which", "cuDeviceGetP2PAttribute" if number % 2 else "cuDevice*")
        assert isinstance(program.command("counted"), int)
    saver.join()
    program("stop.append(1)\nfor thread in threads: thread.join()")
    done = dict(program("done"))
    assert set(done) == {*FUNCTIONS, "children"}
    assert done["children"] > 0
    assert program("attribute(2)") == 4015
    assert program.counts("cuDeviceCanAccessPeer")[0] == 600 * done["cuDeviceCanAccessPeer"]
    assert program.errors == ""
    assert program.recording == recording
    assert program.end() == 0


def save(program: Program, path: Path, policy: str) -> None:
    """Three new versions, each once the one before is in force."""
    for version in (2, 3, 4):
        write_policy(path, policy.format(version))
        until(lambda v=version: program.info()["generation"] == v)  # type: ignore[misc]
