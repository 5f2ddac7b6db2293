"""Where memory is, as a CUmemLocation says."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOCATION_NONE, LOCATION_DEVICE, LOCATION_HOST, HOST_NUMA, NUMA_CURRENT = range(5)
"""CU_MEM_LOCATION_TYPE_…: a device, the host, one of its nodes, the one that the thread runs on."""
LOCATIONS = range(LOCATION_DEVICE, NUMA_CURRENT + 1)
"""All where memory can be."""


def is_node(location: Any) -> bool:
    """Whether it is a node that the host has; there always is the first."""
    node = f"/sys/devices/system/node/node{location.id}"
    return location.type == HOST_NUMA and (not location.id or os.path.isdir(node))
