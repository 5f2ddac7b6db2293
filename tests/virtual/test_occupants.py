"""What processes on one virtual machine see of each other's memory."""

from __future__ import annotations

import os
import signal
import sys

import pytest
import support

from virtual.holding import CONTEXT, holding

LOOKER = """
import pynvml
pynvml.nvmlInit()
for number in range(pynvml.nvmlDeviceGetCount()):
    device = pynvml.nvmlDeviceGetHandleByIndex(number)
    memory = pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2)
    processes = [(one.pid, one.usedGpuMemory) for one in pynvml.nvmlDeviceGetComputeRunningProcesses(device)]
    print(memory.used, memory.total - memory.reserved - memory.free, processes)
"""


def look(gpu: str = "2xh100", **env: str) -> list[str]:
    """What NVML says of the devices, one a line, in a process of its own."""
    done = support.run_preloaded([sys.executable, "-c", LOOKER], mode="virtual", gpu=gpu, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_others_see_it_until_its_process_ends() -> None:
    with holding() as process:
        assert look() == [f"{CONTEXT} {CONTEXT} [({process.pid}, {CONTEXT})]", "0 0 []"]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert look() == ["0 0 []", "0 0 []"]


def test_two_processes_add_up() -> None:
    with holding() as one, holding() as other:
        first, second = look()
    listed = sorted([(one.pid, CONTEXT), (other.pid, CONTEXT)])
    assert first == f"{2 * CONTEXT} {2 * CONTEXT} {listed}"
    assert second == "0 0 []"


@pytest.mark.parametrize("gpu", ["h100", "2xh100:memory=40GiB"])
def test_other_devices_are_another_machine(gpu: str) -> None:
    with holding():
        assert set(look(gpu)) == {"0 0 []"}


def test_another_name_is_another_machine() -> None:
    with holding():
        assert look(VGPU_MACHINE="another") == ["0 0 []", "0 0 []"]
