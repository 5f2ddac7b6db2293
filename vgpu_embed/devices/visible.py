"""CUDA_VISIBLE_DEVICES, as a real driver reads it.

NVIDIA's programming guide says that the devices before the first invalid entry are visible. The
rest was asked of driver 580.159.04 with two GPUs (tests/devices/data/visible.json):

- An entry is read as C's strtol does, base 10: white space, a sign and zeros before the number do
  not matter, nor does anything after it; what is too big for 32 bits is cut.
- If the first entry begins with `GPU-`, all must: UUIDs, or their first digits as long as only
  one device has them. Case and dashes do not matter, nor does what follows the digits, but white
  space before does. Indices and UUIDs do not mix: the list ends where the kind changes.
- A device that is named twice before the list ends makes cuInit fail.
- CUDA_DEVICE_ORDER is FASTEST_FIRST or PCI_BUS_ID; for our devices both are the order of the
  list. Any other value makes cuInit fail.
"""

from __future__ import annotations

from .machine import grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .profile import Profile

SUCCESS = 0
ERROR_NO_DEVICE = 100
ERROR_INVALID_DEVICE = 101
"""The results of cuInit that occur here, CUresult in cuda.h."""

ORDERS = ("FASTEST_FIRST", "PCI_BUS_ID")


def visible(profiles: Sequence[Profile], value: str | None) -> list[Profile]:
    """The devices that a process sees, in its order.

    Args:
        profiles: the devices of the machine.
        value: what CUDA_VISIBLE_DEVICES says; None where it is not set.

    Returns:
        None of them where cuInit fails; `init_result` says with what. Groups of boards are counted
        anew, as the driver does (of two H200s, the second alone was in group 0).
    """
    chosen = _chosen(profiles, value)
    return [] if _has_doubles(chosen) else grouped(chosen)


def init_result(profiles: Sequence[Profile], value: str | None, order: str | None = None) -> int:
    """What cuInit returns: 0, or CUDA_ERROR_NO_DEVICE, or CUDA_ERROR_INVALID_DEVICE.

    Args:
        profiles: the devices of the machine.
        value: what CUDA_VISIBLE_DEVICES says; None where it is not set.
        order: what CUDA_DEVICE_ORDER says; None where it is not set.
    """
    chosen = _chosen(profiles, value)
    if _has_doubles(chosen) or order not in (None, *ORDERS):
        return ERROR_INVALID_DEVICE
    return SUCCESS if chosen else ERROR_NO_DEVICE


def _chosen(profiles: Sequence[Profile], value: str | None) -> list[Profile]:
    """The devices of the entries before the first invalid one; may hold one twice."""
    if value is None:
        return list(profiles)
    find = _by_uuid if value.startswith("GPU-") else _by_index
    chosen: list[Profile] = []
    for entry in value.split(","):
        device = find(profiles, entry)
        if device is None:
            break
        chosen.append(device)
    return chosen


def _has_doubles(chosen: list[Profile]) -> bool:
    return len({id(device) for device in chosen}) < len(chosen)


def _by_index(profiles: Sequence[Profile], entry: str) -> Profile | None:
    text = entry.lstrip(" \t\n\v\f\r")
    sign = -1 if text.startswith("-") else 1
    text = text[text.startswith(("-", "+")) :]
    length = 0
    while length < len(text) and text[length] in "0123456789":
        length += 1
    if not length:
        return None
    long = max(-(2**63), min(sign * int(text[:length]), 2**63 - 1)) if length < 1000 else -1
    index = (long + 2**31) % 2**32 - 2**31
    return profiles[index] if 0 <= index < len(profiles) else None


def _by_uuid(profiles: Sequence[Profile], entry: str) -> Profile | None:
    if not entry.startswith("GPU-"):
        return None
    digits = ""
    for letter in entry[4:].lower():
        if len(digits) == 32 or letter not in "0123456789abcdef-":
            break
        digits += letter.strip("-")
    matching = [one for one in profiles if one.uuid.hex().startswith(digits)]
    return matching[0] if digits and len(matching) == 1 else None
