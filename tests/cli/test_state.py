"""`vgpu-embed status`, of real processes: what they have done so far."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live import Running, on_terminal, running

from vgpu_embed.inspect import leftovers, maps
from vgpu_embed.inspect.recording import Recording
from vgpu_embed.inspect.state import State

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

POLICY = """
from vgpu_embed import CUresult, GiB, Policy

policy = Policy(failures=2)
limit = policy.option("limit", 1 * GiB, help="the largest allocation")

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    if call.bytesize > limit.value:
        return CUresult.ERROR_OUT_OF_MEMORY

@policy.hook("cuCtxSetCurrent", "cuMemAlloc_v2")
def fails(call):
    raise KeyError("nothing")
"""


def shown(pid: int) -> dict[str, Any]:
    """What `--json` says of a process."""
    found = maps.preloaded(pid)
    assert found is not None
    return State(found).as_dict()


def test_calls_policies_options_and_failures(cli: Cli, policy: Path, program: Running) -> None:
    [state] = json.loads(cli("status", str(program.pid), "--json").stdout)["processes"]
    assert state["calls"]["cuMemAlloc_v2"] == {"calls": 3, "asked": 3, "answered": 1}
    assert state["calls"]["cuCtxSetCurrent"] == {"calls": 1, "asked": 1, "answered": 0}
    assert (state["mode"], state["generation"], state["options"]) == ("native", 1, {"limit": 1 << 30})
    assert state["policies"] == [str(policy)]
    assert state["sha256"] == {str(policy): hashlib.sha256(policy.read_bytes()).hexdigest()}
    assert (state["dropped"], state["memory"], state["reload_error"], state["problem"]) == (0, [], None, "")
    [disabled] = state["disabled"]
    assert disabled == {"hook": f"{policy}:12 fails", "reason": "it failed 2 times in a row"}
    assert "KeyError" in state["errors"][0]
    assert state["failures"] == 2


def test_the_same_to_be_read(cli: Cli, policy: Path, program: Running) -> None:
    result = cli("status", str(program.pid))
    assert (result.returncode, result.stderr) == (0, "")
    process, *rest = [line.split("\t") for line in result.stdout.splitlines()]
    assert process[0] == str(program.pid)
    assert process[5:9] == [str(policy), "1", "4", "2"]
    assert rest[:2] == [["calls", "cuMemAlloc_v2", "3", "3", "1"], ["calls", "cuCtxSetCurrent", "1", "1", "0"]]
    assert ["option", "limit=1073741824", ""] in rest
    assert ["policy", str(policy), f"SHA-256 {hashlib.sha256(policy.read_bytes()).hexdigest()}"] in rest
    [(_, version, driver)] = [row for row in rest if row[0] == "driver"]
    assert version == "-"  # the program has not asked for it
    assert "/libcuda.so." in driver
    assert ["disabled", f"{policy}:12 fails", "it failed 2 times in a row"] in rest
    assert [row for row in rest if row[0] == "error" and "KeyError" in row[1]]


def test_a_process_that_hangs(cli: Cli, program: Running) -> None:
    os.kill(program.pid, signal.SIGSTOP)
    assert "calls\tcuMemAlloc_v2\t3\t3\t1" in cli("status", str(program.pid)).stdout


def test_a_policy_that_could_not_be_loaded_again(
    policy: Path, program: Running, clean_environment: dict[str, str]
) -> None:
    policy.write_text("1 / 0\n")
    while not (error := shown(program.pid)["reload_error"]):
        time.sleep(0.05)
    assert f"{policy}:1: ZeroDivisionError" in error
    environment = {**clean_environment, "TERM": "xterm", "COLUMNS": "300"}
    drawn = on_terminal(["status", str(program.pid)], environment)
    sentence = f"vgpu-embed: process {program.pid} still runs the last good policy, the new one does not load: {error}"
    assert f"\x1b[31m{sentence}\x1b[0m" in drawn
    assert sentence in on_terminal(["status", str(program.pid)], {**environment, "NO_COLOR": "1"})
    assert "\x1b[31m" not in on_terminal(["status", str(program.pid)], {**environment, "NO_COLOR": "1"})
    policy.write_text(POLICY)
    while (state := shown(program.pid))["reload_error"]:
        time.sleep(0.05)
    assert state["generation"] == 2


def test_a_process_that_has_not_used_cuda_and_one_without_a_policy(policy: Path) -> None:
    with running(policy=policy) as idle:
        state = shown(idle.pid)
    assert (state["generation"], state["calls"], state["policies"]) == (None, {}, [str(policy)])
    with running(mode="virtual", gpu="2xt4") as virtual:
        virtual.allocate(1)
        state = shown(virtual.pid)
    assert (state["mode"], state["devices"], state["policies"]) == ("virtual", ["t4", "t4"], [])
    assert state["calls"]["cuInit"]["answered"] == 1


def test_memory_against_the_quota(cli: Cli) -> None:
    with running(policy="quota") as program:
        assert program.allocate(100 << 20) == 0
        assert cli("set", str(program.pid), "memory=4GiB").returncode == 0
        [held] = shown(program.pid)["memory"]
        assert (held["pid"], held["device"], held["limit"]) == (program.pid, 0, 4 << 30)
        assert held["held"] >= 100 << 20
        [line] = [line for line in cli("status", str(program.pid)).stdout.splitlines() if line.startswith("memory")]
        assert line.startswith(f"memory\tdevice 0, process {program.pid}\t")
        assert line.endswith(" MiB of 4.00 GiB")


def test_a_process_of_another_user(cli: Cli, policy: Path) -> None:
    """It has changed its user since: then the kernel lets root alone look into it."""
    with running(policy=policy, user=4242) as other:
        other.allocate(1)
        [state] = json.loads(cli("status", str(other.pid), "--json").stdout)["processes"]
    assert state["user"] == "4242"
    assert state["calls"]["cuMemAlloc_v2"]["calls"] == 1


def test_what_a_killed_process_has_left_is_removed(cli: Cli, policy: Path) -> None:
    with running(policy=policy) as living, running(policy=policy) as killed:
        files = []
        for one in (living, killed):
            one.allocate(1)
            found = maps.preloaded(one.pid)
            assert found is not None
            files.append(Path(found.recording))
            os.utime(found.recording, (0, 0))  # one that was made a moment ago is left alone
        killed.process.kill()
        killed.process.wait()
        with Recording(files[1]) as recording:
            assert not recording.alive
            assert recording.counts()["cuMemAlloc_v2"].calls == 1
        cli("status")
        assert [file.exists() for file in files] == [True, False]
        assert [file.with_suffix(".sock").exists() for file in files] == [True, False]


def test_leftovers_are_told_from_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "folders", lambda: [str(tmp_path), str(tmp_path / "missing")])
    kept = ["4194305-0000000g.proc", "x.proc", "4194305-00000000.sock", "vgpu_embed-quota-a.ledger"]
    for name in [*kept, "4194305-0123abcd.proc"]:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "4194305-00000001.proc").symlink_to(tmp_path / "x.proc")
    (tmp_path / "4194305-00000002.proc").touch()
    os.mkfifo(tmp_path / "4194305-00000003.proc")
    leftovers.remove()
    links = [f"4194305-0000000{number}.proc" for number in (1, 2, 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, *links])


def test_a_file_that_is_mapped_belongs_to_who_maps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even without its lock, which a process loses that closes all its descriptors."""
    monkeypatch.setattr(leftovers, "folders", lambda: [str(tmp_path)])
    path = tmp_path / f"{os.getpid()}-0123abcd.proc"
    path.touch()
    os.utime(path, (0, 0))
    monkeypatch.setattr(maps, "mapped_files", lambda pid: [str(path)])
    leftovers.remove()
    assert path.exists()
    monkeypatch.undo()
    monkeypatch.setattr(leftovers, "folders", lambda: [str(tmp_path)])
    leftovers.remove()
    assert not path.exists()


def test_root_looks_after_the_folders_of_all_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "vgpu_embed").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert str(tmp_path / "vgpu_embed") in leftovers.folders()
    other = Path("/tmp/vgpu_embed-4242")
    other.mkdir(exist_ok=True)
    try:
        assert str(other) in leftovers.folders()
        monkeypatch.setattr(os, "geteuid", lambda: 4243)
        assert leftovers.folders() == [str(tmp_path / "vgpu_embed")]
    finally:
        other.rmdir()


def test_a_recording_that_cannot_be_read_is_said(cli: Cli, program: Running) -> None:
    found = maps.preloaded(program.pid)
    assert found is not None
    with open(found.recording, "r+b") as file:
        file.write(b"VGPUREC9")
    result = cli("status", str(program.pid))
    assert result.returncode == 0
    assert result.stderr == (
        f"vgpu-embed: process {program.pid}: {found.recording} was recorded by another version of vgpu_embed; "
        "read it with that one\n"
    )


FORKS = """
import ctypes, os, sys
cuda = ctypes.CDLL("libcuda.so.1")
cuda.cuInit(0)
cuda.cuCtxSetCurrent(None)
if os.fork() == 0:
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


def test_a_child_of_fork_does_not_pass_for_its_parent(policy: Path) -> None:
    with running(policy=policy, program=FORKS) as parent:
        child = int(parent.line)
        assert shown(parent.pid)["calls"]["cuCtxSetCurrent"]["calls"] == 1
        assert shown(child)["calls"] == {}
        os.kill(child, signal.SIGKILL)
