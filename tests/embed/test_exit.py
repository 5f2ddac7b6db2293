"""The end of a program is its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import run_bare

from .conftest import ANSWER, ANSWERS, Preloaded, attributes, hooking, host, lines, own


def last_words(file: Path) -> str:
    """A policy that writes to a file at exit."""
    return f"import atexit, threading\natexit.register(lambda: open({str(file)!r}, 'a').write('last words'))\n{ANSWERS}"


@pytest.mark.every_python
def test_a_policy_s_atexit_functions_run(preloaded: Preloaded, tmp_path: Path) -> None:
    file = tmp_path / "written"
    assert lines(preloaded(own("first"), policy=last_words(file))) == [f"main: {ANSWER}"]
    assert file.read_text() == "last words"


@pytest.mark.every_python
def test_they_run_in_whichever_thread_exits(preloaded: Preloaded, tmp_path: Path) -> None:
    file = tmp_path / "written"
    done = preloaded(host("ends"), "thread", policy=last_words(file))
    assert (done.returncode, attributes(done)) == (9, {ANSWER})
    assert file.read_text() == "last words"


ENDS = ["exit", "_exit", "quick_exit", "abort", "signal", "fault", "thread", "exec"]


@pytest.mark.parametrize("how", ENDS)
def test_exit_codes_and_signals_are_the_program_s_own(preloaded: Preloaded, how: str) -> None:
    done = preloaded(host("ends"), how)
    assert done.returncode == run_bare([host("ends"), how]).returncode
    assert attributes(done) == {ANSWER}
    assert done.stderr == ""


@pytest.mark.every_python
@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "while True: pass",
        "call.forward()\ntime.sleep(600)",
        pytest.param("re.match('(a+)+$', 'a' * 80 + 'b')", id="never lets go of the lock"),
    ],
)
def test_a_program_ends_with_its_threads_in_python(preloaded: Preloaded, tmp_path: Path, body: str) -> None:
    file = tmp_path / "written"
    policy = hooking(body, f"import re, time\n{last_words(file)}")
    policy += '@policy.hook("cuInit")\ndef init(call):\n    return 77\n'
    done = preloaded(own("leaving"), policy=policy, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("cuInit: 77\n", "", 5)
