"""Hosts by ways in: nothing about a program changes but what the policy asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import TESTS, Completed, clean_environment, run_bare, run_preloaded

from . import table

ANSWER, DRIVER = 42, 8

POLICY = f"""
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    if call.attrib == 75:
        return call.reply(pi={ANSWER})
    return call.forward()
"""

IMPORTING = f"""
import sys, time
from vgpu_embed import Policy
policy = Policy()
calls = []
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    calls.append(call.attrib)
    until = time.monotonic() + 0.3
    while len(calls) == 1 and time.monotonic() < until:
        import colorsys
        del sys.modules["colorsys"]
    if call.attrib == 75:
        return call.reply(pi={ANSWER})
    return call.forward()
"""
"""In the first call's hook, modules written in Python are imported one after another."""


def with_policy(bare: str, passed: bool) -> str:
    """What the program prints under the policy, from what it prints without the library."""
    line = "cuDeviceGetAttribute(75, 0) = 0 "
    if passed:
        line = "by dlsym: " + line
    assert f"{line}{DRIVER}\n" in bare
    return bare.replace(f"{line}{DRIVER}\n", f"{line}{ANSWER}\n")


def notes(record: Path) -> list[str]:
    """What a driver found when it looked itself up."""
    return sorted(line for line in record.read_text().splitlines() if line.startswith("from "))


def found(bare: list[str], host: str) -> list[str]:
    """What it finds with the library. To a driver in another namespace, dlopen(NULL) is the program with all that it
    was started with, so a library that is preloaded as well."""
    if host == "c_dlmopen":
        other = next(note for note in bare if "dlopen(NULL) nothing" in note)
        bare = sorted([*bare, other.replace("nothing", "libvgpu-cuda.so")])
        bare.remove(other)
    return bare


def result(done: Completed) -> tuple[str, str, int]:
    return done.stdout, done.stderr, done.returncode


CELLS = [pytest.param(host, way, id=f"{host}-{way}") for host, way in table.cells()]


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(("host", "way"), CELLS)
def test_a_program_keeps_its_run(tmp_path: Path, host: str, way: str) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(IMPORTING if way == "importing" else POLICY)
    command = table.hosts()[host].command(way)
    env: dict[str, str | Path] = {**table.WAYS[way].environment}
    records = [tmp_path / "bare", tmp_path / "record"] if env else []

    bare = run_bare(command, env={**env, "FAKE_CUDA_LOG": records[0]} if env else {})
    done = run_preloaded(command, policy=policy, env={**env, "FAKE_CUDA_LOG": records[1]} if env else {})
    assert (bare.returncode, bare.stderr) == (0, "")
    assert result(done) == (with_policy(bare.stdout, table.hosts()[host].passed), bare.stderr, bare.returncode)
    if records:
        assert notes(records[1]) == found(notes(records[0]), host)
        assert all(note.endswith(" own") for note in notes(records[1]) if "dlsym(self)" in note)


# ---- races -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["c_linked", "c_dlsym"])
def test_nothing_hangs_in_repeated_starts(tmp_path: Path, host: str) -> None:
    """A hundred processes: the first calls come from eight threads at once, then a fork, and eight more."""
    policy = tmp_path / "policy.py"
    policy.write_text(POLICY)
    command = table.hosts()[host].taking("races")
    done = run_preloaded(command, policy=policy, timeout=150)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("100 of 100 children good\n")
    assert f"cuDeviceGetAttribute(75, 0) = 0 {ANSWER}\n" in done.stdout


# ---- what does differ --------------------------------------------------------------------------------------------


def test_a_closed_driver_stays_loaded(tmp_path: Path) -> None:
    """The library keeps it, to forward to; the page says so."""
    policy = tmp_path / "policy.py"
    policy.write_text(POLICY)
    command = table.hosts()["c_dlsym"].taking("unloaded")
    assert run_bare(command).stdout.splitlines()[-1] == "unloaded"
    assert run_preloaded(command, policy=policy).stdout.splitlines()[-1] == "still loaded"
    assert "stays loaded" in table.HEAD


# ---- without the library -----------------------------------------------------------------------------------------


def diagonal() -> list[str]:
    """A cell of each row, another column each."""
    chosen = []
    for row, host in enumerate(table.hosts()):
        ways = [way for other, way in table.cells() if other == host and not way.startswith("multiprocessing_")]
        chosen.append(f"{host}-{ways[row % len(ways)]}")
    return chosen


def test_without_the_library_each_row_fails() -> None:
    """A cell of each; all of them: VGPU_TEST_WITHOUT_LIBRARY=1 pytest tests/compat."""
    environment = {**clean_environment(), "VGPU_TEST_WITHOUT_LIBRARY": "1"}
    ids = [f"{table.TEST}[{cell}]" for cell in diagonal()]
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--tb", "no", "-rN"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *ids],
        cwd=TESTS.parent,
        env={name: value for name, value in environment.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1].startswith(f"{len(ids)} failed in "), done.stdout
