"""libnvidia-ml.so.1 where there is no driver: what its tools and bindings ask of a machine and its GPUs.

It shows all of them, whatever CUDA_VISIBLE_DEVICES says, in the order of their PCI locations. Results and orders of
checks are those of driver 580.159.04 (tests/virtual/data/h100-queries.json). A figure that a profile lacks is
NVML_ERROR_NOT_SUPPORTED.
"""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.policy import Policy
from vgpu_embed.virtual.answers import Answers, Refused, policy_of
from vgpu_embed.virtual.machine import at_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

UNINITIALIZED = 1
INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
FUNCTION_NOT_FOUND = 13
"""NVML_ERROR_… of nvml.h."""

FIRST_HANDLE = 0x76677075
"""What stands for the first device; handles are never looked into."""

MEMORY_V2 = 2 << 24 | 40
"""nvmlMemory_v2, of nvml.h: the second version of a struct of 40 bytes."""

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

PROCESSES = tuple(
    f"nvmlDeviceGet{kind}RunningProcesses{version}"
    for kind in ("Compute", "Graphics", "MPSCompute")
    for version in ("", "_v2", "_v3")
)


def initialised(machine: Machine, call: AnyCall) -> None:
    """Refuses what comes before nvmlInit."""
    if not machine.nvml_users:
        raise Refused(UNINITIALIZED)


at_any_time = Answers()
answers = Answers(ready=initialised)


def policy(machine: Machine) -> Policy:
    """The NVML of a machine."""
    return policy_of(machine, at_any_time, answers)


def ordered(machine: Machine) -> list[Profile]:
    """The devices in NVML's order."""
    return sorted(machine.profiles, key=lambda profile: profile.pci)


def index(machine: Machine, call: AnyCall) -> int:
    """The number of the device that a call is about; refuses a handle that was not given out."""
    found = call.address_of(call.device) - FIRST_HANDLE
    if not 0 <= found < len(machine.profiles):
        raise Refused(INVALID_ARGUMENT)
    return found


def device(machine: Machine, call: AnyCall) -> Profile:
    """The device that a call is about."""
    return ordered(machine)[index(machine, call)]


def reply_text(call: AnyCall, text: str | None) -> int:
    """Gives a text, if there is one and room for it."""
    if text is None:
        return NOT_SUPPORTED
    return INSUFFICIENT_SIZE if len(text.encode()) >= call.length else call.reply(**to_outputs(call, text))


def reply_number(call: AnyCall, number: int | None) -> int:
    """Gives a number, if there is one, to each output."""
    return NOT_SUPPORTED if number is None else call.reply(**to_outputs(call, number))


def to_outputs(call: AnyCall, value: Any) -> dict[str, Any]:
    """A value for each out-parameter of a function."""
    parameters = tables.function(call.function).parameters or ()
    return {parameter.attribute: value for parameter in parameters if parameter.direction == "out"}


# ---- initialisation and the system ---------------------------------------------------------------------------------


@at_any_time("nvmlInit", "nvmlInit_v2", "nvmlInitWithFlags")
def init(machine: Machine, call: AnyCall) -> int:
    machine.nvml_users += 1
    return 0


@answers("nvmlShutdown")
def shutdown(machine: Machine, call: AnyCall) -> int:
    machine.nvml_users -= 1
    return 0


@at_any_time("nvmlErrorString")
def error_string(machine: Machine, call: AnyCall) -> str:
    from vgpu_embed.virtual import errors

    return errors.nvml_string(call.number("result_"))


@answers("nvmlSystemGetDriverVersion")
def driver_version(machine: Machine, call: AnyCall) -> int:
    return reply_text(call, machine.driver_name)


@at_any_time("nvmlSystemGetNVMLVersion")
def nvml_version(machine: Machine, call: AnyCall) -> int:
    """The driver's version after its CUDA's: 13.580.159.04."""
    return reply_text(call, f"{machine.driver_version // 1000}.{machine.driver_name}")


@at_any_time("nvmlSystemGetCudaDriverVersion", "nvmlSystemGetCudaDriverVersion_v2")
def cuda_driver_version(machine: Machine, call: AnyCall) -> int:
    return call.reply(cudaDriverVersion=machine.driver_version)


# ---- handles -------------------------------------------------------------------------------------------------------


@answers("nvmlDeviceGetCount", "nvmlDeviceGetCount_v2")
def device_count(machine: Machine, call: AnyCall) -> int:
    return call.reply(deviceCount=len(machine.profiles))


@answers("nvmlDeviceGetHandleByIndex", "nvmlDeviceGetHandleByIndex_v2")
def handle_by_index(machine: Machine, call: AnyCall) -> int:
    if call.index >= len(machine.profiles):
        return INVALID_ARGUMENT
    return call.reply(device=FIRST_HANDLE + call.index)


@answers("nvmlDeviceGetHandleByUUID")
def handle_by_uuid(machine: Machine, call: AnyCall) -> int:
    """To the letter, but "GPU-" may be missing."""
    if call.uuid is None:
        return INVALID_ARGUMENT
    for number, profile in enumerate(ordered(machine)):
        if call.uuid in (profile.uuid_text, profile.uuid_text[4:]):
            return call.reply(device=FIRST_HANDLE + number)
    return NOT_FOUND


@answers("nvmlDeviceGetHandleByPciBusId", "nvmlDeviceGetHandleByPciBusId_v2")
def handle_by_pci_bus_id(machine: Machine, call: AnyCall) -> int:
    try:
        found = at_location(ordered(machine), call.pciBusId or "")
    except Refused:
        return INVALID_ARGUMENT
    return NOT_FOUND if found is None else call.reply(device=FIRST_HANDLE + found)


# ---- devices -------------------------------------------------------------------------------------------------------


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


@answers("nvmlDeviceGetMemoryInfo")
def memory_info(machine: Machine, call: AnyCall) -> int:
    """Nobody uses any; what the driver keeps for itself counts as used here."""
    profile = device(machine, call)
    used = profile.nvml_memory - profile.memory
    return call.reply(memory={"total": profile.nvml_memory, "free": profile.memory, "used": used})


@answers("nvmlDeviceGetMemoryInfo_v2")
def memory_info_v2(machine: Machine, call: AnyCall) -> int:
    """Nobody uses any; what the driver keeps for itself is reserved."""
    profile = device(machine, call)
    if not call.memory:
        return INVALID_ARGUMENT
    if call.memory.version != MEMORY_V2:
        return FUNCTION_NOT_FOUND
    reserved = profile.nvml_memory - profile.memory
    fields = {"total": profile.nvml_memory, "reserved": reserved, "free": profile.memory, "used": 0}
    return call.reply(memory=fields)


@answers("nvmlDeviceGetBAR1MemoryInfo")
def bar1_memory_info(machine: Machine, call: AnyCall) -> int:
    size = device(machine, call).nvml.get("bar1_memory")
    if size is None:
        return NOT_SUPPORTED
    return call.reply(bar1Memory={"bar1Total": size, "bar1Free": size, "bar1Used": 0})


@answers("nvmlDeviceGetUtilizationRates")
def utilization_rates(machine: Machine, call: AnyCall) -> int:
    """Nothing runs."""
    device(machine, call)
    return call.reply(utilization={"gpu": 0, "memory": 0})


@answers(*PROCESSES)
def running_processes(machine: Machine, call: AnyCall) -> int:
    """None."""
    device(machine, call)
    return call.reply(infoCount=0)


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


@answers("nvmlDeviceGetTemperatureThreshold")
def temperature_threshold(machine: Machine, call: AnyCall) -> int:
    return _one_of(machine, call, "temperature_threshold", THRESHOLDS, call.number("thresholdType"))


def _one_of(machine: Machine, call: AnyCall, figure: str, kinds: tuple[str, ...], kind: int) -> int:
    """A figure that the profile has several of."""
    values = device(machine, call).nvml.get(figure, {})
    if not 0 <= kind < len(kinds):
        return INVALID_ARGUMENT
    return reply_number(call, values.get(kinds[kind]))
