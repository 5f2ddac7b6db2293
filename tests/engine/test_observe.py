"""`observe`: every call once, in order, with what it was called with; what found no room is counted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import support
from driver import generate

from engine.conftest import Start
from engine.live import Program, ask, events_of, recording_of, started, until, write_policy
from vgpu_embed import tables
from vgpu_embed.inspect.recording import Recording

SEES = """
import threading
seen, batches, dropped = [], [], [0]

@policy.observe({functions})
def look(events):
    batches.append(len(events))
    dropped[0] += events.dropped
    seen.extend((e.function, e.caller, e.thread, e.start, e.end, e.result, e.verdict, e.args) for e in events)

@policy.command
def events():
    return [seen.pop(0) for _ in seen[:200]]

@policy.command
def counts():
    return [len(seen), dropped[0], len(batches)]
"""
ATTRIBUTE = SEES.format(functions='"cuDeviceGetAttribute"')
DRIVERS = 1024


def numbers(program: Program) -> list[int]:
    """The attributes of the calls that were seen since the last time."""
    return [event[7]["attrib"] for event in program.command("events")]


@pytest.mark.every_python
def test_what_is_seen_of_a_call(start: Start) -> None:
    program = start(ATTRIBUTE)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert program("attribute(2)") == DRIVERS
    assert program("attribute(5000)") == -1
    assert program("in_thread(attribute, 3, -1, 'libother.so')") == -101
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    first, second, third = program.command("events")
    for event, caller, result, number, device in (
        (first, "libcalls.so", 0, 2, 0),
        (second, "libcalls.so", 1, 5000, 0),
        (third, "libother.so", 101, 3, -1),
    ):
        function, by, _, begun, ended, code, verdict, arguments = event
        assert (function, by, code, verdict) == ("cuDeviceGetAttribute", caller, result, 0)
        assert (arguments["attrib"], arguments["dev"]) == (number, device)
        assert arguments["pi"] > 4096
        assert before <= begun <= ended <= after
    assert first[2] == second[2] == program.pid
    assert third[2] not in (0, program.pid)
    assert program.counts() == (3, 0, 0)


def test_callers_that_come_later_have_their_names(start: Start) -> None:
    """Each after the events of the one before have been read."""
    program = start(ATTRIBUTE)
    for caller in ("libcalls.so", "libother.so"):
        program(f"attribute(2, by={caller!r})")
        assert [event[1] for event in program.command("events")] == [caller]
    program("cuda.cuDeviceGetAttribute(byref(c_int()), 2, 0)")
    [event] = program.command("events")
    assert "ffi" in event[1]


def test_verdicts(start: Start) -> None:
    """0 the driver's, 1 remembered, 2 a policy's; a call that a hook has forwarded is the driver's."""
    program = start(
        ATTRIBUTE
        + """
@policy.answer("cuDeviceGetAttribute", caller="libcalls*")
def answer(call):
    if call.number("attrib") == 10:
        return call.reply(pi=7)

@policy.hook("cuDeviceGetAttribute", caller="libother*")
def hook(call):
    if call.number("attrib") == 10:
        return call.reply(pi=8)
    return call.forward()
"""
    )
    assert program("[attribute(n) for n in (10, 10, 2, 2)]") == [7, 7, DRIVERS, DRIVERS]
    assert program("[attribute(n, by='libother.so') for n in (10, 2)]") == [8, DRIVERS]
    assert [event[6] for event in program.command("events")] == [2, 1, 0, 0, 2, 0]


def expected_arguments(row: tables.Function) -> dict[str, Any]:
    """What an observer sees of the call that tests/driver/caller makes of a function."""
    found: dict[str, Any] = {}
    for place, parameter in enumerate(row.parameters or ()):
        data = generate.value(row, place)[:8]
        if parameter.kind == "float":
            found[parameter.attribute] = memoryview(data).cast("f")[0]
        else:
            found[parameter.attribute] = int.from_bytes(data, "little", signed=parameter.kind == "int")
    return found


EVERYTHING = """
import atexit
out = open(__file__ + ".seen", "w")

@policy.observe("cu*")
def look(events):
    for event in events:
        print((event.function, event.caller, event.result, event.args), file=out)
    out.flush()
"""


@pytest.mark.every_python
def test_the_arguments_of_every_function_of_the_driver(tmp_path: Path) -> None:
    """In registers of both kinds and on the stack, in order; also in the last batch, at the program's end."""
    policy = write_policy(tmp_path / "policy.py", EVERYTHING)
    caller: list[str | Path] = [support.fake_driver() / "caller", "link"]
    fail = ",".join(f"{row.name}=5" for row in generate.functions() if row.parameters is not None)
    bare = support.run_bare(caller, env={"FAKE_CUDA_FAIL": fail})
    done = support.run_preloaded(caller, policy=policy, env={"FAKE_CUDA_FAIL": fail})
    lines = [line.split()[1:4] for line in bare.stdout.splitlines()]  # function, result, errno
    assert ([line.split()[1:4] for line in done.stdout.splitlines()], done.stderr) == (lines, "")
    called = [line[0] for line in lines]
    rows = [tables.function(name) for name in called]
    seen = [eval(line) for line in Path(f"{policy}.seen").read_text().splitlines()]
    wanted = [
        (row.name, "caller", 5, expected_arguments(row))
        for row in rows
        if row.parameters is not None and row.library == "driver"
    ]
    assert len(seen) == len(wanted) > 500
    for one, other in zip(seen, wanted, strict=True):
        assert one == other


@pytest.mark.every_python
def test_eight_threads_and_their_ends(start: Start) -> None:
    """Each call once, with its thread, in the order in which it was made; threads that have ended lose nothing."""
    program = start(ATTRIBUTE)
    for _ in range(3):
        program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 500)")
    until(lambda: program.command("counts")[0] >= 12000)
    seen: list[Any] = []
    while batch := program.command("events"):
        seen += batch
    assert program.command("counts")[:2] == [0, 0]
    assert len(seen) == 12000
    by_thread: dict[int, list[Any]] = {}
    for event in seen:
        by_thread.setdefault(event[2], []).append(event)
    for events in by_thread.values():
        begun = [event[3] for event in events]
        assert begun == sorted(begun)
        wanted = [1 + n % 100 for n in range(500)]
        assert [event[7]["attrib"] for event in events] == wanted * (len(events) // 500)


def test_batches_are_few(start: Start) -> None:
    program = start(ATTRIBUTE)
    program("[attribute(2) for _ in range(1000)]")
    seen, dropped, batches = program.command("counts")
    assert (seen, dropped) == (1000, 0)
    assert batches < 50


TOTALS = """
import os, time
total = {"seen": 0, "dropped": 0, "again": 0}
newest = {}

@policy.observe("cuDeviceGetAttribute")
def look(events):
    while os.path.exists(__file__ + ".hold"):
        time.sleep(0.001)
    total["seen"] += len(events)
    total["dropped"] += events.dropped
    for event in events:
        total["again"] += newest.get(event.thread, 0) >= event.start
        newest[event.thread] = event.start

@policy.command
def totals():
    return total
"""


@pytest.mark.every_python
def test_what_a_flood_drops_is_counted(start: Start, tmp_path: Path) -> None:
    """The observer does nothing while eight threads fill its ring."""
    hold = tmp_path / "policy.py.hold"
    hold.touch()
    program = start(TOTALS)
    program("attribute(2)")
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 40000)")
    with Recording(program.recording) as recording:
        dropped = recording.dropped
    assert dropped > 100000
    hold.unlink()
    totals = program.command("totals")
    assert (totals["seen"] + totals["dropped"], totals["dropped"]) == (320001, dropped)
    assert totals["again"] == 0
    assert program.counts()[0] == 320001


def test_the_ring_is_used_again_while_it_is_read(start: Start) -> None:
    """Many times its size, by eight threads: no call is seen twice, and none is missing that was not dropped."""
    program = start(TOTALS)
    for _ in range(5):
        program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 20000)")
    totals = until(lambda: (t := program.command("totals"))["seen"] + t["dropped"] >= 800000 and t)
    assert totals["seen"] + totals["dropped"] == 800000
    assert totals["again"] == 0
    assert totals["seen"] > 100000
    assert program.counts()[0] == 800000


# ---- ends ----


@pytest.mark.every_python
def test_sigkill_leaves_the_last_calls_readable(start: Start) -> None:
    program = start(ATTRIBUTE)
    assert program("[attribute(n) for n in range(1, 101)]")[1] == DRIVERS
    recording = program.recording
    program("threading.Thread(target=lambda: (attribute(101), time.sleep(60)), daemon=True).start()")
    until(lambda: program.counts()[0] == 101)
    program.kill()
    events = events_of(recording)
    assert [event.words[1] for event in events] == list(range(1, 102))
    assert {event.function for event in events} == {"cuDeviceGetAttribute"}
    assert {event.process for event in events} == {program.pid}
    assert [event.thread == program.pid for event in events] == [True] * 100 + [False]
    recording.unlink()
    recording.with_suffix(".sock").unlink()


@pytest.mark.parametrize("end", ["os.abort()", "ctypes.string_at(0)", "os._exit(3)", "os.kill(os.getpid(), 15)"])
def test_what_other_ends_leave(start: Start, end: str) -> None:
    """As SIGKILL."""
    program = start(EVERYTHING)
    assert program("[attribute(n) for n in range(1, 11)]")
    recording = program.recording
    with pytest.raises(AssertionError, match="it ended with"):
        program(end)
    assert len(events_of(recording)) == 10
    recording.unlink()
    recording.with_suffix(".sock").unlink()


def test_an_exit_gives_observers_the_rest_and_removes_the_files(start: Start, tmp_path: Path) -> None:
    program = start(EVERYTHING)
    assert program("[attribute(n) for n in range(1, 11)]")
    recording = program.recording
    assert program.end() == 0
    assert (tmp_path / "policy.py.seen").read_text().count("cuDeviceGetAttribute") == 10
    assert not recording.exists()
    assert not recording.with_suffix(".sock").exists()


# ---- unusual ways out of a call ----

CALLING_BACK = support.TESTS / "engine/build/calling_back"


@pytest.mark.parametrize("function", ["jump_through", "throw_through"])
def test_a_call_that_is_left_by_a_jump(start: Start, function: str) -> None:
    """C++ exceptions and longjmp, out of a function that the driver calls: 1000 times, then calls as ever."""
    program = start(SEES.format(functions='"cuLaunchHostFunc", "cuDeviceGetAttribute"'), driver=CALLING_BACK)
    library = "libcalls.so" if "jump" in function else "libthrowing.so"
    assert program(f"library({library!r}).{function}(b'cuLaunchHostFunc', 1000)") == 1000
    assert program("attribute(3, 4)") == 7
    assert program(f"in_thread(library({library!r}).{function}, b'cuLaunchHostFunc', 10)") == 10
    assert [event[0] for event in program.command("events")][-1] == "cuDeviceGetAttribute"
    assert program.errors == ""


@pytest.mark.parametrize("function", ["jump_through", "throw_through"])
def test_a_traced_call_that_is_left_by_a_jump(start: Start, function: str, tmp_path: Path) -> None:
    program = start(None, driver=CALLING_BACK, env={"VGPU_TRACE": tmp_path / "trace"})
    library = "libcalls.so" if "jump" in function else "libthrowing.so"
    assert program(f"library({library!r}).{function}(b'cuLaunchHostFunc', 1000)") == 1000
    assert program("attribute(3, 4)") == 7
    assert events_of(tmp_path / "trace")[-1].function == "cuDeviceGetAttribute"


@pytest.mark.parametrize("policy", [ATTRIBUTE, "", None], ids=["observed", "forwarded", "traced"])
def test_errno_is_the_program_s_and_the_driver_s(start: Start, policy: str | None, tmp_path: Path) -> None:
    """731 is the program's before the call; the driver sets 732 for attribute 2. The first call opens everything."""
    env = {"VGPU_TRACE": tmp_path / "trace"} if policy is None else {}
    program = start(policy, driver=CALLING_BACK, env=env)
    program("value = (c_int * 1)()")
    for attribute, left in ((1, 731), (2, 732), (1, 731), (2, 732)):
        source = f"library('libcalls.so').errno_after(b'cuDeviceGetAttribute', words(value, {attribute}, 0))"
        assert program(source) == left
        assert program(f"in_thread(lambda: {source})") == left


# ---- fork ----

CHILD = """
read, write = os.pipe()
back, answer = os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    while source := os.read(read, 1000).decode():
        os.write(answer, repr(eval(source)).encode())
    os._exit(0)
os.close(read)
def in_it(source):
    os.write(write, source.encode())
    return eval(os.read(back, 1000))
"""
"""`in_it` has a child of fork evaluate something."""


@pytest.mark.every_python
def test_a_child_of_fork_is_observed_as_well(start: Start) -> None:
    """It has a recording, counters, callers and a service thread of its own; its parent's are as they were."""
    program = start(ATTRIBUTE + "import os\n")
    program("[attribute(2), attribute(3, by='libother.so')]")
    assert numbers(program) == [2, 3]
    program(CHILD)
    assert program("in_it('(attribute(4, by=\"libother.so\"), in_thread(attribute, 1))')") == (64, 1024)
    child = program("child")
    recording = program.recording.parent / until(lambda: program("in_it('os.path.basename(own_recording())')"))
    seen: list[Any] = []
    while len(seen) < 2:
        seen += ask(recording, command="events")["value"]
    assert [(event[1], event[7]["attrib"]) for event in seen] == [("libother.so", 4), ("libcalls.so", 1)]
    assert seen[0][2] == child
    assert ask(recording, command="counts")["value"][1] == 0
    program("attribute(6)")
    assert numbers(program) == [6]
    assert program.counts() == (3, 0, 0)


FORKS = {"_Fork": "ctypes.CDLL(None)._Fork", "clone": "lambda: ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)"}


@pytest.mark.parametrize("how", FORKS)
def test_a_child_past_the_handlers_writes_into_nothing_of_its_parent_s(start: Start, how: str) -> None:
    program = start(ATTRIBUTE)
    program("[attribute(n) for n in range(1, 6)]")
    assert program(f"in_child(lambda: [attribute(n) for n in (2, 3)], fork={FORKS[how]})") == [DRIVERS, DRIVERS]
    program("attribute(6)")
    assert numbers(program) == [1, 2, 3, 4, 5, 6]
    assert program.counts() == (6, 0, 0)
    assert [event.words[1] for event in events_of(program.recording)] == [1, 2, 3, 4, 5, 6]


# ---- little room ----

FULL = "mount -t tmpfs -o size=1m tmpfs /dev/shm; ! head -c 2097152 /dev/zero >/dev/shm/full 2>/dev/null"
NO_MORE = "has no more room: further calls are not recorded, only counted"
NOTHING = "nothing is counted and observers see nothing: there is no room in /dev/shm, XDG_RUNTIME_DIR or /tmp"
LITTLE = {
    "small": ("mount -t tmpfs -o size=1m tmpfs /dev/shm", NO_MORE),
    "full": (FULL, ""),
    "read-only": ("mount -t tmpfs -o ro tmpfs /dev/shm", ""),
    "none anywhere": ("mount -t tmpfs -o ro tmpfs /dev/shm; mount -t tmpfs -o ro tmpfs /tmp", NOTHING),
    "no large files": ("ulimit -f 1024", NOTHING),
    "no files": ("ulimit -f 0", ""),
}
"""What makes it so, and what is said of it; there the log has no room either."""


def within(how: str) -> list[str]:
    """A command that prepares the machine for what it then execs."""
    text = f'{LITTLE[how][0]}; exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", text, "sh"]


@pytest.mark.parametrize("how", LITTLE)
def test_where_there_is_little_room_there_is_less_and_the_program_runs(how: str) -> None:
    """The driver answers every call; what is missing is said once. The policy's hook is in force."""
    folder = Path(f"/var/tmp/vgpu-test-{os.getpid()}")
    folder.mkdir()
    try:
        policy = write_policy(
            folder / "policy.py",
            ATTRIBUTE + '\n@policy.hook("cuDeviceGetCount")\ndef count(call):\n    return call.reply(count=9)\n',
        )
        with started(folder, policy=policy, wrapper=within(how), log="info") as program:
            program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 30000)")
            assert program("(attribute(2), device_count())") == (DRIVERS, 9)
            assert program.end() == 0
            said = [line for line in program.said() if "room" in line]
            assert len(said) == bool(LITTLE[how][1])
            assert "".join(said).endswith(LITTLE[how][1])
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_program_that_closes_all_descriptors(start: Start, tmp_path: Path, when: str) -> None:
    """Counting and observing go on; nobody takes the recording away while the process lives."""
    program = start(ATTRIBUTE)
    if when == "before":
        program("close_all()")
    assert program("attribute(2)") == DRIVERS
    recording = program.recording
    program("close_all()")
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 5000)")
    assert program.counts()[0] == 40001
    os.utime(recording, (1, 1))
    with started(tmp_path, policy=tmp_path / "policy.py") as other:
        assert other("attribute(2)") == DRIVERS
        until(lambda: "vgpu-service\n" in other("thread_names()"))
        until(lambda: other.command("counts")[0])
    assert recording.exists()
    assert program("in_thread(attribute, 1)") == 1024
    assert program.counts()[0] == 40002
    assert recording_of(program.pid) == recording
    assert events_of(recording)
    assert program.errors == ""


def test_the_loader_s_functions_cannot_be_observed(start: Start) -> None:
    """They leave by a jump. Said at load, not passed over."""
    program = start('\n@policy.observe("dlsym")\ndef look(events):\n    pass\n')
    assert program("attribute(2)") == DRIVERS
    [line] = program.said()
    assert "policy.py:4: dlsym " in line
