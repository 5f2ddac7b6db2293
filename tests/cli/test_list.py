"""`vgpu-embed list`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from live import on_terminal

from vgpu_embed.cli import main

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def rows(text: str) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in text.splitlines()}


def test_gpus_piped_are_tab_separated(cli: Cli) -> None:
    listed = rows(cli("list", "gpus").stdout)
    assert set(listed) >= {"h100", "h200", "a100", "l40s", "rtx-4090", "t4"}
    assert listed["h100"][0] == "NVIDIA H100 80GB HBM3"
    assert listed["h100"][2:] == ["9.0", "79.2 GiB"]


def test_a_word_is_enough_as_a_pattern() -> None:
    assert list(rows(CliRunner().invoke(main, ["list", "gpus", "RTX"]).stdout)) == ["rtx-4090"]


def test_a_profile_is_printed_to_be_changed(cli: Cli, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(cli("list", "gpus", "h100", "--toml").stdout)
    assert "NVIDIA H100 80GB HBM3" in profile.read_text()
    run = ("run", "--mode", "virtual", "--gpu", "2xmine.toml:memory=1GiB", "printenv", "VGPU_GPU")
    result = cli(*run, cwd=tmp_path)
    assert result.stdout == f"2x{profile}:memory=1GiB\n", result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gpus", "h1000"], ["h1000", "h100"]),
        (["gpus", "h1000", "--toml"], ["h1000", "h100"]),
        (["gpus", "--toml"], ["--toml needs the name of a GPU"]),
        (["functions", "cuMemAlocc"], ["cuMemAlocc", "cuMemAlloc"]),
        (["gpu"], ["gpus"]),
    ],
)
def test_what_is_unknown_is_named(arguments: list[str], words: list[str], cli: Cli) -> None:
    result = cli("list", *arguments)
    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert result.stderr.startswith("vgpu-embed: ")
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_functions_have_library_version_and_prototype() -> None:
    listed = rows(CliRunner().invoke(main, ["list", "functions", "cuMemAlloc_v2"]).stdout)
    assert listed == {"cuMemAlloc_v2": ["driver", "3.2", "CUresult (CUdeviceptr *dptr, size_t bytesize)"]}


def test_functions_match_by_pattern() -> None:
    listed = rows(CliRunner().invoke(main, ["list", "functions", "cuMemcpyHtoD*"]).stdout)
    assert "cuMemcpyHtoDAsync_v2" in listed
    assert all(name.startswith("cuMemcpyHtoD") for name in listed)


def test_a_closed_pipe_is_no_error(clean_environment: dict[str, str]) -> None:
    command = f"{sys.executable} -m vgpu_embed.cli list functions | head -1"
    result = subprocess.run(["sh", "-c", command], env=clean_environment, capture_output=True, text=True)
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


def test_policies_are_listed_with_their_options(cli: Cli) -> None:
    listed = [line.split("\t") for line in cli("list", "policies").stdout.splitlines()]
    assert [name for name, option, _ in listed if not option] == ["count", "devices", "faults", "quota", "trace"]
    assert ["faults", "seed=0", "of the rules with p=: the same seed hits the same calls"] in listed
    assert all(purpose for *_, purpose in listed)
    assert (
        cli("list", "policies", "quote").stderr
        == "vgpu-embed: there is no built-in policy quote; did you mean quota?\n"
    )


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_a_table_in_colour_unless_told_not_to(
    variables: dict[str, str], coloured: bool, clean_environment: dict[str, str]
) -> None:
    drawn = on_terminal(["list", "functions", "cuInit"], {**clean_environment, "TERM": "xterm", **variables})
    assert "PROTOTYPE" in drawn
    assert "CUresult (unsigned int Flags)" in drawn
    assert ("\x1b[36m" in drawn) == coloured
