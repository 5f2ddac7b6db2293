"""All functions of the driver that are about memory."""

from __future__ import annotations

from vgpu_embed.virtual import batches, transfers
from vgpu_embed.virtual.memory import (
    arrays,
    ipc,
    linear,
    managed,
    mipmaps,
    owned,
    pinned,
    pointers,
    pools,
    shared_pools,
    sparse,
    textures,
    vmm,
)

MODULES = (
    linear,
    pinned,
    managed,
    pools,
    shared_pools,
    owned,
    vmm,
    ipc,
    pointers,
    arrays,
    mipmaps,
    sparse,
    textures,
    transfers,
    batches,
)
"""Those that answer them."""
