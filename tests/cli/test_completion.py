"""`vgpu-embed completion`: bash itself completes; zsh and fish get what they ask for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from live import Running, running

from vgpu_embed.cli import main

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

POLICY = """
from vgpu_embed import Policy
policy = Policy()
limit = policy.option("limit", 7)

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    return None
"""
COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vgpu_embed_completion vgpu-embed 2> >(grep -v compopt >&2)
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """What bash offers for the last of these words."""
    script = tmp_path_factory.mktemp("bash") / "completion"
    script.write_text(CliRunner().invoke(main, ["completion", "bash"]).output)
    program = script.with_name("vgpu-embed")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vgpu_embed.cli "$@"\n')
    program.chmod(0o755)

    def complete(*words: str) -> list[str]:
        command = ["bash", "-c", COMPLETE, "bash", str(script), "vgpu-embed", *words]
        environment = {"PATH": f"{script.parent}:/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return complete


Bash = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["tr"], ["trace"]),
        (["trace", "s"], ["summary"]),
        (["run", "--po"], ["--policy"]),
        (["run", "--gpu", "rtx"], ["rtx-4090"]),
        (["run", "--gpu", "2xh1"], ["2xh100"]),
        (["run", "--mode", ""], ["native", "virtual"]),
        (["run", "--policy", "qu"], ["quota"]),
        (["run", "--policy", "faults", "--set", "see"], ["seed="]),
        (["list", "functions", "cuDeviceGetNv"], ["cuDeviceGetNvSciSyncAttributes"]),
        (["list", "policies", "fa"], ["faults"]),
        (["check", "qu"], ["quota"]),
        (["set", "x", ""], []),
    ],
)
def test_bash(bash: Bash, words: list[str], offered: list[str]) -> None:
    assert bash(*words) == offered


@pytest.fixture
def program(policy: Path) -> Iterator[Running]:
    with running(policy=policy) as one:
        one.allocate(1)
        yield one


def test_processes_and_their_options(bash: Bash, program: Running) -> None:
    assert str(program.pid) in bash("set", "")
    assert str(program.pid) in bash("scan", str(program.pid)[:2])
    assert bash("set", str(program.pid), "l") == ["limit="]
    assert [name for name in bash("status", "py") if name.startswith("python")]


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("zsh", {"COMP_WORDS": "vgpu-embed run --gpu h1", "COMP_CWORD": "3"}),
        ("fish", {"COMP_WORDS": "vgpu-embed run --gpu h1", "COMP_CWORD": "h1"}),
    ],
)
def test_other_shells_get_descriptions_too(cli: Cli, shell: str, variables: dict[str, str]) -> None:
    assert "_VGPU_EMBED_COMPLETE" in cli("completion", shell).stdout
    program = "from vgpu_embed.cli import main; main(prog_name='vgpu-embed')"
    environment = {"PYTHONPATH": ":".join(sys.path), "_VGPU_EMBED_COMPLETE": f"{shell}_complete", **variables}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "h100" in done.stdout
    assert "NVIDIA H100 80GB HBM3" in done.stdout
