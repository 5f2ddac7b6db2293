"""VGPU_TRACE: every call in a file, without Python, whatever becomes of the file, the process and its children."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
import support

from engine.conftest import Start
from engine.live import PROGRAM, Program, events_of, started, until, write_policy
from vgpu_embed.inspect.recording import Event, Recording

DRIVERS = 1024


def attributes(path: Path) -> list[int]:
    """The attributes that were asked for, in order."""
    return [event.words[1] for event in events_of(path) if event.function == "cuDeviceGetAttribute"]


def dropped(path: Path) -> int:
    with Recording(path) as recording:
        return recording.dropped


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls.trace"


def test_every_call_and_no_python(start: Start, file: Path) -> None:
    program = start(None, env={"VGPU_TRACE": file})
    assert program("[attribute(n, d) for n, d in ((2, 0), (5000, 0), (3, 1))]") == [DRIVERS, -1, -101]
    first, *_, last = events = [event for event in events_of(file) if event.function == "cuDeviceGetAttribute"]
    assert [(event.words[1], event.result & 0xFFFFFFFF) for event in events] == [(2, 0), (5000, 1), (3, 101)]
    assert (first.process, first.thread, first.caller, first.verdict) == (program.pid, program.pid, "libcalls.so", 0)
    assert first.start <= first.end <= last.start
    mapped = program("open('/proc/self/maps').read()")
    namespaces = {line.split()[-1] for line in mapped.splitlines() if "_cffi_backend" in line or "_core." in line}
    assert namespaces == set()
    assert program("thread_names()") == [program("open('/proc/self/comm').read()")]
    with Recording(file) as recording:
        assert {name: recording.info[name] for name in ("program", "pid")} == {
            "program": Path(program("os.readlink('/proc/self/exe')")).name,
            "pid": program.pid,
        }
        assert (recording.dropped, recording.pid) == (0, program.pid)
    assert program.errors == ""
    assert program.end() == 0
    assert attributes(file) == [2, 5000, 3]


def test_threads_that_begin_together(start: Start, file: Path) -> None:
    """Their first calls come while one of them opens the file."""
    program = start(None, env={"VGPU_TRACE": file})
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 1000)")
    seen = Counter(event.thread for event in events_of(file) if event.function == "cuDeviceGetAttribute")
    assert sorted(seen.values()) == [1000] * 8
    assert dropped(file) == 0


def test_threads_that_end_leave_their_room_to_others(start: Start, file: Path) -> None:
    program = start(None, env={"VGPU_TRACE": file})
    program("for n in range(300): in_thread(attribute, n + 1)")
    events = [event for event in events_of(file) if event.function == "cuDeviceGetAttribute"]
    assert [event.words[1] for event in events] == list(range(1, 301))
    assert program.pid not in {event.thread for event in events}
    assert file.stat().st_size < 8 << 20


@pytest.mark.every_python
def test_with_a_policy_the_trace_says_which(start: Start, file: Path) -> None:
    program = start(
        """
seed = policy.option("seed", 7)
@policy.answer("cuDeviceGetAttribute")
def answer(call):
    return call.reply(pi=8) if call.number("attrib") == 3 else None
@policy.hook("cuDeviceGetCount")
def count(call):
    return call.reply(count=9)
""",
        env={"VGPU_TRACE": file},
        options=["seed=11"],
    )
    assert program("([attribute(n) for n in (2, 3, 3)], device_count())") == ([DRIVERS, 8, 8], 9)
    events = [e for e in events_of(file) if e.function in ("cuDeviceGetAttribute", "cuDeviceGetCount")]
    assert [event.verdict for event in events] == [0, 2, 1, 2]
    for path in (file, program.recording):
        with Recording(path) as recording:
            info = recording.info
        assert (info["seed"], info["options"], info["mode"]) == (11, {"seed": 11}, "native")
        assert [Path(one["path"]).name for one in info["policies"]] == ["policy.py"]
        assert len(info["policies"][0]["sha256"]) == 64
    with Recording(file) as recording:
        assert recording.info["driver"]["version"] is None
        program("call('cuDriverGetVersion', (c_int * 1)())")
        assert recording.info["driver"]["version"] == 13000
    program.set("seed", 12)
    with Recording(file) as recording:
        assert recording.info["seed"] == 12


def test_the_driver_s_version_is_the_driver_s(start: Start, file: Path) -> None:
    """Not what a policy says of it."""
    program = start(
        """
@policy.hook("cuDriverGetVersion")
def version(call):
    return call.reply(driverVersion=99000) if policy.options["lie"].value else None
policy.option("lie", True)
""",
        env={"VGPU_TRACE": file},
    )
    program("version = (c_int * 1)()")
    for lie, told, known in (("yes", 99000, None), ("no", 13000, 13000), ("yes", 99000, 13000)):
        program("attribute(1)")
        program.set("lie", lie)
        assert program("(call('cuDriverGetVersion', version), version[0])") == (0, told)
        with Recording(file) as recording:
            assert recording.info["driver"]["version"] == known


def test_observers_see_what_is_traced(start: Start, file: Path) -> None:
    program = start(
        """
seen = []
@policy.observe("cuDeviceGetAttribute", caller="libcalls*")
def look(events):
    seen.extend((event.attrib, event.thread) for event in events)
@policy.command
def events():
    return seen
""",
        env={"VGPU_TRACE": file},
    )
    program("[attribute(2), in_thread(attribute, 3), attribute(4, by='libother.so'), in_thread(attribute, 5)]")
    seen = program.command("events")
    assert [number for number, _ in seen] == [2, 3, 5]
    assert seen[0][1] == program.pid
    assert program.pid not in (seen[1][1], seen[2][1])
    assert attributes(file) == [2, 3, 4, 5]


def test_virtual_mode(start: Start, file: Path) -> None:
    program = start(None, mode="virtual", gpu="h100", env={"VGPU_TRACE": file})
    assert program("(call('cuInit', 0), call('cudaGetDeviceCount', (c_int * 1)()))") == (0, 0)
    events = events_of(file)
    assert {"cuInit", "cudaGetDeviceCount"} <= {event.function for event in events}


def test_what_the_runtime_asks_the_driver_is_seen(start: Start, file: Path) -> None:
    """In virtual mode, as over a real driver: libcudart's own calls are recorded, counted, and observers get them."""
    observed = """
seen = []

@policy.observe("cuDeviceGetCount", "cuDeviceGet")
def see(events):
    seen.extend((event.function, event.caller, event.result) for event in events)

@policy.hook("cuDeviceGetCount", caller="libcudart*")
def more(call):
    return call.reply(count=7)

@policy.command
def what():
    return seen
"""
    program = start(observed, mode="virtual", gpu="h100", env={"VGPU_TRACE": file})
    program("count = (c_int * 1)()")
    assert program("(call('cudaGetDeviceCount', count), count[0])") == (0, 7)
    assert program.command("what") == [["cuDeviceGetCount", "libcudart.so", 0]]
    (outer,) = [event for event in events_of(file) if event.function == "cudaGetDeviceCount"]
    (inner,) = [event for event in events_of(file) if event.function == "cuDeviceGetCount"]
    assert outer.start <= inner.start <= inner.end <= outer.end
    assert (inner.caller, inner.thread, inner.verdict) == ("libcudart.so", outer.thread, 2)
    assert program.counts("cuDeviceGetCount") == (1, 1, 1)


# ---- names of files ----


def test_the_process_id_in_a_name(start: Start, tmp_path: Path) -> None:
    """A child of fork writes into a file of its own, also where a thread of its parent's has left room in its."""
    program = start(None, env={"VGPU_TRACE": tmp_path / "a-%p-b.trace"})
    program("in_thread(attribute, 1)")
    child, *answers = program("in_child(lambda: [os.getpid(), attribute(2), in_thread(attribute, 3)])")
    assert answers == [DRIVERS, 1024]
    program("attribute(4)")
    assert attributes(tmp_path / f"a-{program.pid}-b.trace") == [1, 4]
    path = tmp_path / f"a-{child}-b.trace"
    assert attributes(path) == [2, 3]
    assert {event.process for event in events_of(path)} == {child}
    assert next(iter(events_of(path))).caller == "libcalls.so"
    with Recording(path) as recording:
        assert recording.info["pid"] == child


def test_a_relative_name_is_where_the_process_was_at_its_first_call(start: Start, tmp_path: Path) -> None:
    """Later changes of folder change nothing, although the file is opened again where its descriptor was closed."""
    program = start(None, env={"VGPU_TRACE": "calls.trace"})
    program(f"os.makedirs({str(tmp_path / 'one')!r}); os.chdir({str(tmp_path / 'one')!r})")
    program("attribute(1)")
    program("os.chdir('/'); close_all()")
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 4, 3000)")
    assert len(attributes(tmp_path / "one/calls.trace")) == 12001
    assert not Path("/calls.trace").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/nonexistent/calls.trace", "No such file or directory"),
        ("/dev/shm", "Is a directory"),
        ("/dev/null", "there is no room for it"),
        ("/proc/self/calls.trace", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written(start: Start, name: str, reason: str) -> None:
    program = start(None, env={"VGPU_TRACE": name})
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 100)")
    assert program("attribute(2)") == DRIVERS
    assert program.said() == [f"VGPU_TRACE {name}: {reason}; nothing is traced"]
    assert program("in_child(attribute, 2)") == DRIVERS


FOREIGN = {
    "text": b"dear diary\n" * 1000,
    "one byte": b"x",
    "the magic alone": b"VGPUREC1",
    "a recording of another version": b"VGPUREC1" + bytes(1 << 18),
    "an older format": b"VGPUREC0" + bytes(1 << 18),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_left_as_it_is(start: Start, file: Path, kind: str) -> None:
    file.write_bytes(FOREIGN[kind])
    before = file.stat()
    program = start(None, env={"VGPU_TRACE": file})
    assert program("[attribute(2) for _ in range(5)]") == [DRIVERS] * 5
    assert program("in_thread(attribute, 2)") == DRIVERS
    assert program.said() == [
        f"VGPU_TRACE {file}: the file is there and is no trace of this version; remove it or name another; "
        "nothing is traced"
    ]
    assert file.read_bytes() == FOREIGN[kind]
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


# ---- no room ----


def full(file: Path) -> list[str]:
    """A command that execs the rest with 1 MiB of room for a file."""
    text = f'mount -t tmpfs -o size=1m tmpfs {file.parent}; exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", text, "sh"]


@pytest.mark.parametrize("policy", [False, True], ids=["alone", "with a policy"])
def test_a_disk_that_fills_up(start: Start, tmp_path: Path, file: Path, policy: bool) -> None:
    """What there was room for can be read, the rest is counted, one line says so, the program runs on."""
    folder = tmp_path / "small"
    folder.mkdir()
    body = '\n@policy.hook("cuDeviceGetCount")\ndef count(call):\n    return call.reply(count=9)\n' if policy else None
    program = start(body, env={"VGPU_TRACE": folder / "calls.trace"}, wrapper=full(folder / "calls.trace"))
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 20000)")
    assert program("(attribute(2), device_count())") == (DRIVERS, 9 if policy else 1)
    path = Path(f"/proc/{program.pid}/root{folder}/calls.trace")
    seen = [event for event in events_of(path) if event.function == "cuDeviceGetAttribute"]
    rest = [event for event in events_of(path) if event.function != "cuDeviceGetAttribute"]
    assert len(seen) > 5000
    assert len(seen) + len(rest) + dropped(path) == 160002
    assert program.said() == [f"{folder}/calls.trace has no more room: further calls are not recorded, only counted"]


def test_a_disk_that_is_full(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    [*wrapper, text, name] = full(folder / "x")
    text = text.replace("; exec", f"; ! head -c 2097152 /dev/zero >{folder}/full 2>/dev/null; exec")
    program = start(None, env={"VGPU_TRACE": folder / "calls.trace"}, wrapper=[*wrapper, text, name])
    assert program("[attribute(2) for _ in range(5)]") == [DRIVERS] * 5
    assert program.said() == [f"VGPU_TRACE {folder}/calls.trace: there is no room for it; nothing is traced"]


def test_a_limit_on_the_size_of_files(start: Start, file: Path) -> None:
    """No SIGXFSZ: the program is not the one that wrote too much."""
    program = start(None, env={"VGPU_TRACE": file}, wrapper=["sh", "-c", 'ulimit -f 1024; exec "$@"', "sh"])
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 4, 20000)")
    assert program("attribute(2)") == DRIVERS
    events = events_of(file)
    assert 0 < len(events) < 80001
    assert len(events) + dropped(file) == 80001
    assert len(program.said()) == 1


def test_little_address_space(start: Start, file: Path) -> None:
    program = start(None, env={"VGPU_TRACE": file}, wrapper=["sh", "-c", 'ulimit -v 600000; exec "$@"', "sh"])
    program("[attribute(2) for _ in range(5000)]")
    assert attributes(file) == [2] * 5000


def test_signals_all_the_time(start: Start) -> None:
    """A system call that a signal has interrupted is no full disk."""
    file = Path(f"/dev/shm/vgpu-test-{os.getpid()}.trace")
    try:
        program = start(None, env={"VGPU_TRACE": file})
        program("import signal; signal.signal(signal.SIGALRM, lambda *_: None)")
        program("attribute(2); signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)")
        program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 2, 100000)")
        program("signal.setitimer(signal.ITIMER_REAL, 0)")
        assert program.said() == []
        assert len(attributes(file)) == 200001
    finally:
        file.unlink()


def test_a_file_that_is_removed_meanwhile(start: Start, file: Path) -> None:
    program = start(None, env={"VGPU_TRACE": file})
    program("attribute(2)")
    file.unlink()
    file.write_bytes(b"another")
    program("close_all()")
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 4, 20000)")
    assert program("attribute(2)") == DRIVERS
    assert file.read_bytes() == b"another"


# ---- several processes ----


def by_process(path: Path) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in events_of(path):
        if event.function == "cuDeviceGetAttribute":
            found.setdefault(event.process, []).append(event)
    return found


def test_a_parent_and_its_child_write_into_one_file(start: Start, file: Path) -> None:
    """At the same time, into room that a thread had left before the fork."""
    program = start(None, env={"VGPU_TRACE": file})
    program("in_thread(attribute, 1)")
    program("""
def many(number, by):
    for _ in range(2000):
        attribute(number, by=by)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.read(read, 1)
    in_thread(many, 2, "libother.so")
    many(3, "libcalls.so")
    os._exit(0)
os.write(write, b"x")
in_thread(many, 4, "libcalls.so")
many(5, "libother.so")
os.waitpid(child, 0)
""")
    events = by_process(file)
    seen = {pid: Counter((e.words[1], e.caller) for e in some) for pid, some in events.items()}
    assert seen == {
        program.pid: {(1, "libcalls.so"): 1, (4, "libcalls.so"): 2000, (5, "libother.so"): 2000},
        program("child"): {(2, "libother.so"): 2000, (3, "libcalls.so"): 2000},
    }
    for pid, some in events.items():
        mains = {event.words[1] for event in some if event.thread == pid}
        assert mains == ({5} if pid == program.pid else {3})
    with Recording(file) as recording:
        assert recording.info["pid"] == program.pid


FORKS = {"_Fork": "ctypes.CDLL(None)._Fork", "clone": "lambda: ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)"}


@pytest.mark.parametrize("how", FORKS)
@pytest.mark.parametrize("name", ["calls.trace", "%p.trace"])
def test_a_child_past_the_handlers(start: Start, tmp_path: Path, how: str, name: str) -> None:
    program = start(None, env={"VGPU_TRACE": tmp_path / name})
    program("in_thread(attribute, 1); attribute(2)")
    child, *_ = program(f"in_child(lambda: [os.getpid(), *(attribute(3) for _ in range(500))], fork={FORKS[how]})")
    program("[attribute(4) for _ in range(500)]")
    found: dict[int, list[int]] = {}
    for path in tmp_path.glob("*.trace"):
        for pid, events in by_process(path).items():
            found[pid] = [event.words[1] for event in events]
    assert found == {program.pid: [1, 2] + [4] * 500, child: [3] * 500}


def test_processes_that_begin_together_write_into_one_file(tmp_path: Path, file: Path) -> None:
    count = 4
    support.built(support.TESTS / "engine")
    source = "[attribute(int(sys.argv[1])) for _ in range(3000)]"
    script = tmp_path / "many.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(PROGRAM.parent)!r})\nfrom program import *\n{source}\n")
    begin = " ".join(f"python -S {script} {n} & " for n in range(1, count + 1))
    done = support.run_preloaded(
        ["sh", "-c", begin.replace("python", sys.executable) + "wait"], env={"VGPU_TRACE": file}
    )
    assert (done.stdout, done.stderr) == ("", "")
    seen = sorted(tuple(Counter(e.words[1] for e in events).items()) for events in by_process(file).values())
    assert seen == [((n, 3000),) for n in range(1, count + 1)]
    assert {event.caller for event in events_of(file)} == {"libcalls.so"}


def test_a_child_of_exec_goes_on_in_the_file(start: Start, file: Path) -> None:
    """The same process under another program, and one that it starts."""
    program = start(None, env={"VGPU_TRACE": file})
    program("attribute(1)")
    program(f"""
import subprocess
script = "import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); from program import *; attribute(2)"
subprocess.run([sys.executable, "-S", "-c", script], check=True)
""")
    child = program(
        "os.posix_spawn(sys.executable, [sys.executable, '-S', '-c', script.replace('(2)', '(3)')], os.environ)"
    )
    program(f"os.waitpid({child}, 0)")
    program(
        f"threading.Timer(0.1, os.execv, (sys.executable, [sys.executable, '-S', {str(PROGRAM)!r}, 'again'])).start()"
    )
    until(lambda: b"again" in Path(f"/proc/{program.pid}/cmdline").read_bytes())
    assert program("attribute(4)") == 64
    assert attributes(file) == [1, 2, 3, 4]
    assert [event.process == program.pid for event in events_of(file) if "Attribute" in event.function] == [
        True,
        False,
        False,
        True,
    ]
    assert program.errors == ""


def test_policies_of_two_processes_have_recordings_of_their_own(tmp_path: Path, file: Path) -> None:
    policy = write_policy(
        tmp_path / "policy.py",
        '\n@policy.hook("cuDeviceGetCount")\ndef count(call):\n    return call.reply(count=9)\n',
    )
    with (
        started(tmp_path, policy=policy, env={"VGPU_TRACE": file}) as one,
        started(tmp_path, policy=policy, env={"VGPU_TRACE": file}) as two,
    ):
        assert [program("device_count()") for program in (one, two)] == [9, 9]
        assert one.recording != two.recording
        counts: list[Program] = [one, two]
        assert [program.counts("cuDeviceGetCount") for program in counts] == [(1, 1, 1)] * 2
        assert len([event for event in events_of(file) if event.function == "cuDeviceGetCount"]) == 2
