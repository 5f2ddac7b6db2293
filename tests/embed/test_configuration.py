"""What decides how the interpreter is set up, and what the program must not notice of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import run_bare, run_preloaded

from .conftest import ANSWER, ANSWERS, Preloaded, hooking, host, lines, own

STANDARD = "import ctypes, json, socket, sqlite3, ssl, subprocess, psutil"

REPORTS_ITSELF = hooking(
    top="import json, os, ssl, sys",
    body=f"""
assert sys.flags.isolated and sys.flags.ignore_environment and sys.flags.no_site
assert "site" not in sys.modules and "" not in sys.path and os.getcwd() not in sys.path
assert not any("trap" in folder for folder in sys.path), sys.path
assert "trap" not in sys.prefix and "trap" not in sys.executable
return call.reply(pi={ANSWER})
""",
)


@pytest.mark.every_python
def test_nothing_is_guessed_from_environment_or_folder(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for module in ("json", "os", "site", "sitecustomize", "encodings", "cffi", "vgpu_embed"):
        (trap / f"{module}.py").write_text("raise SystemExit('the trap was imported')\n")
    (trap / "pyvenv.cfg").write_text(f"home = {trap}\n")
    (trap / "python3").write_text("#!/bin/sh\nexit 1\n")
    (trap / "python3").chmod(0o755)
    policy = tmp_path / "policy.py"
    policy.write_text(REPORTS_ITSELF)
    names = ("PYTHONHOME", "PYTHONPATH", "PATH", "PYTHONUSERBASE", "VIRTUAL_ENV")
    garbage: dict[str, str | Path] = dict.fromkeys(names, trap)
    garbage |= {"PYTHONINSPECT": "1", "PYTHONSTARTUP": trap / "os.py", "PYTHONMALLOC": "nonsense"}
    program = ["/bin/sh", "-c", f"unset HOME; cd {trap}; exec {own('first')}"]
    done = run_preloaded(program, policy=policy, env=garbage)
    assert lines(done) == [f"main: {ANSWER}"]


@pytest.mark.every_python
def test_no_signal_s_handling_changes(preloaded: Preloaded) -> None:
    """But 33: the C library's own, in every program that has had a thread."""
    done = preloaded(host("sigactions"), policy=STANDARD + ANSWERS)
    changed = [line for line in lines(done) if line.startswith("signal ")]
    assert [line for line in changed if not line.startswith("signal 33: default before")] == []
    assert lines(done)[-2:] == [f"changed: {len(changed)}", "own handler ran: yes"]
    assert f"= 0 {ANSWER}" in done.stdout


@pytest.mark.every_python
@pytest.mark.parametrize("log", [None, "debug"])
def test_no_state_of_the_process_changes(preloaded: Preloaded, tmp_path: Path, log: str | None) -> None:
    file = tmp_path / "log"
    done = preloaded(host("state"), policy=STANDARD + ANSWERS, log=log, env={"VGPU_LOG_FILE": file})
    bare = run_bare([host("state")])
    without_answers = [line for line in lines(done) if "GetAttribute" not in line]
    assert without_answers == [line for line in lines(bare) if "GetAttribute" not in line]
    assert "CHANGED" not in done.stdout
    assert f"= 0 {ANSWER}" in done.stdout
    assert file.exists() == (log is not None)


@pytest.mark.every_python
def test_what_a_policy_prints_is_not_among_the_program_s_output(preloaded: Preloaded) -> None:
    policy = hooking("print('hook')\nreturn call.reply(pi=1)", "print('top')\nimport sys")
    done = preloaded(own("first"), policy=policy)
    assert (done.stdout, done.stderr) == ("main: 1\n", "top\nhook\n")
