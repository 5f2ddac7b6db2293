"""libcublas.so and libcublasLt.so where there is no driver: handles, settings, descriptions; nothing is computed."""

from __future__ import annotations

from vgpu_embed.policy import Policy
from vgpu_embed.virtual.answers import policy_of
from vgpu_embed.virtual.cublas import handles, light, routines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.machine import Machine

GROUPS = (handles.answers, light.answers, routines.answers)


def policy(machine: Machine) -> Policy:
    """cuBLAS of a machine."""
    return policy_of(machine, *GROUPS)
