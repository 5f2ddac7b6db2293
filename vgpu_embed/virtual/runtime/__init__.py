"""libcudart.so where there is no driver: each function by way of the driver's own, as libcudart's calls."""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual.answers import policy_of
from vgpu_embed.virtual.runtime import devices, errors, launches, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.machine import Machine


def policy(machine: Machine) -> Policy:
    """The runtime of a machine."""
    return policy_of(machine, errors.last_error, errors.at_any_time, devices.answers, launches.answers, memory.answers)
