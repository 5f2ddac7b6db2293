"""What can be said of a profile, by a TOML file or by a change, and what that sets."""

from __future__ import annotations

from . import attributes, nvml, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FIELDS: dict[str, Callable[[str, object], Any]] = {
    "architecture": values.text,
    "backing": values.backing,
    "compute_capability": values.capability,
    "cores_per_multiprocessor": values.count,
    "driver_name": values.text,
    "driver_version": values.driver_version,
    "memory": values.size,
    "multiprocessors": values.count,
    "name": values.text,
    "nvlink": values.links,
    "nvml_memory": values.size,
    "pci": values.pci,
    "uuid": values.uuid,
}
"""Each field and how its value is read; all else is an attribute or a figure of NVML."""

PLACED = ("pci", "uuid")
"""Fields that no TOML file has, because each device needs its own."""

OPTIONAL = {"backing": "host", "nvlink": 0}
"""Fields that a TOML file may leave out, and what they are then."""

ATTRIBUTES = {
    "compute_capability": (
        attributes.COMPUTE_CAPABILITY_MAJOR,
        attributes.COMPUTE_CAPABILITY_MINOR,
    ),
    "multiprocessors": (attributes.MULTIPROCESSOR_COUNT,),
    "pci": (attributes.PCI_DOMAIN_ID, attributes.PCI_BUS_ID, attributes.PCI_DEVICE_ID),
}
"""Fields that are attributes too, and which; a profile keeps the attributes."""


def targets(key: str, value: object) -> list[tuple[int | str, Any]]:
    """What a key sets to what: an attribute, by number, or a field or figure of NVML, by name.

    Raises:
        ProfileError: there is no such key, or the value is none that a GPU could have.
    """
    if key in ATTRIBUTES:
        answer = FIELDS[key](key, value)
        answers = answer if isinstance(answer, tuple) else (answer,)
        return list(zip(ATTRIBUTES[key], answers, strict=True))
    if key in FIELDS:
        return [(key, FIELDS[key](key, value))]
    if key in nvml.FIGURES:
        return [(key, nvml.figure(key, value))]
    number = attributes.number(key, (*FIELDS, *nvml.FIGURES))
    least = 1 if number in attributes.POSITIVE else values.INT32.start
    return [(number, values.integer(key, value, least))]
