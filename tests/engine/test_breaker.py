"""Hooks that go wrong: disabled after so many failures in a row, cut after their budget. The others stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conftest import Start
from engine.live import said, until

DENIED = 800
DRIVERS = 1024
"""What the fake driver says of attribute 2."""

FAILS = """
wrong = policy.option("wrong", True)
asked = []

@policy.command
def count():
    return len(asked)

@policy.hook("cuDeviceGetAttribute", where="attrib == 2")
def fails(call):
    asked.append(1)
    if wrong.value:
        raise ValueError("wrong")

@policy.hook("cuDeviceGetAttribute")
def stays(call):
    return call.reply(pi=7) if call.number("attrib") == 3 else None

@policy.answer("cuDeviceGetCount")
def too(call):
    return call.reply(count=9)
"""


@pytest.mark.every_python
def test_so_many_failures_in_a_row_disable_a_hook_and_no_other(start: Start) -> None:
    program = start(FAILS, "failures=3")
    assert program("[attribute(n) for n in (2, 3) * 5]") == [DRIVERS, 7] * 5
    assert program.command("count") == 3
    first, last = program.said()
    place = "policy.py:15: ValueError: wrong, in a hook of cuDeviceGetAttribute"
    assert first.endswith(f"{place}; such calls are forwarded")
    assert last.endswith(f"{place}; it failed 3 times in a row and is disabled; such calls are forwarded")
    info = program.info()
    [disabled] = info["disabled"]
    assert disabled["hook"].endswith("policy.py:11 fails")
    assert disabled["reason"] == "it failed 3 times in a row"
    assert info["failures"] == 3
    assert program("device_count()") == 9


def test_a_success_in_between_counts_from_the_start(start: Start) -> None:
    program = start(FAILS, "failures=3")
    assert program("attribute(3)") == 7
    for wrong in ("yes", "no") * 3:
        program.set("wrong", wrong)
        assert program("[attribute(2) for _ in range(2)]") == [DRIVERS] * 2
    program.set("wrong", "yes")
    assert program("[attribute(2) for _ in range(5)]") == [DRIVERS] * 5
    assert program.command("count") == 12 + 3
    assert program.info()["failures"] == 6 + 3


def test_an_option_s_change_does_not_enable_it_and_saving_the_file_does(start: Start, tmp_path: Path) -> None:
    program = start(FAILS, "failures=2")
    program("[attribute(2) for _ in range(5)]")
    program.set("wrong", "no")
    program("[attribute(2) for _ in range(5)]")
    assert program.command("count") == 2
    path = tmp_path / "policy.py"
    path.write_text(path.read_text() + "\n")
    until(lambda: program.info()["generation"] == 2)
    assert program.info()["disabled"] == []
    program("[attribute(2) for _ in range(5)]")
    assert program.command("count") == 5


@pytest.mark.parametrize("kind", ["hook", "answer"])
def test_a_policy_that_denies_goes_on_refusing(start: Start, kind: str) -> None:
    program = start(
        f"""
@policy.{kind}("cuDeviceGetAttribute", caller="libcalls*")
def fails(call):
    if call.number("attrib") == 4:
        return call.reply(pi=4)
    1 / 0
""",
        'on_error="deny", failures=2',
    )
    assert program("attribute(4)") == 4
    assert program("[attribute(2) for _ in range(5)]") == [-DENIED] * 5
    assert program("attribute(4)") == -DENIED
    assert program("attribute(2, by='libother.so')") == DRIVERS
    assert program.said()[-1].endswith("it failed 2 times in a row and is disabled; such calls are refused")


def test_a_predicate_still_says_which_calls_a_disabled_hook_refuses(start: Start) -> None:
    program = start(
        '\n@policy.hook("cuDeviceGetAttribute", where="attrib == 2")\ndef fails(call):\n    1 / 0\n',
        'on_error="deny", failures=1',
    )
    for _ in range(2):
        assert program("[attribute(n) for n in (2, 3)]") == [-DENIED, DRIVERS]


def test_what_the_driver_has_answered_stays(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    program = start(
        """
@policy.hook("cuDeviceGetAttribute")
def fails(call):
    call.forward()
    1 / 0
""",
        'on_error="deny", failures=2',
        env={"FAKE_CUDA_LOG": log},
    )
    assert program("[attribute(2) for _ in range(4)]") == [DRIVERS] * 2 + [-DENIED] * 2
    assert log.read_text().count("cuDeviceGetAttribute") == 2


def test_an_observer_that_fails_is_disabled_and_the_calls_go_on(start: Start) -> None:
    program = start(
        """
seen = []

@policy.observe("cuDeviceGetAttribute")
def fails(events):
    raise ValueError("wrong")

@policy.observe("cuDeviceGetAttribute")
def stays(events):
    seen.extend(event.attrib for event in events)

@policy.command
def numbers():
    return seen
""",
        "failures=2",
    )
    for number in range(1, 6):
        assert program(f"attribute({number})") >= 0
        assert program.command("numbers") == list(range(1, number + 1))
    first, last = program.said()
    assert first.endswith("policy.py:8: ValueError: wrong, in an observer")
    assert last.endswith("in an observer; it failed 2 times in a row and is disabled")
    assert [one["reason"] for one in program.info()["disabled"]] == ["it failed 2 times in a row"]


# ---- budget ----

BEGIN = """
import time
asked = []

@policy.command
def count():
    return len(asked)

@policy.hook("cuDeviceGetCount")
def other(call):
    return call.reply(count=9)

@policy.{kind}("cuDeviceGetAttribute")
def long(call):
    asked.append(1)
"""
LONG = {
    "sleeps": "    time.sleep(3600)",
    "loops": "    while True: pass",
    "waits in small steps": "    while True: time.sleep(0.001)",
    "catches exceptions": "    while True:\n        try: time.sleep(60)\n        except Exception: pass",
    "is deep": "    def inner(n):\n        while n == 0: pass\n        inner(n - 1)\n    inner(20)",
}
CUT = (
    "policy.py:15: it took longer than its budget of 0.1 s, in {kind} of cuDeviceGetAttribute; such calls are forwarded"
)


@pytest.mark.every_python
@pytest.mark.parametrize("how", LONG)
def test_a_hook_that_takes_for_ever_is_cut(start: Start, how: str) -> None:
    """The call gets the driver's own result, one line says so, and the others stay in force."""
    program = start(BEGIN.format(kind="hook") + LONG[how], "budget=0.1")
    assert program("[attribute(2) for _ in range(3)]") == [DRIVERS] * 3
    assert program("device_count()") == 9
    assert program.command("count") == 1
    [line] = program.said()
    assert line.endswith(CUT.format(kind="a hook"))
    assert [one["reason"] for one in program.info()["disabled"]] == ["it took longer than its budget of 0.1 s"]


def test_an_answer_is_cut_too(start: Start) -> None:
    program = start(BEGIN.format(kind="answer") + LONG["loops"], "budget=0.1")
    assert program("[attribute(2) for _ in range(3)]") == [DRIVERS] * 3
    assert program.command("count") == 1
    assert [line[line.rindex("/") + 1 :] for line in program.said()] == [CUT.format(kind="an answer")]


def test_eight_threads_are_cut(start: Start) -> None:
    program = start(BEGIN.format(kind="hook") + LONG["sleeps"], "budget=0.1")
    program("library('libcalls.so').on_threads(b'cuDeviceGetAttribute', 8, 3)")
    assert 1 <= program.command("count") <= 8
    assert program("attribute(2)") == DRIVERS
    assert program("device_count()") == 9
    assert 1 <= len(program.said()) <= 8


def test_a_policy_that_denies_refuses_what_it_did_not_decide_in_time(start: Start) -> None:
    program = start(BEGIN.format(kind="hook") + LONG["sleeps"], 'budget=0.1, on_error="deny"')
    assert program("[attribute(2) for _ in range(2)]") == [-DENIED] * 2
    assert program.said()[0].endswith("such calls are refused")


@pytest.mark.every_python
def test_cut_after_the_driver_has_answered_keeps_its_answer_and_calls_once(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    program = start(
        BEGIN.format(kind="hook") + "    call.forward()\n" + LONG["loops"],
        'budget=0.1, on_error="deny"',
        env={"FAKE_CUDA_LOG": log},
    )
    assert program("attribute(2)") == DRIVERS
    assert log.read_text().count("cuDeviceGetAttribute") == 1
    assert program.said()[0].endswith(
        "it took longer than its budget of 0.1 s, in a hook of cuDeviceGetAttribute; such calls are forwarded"
    )


SLOW_DRIVER = """
import threading
go = threading.Event()
def hold(_):
    go.wait()
HELD = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(hold)
def held():
    call("cuLaunchHostFunc", 0, ctypes.cast(HELD, ctypes.c_void_p).value, 0)
    threading.Timer(0.5, go.set).start()
    return call("cuStreamSynchronize", 0)
"""


def test_time_in_forward_is_not_counted(start: Start) -> None:
    """The driver takes five times the budget; so does the hook of a policy below, which has its own."""
    program = start(
        """
asked = []

@policy.command
def count():
    return len(asked)

@policy.hook("cuStreamSynchronize")
def outer(call):
    asked.append(1)
    return call.forward()

@policy.hook("cuStreamSynchronize")
def inner(call):
    asked.append(1)
    return call.forward()
""",
        "budget=0.1",
    )
    program(SLOW_DRIVER)
    assert program("held()") == 0
    assert program.command("count") == 2
    assert program.said() == []


def test_the_hook_that_is_cut_is_the_one_that_takes_the_time(start: Start, tmp_path: Path) -> None:
    """Not the one that has forwarded to it."""
    first = tmp_path / "first.py"
    first.write_text("""
from vgpu_embed import Policy
policy = Policy(budget=60)
asked = []
@policy.hook("cuDeviceGetAttribute")
def outer(call):
    asked.append(1)
    result = call.forward()
    return call.reply(result, pi=call.pi[0] + 1)
@policy.command
def outer_count():
    return len(asked)
""")
    second = tmp_path / "second.py"
    second.write_text(
        "from vgpu_embed import Policy\npolicy = Policy(budget=0.1)\n" + BEGIN.format(kind="hook") + LONG["sleeps"]
    )
    program = start(None, policy=[first, second])
    assert program("[attribute(2) for _ in range(3)]") == [DRIVERS + 1] * 3
    assert (program.command("outer_count"), program.command("count")) == (3, 1)
    assert len(program.said()) == 1


def test_without_a_need_there_is_no_thread_that_looks(start: Start) -> None:
    """A budget needs the service thread, and a policy that does not come from a file has none."""
    program = start(None, mode="virtual", gpu="h100")
    assert program("call('cuInit', 0)") == 0
    assert program("thread_names()") == [program("open('/proc/self/comm').read()")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("budget=0", "budget is a number of seconds above 0, not 0"),
        ("budget=-1.5", "budget is a number of seconds above 0, not -1.5"),
        ('budget=float("nan")', "budget is a number of seconds above 0, not nan"),
        ("failures=0", "failures is a number from 1, not 0"),
        ('on_error="ignore"', 'on_error is "forward" or "deny", not \'ignore\''),
    ],
)
def test_what_a_policy_cannot_be_made_with(start: Start, tmp_path: Path, arguments: str, sentence: str) -> None:
    program = start("", arguments)
    assert program("attribute(2)") == DRIVERS
    [line] = said(program.errors)
    assert line.startswith(f"{tmp_path}/policy.py:2: {sentence}; ")
