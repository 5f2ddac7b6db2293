"""What a program loses by being preloaded: nothing. Beside what tests/embed asks of the interpreter's start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from embed.conftest import ANSWER, ANSWERS, DRIVER, Preloaded, attributes, hooking, host, lines
from support import clean_environment, preloading, run_bare, run_preloaded

from .conftest import own

MINOR = 6
"""What the fake driver says beside DRIVER."""

HOOKS_EVERYTHING = """
import logging, math, sqlite3, ssl, numpy
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cu*")
def every(call):
    math.sqrt(2) / 3, numpy.ones(3) / 3, "%.20f" % 0.1
    VERDICT
"""
KINDS = {
    "forwards": HOOKS_EVERYTHING.replace("VERDICT", "return call.forward()"),
    "passes on": HOOKS_EVERYTHING.replace("VERDICT", "return None"),
    "raises": HOOKS_EVERYTHING.replace("VERDICT", "raise ValueError"),
    "answers": ANSWERS,
    "does not load": "1 / 0",
    "is not there": "",
}
"""What a policy may do, all of which leaves the process as it was."""


def kept(output: str) -> list[str]:
    """The lines of the host `state` about the process, not about the device."""
    return [line for line in output.splitlines() if not line.startswith("cu")]


@pytest.mark.parametrize("kind", KINDS)
def test_no_state_of_the_process_changes_whatever_a_policy_does(preloaded: Preloaded, kind: str) -> None:
    """errno, rounding, floating-point flags, locale, folder, umask, limits, signal mask, threads, open files."""
    bare = run_bare([host("state")])
    env = {"VGPU_POLICY": "/nonexistent.py"} if kind == "is not there" else {}
    done = preloaded(host("state"), policy=KINDS[kind], env=env, log="off")
    assert (done.returncode, done.stderr) == (0, "")
    assert kept(done.stdout) == kept(bare.stdout)
    assert "CHANGED" not in done.stdout


@pytest.mark.parametrize("kind", ["forwards", "raises", "does not load"])
def test_no_signal_s_handling_changes_whatever_a_policy_does(preloaded: Preloaded, kind: str) -> None:
    """But 33: the C library's own, in every program that has had a thread."""
    done = preloaded(host("sigactions"), policy=KINDS[kind], log="off")
    changed = [line for line in lines(done) if line.startswith("signal ")]
    assert [line for line in changed if not line.startswith("signal 33: default before")] == []
    assert lines(done)[-1] == "own handler ran: yes"


@pytest.mark.parametrize("program", ["state", "environment", "sigactions"])
def test_nothing_is_lost_in_virtual_mode(program: str) -> None:
    done = run_preloaded([host(program)], mode="virtual", gpu="h100")
    bare = run_bare([host(program)])
    kept_here = [line for line in kept(done.stdout) if not line.startswith(("signal 33", "changed: "))]
    kept_bare = [line for line in kept(bare.stdout) if not line.startswith(("signal 33", "changed: "))]
    assert done.returncode == 0
    assert kept_here == kept_bare
    assert "cuDeviceGetAttribute(75, 0) = 0 9" in done.stdout


# ---- floating point ----


@pytest.mark.parametrize("mode", ["plain", "traps"])
@pytest.mark.parametrize("kind", ["forwards", "passes on", "raises"])
def test_a_program_s_floating_point_environment_is_its_own(preloaded: Preloaded, kind: str, mode: str) -> None:
    """It rounds up, has a flag raised, or is stopped by any exception, as gfortran -ffpe-trap makes a program."""
    program = own("floating")
    done = preloaded(program, mode, policy=KINDS[kind], log="off")
    bare = run_bare([program, mode])
    assert (done.stdout, done.returncode) == (bare.stdout, 0)


def test_a_hook_computes_as_usual_in_a_program_that_rounds_up(preloaded: Preloaded) -> None:
    policy = hooking(f"exact = (0.1 + 0.2, 1 / 3) == expected\nreturn call.reply(pi={ANSWER} if exact else 1)")
    policy = "one, two, three = 0.1, 0.2, 3\nexpected = (0.30000000000000004, 0.3333333333333333)\n" + policy.replace(
        "0.1 + 0.2, 1 / 3", "one + two, 1 / three"
    )
    done = preloaded(own("floating"), "plain", policy=policy)
    assert attributes(done) == {ANSWER}


# ---- memory and threads ----


@pytest.mark.parametrize("kind", ["answers", "forwards"])
def test_forty_thousand_ended_threads_leave_the_memory_level(preloaded: Preloaded, kind: str) -> None:
    done = preloaded(host("many_threads"), "40000", policy=KINDS[kind], timeout=150)
    *_, answered, grown = lines(done)
    assert answered == "all of 40000 threads got an answer"
    assert attributes(done) == ({ANSWER} if kind == "answers" else {DRIVER, MINOR})
    assert int(grown.removeprefix("bytes a thread: ")) <= 2048


# ---- output ----


@pytest.mark.parametrize("mode", ["native", "virtual"])
def test_the_debug_log_is_not_on_stdout(tmp_path: Path, mode: str) -> None:
    """A program whose output is parsed, its children and threads included."""
    policy = tmp_path / "policy.py"
    policy.write_text(KINDS["forwards"] + "print('from the policy')\n")
    command: list[str | Path] = [host("children"), "fork", "2"]
    gpu = "h100" if mode == "virtual" else None
    silent = run_preloaded(command, mode=mode, policy=policy, gpu=gpu)
    done = run_preloaded(command, mode=mode, policy=policy, gpu=gpu, log="debug")
    assert "CALLED" in done.stderr
    assert "from the policy" in done.stderr
    assert done.stdout == silent.stdout
    assert "policy" not in done.stdout
    assert "libvgpu" not in done.stdout


def test_a_program_without_stdout_and_stderr_runs(preloaded: Preloaded, tmp_path: Path) -> None:
    """What it opens gets the numbers 1 and 2; nothing of ours is in it."""
    text = f"exec >&- 2>&-; {host('lookup')} 1>{tmp_path}/out"
    done = preloaded("/bin/sh", "-c", text, log="error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert f"= 0 {ANSWER}" in (tmp_path / "out").read_text()


def into_closed_pipe(policy: Path) -> tuple[int, str]:
    """Runs `lookup` at VGPU_LOG=debug with its stderr a pipe that nobody reads; SIGPIPE as a shell leaves it."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [host("lookup")],
        env={**clean_environment(), **preloading(policy=policy, log="debug")},
        stdout=subprocess.PIPE,
        stderr=write,
        text=True,
        timeout=60,
    )
    os.close(write)
    return done.returncode, done.stdout


def test_a_log_that_nobody_reads_does_not_end_the_program(tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(ANSWERS)
    code, output = into_closed_pipe(policy)
    assert code == 0, f"ended by signal {-code}"
    assert f"= 0 {ANSWER}" in output


def test_a_log_that_grows_over_the_program_s_limit_does_not_end_it(preloaded: Preloaded, tmp_path: Path) -> None:
    """SIGXFSZ, by `ulimit -f`."""
    text = f"ulimit -f 1; {host('many_threads')} 64"
    done = preloaded("/bin/sh", "-c", text, log="debug", env={"VGPU_LOG_FILE": tmp_path / "log"})
    assert done.returncode == 0, done.stderr
    assert "all of 64 threads got an answer" in done.stdout
    assert (tmp_path / "log").stat().st_size <= 1024


# ---- ends ----

WAITS = hooking("time.sleep(60)", "import time")
COMPUTES = hooking("while True: pass")


@pytest.mark.parametrize("mode", ["native", "virtual"])
@pytest.mark.parametrize("how", ["exit", "_exit", "abort", "signal", "fault", "thread"])
def test_exit_codes_and_signals_with_every_call_hooked(tmp_path: Path, how: str, mode: str) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(KINDS["passes on"])
    gpu = "h100" if mode == "virtual" else None
    done = run_preloaded([host("ends"), how], mode=mode, policy=policy, gpu=gpu)
    assert done.returncode == run_bare([host("ends"), how]).returncode


def default_signals() -> None:
    """Not the signals that whoever runs the tests ignores: a shell in the background ignores SIGINT and SIGQUIT."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def started(policy: str, folder: Path, *arguments: str, **env: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The program `calling` under a policy, killed afterwards."""
    (folder / "policy.py").write_text(policy)
    variables = {name: str(value) for name, value in env.items()}
    process = subprocess.Popen(
        [own("calling"), *arguments],
        env={**clean_environment(), **preloading(policy=folder / "policy.py", log="debug"), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("policy", [WAITS, COMPUTES], ids=["waits", "computes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGQUIT])
def test_a_signal_ends_the_program_while_a_hook_runs(policy: str, number: signal.Signals, tmp_path: Path) -> None:
    """As without us, at once; Ctrl-C is no KeyboardInterrupt."""
    marked = policy.replace("def attribute(call):", "def attribute(call):\n    call.log.debug('in the hook')")
    alarm = number == signal.SIGALRM
    with started(marked, tmp_path, *(["2"] if alarm else [])) as process:
        assert process.stderr is not None
        assert any("in the hook" in line for line in process.stderr)
        if not alarm:
            process.send_signal(number)
        assert process.wait(20) == -number
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("after", [0.0, 0.01, 0.1])
def test_a_killed_program_s_log_is_whole_to_the_last_call(tmp_path: Path, after: float) -> None:
    """What the program has seen an answer to is in the log, and no line is cut."""
    log = tmp_path / "log"
    with started(ANSWERS, tmp_path, VGPU_LOG_FILE=log) as process:
        assert process.stdout is not None
        before = [process.stdout.readline() for _ in range(20)]
        time.sleep(after)
        process.kill()
        seen = int([*before, *process.stdout.read().splitlines()][-1])
        assert process.wait(20) == -signal.SIGKILL
    text = log.read_text()
    assert text.endswith("\n")
    calls = [line for line in text.splitlines() if "cuDeviceGetAttribute() CALLED" in line]
    numbers = [int(found[1]) for line in calls if (found := re.search(r"\(attrib=(\d+), dev=0\)", line))]
    assert numbers[:seen] == [*range(1, seen + 1)]
    assert len(numbers) - seen in (0, 1), "at most the call that it was in"
    assert all(re.fullmatch(r"\[libvgpu-cuda\] .* \(pid=\d+\)", line) for line in text.splitlines())
