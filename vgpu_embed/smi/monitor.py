"""`nvidia-smi pmon` and `dmon`: a line a second for each process, or each GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from vgpu_embed.smi.nvml import Device, Process
from vgpu_embed.smi.values import mebibytes

BUSY = ("sm", "mem", "enc", "dec", "jpg", "ofa")
DEVICE_COLUMNS = ("pwr", "gtemp", "mtemp", *BUSY, "mclk", "pclk")
DEVICE_UNITS = ("W", "C", "C", *["%"] * len(BUSY), "MHz", "MHz")


def process_headings(has_memory: bool) -> Iterator[str]:
    """The two lines above the processes, with their memory or what they are busy with."""
    columns = ("fb", "ccpm") if has_memory else BUSY
    units = ["MB", "MB"] if has_memory else ["%"] * len(BUSY)
    yield f"# gpu         pid   type {_cells(columns)}   command "
    yield f"# Idx           #    C/G {_cells(units)}   name "


def processes(devices: Sequence[Device], has_memory: bool) -> Iterator[str]:
    """A line for each process, or one for a GPU without any."""
    for device in devices:
        found: list[Process | None] = [*device.processes]
        for process in found or [None]:
            yield _process(device, process, has_memory)


def _process(device: Device, process: Process | None, has_memory: bool) -> str:
    """Nothing is known of what it is busy with."""
    memory = [str(mebibytes(process.memory)), "0"] if process else ["-", "-"]
    cells = memory if has_memory else ["-"] * len(BUSY)
    pid, kind, name = (process.pid, "C", os.path.basename(process.name)) if process else ("-", "-", "-")
    return f"{device.index:>5} {pid:>10} {kind:>5} {_cells(cells)}   {name:<15}"


def device_headings() -> Iterator[str]:
    """The two lines above the GPUs."""
    yield f"# gpu {_cells(DEVICE_COLUMNS)}"
    yield f"# Idx {_cells(DEVICE_UNITS)}"


def of_devices(devices: Sequence[Device]) -> Iterator[str]:
    """A line for each GPU."""
    for device in devices:
        power = device.number("PowerUsage")
        busy = device.filled("UtilizationRates", "nvmlUtilization_t")
        engines = [device.numbers(f"{engine}Utilization", 2) for engine in ("Encoder", "Decoder", "Jpg", "Ofa")]
        cells = [None if power is None else round(power / 1000), device.number("Temperature", 0), None]
        cells += [int(busy.gpu), int(busy.memory)] if busy else [None, None]
        cells += [engine[0] if engine else None for engine in engines]
        cells += [device.number("ClockInfo", kind) for kind in (2, 0)]
        yield f"{device.index:>5} {_cells(['-' if cell is None else str(cell) for cell in cells])}"


def _cells(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>6} " for cell in cells)
