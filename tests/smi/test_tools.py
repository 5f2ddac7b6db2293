"""Tools from PyPI that ask NVML, unmodified."""

from __future__ import annotations

import json
import sys
from typing import Any

import support
from virtual.holding import CONTEXT, holding


def gpustat(gpu: str) -> list[dict[str, Any]]:
    """What gpustat says of each GPU."""
    done = support.run_preloaded([sys.executable, "-m", "gpustat", "--json"], mode="virtual", gpu=gpu)
    assert (done.returncode, done.stderr) == (0, "")
    gpus: list[dict[str, Any]] = json.loads(done.stdout)["gpus"]
    return gpus


def test_gpustat_with_two_different_cards() -> None:
    one, other = gpustat("h100;rtx-4090")
    keys = ("name", "temperature.gpu", "fan.speed", "utilization.gpu", "power.draw", "memory.used", "memory.total")
    assert [one[key] for key in keys] == ["NVIDIA H100 80GB HBM3", 43, None, 0, 126, 0, 81559]
    assert [other[key] for key in keys] == ["NVIDIA GeForce RTX 4090", 27, 0, 0, 14, 0, 24564]


def test_gpustat_with_two_equal_cards_and_a_process() -> None:
    with holding("2xh100") as process:
        one, other = gpustat("2xh100")
    assert one["uuid"] != other["uuid"]
    assert [(used["pid"], used["gpu_memory_usage"]) for used in one["processes"]] == [(process.pid, CONTEXT >> 20)]
    assert one["memory.used"] == CONTEXT >> 20
    assert (other["processes"], other["memory.used"]) == ([], 0)


def test_gpustat_prints_a_line_a_card() -> None:
    done = support.run_preloaded([sys.executable, "-m", "gpustat", "--no-header"], mode="virtual", gpu="h100")
    assert done.stdout.strip() == "[0] NVIDIA H100 80GB HBM3 | 43°C,   0 % |     0 / 81559 MB |"


def test_nvidia_ml_py() -> None:
    """What it has a function for that a monitoring program asks, of a card whose driver tells."""
    script = """
import pynvml as nv
nv.nvmlInit()
device = nv.nvmlDeviceGetHandleByIndex(0)
print(nv.nvmlDeviceGetName(device), nv.nvmlSystemGetDriverVersion(), nv.nvmlSystemGetCudaDriverVersion())
print(nv.nvmlDeviceGetHandleByUUID(nv.nvmlDeviceGetUUID(device)) is not None, nv.nvmlDeviceGetIndex(device))
print(nv.nvmlDeviceGetTemperature(device, 0), nv.nvmlDeviceGetTemperatureV(device, 0))
print(nv.nvmlDeviceGetPowerUsage(device), nv.nvmlDeviceGetPowerManagementLimitConstraints(device))
print(nv.nvmlDeviceGetClockInfo(device, 0), nv.nvmlDeviceGetMaxClockInfo(device, 0))
print(nv.nvmlDeviceGetMigMode(device), nv.nvmlDeviceGetEccMode(device), nv.nvmlDeviceGetPersistenceMode(device))
print(nv.nvmlDeviceGetComputeMode(device), nv.nvmlDeviceGetPciInfo(device).busId)
print(nv.nvmlDeviceGetTopologyCommonAncestor(device, nv.nvmlDeviceGetHandleByIndex(1)))
for lacking in (nv.nvmlDeviceGetFanSpeed, nv.nvmlDeviceGetDriverModel, nv.nvmlDeviceGetSerial):
    try:
        print(lacking(device))
    except nv.NVMLError as error:
        print(error)
"""
    done = support.run_preloaded([sys.executable, "-c", script], mode="virtual", gpu="2xh100")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "NVIDIA H100 80GB HBM3 580.159.04 13000",
        "True 0",
        "43 43",
        "126000 [200000, 700000]",
        "345 1980",
        "[0, 0] [1, 1] 1",
        "0 00000000:01:00.0",
        "30",
        *["Not Supported"] * 3,
    ]
