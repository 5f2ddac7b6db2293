"""NVML: how devices and processors are connected. Each GPU has a PCI bus of its own below one host bridge."""

from __future__ import annotations

import os

from vgpu_embed.virtual.nvml.library import (
    ARGUMENT_VERSION_MISMATCH,
    FIRST_HANDLE,
    INVALID_ARGUMENT,
    answers,
    device,
    index,
    index_of,
    reply_number,
)
from vgpu_embed.virtual.peers import is_linked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

INTERNAL, HOST_BRIDGE = 0, 30
"""NVML_TOPOLOGY_…: the same device, and a way over the host bridge."""

P2P_OK, P2P_NOT_SUPPORTED = 0, 5
"""NVML_P2P_STATUS_…."""

FABRIC_V2, FABRIC_V3 = 2 << 24 | 36, 3 << 24 | 40
"""Versions of a struct of nvml.h."""

NO_FABRIC = {"clusterUuid": bytes(16), "status": 0, "cliqueId": 0, "state": 0}

PCI_SPEEDS = (2500, 5000, 8000, 16000, 32000, 64000)
"""Mbit/s of a lane, by generation."""


def both(machine: Machine, call: AnyCall) -> tuple[int, int]:
    """The two devices that a call is about."""
    return index_of(machine, call, call.device1), index_of(machine, call, call.device2)


@answers("nvmlDeviceGetTopologyCommonAncestor")
def common_ancestor(machine: Machine, call: AnyCall) -> int:
    first, second = both(machine, call)
    return call.reply(pathInfo=INTERNAL if first == second else HOST_BRIDGE)


@answers("nvmlDeviceGetTopologyNearestGpus")
def nearest_gpus(machine: Machine, call: AnyCall) -> int:
    """All others, if the level is theirs; as many as there is room for."""
    own = index(machine, call)
    if not call.count:
        return INVALID_ARGUMENT
    near = [n for n in range(len(machine.profiles)) if n != own] if call.number("level") == HOST_BRIDGE else []
    room = call.count[0]
    result = call.reply(count=len(near))
    if call.deviceArray:
        for place, number in enumerate(near[:room]):
            call.deviceArray[place] = call.ffi.cast("nvmlDevice_t", FIRST_HANDLE + number)
    return result


@answers("nvmlDeviceOnSameBoard")
def on_same_board(machine: Machine, call: AnyCall) -> int:
    first, second = both(machine, call)
    return call.reply(onSameBoard=int(first == second))


@answers("nvmlDeviceGetP2PStatus")
def p2p_status(machine: Machine, call: AnyCall) -> int:
    """As cuDeviceCanAccessPeer has it."""
    one, other = (machine.profiles[number] for number in both(machine, call))
    return call.reply(p2pStatus=P2P_OK if is_linked(one, other) else P2P_NOT_SUPPORTED)


@answers("nvmlDeviceGetGpuFabricInfo")
def fabric(machine: Machine, call: AnyCall) -> int:
    """No GPU here is in one, nor was the H200 that answered so (driver 580.159.04)."""
    index(machine, call)
    return call.reply(gpuFabricInfo=NO_FABRIC)


@answers("nvmlDeviceGetGpuFabricInfoV")
def fabric_by_version(machine: Machine, call: AnyCall) -> int:
    index(machine, call)
    if not call.gpuFabricInfo:
        return INVALID_ARGUMENT
    if call.gpuFabricInfo.version not in (FABRIC_V2, FABRIC_V3):
        return ARGUMENT_VERSION_MISMATCH
    health = {"healthMask": 0, **({"healthSummary": 0} if call.gpuFabricInfo.version == FABRIC_V3 else {})}
    return call.reply(gpuFabricInfo={**NO_FABRIC, **health})


@answers("nvmlDeviceGetCpuAffinity")
def cpu_affinity(machine: Machine, call: AnyCall) -> int:
    """All processors: there is one NUMA node."""
    index(machine, call)
    if not call.cpuSetSize:
        return INVALID_ARGUMENT
    processors = (1 << (os.cpu_count() or 1)) - 1
    result = call.reply()
    for word in range(call.cpuSetSize):
        call.cpuSet[word] = processors >> 64 * word & 0xFFFFFFFFFFFFFFFF
    return result


@answers("nvmlDeviceGetPcieLinkMaxSpeed")
def pcie_link_max_speed(machine: Machine, call: AnyCall) -> int:
    """As a code: the generation."""
    return reply_number(call, device(machine, call).nvml.get("max_pcie_link_generation"))


@answers("nvmlDeviceGetPcieSpeed")
def pcie_speed(machine: Machine, call: AnyCall) -> int:
    generation = device(machine, call).nvml.get("max_pcie_link_generation")
    return reply_number(call, None if generation is None else PCI_SPEEDS[generation - 1])
