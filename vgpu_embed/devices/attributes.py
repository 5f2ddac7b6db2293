"""Device attributes by the names of cuda.h, in lower case and without CU_DEVICE_ATTRIBUTE_.

The names come from `vgpu_embed.enums` and are looked up only when somebody writes one: a built-in
profile has numbers, so the target process does not need them to start.
"""

from __future__ import annotations

from .errors import ProfileError, suggestion

LAST = 147
"""The highest attribute that driver 580.159.04 knows; it answers 148 with INVALID_VALUE."""

# Those that a profile's fields stand for. Written here as numbers, because start-up needs them.
MULTIPROCESSOR_COUNT = 16
ECC_ENABLED = 32
PCI_BUS_ID = 33
PCI_DEVICE_ID = 34
GLOBAL_MEMORY_BUS_WIDTH = 37
PCI_DOMAIN_ID = 50
COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76
MULTI_GPU_BOARD_GROUP_ID = 85

FIELDS = {
    "multiprocessor_count": "multiprocessors",
    "compute_capability_major": "compute_capability",
    "compute_capability_minor": "compute_capability",
    "pci_bus_id": "pci",
    "pci_device_id": "pci",
    "pci_domain_id": "pci",
}
"""Attributes that a profile file says through a field, so that nothing is said twice."""

# Block and grid sizes, shared and constant memory, warp, registers, clocks, bus, L2, threads and
# blocks a multiprocessor. Programs divide by these: a zero crashes ggml, for one.
POSITIVE = frozenset((*range(1, 15), 16, 30, 36, 37, 38, 39, 51, 75, 81, 82, 97, 106))
"""Attributes that are never zero on a GPU."""


_names: dict[str, int] = {}


def names() -> dict[str, int]:
    """Every name, aliases of cuda.h included, of an attribute up to `LAST`."""
    if not _names:
        from vgpu_embed.enums import DeviceAttribute

        for name, member in DeviceAttribute.__members__.items():
            if 1 <= int(member) <= LAST:
                _names[name.lower()] = int(member)
    return _names


def number(name: str, others: tuple[str, ...] = ()) -> int:
    """The number of an attribute.

    Raises:
        ProfileError: there is none of that name; names what resembles it, `others` included.
    """
    known = names()
    if name not in known:
        close = suggestion(name, (*known, *others))
        raise ProfileError(f"there is no device attribute or field {name}{close}")
    return known[name]
