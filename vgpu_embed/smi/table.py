"""The summary: a table of the GPUs, and one of the processes on them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from vgpu_embed.smi.nvml import Device, Nvml, Process
from vgpu_embed.smi.values import COMPUTE_MODES, SWITCH, mebibytes

RULE = "+-----------------------------------------+------------------------+----------------------+"
WHOLE = f"+{'-' * 89}+"
HEADINGS = (
    "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
    "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
    "|                                         |                        |               MIG M. |",
    "|=========================================+========================+======================|",
)
PROCESS_HEADINGS = (
    "| Processes:                                                                              |",
    "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |",
    "|        ID   ID                                                               Usage      |",
    f"|{'=' * 89}|",
)
NONE_FOUND = "|  No running processes found                                                             |"
NAME, PROCESS_NAME = 27, 32
"""Room for a GPU's name, whose end is cut off, and for a process's, whose beginning is."""


def lines(nvml: Nvml, devices: Sequence[Device]) -> Iterator[str]:
    """The lines of the summary."""
    yield f"{time.strftime('%a %b %e %H:%M:%S %Y')}       "
    yield WHOLE
    driver = nvml.driver or "N/A"
    yield f"| NVIDIA-SMI {driver:<22} Driver Version: {driver:<14} CUDA Version: {nvml.cuda or 'N/A':<8} |"
    yield RULE
    yield from HEADINGS
    for device in devices:
        yield from of_device(device)
        yield RULE
    yield ""
    yield WHOLE
    yield from PROCESS_HEADINGS
    found = [(device, process) for device in devices for process in device.processes]
    yield from (of_process(device, process) for device, process in found) if found else (NONE_FOUND,)
    yield WHOLE


def of_device(device: Device) -> Iterator[str]:
    """The three lines of a GPU."""
    name = device.text("Name") or "N/A"
    name = name if len(name) <= NAME else name[: NAME - 3] + "..."
    persistence = _switched(device.number("PersistenceMode"))
    display = _switched(device.number("DisplayActive"))
    first = f"| {device.index:>3}  {name:<{NAME}}    {persistence:<4}"
    yield f"{first}|   {device.bus_id} {display:>3} |{_errors(device):>21} |"
    state = device.number("PerformanceState")
    power = f"{_watts(device.number('PowerUsage')):>15} / {_watts(device.number('EnforcedPowerLimit')):>5}"
    memory = device.memory
    used = f"{mebibytes(memory.used):>7}MiB / {mebibytes(memory.total):>6}MiB"
    busy = device.filled("UtilizationRates", "nvmlUtilization_t")
    mode = COMPUTE_MODES[device.number("ComputeMode") or 0]
    yield (
        f"| {_with(device.number('FanSpeed'), '%'):>3}  {_with(device.number('Temperature', 0), 'C'):>4}"
        f"    {_with(state, '', 'P'):<3}{power} | {used} |{_with(busy.gpu if busy else None, '%'):>8}{mode:>13} |"
    )
    mig = device.numbers("MigMode", 2)
    yield f"|{'':41}|{'':24}|{SWITCH[mig[0]] if mig else 'N/A':>21} |"


def of_process(device: Device, process: Process) -> str:
    """The line of a process."""
    name = process.name if len(process.name) <= PROCESS_NAME else "..." + process.name[3 - PROCESS_NAME :]
    memory = f"{mebibytes(process.memory)}MiB"
    return f"|{device.index:>5}   N/A  N/A{process.pid:>16}      C   {name:<{PROCESS_NAME}}{memory:>14} |"


def _switched(mode: int | None) -> str:
    return "N/A" if mode is None else ("Off", "On")[mode]


def _errors(device: Device) -> str:
    """Errors since the start that could not be corrected; "Off" where nobody looks for any."""
    modes = device.numbers("EccMode", 2)
    if modes is None:
        return "N/A"
    return str(device.wide("TotalEccErrors", 1, 0) or 0) if modes[0] else "Off"


def _watts(milliwatts: int | None) -> str:
    return "N/A" if milliwatts is None else f"{milliwatts / 1000:.0f}W"


def _with(number: int | None, unit: str, before: str = "") -> str:
    return "N/A" if number is None else f"{before}{number}{unit}"
