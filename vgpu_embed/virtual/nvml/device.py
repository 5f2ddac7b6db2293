"""NVML: what a device is, and the figures of its profile."""

from __future__ import annotations

from vgpu_embed.virtual.nvml.library import (
    INVALID_ARGUMENT,
    NOT_SUPPORTED,
    answers,
    device,
    index,
    reply_number,
    reply_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine


NUMBERS = {
    "nvmlDeviceGetArchitecture": "architecture",
    "nvmlDeviceGetBoardId": "board_id",
    "nvmlDeviceGetBrand": "brand",
    "nvmlDeviceGetCurrPcieLinkGeneration": "max_pcie_link_generation",
    "nvmlDeviceGetCurrPcieLinkWidth": "max_pcie_link_width",
    "nvmlDeviceGetEnforcedPowerLimit": "power_management_default_limit",
    "nvmlDeviceGetGpuMaxPcieLinkGeneration": "max_pcie_link_generation",
    "nvmlDeviceGetMaxPcieLinkGeneration": "max_pcie_link_generation",
    "nvmlDeviceGetMaxPcieLinkWidth": "max_pcie_link_width",
    "nvmlDeviceGetMemoryBusWidth": "memory_bus_width",
    "nvmlDeviceGetNumFans": "num_fans",
    "nvmlDeviceGetNumGpuCores": "num_gpu_cores",
    "nvmlDeviceGetPowerManagementDefaultLimit": "power_management_default_limit",
    "nvmlDeviceGetPowerManagementLimit": "power_management_default_limit",
}
"""Functions with one number to give, and the profile's figure that it is."""

MODES = {"nvmlDeviceGetEccMode": "ecc_mode", "nvmlDeviceGetMigMode": "mig_mode"}
"""Functions that give a figure twice: what it is now and what it will be after a reset."""

TEXTS = {
    "nvmlDeviceGetBoardPartNumber": "board_part_number",
    "nvmlDeviceGetInforomImageVersion": "inforom_image_version",
    "nvmlDeviceGetSerial": "serial",
    "nvmlDeviceGetVbiosVersion": "vbios_version",
}
"""Functions that give a text of the profile's."""

CLOCKS = ("graphics", "sm", "mem", "video")
THRESHOLDS = ("shutdown", "slowdown", "mem_max", "gpu_max")
"""Kinds of clock and of temperature threshold, by number (nvmlClockType_t, nvmlTemperatureThresholds_t)."""


@answers("nvmlDeviceGetIndex")
def device_index(machine: Machine, call: AnyCall) -> int:
    return call.reply(index=index(machine, call))


@answers("nvmlDeviceGetMinorNumber")
def minor_number(machine: Machine, call: AnyCall) -> int:
    """That of /dev/nvidia0."""
    return call.reply(minorNumber=index(machine, call))


@answers("nvmlDeviceGetName")
def name(machine: Machine, call: AnyCall) -> int:
    return reply_text(call, device(machine, call).name)


@answers("nvmlDeviceGetUUID")
def uuid(machine: Machine, call: AnyCall) -> int:
    return reply_text(call, device(machine, call).uuid_text)


@answers("nvmlDeviceGetCudaComputeCapability")
def compute_capability(machine: Machine, call: AnyCall) -> int:
    major, minor = device(machine, call).compute_capability
    return call.reply(major=major, minor=minor)


@answers("nvmlDeviceGetPciInfo", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo_v3")
def pci_info(machine: Machine, call: AnyCall) -> int:
    """Each version has a longer struct: nothing is written behind what the version that is called has."""
    profile = device(machine, call)
    domain, bus, device_number = profile.pci
    fields = {
        "busIdLegacy": profile.pci_bus_id.encode(),
        "domain": domain,
        "bus": bus,
        "device": device_number,
        "pciDeviceId": profile.attribute(GPU_PCI_DEVICE_ID),
    }
    if call.function != "nvmlDeviceGetPciInfo":
        fields["pciSubSystemId"] = profile.attribute(GPU_PCI_SUBSYSTEM_ID)
    if call.function == "nvmlDeviceGetPciInfo_v3":
        fields["busId"] = f"{domain:08X}:{bus:02X}:{device_number:02X}.0".encode()
    return call.reply(pci=fields)


GPU_PCI_DEVICE_ID = 139
GPU_PCI_SUBSYSTEM_ID = 140
"""CU_DEVICE_ATTRIBUTE_… of cuda.h."""


# ---- figures of the profile ----------------------------------------------------------------------------------------


@answers(*NUMBERS)
def number(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, device(machine, call).nvml.get(NUMBERS[call.function]))


@answers(*MODES)
def mode(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, device(machine, call).nvml.get(MODES[call.function]))


@answers(*TEXTS)
def text(machine: Machine, call: AnyCall) -> int:
    return reply_text(call, device(machine, call).nvml.get(TEXTS[call.function]))


@answers("nvmlDeviceGetPowerManagementLimitConstraints")
def power_limits(machine: Machine, call: AnyCall) -> int:
    limits = device(machine, call).nvml.get("power_management_limit_constraints")
    return NOT_SUPPORTED if limits is None else call.reply(minLimit=limits[0], maxLimit=limits[1])


@answers("nvmlDeviceGetMaxClockInfo")
def max_clock(machine: Machine, call: AnyCall) -> int:
    return _one_of(machine, call, "max_clock_info", CLOCKS, call.number("type"))


@answers("nvmlDeviceGetClockInfo")
def clock(machine: Machine, call: AnyCall) -> int:
    """A clock that there is not is one without a figure, to this function alone."""
    kind = call.number("type")
    device(machine, call)
    return _one_of(machine, call, "clock_info", CLOCKS, kind) if kind < len(CLOCKS) else NOT_SUPPORTED


@answers("nvmlDeviceGetApplicationsClock", "nvmlDeviceGetDefaultApplicationsClock")
def applications_clock(machine: Machine, call: AnyCall) -> int:
    """0 where there is none."""
    if call.number("clockType") == CLOCKS.index("video"):
        device(machine, call)
        return call.reply(NOT_SUPPORTED, clockMHz=0)
    return _one_of(machine, call, "default_applications_clock", CLOCKS, call.number("clockType"))


@answers("nvmlDeviceGetMaxCustomerBoostClock")
def max_customer_boost_clock(machine: Machine, call: AnyCall) -> int:
    """Of graphics and SM."""
    kind = call.number("clockType")
    device(machine, call)
    return _one_of(machine, call, "max_clock_info", CLOCKS, kind) if kind < 2 else NOT_SUPPORTED


@answers("nvmlDeviceGetTemperatureThreshold")
def temperature_threshold(machine: Machine, call: AnyCall) -> int:
    return _one_of(machine, call, "temperature_threshold", THRESHOLDS, call.number("thresholdType"))


def _one_of(machine: Machine, call: AnyCall, figure: str, kinds: tuple[str, ...], kind: int) -> int:
    """A figure that the profile has several of."""
    values = device(machine, call).nvml.get(figure, {})
    if not 0 <= kind < len(kinds):
        return INVALID_ARGUMENT
    return reply_number(call, values.get(kinds[kind]))
