"""NVML: initialisation, the system, and handles of devices."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.machine import at_location
from vgpu_embed.virtual.nvml.library import (
    FIRST_HANDLE,
    INVALID_ARGUMENT,
    NOT_FOUND,
    answers,
    at_any_time,
    ordered,
    reply_number,
    reply_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine


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


@answers("nvmlUnitGetCount", "nvmlGetExcludedDeviceCount", "nvmlGetBlacklistDeviceCount")
def none_of_them(machine: Machine, call: AnyCall) -> int:
    """There are no S-class units, and no device is kept from the driver."""
    return reply_number(call, 0)


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


@answers("nvmlDeviceGetHandleBySerial")
def handle_by_serial(machine: Machine, call: AnyCall) -> int:
    if call.serial is None:
        return INVALID_ARGUMENT
    serials = [profile.nvml.get("serial") for profile in ordered(machine)]
    if call.serial not in serials:
        return NOT_FOUND
    return call.reply(device=FIRST_HANDLE + serials.index(call.serial))
