"""Which device reaches which memory: its own, what it has been given access to, and of the host what it may."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.memory.heap import DEVICE, MAPPED, POOLED, VARIABLE, Block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.heap import Allocation
    from vgpu_embed.virtual.memory.pools import Pool

INVALID_VALUE = 1
"""CUDA_ERROR_INVALID_VALUE."""
HOST = -1
"""The device of memory that is the host's."""


def is_linked(one: Profile, other: Profile) -> bool:
    """Whether one device can reach the other's memory: two of a kind that have NVLink."""
    return one.uuid != other.uuid and one.name == other.name and bool(one.nvlink and other.nvlink)


def are_linked(machine: Machine, first: int, second: int) -> bool:
    """The same of two that a process sees, by number; refuses what is no device."""
    return is_linked(machine.device(first), machine.device(second))


def is_reached(context: Context, allocation: Allocation, is_copied: bool = False) -> bool:
    """Whether work of a context may touch an allocation. A copy may touch all that one of both sides reaches."""
    source = allocation.source
    if allocation.kind == MAPPED:
        return bool(source.access.get(context.device))
    if allocation.device == context.device:
        return True
    if allocation.kind == POOLED and isinstance(source, Block):
        pool: Pool = source.owner  # type: ignore[assignment]
        return pool.is_reached(context.device) or (is_copied and allocation.device != HOST)
    if allocation.kind in (DEVICE, VARIABLE) and allocation.context:
        return is_copied or allocation.context.handle in context.peers
    return True


def check(machine: Machine, context: Context, address: int, is_copied: bool = False) -> None:
    """Refuses an address that a context does not reach. What is nobody's is for others to refuse."""
    allocation = machine.allocation(address)
    if allocation is not None and not is_reached(context, allocation, is_copied):
        raise Refused(INVALID_VALUE)
