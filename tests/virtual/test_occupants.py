"""What processes on one virtual machine see of each other's memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import support

HOLDER = """
import ctypes, os, sys
cuda = ctypes.CDLL("libcuda.so.1")
context = ctypes.c_void_p()
assert cuda.cuInit(0) == cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
if os.fork() == 0:
    os._exit(cuda.cuInit(0))
os.wait()
print(os.getpid(), flush=True)
sys.stdin.read()
"""
"""A process with a context on device 0, and a child of fork that has none."""

CONTEXT = 85017493504 - 84465090560
"""What a context takes of an H100 (tests/devices/data/h100.json)."""

LOOKER = """
import pynvml
pynvml.nvmlInit()
for number in range(pynvml.nvmlDeviceGetCount()):
    device = pynvml.nvmlDeviceGetHandleByIndex(number)
    memory = pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2)
    processes = [(one.pid, one.usedGpuMemory) for one in pynvml.nvmlDeviceGetComputeRunningProcesses(device)]
    print(memory.used, memory.total - memory.reserved - memory.free, processes)
"""


@contextmanager
def holding() -> Iterator[subprocess.Popen[str]]:
    """A process that holds memory of the first of two devices, until it is ended."""
    variables = support.preloading(mode="virtual", gpu="2xh100")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**support.clean_environment(), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().strip() == str(process.pid)
    try:
        yield process
    finally:
        process.communicate()


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
