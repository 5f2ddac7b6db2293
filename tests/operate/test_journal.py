"""Log lines in systemd's journal. Each test has a /run of its own, in a mount namespace."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from support import preloading, run

from operate.room import Journal, fields

LOOKUPS = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
for name in sys.argv[1:]:
    if name == "-":
        print("waiting", flush=True)
        sys.stdin.readline()
    else:
        getattr(cuda, name, None)
print("done")
"""


def with_journal(tmp_path: Path, program: str, *names: str) -> list[str]:
    """The command that runs a Python program with its log in the journal whose socket is below tmp_path."""
    env = {**preloading(mode="virtual", gpu="h100", log="info"), "VGPU_LOG_FILE": "journal:"}
    words = [f"{name}={value}" for name, value in env.items()]
    script = 'mount --bind "$1" /run && shift && exec env "$@"'
    inside = [*words, sys.executable, "-c", program, *names]
    return ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path / "run"), *inside]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "run/systemd/journal").mkdir(parents=True)
    return tmp_path


def test_a_line_is_an_entry(run_folder: Path) -> None:
    journal = Journal(run_folder)
    done = run(with_journal(run_folder, LOOKUPS, "cuInit", "cuNoSuch"))
    assert (done.stdout, done.stderr) == ("done\n", "")
    entries = journal.close()
    assert any('"cuInit") called (pid=' in entry["MESSAGE"] for entry in entries)
    assert {entry["SYSLOG_IDENTIFIER"] for entry in entries} == {"libvgpu-cuda"}
    assert all(entry["MESSAGE"].startswith("[libvgpu-cuda] ") and "\n" not in entry["MESSAGE"] for entry in entries)


def test_a_name_with_line_feeds_adds_no_field(run_folder: Path) -> None:
    """What a program looks up is not ours to trust."""
    journal = Journal(run_folder)
    forged = "libcuda.so.1\nPRIORITY=0\nFORGED=yes"
    program = f"import ctypes\ntry: ctypes.CDLL({forged!r})\nexcept OSError: ctypes.CDLL('libcuda.so.1').cuInit(0)"
    run(with_journal(run_folder, program))
    entries = journal.close()
    assert entries
    assert all(set(entry) <= {"SYSLOG_IDENTIFIER", "PRIORITY", "MESSAGE", "_UID"} for entry in entries)
    assert {entry["PRIORITY"] for entry in entries} == {"6"}


def test_without_a_journal_the_program_runs_on_and_nothing_is_on_stderr(run_folder: Path) -> None:
    done = run(with_journal(run_folder, LOOKUPS, "cuInit"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_journal_that_does_not_read_does_not_stop_the_program_and_learns_what_it_lost(run_folder: Path) -> None:
    folder = os.open(run_folder / "run/systemd/journal", os.O_PATH)
    names = ("cuDeviceGet", "cuDeviceGetCount", "cuDeviceGetName", "-", "cuDeviceGetAttribute")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(f"/proc/self/fd/{folder}/socket")
        fill(deaf.getsockname())
        command = with_journal(run_folder, LOOKUPS, *names)
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as program:
            assert program.stdout
            assert program.stdout.readline() == "waiting\n"
            received = drain(deaf)
            assert {entry.get("X") for entry in received} == {"1"}
            output = program.communicate("\n", timeout=60)
        assert output == ("done\n", "")
        first, *others = drain(deaf)
    os.close(folder)
    assert '"cuDeviceGetAttribute") called' in first["MESSAGE"]
    assert int(first["VGPU_LOST"]) >= 6
    assert [entry for entry in others if "VGPU_LOST" in entry] == []


def fill(path: str) -> None:
    """Sends to a socket until its queue is full."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, contextlib.suppress(BlockingIOError):
        filler.setblocking(False)
        while True:
            filler.sendto(b"X=1\n", path)


def drain(receiver: socket.socket) -> list[dict[str, str]]:
    """What waits in a socket's queue."""
    receiver.setblocking(False)
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(fields(receiver.recv(1 << 16)))
    return found
