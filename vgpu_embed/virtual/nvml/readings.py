"""NVML: what is measured on a device and how it is set. Nothing is computed, so it is an idle card's."""

from __future__ import annotations

from vgpu_embed.virtual.nvml.library import (
    ARGUMENT_VERSION_MISMATCH,
    INVALID_ARGUMENT,
    NOT_FOUND,
    NOT_SUPPORTED,
    answers,
    device,
    index,
    reply_number,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

FIGURES = {
    "nvmlDeviceGetFanSpeed": "fan_speed",
    "nvmlDeviceGetPerformanceState": "performance_state",
    "nvmlDeviceGetPersistenceMode": "persistence_mode",
    "nvmlDeviceGetPowerState": "performance_state",
    "nvmlDeviceGetPowerUsage": "power_usage",
}
"""Functions with one number to give, and the profile's figure that it is."""

CONSTANTS = {
    "nvmlDeviceGetAccountingBufferSize": 4000,
    "nvmlDeviceGetAccountingMode": 0,
    "nvmlDeviceGetBusType": 2,  # NVML_BUS_TYPE_PCIE
    "nvmlDeviceGetCurrentClocksEventReasons": 1,  # nvmlClocksEventReasonGpuIdle
    "nvmlDeviceGetCurrentClocksThrottleReasons": 1,
    "nvmlDeviceGetDecoderUtilization": 0,
    "nvmlDeviceGetDisplayActive": 0,
    "nvmlDeviceGetDisplayMode": 1,
    "nvmlDeviceGetEncoderStats": 0,
    "nvmlDeviceGetEncoderUtilization": 0,
    "nvmlDeviceGetGspFirmwareMode": 1,
    "nvmlDeviceGetJpgUtilization": 0,
    "nvmlDeviceGetMultiGpuBoard": 0,
    "nvmlDeviceGetOfaUtilization": 0,
    "nvmlDeviceGetPcieReplayCounter": 0,
    "nvmlDeviceGetPcieThroughput": 0,
    "nvmlDeviceGetPowerManagementMode": 1,
    "nvmlDeviceGetSupportedClocksEventReasons": 0x1FF,
    "nvmlDeviceGetSupportedClocksThrottleReasons": 0x1FF,
    "nvmlDeviceIsMigDeviceHandle": 0,
}
"""Functions that say the same of every idle GPU, and what; of several outputs each is that."""

LACKING = (
    "nvmlDeviceGetAutoBoostedClocksEnabled",
    "nvmlDeviceGetBridgeChipInfo",
    "nvmlDeviceGetDriverModel",
    "nvmlDeviceGetDriverModel_v2",
    "nvmlDeviceGetGpuOperationMode",
    "nvmlDeviceGetNvLinkCapability",
    "nvmlDeviceGetNvLinkErrorCounter",
    "nvmlDeviceGetNvLinkRemotePciInfo",
    "nvmlDeviceGetNvLinkRemotePciInfo_v2",
    "nvmlDeviceGetNvLinkState",
    "nvmlDeviceGetNvLinkVersion",
    "nvmlDeviceGetRetiredPages",
    "nvmlDeviceGetRetiredPagesPendingStatus",
    "nvmlDeviceGetRetiredPages_v2",
)
"""What no GPU here has: Windows' driver models, NVLink, pages to retire (they remap rows), an operation mode."""

COMPUTE_MODE = 20
"""CU_DEVICE_ATTRIBUTE_COMPUTE_MODE of cuda.h."""

TEMPERATURE_V1 = 1 << 24 | 12
MARGIN_TEMPERATURE_V1 = 1 << 24 | 8
"""Versions of structs of nvml.h."""

POWER_FIELDS = (185, 186)
"""NVML_FI_DEV_POWER_AVERAGE and _INSTANT."""

COUNTING_MEMORIES = (2, 7)
"""Memories whose errors are counted: DRAM and SRAM (nvmlMemoryLocation_t)."""


@answers(*FIGURES)
def figure(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, device(machine, call).nvml.get(FIGURES[call.function]))


@answers(*CONSTANTS)
def constant(machine: Machine, call: AnyCall) -> int:
    index(machine, call)
    return reply_number(call, CONSTANTS[call.function])


@answers(*LACKING)
def lacking(machine: Machine, call: AnyCall) -> int:
    index(machine, call)
    return NOT_SUPPORTED


@answers("nvmlDeviceGetComputeMode")
def compute_mode(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, device(machine, call).attribute(COMPUTE_MODE))


@answers("nvmlDeviceGetGpuInstanceId", "nvmlDeviceGetComputeInstanceId")
def instance(machine: Machine, call: AnyCall) -> int:
    """The device is no MIG instance."""
    index(machine, call)
    return INVALID_ARGUMENT


@answers("nvmlDeviceGetMaxMigDeviceCount")
def max_mig_devices(machine: Machine, call: AnyCall) -> int:
    """None while MIG is switched off."""
    index(machine, call)
    return reply_number(call, 0)


@answers("nvmlDeviceGetMigDeviceHandleByIndex")
def mig_device(machine: Machine, call: AnyCall) -> int:
    return NOT_SUPPORTED if device(machine, call).nvml.get("mig_mode") is None else NOT_FOUND


@answers("nvmlDeviceGetGspFirmwareVersion")
def gsp_firmware_version(machine: Machine, call: AnyCall) -> int:
    index(machine, call)
    return call.reply(version=machine.driver_name)


# ---- temperature, fans, activity -----------------------------------------------------------------------------------


@answers("nvmlDeviceGetTemperature")
def temperature(machine: Machine, call: AnyCall) -> int:
    """There is one sensor."""
    profile = device(machine, call)
    return INVALID_ARGUMENT if call.number("sensorType") else reply_number(call, profile.nvml.get("temperature"))


@answers("nvmlDeviceGetTemperatureV")
def temperature_of_sensor(machine: Machine, call: AnyCall) -> int:
    known = device(machine, call).nvml.get("temperature")
    if not call.temperature or call.temperature.sensorType:
        return INVALID_ARGUMENT
    if call.temperature.version != TEMPERATURE_V1:
        return ARGUMENT_VERSION_MISMATCH
    return NOT_SUPPORTED if known is None else call.reply(temperature={"temperature": known})


@answers("nvmlDeviceGetMarginTemperature")
def margin_temperature(machine: Machine, call: AnyCall) -> int:
    """How much warmer the GPU may get; from Ada on."""
    profile = device(machine, call)
    if not call.marginTempInfo:
        return INVALID_ARGUMENT
    if call.marginTempInfo.version != MARGIN_TEMPERATURE_V1:
        return ARGUMENT_VERSION_MISMATCH
    most = profile.nvml.get("temperature_threshold", {}).get("gpu_max")
    known = profile.nvml.get("temperature")
    if most is None or known is None or profile.compute_capability < (8, 9):
        return NOT_SUPPORTED
    return call.reply(marginTempInfo={"marginTemperature": most - known})


@answers("nvmlDeviceGetFanSpeed_v2")
def fan_speed(machine: Machine, call: AnyCall) -> int:
    """All fans turn alike."""
    figures = device(machine, call).nvml
    if call.fan >= (figures.get("num_fans") or 1):
        return INVALID_ARGUMENT
    return reply_number(call, figures.get("fan_speed"))


@answers("nvmlDeviceGetUtilizationRates")
def utilization_rates(machine: Machine, call: AnyCall) -> int:
    """Nothing runs."""
    index(machine, call)
    return call.reply(utilization={"gpu": 0, "memory": 0})


@answers("nvmlDeviceGetFBCStats")
def frame_buffer_captures(machine: Machine, call: AnyCall) -> int:
    index(machine, call)
    return call.reply(fbcStats={"sessionsCount": 0, "averageFPS": 0, "averageLatency": 0})


@answers("nvmlDeviceGetFieldValues")
def field_values(machine: Machine, call: AnyCall) -> int:
    """Of the fields only what the card draws; each field has a result of its own."""
    power = device(machine, call).nvml.get("power_usage")
    if not call.values or call.valuesCount <= 0:
        return INVALID_ARGUMENT
    for value in call.values[0 : call.valuesCount]:
        known = power is not None and value.fieldId in POWER_FIELDS
        value.nvmlReturn = 0 if known else NOT_SUPPORTED
        if known:
            value.valueType, value.value.uiVal = 1, power
    return call.reply()


# ---- errors of the memory ------------------------------------------------------------------------------------------


def counts_errors(profile: Profile) -> bool:
    """Whether ECC is on."""
    return bool(profile.nvml["ecc_mode"])


@answers("nvmlDeviceGetDefaultEccMode")
def default_ecc_mode(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, device(machine, call).nvml["ecc_mode"])


@answers("nvmlDeviceGetTotalEccErrors")
def total_errors(machine: Machine, call: AnyCall) -> int:
    return reply_number(call, 0 if counts_errors(device(machine, call)) else None)


@answers("nvmlDeviceGetMemoryErrorCounter")
def errors_of_a_memory(machine: Machine, call: AnyCall) -> int:
    counts = counts_errors(device(machine, call)) and call.number("locationType") in COUNTING_MEMORIES
    return reply_number(call, 0 if counts else None)


@answers("nvmlDeviceGetRemappedRows")
def remapped_rows(machine: Machine, call: AnyCall) -> int:
    """From Ampere on, where there is ECC."""
    profile = device(machine, call)
    remaps = counts_errors(profile) and profile.compute_capability >= (8, 0)
    return reply_number(call, 0 if remaps else None)
