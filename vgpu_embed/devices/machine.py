"""Profiles as the devices of one machine."""

from __future__ import annotations

from . import attributes
from .errors import ProfileError
from .profile import unique_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .profile import Profile

MAX_DEVICES = 255
"""As many as there are PCI buses to put them on, one each."""


def distinct(profiles: Iterable[Profile]) -> list[Profile]:
    """The same GPUs as devices of one machine: UUIDs and PCI locations all different, one driver.

    What somebody asked for (`Profile.stated`) stays. The rest depends only on the list, so that
    every process of a program sees the same devices.

    Raises:
        ProfileError: two devices were given the same UUID, PCI location, or different drivers.
    """
    devices = [profile.replace() for profile in profiles]
    if len(devices) > MAX_DEVICES:
        raise ProfileError(f"{len(devices)} GPUs are too many; there may be {MAX_DEVICES}")
    _refuse_doubles(devices)
    taken: set[object] = {one.uuid for one in devices if "uuid" in one.stated}
    taken |= {one.pci for one in devices if "pci" in one.stated}
    kinds: dict[str, int] = {}
    for ordinal, device in enumerate(devices):
        nth = kinds[device.id] = kinds.get(device.id, -1) + 1
        if "uuid" not in device.stated:
            device.give_uuid(nth)
            while device.uuid in taken:
                device.give_uuid(nth := nth + 1)
        if "pci" not in device.stated:
            device.give_pci(ordinal)
            while device.pci in taken:
                device.give_pci(ordinal := (ordinal + 1) % MAX_DEVICES)
        taken |= {device.uuid, device.pci}
    for key in ("driver_version", "driver_name"):
        for value in {getattr(one, key) for one in devices if key in one.stated}:
            for device in devices:
                setattr(device, key, value)
    return grouped(devices)


def identity(profiles: Iterable[Profile], name: str = "") -> bytes:
    """16 bytes that are equal for equal devices under an equal name, and else differ."""
    return unique_id("".join(f"{one.uuid_text}:{one.memory};" for one in profiles) + name, 0)


def grouped(devices: Iterable[Profile]) -> list[Profile]:
    """The devices with their groups of boards counted from 0: each has a board of its own.

    A copy stands for a device whose group changes; a group that somebody asked for stays.
    """
    number = attributes.MULTI_GPU_BOARD_GROUP_ID
    counted: list[Profile] = []
    for ordinal, device in enumerate(devices):
        if "group" not in device.stated and device.attribute(number) != ordinal:
            device = device.replace()
            device.attributes[number] = ordinal
        counted.append(device)
    return counted


def _refuse_doubles(devices: list[Profile]) -> None:
    for key, shown in (("uuid", "uuid_text"), ("pci", "pci_bus_id")):
        asked = [getattr(one, shown) for one in devices if key in one.stated]
        for value in asked:
            if asked.count(value) > 1:
                raise ProfileError(f"two GPUs have {key}={value}; give each its own, or none")
    for key in ("driver_version", "driver_name"):
        drivers = sorted({str(getattr(one, key)) for one in devices if key in one.stated})
        if len(drivers) > 1:
            raise ProfileError(f"{key} is {' and '.join(drivers)}, but a machine has one driver; say it once")
