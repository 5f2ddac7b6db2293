"""Saving the policy's file is enough: the new one is in force soon, a broken one is not, and nothing else is lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from engine.conftest import Start
from engine.live import Program, ask, policy_text, until, write_policy

DRIVERS = 1024


def answering(number: int | str, function: str = "cuDeviceGetAttribute", output: str = "pi") -> str:
    return f'\n@policy.hook("{function}")\ndef hook_{function}(call):\n    return call.reply({output}={number})\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The policy's file."""
    return tmp_path / "policy.py"


def in_force(program: Program, answer: int) -> None:
    """Waits until the program's calls get that answer."""
    until(lambda: program("attribute(2)") == answer, f"{answer} in force; it said {program.errors}")


def generation(program: Program) -> int:
    return int(program.info()["generation"])


@pytest.mark.every_python
def test_saving_swaps_the_policy(start: Start, path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    for number in (8, 9):
        write_policy(path, answering(number))
        in_force(program, number)
    info = program.info()
    assert (info["generation"], info["reload_error"], len(info["policies"])) == (3, None, 1)
    assert program.errors == ""


@pytest.mark.parametrize("how", ["replaced", "written in place", "linked"])
def test_ways_to_save(start: Start, path: Path, tmp_path: Path, how: str) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    if how == "replaced":
        write_policy(path, answering(8))
    elif how == "written in place":
        path.write_text(policy_text(answering(8)))
    else:
        path.unlink()
        path.symlink_to(write_policy(tmp_path / "other.py", answering(8)))
    in_force(program, 8)


@pytest.mark.every_python
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("\nthis is no Python\n", ":4: invalid syntax"),
        ('\n@policy.hook("cuMemAloc")\ndef f(call):\n    return None\n', ":4: "),
        ("\nimport no_such_module\n", ":4: ModuleNotFoundError: No module named 'no_such_module'"),
        ("\nraise SystemExit\n", ":4: SystemExit"),
        ("\ndel policy\n", ":1: it defines no policy; write `policy = Policy()`"),
    ],
    ids=["syntax", "name", "import", "exit", "policy"],
)
def test_a_broken_file_keeps_the_last_good_one(start: Start, path: Path, body: str, sentence: str) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    write_policy(path, answering(9) + body if body.startswith("\ndel") else body + answering(9))
    error = until(lambda: program.info()["reload_error"], "an error in the state")
    assert error.startswith(f"{path}{sentence}")
    assert program("attribute(2)") == 7
    [line] = program.said()
    assert line == f"{error}; the policy of before stays in force"
    assert generation(program) == 1
    write_policy(path, answering(8))
    in_force(program, 8)
    info = program.info()
    assert (info["reload_error"], info["generation"]) == (None, 2)
    assert info["errors"] != []


def test_a_file_that_is_being_written_is_not_loaded(start: Start, path: Path) -> None:
    """Half of it does not parse; it comes in pieces, until it is whole."""
    program = start(answering(7))
    assert program("attribute(2)") == 7
    text = policy_text("import os\n" * 200 + answering(8))
    with path.open("w") as file:
        for begin in range(0, len(text), 300):
            file.write(text[begin : begin + 300])
            file.flush()
            assert program("time.sleep(0.1) or attribute(2)") == 7
    in_force(program, 8)
    assert program.errors == ""
    assert generation(program) == 2


def test_a_file_that_is_gone_and_comes_back(start: Start, path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    path.unlink()
    assert program("time.sleep(0.8) or attribute(2)") == 7
    assert (program.info()["reload_error"], program.errors) == (None, "")
    write_policy(path, answering(8))
    in_force(program, 8)


def test_a_file_that_is_saved_while_it_is_loaded(start: Start, path: Path, tmp_path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    loading = tmp_path / "loading"
    slow = f"\nimport time\nopen({str(loading)!r}, 'w').close()\ntime.sleep(0.5)\n"
    write_policy(path, slow + answering(8))
    until(loading.exists)
    write_policy(path, answering(9))
    in_force(program, 9)


def test_a_file_that_is_saved_during_the_start(start: Start, path: Path, tmp_path: Path) -> None:
    loading = tmp_path / "loading"
    slow = f"\nimport time\nopen({str(loading)!r}, 'w').close()\ntime.sleep(0.5)\n"
    program = start(slow + answering(8))
    program("thread = threading.Thread(target=attribute, args=(2,)); thread.start()")
    until(loading.exists)
    write_policy(path, answering(9))
    program("thread.join()")
    in_force(program, 9)


def test_files_of_several_policies(start: Start, tmp_path: Path) -> None:
    one = write_policy(tmp_path / "one.py", answering(7))
    two = write_policy(tmp_path / "two.py", answering(9, "cuDeviceGetCount", "count"))
    program = start(None, policy=[one, two])
    assert program("(attribute(2), device_count())") == (7, 9)
    write_policy(two, answering(10, "cuDeviceGetCount", "count"))
    until(lambda: program("device_count()") == 10)
    write_policy(one, "\n1 / 0\n")
    until(lambda: program.info()["reload_error"])
    assert program("(attribute(2), device_count())") == (7, 10)


# ---- what changes ----


@pytest.mark.every_python
def test_new_names_are_hooked_and_removed_ones_are_not(start: Start, path: Path) -> None:
    """Also a name whose calls have gone to the driver's function directly, and one that was taken before."""
    program = start(answering(7))
    assert program("[(attribute(2), device_count()) for _ in range(3)]") == [(7, 1)] * 3
    write_policy(path, answering(9, "cuDeviceGetCount", "count"))
    until(lambda: program("device_count()") == 9)
    assert program("[(attribute(2), device_count()) for _ in range(3)]") == [(DRIVERS, 9)] * 3
    counts = program.counts()
    assert program("[attribute(2) for _ in range(10)]") == [DRIVERS] * 10
    assert program.counts() == counts
    write_policy(path, answering(8) + answering(9, "cuDeviceGetCount", "count"))
    in_force(program, 8)
    assert program("device_count()") == 9


def test_a_hook_of_the_loader_comes_and_goes(start: Start, path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    program("find = ctypes.CDLL(None).dlsym; find.restype = ctypes.c_void_p")
    program("found = lambda: find(ctypes.c_void_p(cuda._handle), b'cuCtxGetDevice') == 4711")
    assert program("found()") is False
    lookup = '\n@policy.hook("dlsym")\ndef f(call):\n    return 4711 if call.symbol == "cuCtxGetDevice" else None\n'
    write_policy(path, answering(8) + lookup)
    in_force(program, 8)
    assert program("found()") is True
    write_policy(path, answering(9))
    in_force(program, 9)
    assert program("found()") is False


def test_answers_of_before_are_forgotten(start: Start, path: Path) -> None:
    text = '\n@policy.answer("cuDeviceGetAttribute")\ndef f(call):\n    return call.reply(pi={})\n'
    program = start(text.format(7))
    assert program("[attribute(2) for _ in range(3)]") == [7] * 3
    write_policy(path, text.format(8))
    in_force(program, 8)
    assert program("[attribute(2) for _ in range(3)]") == [8] * 3
    write_policy(path, text.format("8) if call.dev else call.reply(pi=9"))
    in_force(program, 9)


def test_observers_come_and_go_and_each_event_is_seen_once(start: Start, path: Path) -> None:
    text = """
seen = []
@policy.observe("cuDeviceGetAttribute")
def look(events):
    seen.extend(event.attrib for event in events)
@policy.command
def numbers():
    return {name: seen}
"""
    program = start(text.replace("{name:", '{"first":'))
    program("[attribute(n) for n in range(1, 6)]")
    assert program.command("numbers") == {"first": [1, 2, 3, 4, 5]}
    program("attribute(6)")
    write_policy(path, text.replace("{name:", '{"second":'))
    until(lambda: "second" in program.command("numbers"))
    program("attribute(7)")
    assert program.command("numbers") == {"second": [7]}
    write_policy(path, answering(8))
    in_force(program, 8)


@pytest.mark.every_python
def test_options_that_were_set_survive(start: Start, path: Path) -> None:
    """Set at the start or since; a default that was not changed is the new file's."""
    text = """
first = policy.option("first", {0})
second = policy.option("second", {0})
third = policy.option("third", {0})
@policy.hook("cuDeviceGetAttribute")
def f(call):
    return call.reply(pi=10000 * first.value + 100 * second.value + third.value)
"""
    program = start(text.format(1), options=["first=2"])
    assert program("attribute(2)") == 20101
    program.set("second", 3)
    program.set("second", 4)
    assert program("attribute(2)") == 20401
    write_policy(path, text.format(5))
    in_force(program, 20405)
    program.set("third", 6)
    program.set("first", 7)
    write_policy(path, text.format(8))
    until(lambda: generation(program) == 3)
    assert program("attribute(2)") == 70406
    assert program.info()["options"] == {"first": 7, "second": 4, "third": 6}


def test_an_option_that_is_gone_or_of_another_type(start: Start, path: Path) -> None:
    program = start('\nvalue = policy.option("value", "a")\n' + answering(7))
    assert program("attribute(2)") == 7
    program.set("value", "text")
    write_policy(path, '\nvalue = policy.option("value", 1)\n' + answering(8))
    error = until(lambda: program.info()["reload_error"])
    assert "'text' is not a number" in error
    assert program("attribute(2)") == 7
    write_policy(path, answering(9))
    in_force(program, 9)
    assert program.info()["options"] == {}


# ---- what a policy may do ----


@pytest.mark.every_python
def test_a_reloaded_policy_imports_extension_modules_at_its_top(start: Start, path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    top = "\nimport array, csv, ctypes, decimal, hashlib, sqlite3, socket, ssl\n"
    whole = (
        "8 * (type(decimal.Decimal.__add__).__name__ == 'wrapper_descriptor' and len(hashlib.md5(b'').digest()) == 16)"
    )
    write_policy(path, top + answering(whole))
    in_force(program, 8)
    assert program.errors == ""


def test_a_hook_still_cannot(start: Start, path: Path) -> None:
    program = start(answering(7))
    assert program("attribute(2)") == 7
    hook = '\n@policy.hook("cuDeviceGetAttribute")\ndef f(call):\n    import sqlite3\n    return call.reply(pi=8)\n'
    write_policy(path, hook)
    in_force(program, DRIVERS)
    assert "is an extension module and cannot be loaded from a hook: import it at the top" in program.said()[0]


def test_a_change_while_eight_threads_call(start: Start, path: Path) -> None:
    """And one of them sits in a hook of the policy of before."""
    slow = answering(7).replace("    return", "    time.sleep(0.001)\n    return") + "\nimport time\n"
    program = start(slow)
    program("""
answers, stop = set(), []
def ask():
    while not stop:
        answers.add(attribute(2))
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
""")
    for number in range(8, 14):
        write_policy(path, slow.replace("=7", f"={number}"))
        until(lambda n=number: n in program("answers"))  # type: ignore[misc]
    program("stop.append(1)\nfor thread in threads: thread.join()")
    assert program("answers") == set(range(7, 14))
    assert program.errors == ""


def test_memory_stays_level(start: Start, path: Path) -> None:
    """Each policy has a megabyte of its own, and goes when the next one comes."""
    body = """
import threading
many = [bytes(1000) for _ in range(1000)]
option = policy.option("option", 1)
class Part:
    def method(self):
        return many
@policy.answer("cuDeviceGetAttribute")
def f(call):
    return call.reply(pi={0} + 0 * len(many)) if Part().method() else None
@policy.hook("cuMem*", where="1 == 1")
def g(call):
    return None
@policy.observe("cuLaunch*")
def h(events):
    pass
"""
    program = start(body.format(0))
    program("attribute(2)")

    def load(numbers: range) -> int:
        for number in numbers:
            os.utime(write_policy(path, body.format(number)))
            in_force(program, number)
        status = Path(f"/proc/{program.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    first = load(range(1, 4))
    last = load(range(4, 10))
    assert last - first < 2000, f"{first} kB, {last} kB"


@pytest.mark.every_python
def test_children_of_fork_that_are_made_right_after_the_start(start: Start, path: Path) -> None:
    """Whatever the service thread imports at that moment, it can be asked and loads again in the child."""
    program = start(answering(7))
    assert program("attribute(2)") == 7
    program("""
child = os.fork()
if child == 0:
    attribute(2)
    time.sleep(60)
""")
    child = program("child")
    folder = program.recording.parent
    try:
        recording = until(lambda: next(folder.glob(f"{child}-*.sock"), None)).with_suffix(".proc")
        assert ask(recording, command="x") == {"error": "no policy has a command 'x'; none has any"}
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.every_python
def test_children_of_fork_that_are_made_while_a_policy_is_loaded_again(start: Start, path: Path) -> None:
    """Each has all of the old policy or all of the new one: the fork waits for what is being loaded."""
    slow = "import decimal, sqlite3, time\ntime.sleep(0.3)\n"
    program = start(answering(7))
    assert program("attribute(2)") == 7
    program("""
made = []
def children():
    while attribute(2) == 7:
        made.append(in_child(attribute, 2))
    made.append(in_child(attribute, 2))
forking = threading.Thread(target=children)
forking.start()
""")
    write_policy(path, slow + answering(8))
    program("forking.join(20)")
    made = program("made")
    assert made == sorted(made)
    assert set(made) == {7, 8}
    in_force(program, 8)
    assert program.errors == ""


def test_a_fork_does_not_wait_for_ever_for_an_observer(start: Start) -> None:
    program = start("""
import threading
@policy.observe("cuDeviceGetAttribute")
def waits(events):
    threading.Event().wait()
""")
    program("attribute(2)")
    until(lambda: program.counts()[0])
    time.sleep(0.2)
    began = time.monotonic()
    assert [program("in_child(lambda: 5)") for _ in range(20)] == [5] * 20
    assert time.monotonic() - began < 10  # one second of waiting, once
