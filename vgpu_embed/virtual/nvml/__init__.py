"""libnvidia-ml.so.1 where there is no driver: what its tools and bindings ask of a machine and its GPUs.

It shows all of them, whatever CUDA_VISIBLE_DEVICES says, in the order of their PCI locations. Results and orders of
checks are those of driver 580.159.04 (tests/virtual/data/h100-queries.json). A figure that a profile lacks is
NVML_ERROR_NOT_SUPPORTED.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import policy_of
from vgpu_embed.virtual.nvml import device, handles, memory, readings, topology  # noqa: F401 - what they answer
from vgpu_embed.virtual.nvml.library import answers, at_any_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.policy import Policy
    from vgpu_embed.virtual.machine import Machine


def policy(machine: Machine) -> Policy:
    """The NVML of a machine."""
    return policy_of(machine, at_any_time, answers)
