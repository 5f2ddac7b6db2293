"""Selective queries: the properties of a GPU, and of a process on it, that `--query-…` takes.

Names, order and units are those of nvidia-smi 580. A property that virtual GPUs do not have is [N/A].
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from vgpu_embed.smi.nvml import Device
from vgpu_embed.smi.values import COMPUTE_MODE_NAMES, DEPRECATED, SWITCH, YES, mebibytes

Value = str | int | None
Read = Callable[[Device], Value]


class Property(NamedTuple):
    """One property.

    Attributes:
        names: those that select it; the first stands in the header.
        unit: behind the value, and in the header.
        about: what it is.
        read: its value; None: there is none.
    """

    names: tuple[str, ...]
    unit: str
    about: str
    read: Callable[..., Value]

    @property
    def header(self) -> str:
        return f"{self.names[0]} [{self.unit}]" if self.unit else self.names[0]


class UnknownProperty(Exception):
    """A query names a property that there is not; the argument is its name."""


def stamp(*_: object) -> str:
    """The time, to the millisecond."""
    now = time.time()
    return time.strftime("%Y/%m/%d %H:%M:%S.", time.localtime(now)) + f"{int(now * 1000) % 1000:03}"


def absent(*_: object) -> None:
    """What virtual GPUs do not have."""


def number(getter: str, *kinds: int) -> Read:
    return lambda device: device.number(getter, *kinds)


def field(identity: int) -> Read:
    """NVML_FI_…"""
    return lambda device: device.field(identity)


def text(getter: str) -> Read:
    return lambda device: device.text(getter)


def named(names: Sequence[str], getter: str) -> Read:
    """A number that stands for a word."""

    def read(device: Device) -> Value:
        found = device.number(getter)
        return None if found is None else names[found]

    return read


def mode(getter: str, place: int) -> Read:
    """A switch as it is (0) or will be (1)."""

    def read(device: Device) -> Value:
        found = device.numbers(getter, 2)
        return None if found is None else SWITCH[found[place]]

    return read


def pci(field: str, digits: int) -> Read:
    return lambda device: f"0x{getattr(device.pci, field):0{digits}X}"


def memory(field: str) -> Read:
    return lambda device: mebibytes(getattr(device.memory, field))


def utilization(field: str) -> Read:
    def read(device: Device) -> Value:
        found = device.filled("UtilizationRates", "nvmlUtilization_t")
        return None if found is None else int(getattr(found, field))

    return read


def first(getter: str, count: int, place: int = 0) -> Read:
    """One of several numbers."""

    def read(device: Device) -> Value:
        found = device.numbers(getter, count)
        return None if found is None else found[place]

    return read


def yes(getter: str, count: int, place: int) -> Read:
    def read(device: Device) -> Value:
        found = first(getter, count, place)(device)
        return None if found is None else YES[int(found)]

    return read


def watts(milliwatts: Read) -> Read:
    def read(device: Device) -> Value:
        found = milliwatts(device)
        return None if found is None else f"{int(found) / 1000:.2f}"

    return read


def power_limit(place: int) -> Read:
    return watts(first("PowerManagementLimitConstraints", 2, place))


def reasons(getter: str) -> Read:
    return lambda device: None if (found := device.wide(getter)) is None else f"0x{found:016X}"


def reason(bit: int) -> Read:
    """Whether one thing keeps the clocks down."""

    def read(device: Device) -> Value:
        found = device.wide("CurrentClocksEventReasons")
        return None if found is None else "Active" if found >> bit & 1 else "Not Active"

    return read


def errors(severity: int, since: int, location: int | None) -> Read:
    if location is None:
        return lambda device: device.wide("TotalEccErrors", severity, since)
    return lambda device: device.wide("MemoryErrorCounter", severity, since, location)


def capability(device: Device) -> Value:
    found = device.numbers("CudaComputeCapability", 2, "int[]")
    return None if found is None else "{}.{}".format(*found)


REASONS = {
    "gpu_idle": (0, "nothing runs"),
    "applications_clocks_setting": (1, "the clocks that applications were given"),
    "sw_power_cap": (2, "the power limit"),
    "hw_slowdown": (3, "a slowdown of the hardware's"),
    "hw_thermal_slowdown": (6, "the hardware, because it is hot"),
    "hw_power_brake_slowdown": (7, "the power supply"),
    "sw_thermal_slowdown": (5, "the driver, because it is hot"),
    "sync_boost": (4, "another GPU of its group"),
}
"""Bit of nvmlClocksEventReasons…, and what keeps the clocks down then."""

MEMORIES = {"device_memory": 2, "dram": 2, "register_file": 3, "l1_cache": 0, "l2_cache": 1, "texture_memory": 4}
MEMORIES |= {"cbu": 6, "sram": 7}
"""By nvmlMemoryLocation_t."""

CLOCKS = {"graphics": ("gr", 0), "sm": ("sm", 1), "memory": ("mem", 2), "video": ("video", 3)}
"""Short name, and nvmlClockType_t."""


def properties() -> Iterator[tuple[str, str, str, Callable[..., Value]]]:
    """Names (joined by |), unit, description and reading of each property of a GPU."""
    nothing = partial(map, lambda name: (name, "", "Not of virtual GPUs.", absent))
    yield "timestamp", "", "When it was asked, YYYY/MM/DD HH:MM:SS.msec.", stamp
    yield "driver_version", "", "The driver's version.", lambda device: device.nvml.driver
    yield from nothing(["vgpu_driver_capability.heterogenous_multivGPU"])
    yield "count", "", "How many GPUs there are.", lambda device: len(device.nvml.devices)
    yield "name|gpu_name", "", "The product's name.", text("Name")
    yield "serial|gpu_serial", "", "The number on the board.", text("Serial")
    yield "uuid|gpu_uuid", "", "What names this GPU and no other.", text("UUID")
    yield "pci.bus_id|gpu_bus_id", "", "PCI location, domain:bus:device.function in hex.", lambda device: device.bus_id
    yield "pci.domain", "", "PCI domain, in hex.", pci("domain", 4)
    yield "pci.bus", "", "PCI bus, in hex.", pci("bus", 2)
    yield "pci.device", "", "PCI device, in hex.", pci("device", 2)
    yield "pci.baseClass", "", "PCI base class, in hex.", lambda device: "0x3"
    yield "pci.subClass", "", "PCI sub class, in hex.", lambda device: "0x2"
    yield "pci.device_id", "", "PCI vendor and device id, in hex.", pci("pciDeviceId", 8)
    yield "pci.sub_device_id", "", "PCI sub system id, in hex.", pci("pciSubSystemId", 8)
    yield from nothing(f"vgpu_device_capability.{kind}" for kind in VGPU)
    yield from _links()
    yield "index", "", "The number that NVML counts it as.", lambda device: device.index
    yield "display_mode", "", "No longer in use.", lambda device: f"[{DEPRECATED}]"
    yield "display_attached", "", "Whether a monitor may be attached.", named(YES, "DisplayMode")
    yield "display_active", "", "Whether memory is used for a display.", named(SWITCH, "DisplayActive")
    yield "persistence_mode", "", "Whether the driver stays loaded.", named(SWITCH, "PersistenceMode")
    yield "addressing_mode", "", "How it reaches the system's memory.", lambda device: "None"
    yield "accounting.mode", "", "Whether processes are accounted for.", named(SWITCH, "AccountingMode")
    yield "accounting.buffer_size", "", "How many of them are kept.", number("AccountingBufferSize")
    yield from nothing(["driver_model.current", "driver_model.pending"])
    yield "vbios_version", "", "Version of the board's BIOS.", text("VbiosVersion")
    yield "inforom.img|inforom.image", "", "Version of the infoROM's image.", text("InforomImageVersion")
    yield from nothing(["inforom.oem", "inforom.ecc", "inforom.pwr|inforom.power", "inforom.checksum_validation"])
    yield "gpu_recovery_action", "", "What would bring it out of a bad state.", lambda device: "None"
    yield from nothing(["gom.current|gpu_operation_mode.current", "gom.pending|gpu_operation_mode.pending"])
    yield "fan.speed", "%", "How fast the fan is meant to turn.", number("FanSpeed")
    yield "pstate", "", "Performance state, P0 the highest, P12 the lowest.", _performance_state
    yield from _event_reasons()
    for field, about in (("total", "All"), ("reserved", "The driver's own"), ("used", "Used"), ("free", "Free")):
        yield f"memory.{field}", "MiB", f"{about} memory.", memory(field)
    yield "compute_mode", "", "Whether processes may share it.", named(COMPUTE_MODE_NAMES, "ComputeMode")
    yield "compute_cap", "", "CUDA's compute capability.", capability
    yield "utilization.gpu", "%", "How much of the time kernels ran.", utilization("gpu")
    yield "utilization.memory", "%", "How much of the time memory was read or written.", utilization("memory")
    for engine, getter in (("encoder", "Encoder"), ("decoder", "Decoder"), ("jpeg", "Jpg"), ("ofa", "Ofa")):
        about = f"How much of the time the engine {engine} was busy."
        yield f"utilization.{engine}", "%", about, first(f"{getter}Utilization", 2)
    for place, field in enumerate(("sessionCount", "averageFps", "averageLatency")):
        yield f"encoder.stats.{field}", "", "Of sessions that encode.", first("EncoderStats", 3, place)
    yield from nothing(["dramEncryption.mode.current", "dramEncryption.mode.pending"])
    yield "ecc.mode.current", "", "Whether ECC is on.", mode("EccMode", 0)
    yield "ecc.mode.pending", "", "Whether it will be after a restart.", mode("EccMode", 1)
    yield from _errors()
    pages = ("single_bit_ecc.count|retired_pages.sbe", "double_bit.count|retired_pages.dbe", "pending")
    yield from nothing(f"retired_pages.{page}" for page in pages)
    yield from _rows()
    yield "temperature.gpu", "", "The GPU's temperature, in degrees C.", number("Temperature", 0)
    yield "temperature.gpu.tlimit", "", "How much warmer it may get, in degrees C.", lambda device: device.margin
    yield "temperature.memory", "", "The memory's temperature, in degrees C.", lambda device: "N/A"
    yield from _power()
    yield from _clocks()
    yield "mig.mode.current", "", "Whether it is divided (MIG).", mode("MigMode", 0)
    yield "mig.mode.pending", "", "Whether it will be after a reset.", mode("MigMode", 1)
    yield "gsp.mode.current", "", "Whether it has firmware of its own at work.", mode("GspFirmwareMode", 0)
    yield "gsp.mode.default", "", "Whether it has by default.", mode("GspFirmwareMode", 1)
    yield from nothing(["c2c.mode"])
    for field in ("total", "used", "free"):
        yield f"protected_memory.{field}", "MiB", "Not of virtual GPUs.", absent
    yield from nothing(f"fabric.{one}" for one in ("state", "status", "cliqueId", "clusterUuid"))
    yield from nothing(f"fabric.health.{one}" for one in FABRIC_HEALTH)
    yield from nothing(f"platform.{one}" for one in PLATFORM)
    yield from nothing(["hostname"])


Rows = Iterator[tuple[str, str, str, Callable[..., Value]]]


def _links() -> Rows:
    generation = "Generation of the PCIe link"
    yield "pcie.link.gen.current", "", f"{generation}.", number("CurrPcieLinkGeneration")
    yield "pcie.link.gen.gpucurrent", "", f"{generation}.", number("CurrPcieLinkGeneration")
    yield "pcie.link.gen.max", "", f"{generation}, at most.", number("MaxPcieLinkGeneration")
    yield "pcie.link.gen.gpumax", "", f"{generation} that the GPU can.", number("GpuMaxPcieLinkGeneration")
    yield "pcie.link.gen.hostmax", "", f"{generation} that the host can.", absent
    yield "pcie.link.width.current", "", "Lanes of the PCIe link.", number("CurrPcieLinkWidth")
    yield "pcie.link.width.max", "", "Lanes of the PCIe link, at most.", number("MaxPcieLinkWidth")


def _performance_state(device: Device) -> Value:
    found = device.number("PerformanceState")
    return None if found is None else f"P{found}"


def _event_reasons() -> Rows:
    def both(name: str) -> str:
        return f"clocks_event_reasons.{name}|clocks_throttle_reasons.{name}"

    yield both("supported"), "", "Bits of nvml.h: what can be told.", reasons("SupportedClocksEventReasons")
    yield both("active"), "", "Bits of nvml.h: what keeps the clocks down.", reasons("CurrentClocksEventReasons")
    for name, (bit, about) in REASONS.items():
        yield both(name), "", f"Whether the clocks are kept down by this: {about}.", reason(bit)
    counted = ("sw_power_cap", "sync_boost", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown")
    for name in counted:
        about = f"For how long the clocks were kept down by this: {REASONS[name][1]}."
        yield f"clocks_event_reasons_counters.{name}", "us", about, absent


def _errors() -> Rows:
    for severity, correctness in enumerate(("corrected", "uncorrected")):
        for since, period in enumerate(("volatile", "aggregate")):
            about = f"Errors that were {correctness}, {('since the driver was loaded', 'ever')[since]}"
            for place, location in [*MEMORIES.items(), ("total", None)]:
                yield f"ecc.errors.{correctness}.{period}.{place}", "", f"{about}.", errors(severity, since, location)
    for place in ("volatile.sram.parity", "volatile.sram.secded", "aggregate.sram.parity", "aggregate.sram.secded"):
        yield f"ecc.errors.uncorrected.{place}", "", "Not of virtual GPUs.", absent
    for place in ("thresholdExceeded", "l2", "sm", "mcu", "pcie", "other"):
        yield f"ecc.errors.uncorrected.aggregate.sram.{place}", "", "Not of virtual GPUs.", absent


def _rows() -> Rows:
    about = "Rows of memory that were replaced because of errors"
    yield "remapped_rows.correctable|remapped_rows.sbe", "", f"{about}.", first("RemappedRows", 4, 0)
    yield "remapped_rows.correctable_inactive", "", f"{about}.", absent
    yield "remapped_rows.uncorrectable|remapped_rows.dbe", "", f"{about}.", first("RemappedRows", 4, 1)
    yield "remapped_rows.uncorrectable_inactive", "", f"{about}.", absent
    yield "remapped_rows.pending", "", "Whether a row will be replaced.", yes("RemappedRows", 4, 2)
    yield "remapped_rows.failure", "", "Whether one could not be.", yes("RemappedRows", 4, 3)
    for place in ("max", "high", "partial", "low", "none"):
        yield f"remapped_rows.histogram.{place}", "", "Not of virtual GPUs.", absent


def _power() -> Rows:
    usage, limit = watts(number("PowerUsage")), "The power limit"
    average, instant = watts(field(185)), watts(field(186))
    yield "power.management", "", "Whether power is managed.", named(SWITCH, "PowerManagementMode")
    yield "power.draw", "W", "What it draws.", usage
    yield "power.draw.average|gpu.power.draw.average", "W", "What it draws, over a second.", average
    yield "power.draw.instant|gpu.power.draw.instant", "W", "What it draws now.", instant
    asked, enforced = watts(number("PowerManagementLimit")), watts(number("EnforcedPowerLimit"))
    yield "power.limit|gpu.power.requested_limit", "W", f"{limit} that was asked for.", asked
    yield "enforced.power.limit|gpu.power.current_limit", "W", f"{limit} in force.", enforced
    default = watts(number("PowerManagementDefaultLimit"))
    yield "power.default_limit|gpu.power.default_limit", "W", f"{limit} by default.", default
    yield "power.min_limit|gpu.power.min_limit", "W", f"{limit}, at least.", power_limit(0)
    yield "power.max_limit|gpu.power.max_limit", "W", f"{limit}, at most.", power_limit(1)
    for name in MODULE_POWER:
        yield f"module.{name}", "W", "Not of virtual GPUs.", absent
    smoothing = {"delayed_power_smoothing_supported": "", "window_multiplier": "ms"}
    for name in POWER_SMOOTHING:
        unit = smoothing.get(name, "" if name.endswith("_multiplier") else "W")
        yield f"power_smoothing.{name}", unit, "Not of virtual GPUs.", absent


VGPU = (
    "fractional_multiVgpu",
    "heterogeneous_timeSlice_profile",
    "heterogeneous_timeSlice_sizes",
    "homogeneous_placements",
    "mig_timeSlicing",
    "mig_timeSlicing_mode",
)
FABRIC_HEALTH = (
    "summary",
    "bandwidth",
    "route_recovery_in_progress",
    "route_unhealthy",
    "access_timeout_recovery",
    "incorrect_configuration",
    "partition_assigned",
)
PLATFORM = (
    "chassis_serial_number",
    "slot_number",
    "tray_index",
    "host_id",
    "peer_type",
    "module_id",
    "gpu_fabric_guid",
)
MODULE_POWER = (
    "power.draw.average",
    "power.draw.instant",
    "power.limit|module.power.requested_limit",
    "enforced.power.limit|module.power.current_limit",
    "power.default_limit",
    "power.min_limit",
    "power.max_limit",
)
POWER_SMOOTHING = (
    "delayed_power_smoothing_supported",
    "primary_power_floor",
    "secondary_power_floor",
    "min_primary_floor_activation_offset",
    "min_primary_floor_activation_point",
    "window_multiplier",
    *(
        f"{whose}.{name}"
        for whose in ("curr_profile", "admin_override")
        for name in (
            "secondary_power_floor",
            "primary_floor_act_window_multiplier",
            "primary_floor_tar_window_multiplier",
            "primary_floor_act_offset",
        )
    ),
)


def _clocks() -> Rows:
    for name, (short, kind) in CLOCKS.items():
        yield f"clocks.current.{name}|clocks.{short}", "MHz", f"The clock: {name}.", number("ClockInfo", kind)
    for group, getter in (("applications", "Applications"), ("default_applications", "DefaultApplications")):
        for name in ("graphics", "memory"):
            short, kind = CLOCKS[name]
            names = f"clocks.{group}.{name}|clocks.{group}.{short}"
            yield names, "MHz", f"The clock for applications: {name}.", number(f"{getter}Clock", kind)
    for name in ("graphics", "sm", "memory"):
        short, kind = CLOCKS[name]
        names = f"clocks.max.{name}|clocks.max.{short}"
        yield names, "MHz", f"The highest clock: {name}.", number("MaxClockInfo", kind)


def gpu_properties() -> list[Property]:
    """Those of a GPU."""
    return [Property(tuple(names.split("|")), unit, about, read) for names, unit, about, read in properties()]


def process_properties() -> list[Property]:
    """Those of a process that computes on a GPU; they are read of the GPU and the process."""
    by_name = {one.names[-1]: one for one in gpu_properties()}
    about = [by_name[name] for name in ("timestamp", "gpu_name", "gpu_bus_id", "gpu_serial", "gpu_uuid")]
    found = [Property(one.names[-1:], "", one.about, lambda d, p, one=one: one.read(d)) for one in about]
    return [
        *found,
        Property(("pid",), "", "The process's number.", lambda d, p: p.pid),
        Property(("process_name", "name"), "", "The process's name.", lambda d, p: p.name),
        Property(("used_gpu_memory", "used_memory"), "MiB", "What it holds.", lambda d, p: mebibytes(p.memory)),
    ]


def select(known: Sequence[Property], names: str) -> list[Property]:
    """The properties of a query, which names them with commas between. Raises UnknownProperty."""
    by_name = {name: one for one in known for name in one.names}
    chosen = []
    for name in (part.strip() for part in names.split(",")):
        if name not in by_name:
            raise UnknownProperty(name)
        chosen.append(by_name[name])
    return chosen


def row(chosen: Sequence[Property], has_units: bool, *subject: Any) -> str:
    """A line of values."""
    return ", ".join(_shown(one, one.read(*subject), has_units) for one in chosen)


def _shown(one: Property, value: Value, has_units: bool) -> str:
    if value is None:
        return "[N/A]"
    return f"{value} {one.unit}" if one.unit and has_units else str(value)


def described(known: Sequence[Property], switch: str) -> Iterator[str]:
    """The lines of `--help-query-…`."""
    yield f'List of valid properties to query for the switch "--{switch}=":'
    for one in known:
        yield ""
        yield " or ".join(f'"{name}"' for name in one.names)
        yield one.about
    yield ""
