"""The interpreter's own link-map namespace: extension modules inside, any program around."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import pythons
from support import TESTS

from .conftest import ANSWER, Preloaded, attributes, hooking, host, lines, own

USES_MODULES = hooking(
    top="import json, sqlite3, ssl\nimport numpy, psutil\nones = numpy.ones((16, 16))",
    body="""
value = int((ones @ ones).sum())
value += sqlite3.connect(":memory:").execute("select 142").fetchone()[0]
value += json.loads("[3]")[0] + (ssl.OPENSSL_VERSION_NUMBER > 0)
value += psutil.Process().pid - call.process.pid
return call.reply(pi=value)
""",
)
"""ANSWER, if each module does its part."""


def interpreters() -> dict[str, str]:
    """A Python of every version of this machine that runs tests/hosts/python_host.py."""
    found: dict[str, str] = {}
    for version in (f"3.{minor}" for minor in range(7, pythons.NEWEST + 1)):
        for place in pythons.candidates(version):
            try:
                subprocess.run([place, "-c", "import ctypes"], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                continue
            found[version] = place
            break
    return found


HOSTS = interpreters()
PYTHON_HOST = TESTS / "hosts/python_host.py"


@pytest.mark.every_python
@pytest.mark.parametrize("mode", ["main", "threads"])
def test_a_policy_uses_extension_modules_in_a_c_program(preloaded: Preloaded, mode: str) -> None:
    assert {line.split()[1] for line in lines(preloaded(own("first"), mode, policy=USES_MODULES))} == {str(ANSWER)}


def test_a_policy_uses_extension_modules_in_a_go_program(preloaded: Preloaded) -> None:
    done = preloaded(host("goroutines"), policy=USES_MODULES)
    assert lines(done)[-2:] == ["1280 of 1280 calls agree", "3 of 3 children agree"]
    assert attributes(done) == {ANSWER}


@pytest.mark.every_python
@pytest.mark.parametrize("version", HOSTS)
def test_a_python_program_of_any_version_keeps_its_own_interpreter(preloaded: Preloaded, version: str) -> None:
    """With threads that switch often: neither waits for the other's interpreter lock."""
    done = preloaded(HOSTS[version], PYTHON_HOST, "threads", policy=USES_MODULES)
    assert lines(done)[-1] == "400 of 400 calls agree"
    assert attributes(done) == {ANSWER}


@pytest.mark.every_python
@pytest.mark.parametrize("version", HOSTS)
def test_a_python_program_and_a_policy_load_the_same_modules(preloaded: Preloaded, version: str) -> None:
    done = preloaded(HOSTS[version], PYTHON_HOST, "libraries", policy=USES_MODULES)
    assert lines(done)[-1] == "the same afterwards: True"
    assert attributes(done) == {ANSWER}


@pytest.mark.every_python
def test_the_program_s_own_cffi_psutil_and_numpy_work(preloaded: Preloaded) -> None:
    done = preloaded(sys.executable, PYTHON_HOST, "libraries", policy=USES_MODULES)
    assert lines(done)[:2] == ["cffi: 5", "numpy: 32835000"]
    assert "not installed" not in done.stdout
    assert attributes(done) == {ANSWER}


HOLDING_ITS_LOCK = """
import ctypes, sys, threading
driver = ctypes.PyDLL("libcuda.so.1")  # calls without letting go of this program's interpreter lock
def ask(_=None):
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), 75, 0)
    return value.value
found = set()
threads = [threading.Thread(target=lambda: found.update(map(ask, range(200)))) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found), hasattr(sys, "policy_was_here"))
"""


@pytest.mark.every_python
def test_the_two_interpreters_share_neither_modules_nor_lock(preloaded: Preloaded, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(HOLDING_ITS_LOCK)
    policy = hooking(
        top="import sys, time\nsys.policy_was_here = True",
        body=f"time.sleep(0.0001)\nreturn call.reply(pi={ANSWER})",
    )
    assert lines(preloaded(sys.executable, program, policy=policy)) == [f"[{ANSWER}] False"]
