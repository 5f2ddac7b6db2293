"""`vgpu-embed env`: what it prints means the same to those who read it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vgpu_embed
from vgpu_embed.cli.env import dotenv_line, sh_line, systemd_line

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

PACKAGE = Path(vgpu_embed.__path__[0]).resolve()
LIBRARY = str(PACKAGE / "libvgpu-cuda.so")
ALIAS = str(PACKAGE / "virtual/lib/libcuda.so.1")
SMI = str(PACKAGE / "smi/bin")
FOLDER = str(PACKAGE / "virtual/lib")
VIRTUAL = ("env", "--mode", "virtual", "--gpu", "2xh100", "--gpu", "t4:memory=8GiB")
NASTY = """/a b/%p $HOME `id` "x" 'y' \\n #;.log"""

values = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def test_what_is_printed_is_what_run_sets(cli: Cli) -> None:
    printed = cli(*VIRTUAL).stdout
    script = 'eval "$1"; env | grep -E "^(LD_|VGPU_|PATH=)" | sort'
    shell = subprocess.run(["sh", "-c", script, "sh", printed], capture_output=True, text=True)
    ran = cli("run", *VIRTUAL[1:], "sh", "-c", 'env | grep -E "^(LD_|VGPU_|PATH=)" | sort')
    assert ran.returncode == 0
    assert shell.stdout == ran.stdout


def test_the_lines_of_each_format(cli: Cli) -> None:
    """Only a shell's PATH is known."""
    assert cli(*VIRTUAL).stdout.splitlines() == [
        f"export LD_PRELOAD={LIBRARY}:{ALIAS}",
        "export VGPU_GPU='2xh100;t4:memory=8GiB'",
        "export VGPU_MODE=virtual",
        f"export LD_LIBRARY_PATH={FOLDER}",
        f"export PATH={SMI}:{os.environ['PATH']}",
    ]
    assert cli(*VIRTUAL, "--format", "dotenv").stdout.splitlines() == [
        f"LD_PRELOAD={LIBRARY}:{ALIAS}",
        "VGPU_GPU=2xh100;t4:memory=8GiB",
        "VGPU_MODE=virtual",
        f"LD_LIBRARY_PATH={FOLDER}",
    ]
    assert cli(*VIRTUAL, "--format", "systemd").stdout.splitlines() == [
        "[Service]",
        f'Environment="LD_PRELOAD={LIBRARY}:{ALIAS}"',
        'Environment="VGPU_GPU=2xh100;t4:memory=8GiB"',
        'Environment="VGPU_MODE=virtual"',
        f'Environment="LD_LIBRARY_PATH={FOLDER}"',
    ]


def test_a_shell_keeps_what_it_preloads_and_a_file_does_not_have_it(cli: Cli) -> None:
    kept = {"LD_PRELOAD": "libm.so.6", "LD_LIBRARY_PATH": "/a"}
    printed = cli(*VIRTUAL, **kept).stdout.splitlines()
    assert f"export LD_PRELOAD={LIBRARY}:{ALIAS}:libm.so.6" in printed
    assert f"export LD_LIBRARY_PATH=/a:{FOLDER}" in printed
    printed = cli(*VIRTUAL, "--format", "systemd", **kept).stdout.splitlines()
    assert f'Environment="LD_PRELOAD={LIBRARY}:{ALIAS}"' in printed
    assert f'Environment="LD_LIBRARY_PATH={FOLDER}"' in printed


def test_a_mistake_prints_nothing_to_eval(cli: Cli) -> None:
    result = cli("env", "--mode", "virtual")
    assert result.returncode == 125
    assert result.stdout == ""
    assert result.stderr.startswith("vgpu-embed: --mode virtual needs a GPU")


def test_a_policy_that_prints_does_not_spoil_eval(cli: Cli, tmp_path: Path) -> None:
    policy = tmp_path / "p.py"
    policy.write_text("from vgpu_embed import Policy\nprint('rm -rf')\npolicy = Policy()\n")
    result = cli("env", "--mode", "native", "--policy", str(policy))
    assert f"export VGPU_POLICY={policy}" in result.stdout.splitlines()
    assert "rm -rf" not in result.stdout


@given(values)
def test_a_value_comes_back_from_systemd(value: str) -> None:
    line = systemd_line("NAME", value)
    assert "\n" not in line
    assert line.startswith('Environment="NAME=')
    assert read_systemd(line[len('Environment="NAME=') : -1]) == value


def read_systemd(quoted: str) -> str:
    """As systemd.syntax(7) and systemd.unit(5) read it: C escapes, then specifiers."""
    text, characters = "", iter(quoted)
    for character in characters:
        if character == "\\":
            text += {"\\": "\\", '"': '"', "n": "\n"}[next(characters)]
        else:
            assert character != '"'
            text += character
    assert "%" not in text.replace("%%", "")
    return text.replace("%%", "%")


@pytest.mark.parametrize("value", ["", "a b", NASTY, "line\nline", "é", "'", "%"])
def test_a_value_comes_back_from_a_shell(value: str) -> None:
    script = sh_line("NAME", value) + '\nprintf %s "$NAME"'
    result = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert result.stdout.decode() == value


def test_dotenv_quotes_only_what_needs_it() -> None:
    assert dotenv_line("A", "2xh100;t4:memory=8GiB") == "A=2xh100;t4:memory=8GiB"
    assert dotenv_line("A", "/a b/it's") == "A='/a b/it\\'s'"
    assert dotenv_line("A", "$HOME") == "A='$HOME'"
    assert dotenv_line("A", "a#b") == "A='a#b'"
