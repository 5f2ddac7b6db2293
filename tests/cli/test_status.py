"""`vgpu-embed status`, against processes that have a file of the library's name mapped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from vgpu_embed.cli import main
from vgpu_embed.inspect import maps

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

MAPS_FILES = """
import mmap, sys
files = [open(path, "rb") for path in sys.argv[1:]]
held = [mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) for file in files]
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(*files: Path, **variables: str) -> Iterator[int]:
    """A process that has these files mapped until the end of the block."""
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 4096)
    with subprocess.Popen(
        [sys.executable, "-c", MAPS_FILES, *map(str, files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
        child.terminate()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "vgpu_embed/libvgpu-cuda.so"


def test_a_preloaded_process_is_found_among_all(cli: Cli, library: Path) -> None:
    given = {"VGPU_GPU": "2xh100;t4", "VGPU_POLICY": "/p.py", "VGPU_MODE": "virtual"}
    with process(library, **given) as pid:
        result = cli("status", "--json")
    found = {one["pid"]: one for one in json.loads(result.stdout)["processes"]}[pid]
    assert result.returncode == 0
    assert found["mode"] == "virtual"
    assert found["devices"] == ["2xh100", "t4"]
    assert found["policies"] == ["/p.py"]
    assert found["library"] == str(library)
    assert found["name"].startswith("python")


def test_status_agrees_with_grep(library: Path) -> None:
    with process(library) as pid:
        command = ["grep", "libvgpu-cuda", f"/proc/{pid}/maps"]
        grep = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        result = CliRunner().invoke(main, ["status", str(pid)])
    paths = {line.split(maxsplit=5)[5] for line in grep.splitlines()}
    assert paths == {result.output.strip().split("\t")[-1]}


def test_a_path_with_spaces_is_whole(tmp_path: Path) -> None:
    library = tmp_path / "my folder/libvgpu-cuda.so"
    with process(library) as pid:
        found = maps.preloaded(pid)
    assert found is not None
    assert found.library == str(library)


def test_a_process_keeps_the_library_that_was_replaced(library: Path) -> None:
    with process(library) as pid:
        library.unlink()
        found = maps.preloaded(pid)
    assert found is not None
    assert found.library == str(library)


@pytest.mark.parametrize(
    ("variables", "alias", "mode"),
    [
        ({}, False, "native"),
        ({}, True, "virtual"),
        ({"VGPU_MODE": "native"}, True, "native"),
        ({"VGPU_DISABLE": "1", "VGPU_MODE": "native"}, False, "disabled"),
    ],
    ids=["bare", "alias", "said", "disabled"],
)
def test_the_mode_is_known(variables: dict[str, str], alias: bool, mode: str, library: Path) -> None:
    files = [library, library.parent / "virtual/lib/libcuda.so.1"][: 2 if alias else 1]
    with process(*files, **variables) as pid:
        found = maps.preloaded(pid)
    assert found is not None
    assert found.mode == mode


def test_a_file_that_only_resembles_the_library_does_not_count(tmp_path: Path) -> None:
    with process(tmp_path / "libvgpu-cuda.so.txt", tmp_path / "my-libvgpu-cuda.so") as pid:
        assert maps.preloaded(pid) is None


def test_a_process_without_the_library_is_named(cli: Cli) -> None:
    with process() as pid:
        result = cli("status", str(pid))
    assert result.returncode == 1
    assert result.stderr.startswith(f"vgpu-embed: process {pid} (python")
    assert result.stderr.endswith("has no libvgpu-cuda.so in it\n")


def test_a_process_that_does_not_exist(cli: Cli) -> None:
    result = cli("status", "4194305")  # above the kernel's highest process id
    assert result.returncode == 1
    assert result.stderr == "vgpu-embed: there is no process 4194305\n"


def test_a_name_that_no_process_has(cli: Cli) -> None:
    result = cli("status", "no-such-name")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last == "vgpu-embed: no process named no-such-name has libvgpu-cuda.so in it"


def test_a_process_is_found_by_name(library: Path) -> None:
    with process(library) as pid:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        result = CliRunner().invoke(main, ["status", name, "--json"])
    assert pid in [one["pid"] for one in json.loads(result.stdout)["processes"]]


def test_processes_that_cannot_be_read_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> bool:
        raise maps.Unreadable(pid)

    monkeypatch.setattr(maps, "mentions_library", refuse)
    monkeypatch.setattr(psutil, "pids", lambda: [1, 2, 3])
    result = CliRunner().invoke(main, ["status"])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "vgpu-embed: processes that you may not look into: 3\n" in result.stderr
    as_json = CliRunner().invoke(main, ["status", "--json"])
    assert json.loads(as_json.stdout) == {"processes": [], "unreadable": 3}


def test_a_process_that_ends_meanwhile_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "pids", lambda: [4194305])
    result = CliRunner().invoke(main, ["status"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "vgpu-embed: no process has libvgpu-cuda.so in it\n"
