"""Lock order: the loader's lock, then the interpreter's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import Completed, run_preloaded

from .conftest import ANSWER, ANSWERS, DRIVER, Preloaded, hooking, lines, own, said

REPEATS = 50
REMEDY = "is an extension module and cannot be loaded from a hook: import it at the top of the policy"


@pytest.mark.every_python
@pytest.mark.parametrize(
    ("top", "opening", "sentence"),
    [
        ("", "import sqlite3", REMEDY),
        ("", "import numpy", REMEDY),
        (
            "import ctypes",
            "ctypes.CDLL('libm.so.6')",
            "libm.so.6 cannot be opened from a hook: open it at the top of the policy",
        ),
    ],
)
def test_a_library_opened_by_a_hook_is_refused_with_the_remedy(
    preloaded: Preloaded, top: str, opening: str, sentence: str
) -> None:
    done = preloaded(own("first"), policy=hooking(f"{opening}\nreturn 1", top))
    assert (done.stdout, done.returncode) == (f"main: {DRIVER}\n", 0)
    (line,) = said(done)
    assert line.endswith(f"{sentence}, in a hook of cuDeviceGetAttribute; such calls are forwarded")


@pytest.mark.every_python
def test_a_module_in_python_can_be_imported_by_a_hook(preloaded: Preloaded) -> None:
    policy = hooking(f"import colorsys\nreturn call.reply(pi={ANSWER})")
    assert lines(preloaded(own("first"), policy=policy)) == [f"main: {ANSWER}"]


def repeated(policy: Path) -> list[Completed]:
    """Another thread opens a library whose constructor calls, during the first call's start."""
    program = [own("opening"), own("libcalling.so")]
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda _: run_preloaded(program, policy=policy), range(REPEATS), timeout=100))


@pytest.mark.parametrize(
    "slowly",
    [
        pytest.param("", id="quick"),
        pytest.param("import time\ntime.sleep(0.3)\nimport sqlite3, numpy", id="late"),
    ],
)
def test_a_library_s_constructor_may_call_while_a_start_imports(tmp_path: Path, slowly: str) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(slowly + ANSWERS)
    expected = [f"constructor: {ANSWER}", f"main: {ANSWER}"]
    assert [lines(done) for done in repeated(policy)] == [expected] * REPEATS


def test_a_library_s_constructor_may_call_while_hooks_import(preloaded: Preloaded) -> None:
    """Modules in Python, one after another, for longer than the other thread needs."""
    policy = hooking(
        top="import sys, time\nbusy = []",
        body=f"""
until = time.monotonic() + 0.3
busy.append(until)
while len(busy) == 1 and time.monotonic() < until:
    import colorsys
    del sys.modules["colorsys"]
return call.reply(pi={ANSWER})
""",
    )
    done = preloaded(own("opening"), own("libcalling.so"), policy=policy)
    assert lines(done) == [f"constructor: {ANSWER}", f"main: {ANSWER}"]
