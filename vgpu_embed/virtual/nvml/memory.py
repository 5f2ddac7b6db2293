"""NVML: a device's memory, and the processes that hold it."""

from __future__ import annotations

from vgpu_embed.virtual.nvml.library import (
    FUNCTION_NOT_FOUND,
    INSUFFICIENT_SIZE,
    INVALID_ARGUMENT,
    NOT_FOUND,
    NOT_SUPPORTED,
    answers,
    device,
    index,
    number_in_machine,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

MEMORY_V2 = 2 << 24 | 40
"""nvmlMemory_v2, of nvml.h: the second version of a struct of 40 bytes."""

NO_INSTANCE = 0xFFFFFFFF
"""The instance's number where a GPU is not divided (MIG)."""

VERSIONS = ("", "_v2", "_v3")
COMPUTE = tuple(f"nvmlDeviceGetComputeRunningProcesses{version}" for version in VERSIONS)
OTHERS = tuple(
    f"nvmlDeviceGet{kind}RunningProcesses{version}" for kind in ("Graphics", "MPSCompute") for version in VERSIONS
)


@answers("nvmlDeviceGetMemoryInfo")
def memory_info(machine: Machine, call: AnyCall) -> int:
    """What the driver keeps for itself counts as used here."""
    profile = device(machine, call)
    free = machine.unused(number_in_machine(machine, call))
    return call.reply(memory={"total": profile.nvml_memory, "free": free, "used": profile.nvml_memory - free})


@answers("nvmlDeviceGetMemoryInfo_v2")
def memory_info_v2(machine: Machine, call: AnyCall) -> int:
    """What the driver keeps for itself is reserved."""
    profile = device(machine, call)
    if not call.memory:
        return INVALID_ARGUMENT
    if call.memory.version != MEMORY_V2:
        return FUNCTION_NOT_FOUND
    free = machine.unused(number_in_machine(machine, call))
    reserved = profile.nvml_memory - profile.memory
    fields = {"total": profile.nvml_memory, "reserved": reserved, "free": free, "used": profile.memory - free}
    return call.reply(memory=fields)


@answers("nvmlDeviceGetBAR1MemoryInfo")
def bar1_memory_info(machine: Machine, call: AnyCall) -> int:
    size = device(machine, call).nvml.get("bar1_memory")
    if size is None:
        return NOT_SUPPORTED
    return call.reply(bar1Memory={"bar1Total": size, "bar1Free": size, "bar1Used": 0})


# ---- processes -----------------------------------------------------------------------------------------------------


@answers(*COMPUTE)
def compute_processes(machine: Machine, call: AnyCall) -> int:
    """Those with memory of the device, in the order of their numbers, as far as there is room for all."""
    number = number_in_machine(machine, call)
    if not call.infoCount:
        return INVALID_ARGUMENT
    holding = [(pid, held[number]) for pid, held in sorted(machine.occupants.all().items()) if held[number]]
    room = call.infoCount[0]
    result = call.reply(INSUFFICIENT_SIZE if room < len(holding) else 0, infoCount=len(holding))
    if not result and holding:
        if not call.infos:
            return INVALID_ARGUMENT
        for info, (pid, used) in zip(call.infos[0 : len(holding)], holding, strict=True):
            info.pid, info.usedGpuMemory = pid, used
            if call.function != COMPUTE[0]:
                info.gpuInstanceId = info.computeInstanceId = NO_INSTANCE
    return result


@answers(*OTHERS)
def other_processes(machine: Machine, call: AnyCall) -> int:
    """There are none that draw, and none behind MPS."""
    device(machine, call)
    return call.reply(infoCount=0)


@answers("nvmlDeviceGetProcessUtilization")
def process_utilization(machine: Machine, call: AnyCall) -> int:
    """No samples: nothing is computed."""
    index(machine, call)
    return NOT_FOUND


@answers("nvmlSystemGetProcessName")
def process_name(machine: Machine, call: AnyCall) -> int:
    """The first word of the command line, cut where there is no room."""
    if not call.length:
        return INVALID_ARGUMENT
    try:
        with open(f"/proc/{call.pid}/cmdline", "rb") as file:
            name = file.read().split(b"\0")[0]
        if not name:
            with open(f"/proc/{call.pid}/comm", "rb") as file:
                name = file.read().strip()
    except OSError:
        return NOT_FOUND
    return call.reply(name=name + b"\0")
