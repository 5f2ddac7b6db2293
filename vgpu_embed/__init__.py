"""Puts a policy written in Python between any CUDA program and the driver.

What a policy file imports::

    from vgpu_embed import CUresult, DeviceAttribute, GiB, Policy
"""

from __future__ import annotations

from vgpu_embed.policy import Call, IllegalAddress, KernelLaunch, Policy, PolicyError, Result, Texture

TYPE_CHECKING = False  # importing typing costs a start half of its time
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.enums import CUresult as CUresult
    from vgpu_embed.enums import DeviceAttribute as DeviceAttribute
    from vgpu_embed.tensors import TensorMap as TensorMap
    from vgpu_embed.trace import read_trace as read_trace

__version__ = "0.1.0"

KiB = 1 << 10
MiB = 1 << 20
GiB = 1 << 30

__all__ = [
    "CUresult",
    "Call",
    "DeviceAttribute",
    "GiB",
    "IllegalAddress",
    "KernelLaunch",
    "KiB",
    "MiB",
    "Policy",
    "PolicyError",
    "Result",
    "TensorMap",
    "Texture",
    "read_trace",
]


def __getattr__(name: str) -> Any:
    """Enums of the CUDA headers by their name there, and what only programs outside need; made when first used."""
    if name == "read_trace":
        from vgpu_embed.trace import read_trace

        return read_trace
    if name == "TensorMap":
        from vgpu_embed.tensors import TensorMap

        return TensorMap
    import vgpu_embed.tables.enumerations as enumerations

    if not enumerations.resolve(name):
        raise AttributeError(f"module 'vgpu_embed' has no attribute {name!r}")
    import vgpu_embed.enums as enums

    return getattr(enums, name)
