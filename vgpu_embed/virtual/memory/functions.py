"""All functions of the driver that are about memory."""

from __future__ import annotations

from vgpu_embed.virtual import transfers
from vgpu_embed.virtual.memory import arrays, linear, managed, pinned, pointers, pools, vmm

MODULES = (linear, pinned, managed, pools, vmm, pointers, arrays, transfers)
"""Those that answer them."""
