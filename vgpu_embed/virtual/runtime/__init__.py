"""libcudart.so where there is no driver: each function by way of the driver's own, as libcudart's calls."""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual.answers import policy_of
from vgpu_embed.virtual.runtime import (
    arrays,
    channels,
    devices,
    errors,
    graphs,
    launches,
    memory,
    passed,
    symbols,
    textures,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.machine import Machine

GROUPS = (
    errors.last_error,
    errors.at_any_time,
    devices.answers,
    devices.in_a_context,
    launches.answers,
    symbols.answers,
    symbols.beginning,
    memory.answers,
    channels.answers,
    arrays.answers,
    textures.answers,
    graphs.answers,
    passed.answers,
    passed.without_context,
)


def policy(machine: Machine) -> Policy:
    """The runtime of a machine."""
    return policy_of(machine, *GROUPS)
