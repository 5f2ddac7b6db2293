"""What a process answers through its socket, to whom, and what comes of those who do not keep to the rules."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.conftest import Start
from engine.live import Program, ask, connected, reply_of, started, until, write_policy

POLICY = """
import time
size = policy.option("size", 5, help="a size")
name = policy.option("name", "x")
on = policy.option("on", False)
share = policy.option("share", 0.5)
seen = []

@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi=size.value)

@policy.observe("cuDeviceGetCount")
def look(events):
    seen.extend(events)

@policy.command
def count():
    return len(seen)

@policy.command
def echo(first, second="b"):
    return {"first": first, "second": second, "list": [1, 2.5, None, True, "ü"]}

@policy.command
def wrong():
    return 1 / 0

@policy.command
def leaves():
    raise SystemExit(3)

@policy.command
def odd():
    return {1, 2}

@policy.command
def large(size):
    return "x" * int(size)

@policy.command
def slow(seconds):
    time.sleep(float(seconds))
    return "done"
"""


@pytest.fixture
def program(start: Start) -> Program:
    one = start(POLICY)
    assert one("attribute(1)") == 5
    return one


def raw(program: Program, data: bytes, end: bool = False) -> bytes:
    """What comes back for these bytes; `end`: nothing more is sent."""
    with connected(program.recording) as connection:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return reply_of(connection)


def error_of(program: Program, **request: Any) -> str:
    answer = program.ask(**request)
    assert list(answer) == ["error"]
    assert "\n" not in answer["error"]
    return str(answer["error"])


# ---- options ----


@pytest.mark.every_python
def test_an_option_is_set(program: Program) -> None:
    assert program.ask(set="size=2KiB") == {
        "ok": True,
        "options": {"size": 2048, "name": "x", "on": False, "share": 0.5},
    }
    assert program("attribute(1)") == 2048
    for setting, value in {
        "name=a=b c": "a=b c",
        "on=yes": True,
        "share=0.25": 0.25,
        "name=": "",
        'name=ü"\n': 'ü"\n',
    }.items():
        option = setting.partition("=")[0]
        assert program.ask(set=setting)["options"][option] == value
        assert program.info()["options"][option] == value


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("sice=1", "no policy has an option 'sice'; there is name, on, share, size"),
        ("size", "--set size: write option=value"),
        ("=1", "no policy has an option ''"),
        ("size=big", "'big' is not a number, nor a size such as 20GiB"),
        ("on=maybe", "'maybe' is not true or false"),
        ("share=half", "'half' is not a number"),
        (5, "write option=value"),
    ],
)
def test_what_cannot_be_set_is_a_sentence_and_changes_nothing(program: Program, setting: Any, sentence: str) -> None:
    before = program.info()["options"]
    assert sentence in error_of(program, set=setting)
    assert program.info()["options"] == before
    assert program("attribute(1)") == 5


def test_a_change_that_a_policy_refuses(start: Start) -> None:
    """It declares hooks by its options: what was declared stays, in every policy."""
    program = start("""
from vgpu_embed import PolicyError
value = policy.option("value", 5)

@policy.configure
def declare():
    if value.value > 100:
        raise PolicyError("value is at most 100")
    if value.value == 50:
        1 / 0
    @policy.hook("cuDeviceGetAttribute" if value.value < 10 else "cuDeviceGetCount")
    def hook(call):
        return call.reply(**{"pi" if value.value < 10 else "count": value.value})
""")
    assert program("(attribute(2), device_count())") == (5, 1)
    assert "value is at most 100" in error_of(program, set="value=101")
    assert "ZeroDivisionError" in error_of(program, set="value=50")
    assert program("(attribute(2), device_count())") == (5, 1)
    program.set("value", 20)
    assert program("(attribute(2), device_count())") == (1024, 20)
    program.set("value", 6)
    assert program("(attribute(2), device_count())") == (6, 1)


# ---- commands ----


@pytest.mark.every_python
def test_a_command(program: Program) -> None:
    assert program.command("echo", first="ä b") == {"first": "ä b", "second": "b", "list": [1, 2.5, None, True, "ü"]}
    assert program.command("echo", first="", second="c")["second"] == "c"


@pytest.mark.every_python
def test_a_command_sees_every_call_until_now(program: Program) -> None:
    for number in range(1, 30):
        program("device_count()")
        assert program.command("count") == number


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            {"command": "cont"},
            ["no policy has a command 'cont'", "there is count, echo, large, leaves, odd, slow, wrong"],
        ),
        ({"command": "wrong"}, ["policy.py:", "ZeroDivisionError: division by zero"]),
        ({"command": "leaves"}, ["policy.py:", "SystemExit"]),
        ({"command": "odd"}, ["set", "JSON"]),
        ({"command": "echo"}, ["echo needs first; it takes first, second"]),
        ({"command": "echo", "arguments": {"first": "1", "third": "2"}}, ["echo", "'third'"]),
        ({"command": "echo", "arguments": ["first"]}, []),
        ({"command": "echo", "arguments": "first"}, []),
        ({"command": "large", "arguments": {"size": "70000"}}, ["the reply has ", "the most is 65536"]),
        ({"what": 1}, ['a request has "set" or "command"']),
        ({}, ['a request has "set" or "command"']),
    ],
)
def test_what_goes_wrong_is_a_sentence(program: Program, request_: dict[str, Any], words: list[str]) -> None:
    sentence = error_of(program, **request_)
    for word in words:
        assert word in sentence
    assert "service.py" not in sentence
    assert program.command("echo", first="1")["first"] == "1"


def test_without_options_and_commands(start: Start) -> None:
    program = start("")
    program("attribute(1)")
    assert error_of(program, set="size=1").endswith("no policy has an option 'size'; none has any option")
    assert error_of(program, command="f") == "no policy has a command 'f'; none has any"


# ---- who may, and who does not keep to it ----


def test_only_this_user_can_reach_it(program: Program) -> None:
    recording = program.recording
    assert stat.S_IMODE(recording.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    assert stat.S_IMODE(recording.with_suffix(".sock").stat().st_mode) == 0o600
    assert recording.parent.stat().st_uid == os.geteuid()


OTHER_USER = """
import os, socket, sys
opened = os.open(sys.argv[1], os.O_PATH)
connection = socket.socket(socket.AF_UNIX)
os.setgid(65534), os.setuid(65534)
try:
    connection.connect(f"/proc/self/fd/{opened}{sys.argv[2]}")
    connection.sendall(b'{"set": "size=1"}\\n')
    print(connection.recv(1000))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("open_to_all", [False, True])
def test_another_user_is_refused(program: Program, open_to_all: bool) -> None:
    """By the folder and the socket's mode; who got past both, by the process itself.

    The folder is every process's of this user: it is got past with the socket opened beforehand, and stays as it is.
    """
    path = program.recording.with_suffix(".sock")
    if open_to_all:
        path.chmod(0o777)
    where = [str(path), ""] if open_to_all else [str(path.parent), f"/{path.name}"]
    done = subprocess.run([sys.executable, "-c", OTHER_USER, *where], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in (
        ["b''", "ConnectionResetError", "BrokenPipeError"] if open_to_all else ["PermissionError"]
    )
    assert program("attribute(1)") == 5


def test_root_may_ask_a_process_that_has_become_another_user(program: Program) -> None:
    program.set("size", 5)  # what a request needs is there by then
    assert program("os.setuid(65534) or os.getuid()") == 65534
    program.set("size", 6)
    assert program("attribute(1)") == 6


GARBAGE = {
    "nothing": b"",
    "an empty line": b"\n",
    "no JSON": b"set size=1\n",
    "half a request": b'{"set": "size=1"}',
    "another type": b"[1, 2]\n",
    "no text": b"\xff\xfe\x00\x01\n",
    "a NUL": b'{"set": "size=1\x00"}\n',
    "a NUL first": b'\x00{"set": "size=1"}\n',
    "deep": b"[" * 20000 + b"\n",
    "a large number": b'{"set": ' + b"9" * 60000 + b"}\n",
    "too long": b'{"set": "size=' + b"1" * 100000 + b'"}\n',
    "endless": b"x" * 1000000,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_answered_with_a_sentence_and_changes_nothing(program: Program, kind: str) -> None:
    answer = b""
    with connected(program.recording) as connection:
        try:
            connection.sendall(GARBAGE[kind])
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has seen enough
            pass
        try:
            answer = reply_of(connection)
        except ConnectionResetError:
            assert kind in ("too long", "endless")
    if kind in ("too long", "endless"):
        assert answer == b"" or list(json.loads(answer)) == ["error"]
    elif kind != "nothing":
        assert list(json.loads(answer)) == ["error"]
    assert program("attribute(1)") == 5
    program.set("size", 6)
    assert program("attribute(1)") == 6


def test_a_client_that_goes_away(program: Program) -> None:
    for _ in range(20):
        with connected(program.recording) as connection:
            connection.sendall(b'{"command": "large", "arguments": {"size": "60000"}}\n')
    with connected(program.recording) as connection:
        connection.sendall(b'{"comm')
    assert program.command("echo", first="1")["first"] == "1"


def test_a_slow_client_does_not_keep_others_waiting(program: Program) -> None:
    """It sends a byte now and then; the process has done with it long before it has."""
    stop = threading.Event()

    def dribble() -> None:
        with connected(program.recording) as connection:
            try:
                while not stop.wait(0.2):
                    connection.send(b" ")
            except OSError:
                return

    client = threading.Thread(target=dribble)
    client.start()
    try:
        time.sleep(0.1)
        with connected(program.recording) as connection:
            connection.settimeout(8)
            connection.sendall(b'{"set": "size=6"}\n')
            assert json.loads(reply_of(connection))["ok"]
    finally:
        stop.set()
        client.join()


def test_a_client_that_does_not_read(start: Start) -> None:
    program = start(POLICY)
    assert program("attribute(1)") == 5
    with connected(program.recording) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.sendall(b'{"command": "large", "arguments": {"size": "65000"}}\n')
        assert program.command("echo", first="1")["first"] == "1"


@pytest.mark.every_python
def test_many_clients_at_once(program: Program) -> None:
    answers: list[dict[str, Any]] = []

    def client(number: int) -> None:
        for _ in range(10):
            answers.append(ask(program.recording, command="echo", arguments={"first": str(number)}))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for one in clients:
        one.start()
    program("[attribute(1) for _ in range(1000)]")
    for one in clients:
        one.join()
    assert len(answers) == 120
    assert {answer["value"]["first"] for answer in answers} == {str(number) for number in range(12)}


def test_a_command_that_takes_its_time_holds_no_call_up(program: Program) -> None:
    with connected(program.recording) as connection:
        connection.sendall(b'{"command": "slow", "arguments": {"seconds": "1"}}\n')
        time.sleep(0.2)
        start = time.monotonic()
        assert program("[attribute(1) for _ in range(100)]") == [5] * 100
        assert time.monotonic() - start < 0.7
        assert json.loads(reply_of(connection))["value"] == "done"


def test_few_descriptors(start: Start) -> None:
    program = start(POLICY, wrapper=["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"])
    assert program("attribute(1)") == 5
    program.set("size", 6)
    assert program("attribute(1)") == 6


# ---- its end ----


def test_the_socket_is_gone_with_the_process(program: Program) -> None:
    path = program.recording.with_suffix(".sock")
    assert path.is_socket()
    assert program.end() == 0
    assert not path.exists()


def test_a_process_that_ends_during_a_command(start: Start) -> None:
    """It ends; who has asked gets nothing."""
    program = start(POLICY)
    assert program("attribute(1)") == 5
    with connected(program.recording) as connection:
        connection.sendall(b'{"command": "slow", "arguments": {"seconds": "30"}}\n')
        time.sleep(0.2)
        assert program.end() == 0
        assert reply_of(connection) == b""


def test_what_a_killed_process_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "policy.py", POLICY)
    with started(tmp_path, policy=policy) as one:
        assert one("attribute(1)") == 5
        recording = one.recording
        one.kill()
    assert recording.exists()
    os.utime(recording, (1, 1))
    with started(tmp_path, policy=policy) as other:
        assert other("attribute(1)") == 5
        until(lambda: not recording.exists())
        until(lambda: not recording.with_suffix(".sock").exists())


def test_a_program_that_closes_all_descriptors_can_still_be_asked(program: Program) -> None:
    program("close_all()")
    until(lambda: can_be_asked(program), "a socket again")


def can_be_asked(program: Program) -> bool:
    try:
        return bool(program.ask(set="size=7").get("ok"))
    except OSError:
        return False


def test_a_descriptor_of_the_program_s_in_its_place_is_left_alone(program: Program) -> None:
    """The program closes ours and opens its own under the same numbers."""
    program("close_all(); mine = [os.open('/dev/zero', os.O_RDONLY) for _ in range(200)]")
    program("time.sleep(0.6)")
    assert program("[os.readlink(f'/proc/self/fd/{n}') for n in mine] == ['/dev/zero'] * 200") is True
    assert program("attribute(1)") in (5, 7)
