"""Counts of calls, of those that Python was asked about, of those that were answered: by function, for all threads."""

from __future__ import annotations

import pytest

from engine.conftest import Start
from engine.live import until
from vgpu_embed.inspect.recording import Recording

POLICY = """
@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi=1) if call.number("attrib") % 2 else None

@policy.hook("cuDeviceGetP2PAttribute", where="attrib == 2")
def p2p(call):
    return call.reply(value=1)

@policy.hook("cuDeviceCanAccessPeer")
def peer(call):
    return call.forward()

@policy.hook("cuDeviceGetExecAffinitySupport")
def passes_on(call):
    return None

@policy.observe("cuDeviceGet")
def seen(events):
    pass
"""
P2P = "cuDeviceGetP2PAttribute"


@pytest.mark.every_python
def test_eight_threads_and_their_ends(start: Start) -> None:
    """Twenty times eight: each thread leaves its numbers behind, and its place to another."""
    program = start(POLICY)
    program("""
def everything():
    for name in ("cuDeviceGetAttribute", "cuDeviceCanAccessPeer", "cuDeviceGetExecAffinitySupport",
                 "cuDeviceGet"):
        library("libcalls.so").on_threads(name.encode(), 8, 200)
    for number in range(10):
        call("cuDeviceGetP2PAttribute", (c_int * 1)(), number, 0, 0)
for _ in range(20):
    everything()
""")
    with Recording(program.recording) as recording:
        counts = {name: tuple(count) for name, count in recording.counts().items()}
    calls, asked, answered = counts.pop("cuDeviceGetAttribute")
    assert (calls, answered) == (32000, 16000)
    assert 100 <= asked < 32000
    assert counts == {
        "cuDeviceGetP2PAttribute": (200, 20, 20),
        "cuDeviceCanAccessPeer": (32000, 32000, 0),
        "cuDeviceGetExecAffinitySupport": (32000, 32000, 0),
        "cuDeviceGet": (32000, 0, 0),
    }


def test_more_threads_than_there_are_places(start: Start) -> None:
    """Those beyond share one: it may count too few, and never too many."""
    program = start(POLICY)
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 300, 50)")
    calls, _, _ = program.counts()
    assert 255 * 50 <= calls <= 300 * 50
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 1000)")
    assert program.counts()[0] == calls + 8000


def test_they_can_be_read_while_a_hook_hangs(start: Start) -> None:
    program = start("""
import time
@policy.hook("cuDeviceGetAttribute")
def hangs(call):
    if call.number("attrib") == 5:
        time.sleep(60)
""")
    program("attribute(2)")
    program("threading.Thread(target=attribute, args=(5,), daemon=True).start()")
    until(lambda: program.counts() == (1, 1, 0))
    program("attribute(2)")
    assert program.counts() == (2, 2, 0)


def test_what_no_policy_wants_is_not_counted(start: Start) -> None:
    program = start(POLICY)
    assert program("(device_count(), attribute(1))") == (1, 1)
    with Recording(program.recording) as recording:
        assert set(recording.counts()) == {"cuDeviceGetAttribute"}


def test_a_child_of_fork_counts_for_itself(start: Start) -> None:
    program = start(POLICY)
    program("attribute(1)")
    mine, path = program("in_child(lambda: [attribute(1) + attribute(1), open(own_recording(), 'rb').read(8)])")
    assert (mine, path) == (2, b"VGPUREC1")
    assert program.counts()[0] == 1
