"""`nvidia-smi -q`: everything of each GPU, in sections. What virtual GPUs say nothing of is left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from vgpu_embed.smi import fields
from vgpu_embed.smi.nvml import Device, Nvml
from vgpu_embed.smi.values import ARCHITECTURES, BRANDS, DEPRECATED, mebibytes

WIDTH, PROCESS_WIDTH = 55, 42
"""Columns before the colon, and in the lines of processes."""

DISPLAYS = ("MEMORY", "UTILIZATION", "ECC", "TEMPERATURE", "POWER", "CLOCK", "COMPUTE", "PIDS", "PERFORMANCE")
"""What `-d` can choose."""

Entry = tuple[str, Any]


def lines(nvml: Nvml, devices: Sequence[Device], chosen: Sequence[str]) -> Iterator[str]:
    """The lines of the report; `chosen` are of DISPLAYS, none for all sections."""
    yield ""
    yield "==============NVSMI LOG=============="
    yield ""
    yield from _entry("Timestamp", time.strftime("%a %b %e %H:%M:%S %Y"))
    yield from _entry("Driver Version", nvml.driver)
    yield from _entry("CUDA Version", nvml.cuda)
    yield ""
    yield from _entry("Attached GPUs", len(nvml.devices))
    for device in devices:
        yield f"GPU {device.bus_id}"
        for display, name, value in sections(device):
            if not chosen or display in chosen:
                yield from _entry(name, value, 4)
        yield ""


def _entry(name: str, value: Any, indent: int = 0, width: int = WIDTH) -> Iterator[str]:
    if isinstance(value, list):
        yield " " * indent + name
        for one, inner in value:
            yield from _entry(one, inner, indent + 4, PROCESS_WIDTH if name == "Processes" else WIDTH)
    else:
        yield f"{' ' * indent + name:<{width}}: {'N/A' if value is None else value}"


def sections(device: Device) -> Iterator[tuple[str, str, Any]]:
    """What `-d` calls it, its name, and its value or entries."""
    known = {name: one for one in fields.gpu_properties() for name in one.names}

    def value(name: str) -> str | None:
        """As a query has it."""
        one = known[name]
        found = one.read(device)
        return None if found is None else f"{found} {one.unit}".rstrip()

    def group(prefix: str, **names: str) -> list[Entry]:
        return [(label.replace("_", " "), value(prefix + name)) for label, name in names.items()]

    for name, found in _identity(device, value):
        yield "", name, found
    yield "PERFORMANCE", "Performance State", value("pstate")
    yield "PERFORMANCE", "Clocks Event Reasons", group("clocks_event_reasons.", **EVENT_REASONS)
    memory = [(part.capitalize(), value(f"memory.{part}")) for part in ("total", "reserved", "used", "free")]
    yield "MEMORY", "FB Memory Usage", memory
    if bar1 := device.filled("BAR1MemoryInfo", "nvmlBAR1Memory_t"):
        parts = (("Total", bar1.bar1Total), ("Used", bar1.bar1Used), ("Free", bar1.bar1Free))
        yield "MEMORY", "BAR1 Memory Usage", [(name, f"{mebibytes(size)} MiB") for name, size in parts]
    yield "COMPUTE", "Compute Mode", value("compute_mode")
    names = ("GPU", "Memory", "Encoder", "Decoder", "JPEG", "OFA")
    yield "UTILIZATION", "Utilization", [(name, value(f"utilization.{name.lower()}")) for name in names]
    yield "ECC", "ECC Mode", group("ecc.mode.", Current="current", Pending="pending")
    yield "ECC", "ECC Errors", [(since.capitalize(), _errors(since, value)) for since in ("volatile", "aggregate")]
    yield "TEMPERATURE", "Temperature", _temperatures(device)
    yield "POWER", "GPU Power Readings", group("", **POWER)
    yield "CLOCK", "Clocks", group("clocks.current.", Graphics="graphics", SM="sm", Memory="memory", Video="video")
    yield "CLOCK", "Applications Clocks", group("clocks.applications.", Graphics="graphics", Memory="memory")
    yield "CLOCK", "Max Clocks", [*group("clocks.max.", Graphics="graphics", SM="sm", Memory="memory"), _video(device)]
    yield "PIDS", "Processes", _processes(device) or "None"


EVENT_REASONS = {
    "Idle": "gpu_idle",
    "Applications_Clocks_Setting": "applications_clocks_setting",
    "SW_Power_Cap": "sw_power_cap",
    "HW_Slowdown": "hw_slowdown",
    "Sync_Boost": "sync_boost",
    "SW_Thermal_Slowdown": "sw_thermal_slowdown",
}
POWER = {
    "Average_Power_Draw": "power.draw.average",
    "Instantaneous_Power_Draw": "power.draw.instant",
    "Current_Power_Limit": "enforced.power.limit",
    "Requested_Power_Limit": "power.limit",
    "Default_Power_Limit": "power.default_limit",
    "Min_Power_Limit": "power.min_limit",
    "Max_Power_Limit": "power.max_limit",
}
"""Names in the report, and in a query."""


def _identity(device: Device, value: Any) -> Iterator[Entry]:
    """What a GPU is and where it sits."""
    yield "Product Name", value("name")
    yield "Product Brand", BRANDS.get(device.number("Brand") or 0)
    yield "Product Architecture", ARCHITECTURES.get(device.number("Architecture") or 0)
    yield "Display Mode", DEPRECATED
    yield "Display Attached", value("display_attached")
    yield "Display Active", value("display_active")
    yield "Persistence Mode", value("persistence_mode")
    yield "Addressing Mode", value("addressing_mode")
    yield "MIG Mode", [("Current", value("mig.mode.current")), ("Pending", value("mig.mode.pending"))]
    yield "Accounting Mode", value("accounting.mode")
    yield "Accounting Mode Buffer Size", value("accounting.buffer_size")
    yield "Serial Number", value("serial")
    yield "GPU UUID", value("uuid")
    yield "Minor Number", device.number("MinorNumber")
    yield "VBIOS Version", value("vbios_version")
    yield "MultiGPU Board", ("No", "Yes")[device.number("MultiGpuBoard") or 0]
    yield "Board ID", f"0x{device.number('BoardId') or 0:x}"
    yield "Board Part Number", device.text("BoardPartNumber")
    yield "Inforom Version", [("Image Version", value("inforom.img"))]
    yield "GSP Firmware Version", device.nvml.driver
    link = [
        ("PCIe Generation", [("Max", value("pcie.link.gen.max")), ("Current", value("pcie.link.gen.current"))]),
        ("Link Width", [(name, f"{value(f'pcie.link.width.{name.lower()}')}x") for name in ("Max", "Current")]),
    ]
    yield (
        "PCI",
        [
            ("Bus", value("pci.bus")),
            ("Device", value("pci.device")),
            ("Domain", value("pci.domain")),
            ("Device Id", value("pci.device_id")),
            ("Bus Id", device.bus_id),
            ("Sub System Id", value("pci.sub_device_id")),
            ("GPU Link Info", link),
        ],
    )
    yield "Fan Speed", value("fan.speed")


def _errors(since: str, value: Any) -> list[Entry]:
    kinds = {"Correctable": "corrected", "Uncorrectable": "uncorrected"}
    return [
        (f"{memory} {name}", value(f"ecc.errors.{kind}.{since}.{memory.lower()}"))
        for memory in ("SRAM", "DRAM")
        for name, kind in kinds.items()
    ]


def _temperatures(device: Device) -> list[Entry]:
    """Limits are told from the highest for operation, where the GPU tells how far that is."""

    def degrees(number: int | None) -> str | None:
        return None if number is None else f"{number} C"

    now, margin = device.number("Temperature", 0), device.margin
    shutdown, slowdown, _, most = (device.number("TemperatureThreshold", kind) for kind in range(4))
    told = [("GPU Current Temp", degrees(now)), ("GPU T.Limit Temp", degrees(margin))]
    limits = {"Shutdown": shutdown, "Slowdown": slowdown, "Max Operating": most}
    for name, limit in limits.items():
        if margin is None or limit is None or most is None:
            told.append((f"GPU {name} Temp", degrees(limit)))
        else:
            told.append((f"GPU {name} T.Limit Temp", degrees(most - limit)))
    return told


def _video(device: Device) -> Entry:
    clock = device.number("MaxClockInfo", 3)
    return "Video", None if clock is None else f"{clock} MHz"


def _processes(device: Device) -> list[Entry]:
    """Narrower than the rest of the report."""
    entries: list[Entry] = []
    for process in device.processes:
        entries += [
            ("GPU instance ID", None),
            ("Compute instance ID", None),
            ("Process ID", process.pid),
            ("    Type", "C"),
            ("    Name", process.name),
            ("    Used GPU Memory", f"{mebibytes(process.memory)} MiB"),
        ]
    return entries
