"""`vgpu-embed status --prometheus`, read by Prometheus's own parser; and processes in containers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live import Running, running
from prometheus_client.parser import text_string_to_metric_families

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

POLICY = """
from vgpu_embed import CUresult, Policy
policy = Policy(failures=2)

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    if call.bytesize > 1 << 30:
        return CUresult.ERROR_OUT_OF_MEMORY

@policy.hook("cuCtxSetCurrent", "cuMemAlloc_v2")
def fails(call):
    raise KeyError('a "quote"')
"""


def samples(text: str, pid: int) -> dict[str, Any]:
    """The values of a process, by metric and further labels."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("pid") == str(pid):
                labels = [value for name, value in sample.labels.items() if name not in ("pid", "name")]
                key = sample.name if sample.name.endswith("_info") else " ".join([sample.name, *labels])
                found[key] = sample.labels if sample.name.endswith("_info") else sample.value
    return found


def test_the_parser_reads_what_json_says(cli: Cli, program: Running, tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "vgpu.prom"
    result = cli("status", "--prometheus", str(path))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    found = samples(path.read_text(), program.pid)
    assert found.pop("vgpu_process_info")["policies"] == str(policy)
    assert found == {
        "vgpu_calls_total cuMemAlloc_v2": 3,
        "vgpu_calls_asked_total cuMemAlloc_v2": 3,
        "vgpu_calls_answered_total cuMemAlloc_v2": 1,
        "vgpu_calls_total cuCtxSetCurrent": 1,
        "vgpu_calls_asked_total cuCtxSetCurrent": 1,
        "vgpu_calls_answered_total cuCtxSetCurrent": 0,
        "vgpu_handler_failures_total": 2,
        "vgpu_dropped_events_total": 0,
        "vgpu_disabled_handlers": 1,
        "vgpu_policy_generation": 1,
        "vgpu_policy_reload_failed": 0,
    }
    assert list(tmp_path.glob("vgpu.prom?*")) == []
    assert samples(cli("status", "--prometheus", "-", str(program.pid)).stdout, program.pid).keys() == {
        *found,
        "vgpu_process_info",
    }


def test_memory_under_a_quota(cli: Cli) -> None:
    with running(policy="quota") as program:
        assert program.allocate(100 << 20) == 0
        assert cli("set", str(program.pid), "memory=4GiB").returncode == 0
        found = samples(cli("status", "--prometheus", "-").stdout, program.pid)
    assert found["vgpu_memory_held_bytes 0"] >= 100 << 20
    assert found["vgpu_memory_limit_bytes 0"] == 4 << 30


def test_a_reader_never_sees_half_of_it(program: Running, tmp_path: Path, clean_environment: dict[str, str]) -> None:
    path = tmp_path / "vgpu.prom"
    command = [sys.executable, "-m", "vgpu_embed.cli", "status", "--watch", "--interval", "0.1"]
    with subprocess.Popen([*command, "--prometheus", str(path)], env=clean_environment) as process:
        files: set[int] = set()
        while len(files) < 4:
            if path.exists():
                with path.open() as file:
                    files.add(os.fstat(file.fileno()).st_ino)
                    assert samples(file.read(), program.pid)["vgpu_policy_reload_failed"] == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_a_file_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "missing/vgpu.prom"
    result = cli("status", "--prometheus", str(path))
    assert result.returncode == 2
    assert result.stderr == f"vgpu-embed: --prometheus {path} cannot be written: No such file or directory\n"


INSIDE = 'mount -t tmpfs none /dev/shm && mount -t proc none /proc && exec "$@"'
CONTAINER = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, "sh"]


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_a_process_in_a_container_is_read_from_the_host(cli: Cli, stopped: bool) -> None:
    """It has process id 1 inside, and a /dev/shm of its own."""
    with running(policy="quota", wrapper=CONTAINER) as container:
        assert [container.allocate(3 << 20), container.allocate(5 << 20)] == [0, 0]
        [pid] = map(int, Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split())
        assert Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1].split()[:2] == [str(pid), "1"]
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        listed = json.loads(cli("status", "--json").stdout)["processes"]
        found = samples(cli("status", "--prometheus", "-", str(pid)).stdout, pid)
    [state] = [one for one in listed if one["pid"] == pid]
    assert state["calls"]["cuMemAlloc_v2"]["calls"] == 2
    assert (state["mode"], state["generation"], state["problem"]) == ("native", 1, "")
    [held] = state["memory"]
    assert (held["pid"], held["device"]) == (pid, 0)
    assert held["held"] >= 8 << 20
    assert found["vgpu_memory_held_bytes 0"] == held["held"]
