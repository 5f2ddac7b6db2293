"""`vgpu-embed set` and `vgpu-embed command`, of real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live import Running, running

from vgpu_embed.inspect import maps

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.every_python

POLICY = """
import time
from vgpu_embed import CUresult, GiB, Policy

policy = Policy()
limit = policy.option("limit", 1 * GiB, help="the largest allocation")

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    if call.bytesize > limit.value:
        return CUresult.ERROR_OUT_OF_MEMORY

@policy.command
def greet(name="world"):
    return {"greeting": f"grüß dich, {name}", "limit": limit.value}

@policy.command
def sleep():
    time.sleep(30)

@policy.command
def wrong():
    return 1 / 0
"""
OUT_OF_MEMORY = 2


@pytest.fixture
def program(policy: Path) -> Iterator[Running]:
    with running(policy=policy) as one:
        assert one.allocate(2 << 20) == 0
        yield one


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that failed with 1."""
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    return line.removeprefix("vgpu-embed: ")


def test_an_option_changes_while_the_program_runs(cli: Cli, program: Running) -> None:
    result = cli("set", str(program.pid), "limit=1MiB")
    assert (result.returncode, result.stdout, result.stderr) == (0, "limit=1048576\n", "")
    assert program.allocate(2 << 20) == OUT_OF_MEMORY
    [state] = json.loads(cli("status", str(program.pid), "--json").stdout)["processes"]
    assert state["options"] == {"limit": 1 << 20}


def test_an_option_that_is_not_there_or_a_value_that_is_not_one(cli: Cli, program: Running) -> None:
    assert "no policy has an option 'limt'; there is limit" in refusal(cli("set", str(program.pid), "limt=1"))
    assert "'much' is not a number" in refusal(cli("set", str(program.pid), "limit=much"))
    assert program.allocate(2 << 20) == 0


def test_a_command_gets_its_arguments_and_prints_json(cli: Cli, program: Running) -> None:
    result = cli("command", str(program.pid), "greet", "name=Ü=x")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"greeting": "grüß dich, Ü=x", "limit": 1 << 30}
    assert "grüß dich, world" in cli("command", str(program.pid), "greet").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gret"], ["no policy has a command 'gret'", "greet"]),
        (["greet", "nam=x"], ["command greet", "'nam'"]),
        (["wrong"], ["limit.py:", "ZeroDivisionError"]),
    ],
    ids=["unknown", "argument", "raises"],
)
def test_a_command_that_fails_says_why(arguments: list[str], words: list[str], cli: Cli, program: Running) -> None:
    sentence = refusal(cli("command", str(program.pid), *arguments))
    for word in words:
        assert word in sentence


def test_a_process_that_does_not_answer(cli: Cli, program: Running) -> None:
    start = time.monotonic()
    sentence = refusal(cli("command", str(program.pid), "sleep", "--timeout", "0.5"))
    assert f"process {program.pid} did not answer within 0.5 s" in sentence
    os.kill(program.pid, signal.SIGSTOP)
    assert "it hangs" in refusal(cli("command", str(program.pid), "greet", "--timeout", "0.5"))
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["set", "4711", "limit"], "limit: write option=value, as in: vgpu-embed set 4711 limit=8GiB"),
        (["set", "4711", "=1"], "=1: write option=value, as in: vgpu-embed set 4711 limit=8GiB"),
        (["command", "4711", "greet", "x"], "x: write key=value, as in: vgpu-embed command 4711 greet key=value"),
    ],
)
def test_wrong_usage(arguments: list[str], sentence: str, cli: Cli) -> None:
    result = cli(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"vgpu-embed: {sentence}\n")


def test_processes_that_cannot_be_asked(cli: Cli, policy: Path) -> None:
    assert refusal(cli("set", "4194305", "limit=1")) == "there is no process 4194305"
    assert refusal(cli("set", str(os.getpid()), "limit=1")).endswith("has no libvgpu-cuda.so in it")
    with running(policy=policy) as idle:
        sentence = f"process {idle.pid} has not used CUDA under a policy yet, so there is nobody to ask"
        assert refusal(cli("set", str(idle.pid), "limit=1")) == sentence
    with running(mode="virtual", gpu="t4") as without:
        without.allocate(1)
        sentence = f"process {without.pid} runs no policy of a file, so there is nobody to ask"
        assert refusal(cli("set", str(without.pid), "limit=1")) == sentence


OTHER_USER = """
import contextlib, io, os, sys
from vgpu_embed.cli import main
with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
    main(["set", "1", "limit=1"])  # imports what a refusal takes: that user may not be allowed to read it
os.setgid(4242), os.setuid(4242)
main(["set", sys.argv[1], "limit=1"])
"""


def test_another_user_may_not(program: Running, clean_environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", OTHER_USER, str(program.pid)]
    result = subprocess.run(command, capture_output=True, text=True, env=clean_environment)
    assert refusal(result) == f"process {program.pid} cannot be read: you may not look into it"


def test_into_a_container(cli: Cli, policy: Path) -> None:
    """Its files lie in its own /dev/shm, under the process id that it has inside."""
    inside = 'mount -t tmpfs none /dev/shm && mount -t proc none /proc && exec "$@"'
    wrapper = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh"]
    with running(policy=policy, wrapper=wrapper) as container:
        assert container.allocate(2 << 20) == 0
        [pid] = map(int, Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split())
        found = maps.preloaded(pid)
        assert found is not None
        assert found.recording.startswith(f"/proc/{pid}/root/dev/shm/")
        assert cli("set", str(pid), "limit=1MiB").stdout == "limit=1048576\n"
        assert container.allocate(2 << 20) == OUT_OF_MEMORY
