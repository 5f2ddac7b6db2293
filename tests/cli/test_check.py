"""`vgpu-embed check`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

HEAD = "from vgpu_embed import GiB, Policy\npolicy = Policy()\n"


def test_what_a_policy_does_is_told(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text(
        HEAD + "quota = policy.option('quota', 20 * GiB, help='memory of a process')\n"
        "policy.device('h100', memory=quota)\n"
        "@policy.hook('cuMemAlloc_v2', caller='libcudart*', program=('ollama', 'train'))\n"
        "def big(call): return None\n"
        "@policy.hook('cuMemcpyHtoD*')\n"
        "def copy(call): return None\n"
    )
    result = cli("check", "p.py", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    device, alloc, copy, option = (line.split("\t") for line in result.stdout.splitlines())
    assert device == ["device", "h100", "memory=option quota", str(policy)]
    condition = "caller libcudart*; program ollama or train"
    assert alloc == ["hook", "cuMemAlloc_v2", condition, f"{policy}:5"]
    assert copy[1].startswith("cuMemcpyHtoD")
    assert copy[1].endswith(" more")
    assert option == ["option", "quota=21474836480", "memory of a process", str(policy)]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("def f(:\n", 3, "syntax"),
        ("policy.hok('cuInit')\n", 3, "hok"),
        ("\n1 / 0\n", 4, "ZeroDivisionError"),
        ("import no_such_module\n", 3, "no_such_module"),
        ("raise SystemExit(0)\n", 3, "SystemExit"),
        ("@policy.hook('cuMemAllok')\ndef f(call): pass\n", 3, "cuMemAllok"),
        ("@policy.hook('cuInit')\ndef f(call):\n    call.flags\n", 5, "Flags"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, word: str, cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text(HEAD + text)
    result = cli("check", str(policy))
    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.startswith(f"vgpu-embed: {policy}:{line}: ")
    assert len(result.stderr.splitlines()) == 1
    assert word in result.stderr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "policy = Policy()"),
        (HEAD + "policy.device('h1000')\n", "h1000"),
        (HEAD + "policy.device('h100', memory=0)\n", "memory"),
    ],
)
def test_a_policy_that_could_not_work_is_refused(text: str, word: str, cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text(text)
    result = cli("check", str(policy))
    assert result.returncode != 0
    assert result.stderr.startswith(f"vgpu-embed: {policy}")
    assert len(result.stderr.splitlines()) == 1
    assert word in result.stderr


@pytest.mark.parametrize("name", ["missing.py", "no-such-name", "/tmp"])
def test_a_policy_that_is_not_there(name: str, cli: Cli) -> None:
    result = cli("check", name)
    assert result.returncode != 0
    assert result.stderr.startswith("vgpu-embed: ")
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr


def test_a_policy_that_does_nothing_is_said_to(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(HEAD)
    result = cli("check", "p.py", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "")
    assert "does nothing" in result.stderr
