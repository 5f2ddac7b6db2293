"""What a profile says to NVML beyond name, UUID, PCI location and memory.

Keys are the names of NVML's getters in lower case, without nvmlDeviceGet. What a card measures, such
as its temperature, is what an idle one showed: on a virtual GPU nothing gets warm. A figure that a profile
lacks is one that nobody could vouch for; asked for it, NVML is to answer NVML_ERROR_NOT_SUPPORTED.
"""

from __future__ import annotations

from . import values
from .errors import ProfileError, suggestion

INTEGER = "integer"
TEXT = "text"
PAIR = "pair"

FIGURES: dict[str, str | tuple[str, ...]] = {
    "bar1_memory": INTEGER,  # bytes
    "board_part_number": TEXT,
    "brand": INTEGER,  # nvmlBrandType_t
    "clock_info": ("graphics", "sm", "mem", "video"),  # MHz, of an idle card
    "default_applications_clock": ("graphics", "sm", "mem"),  # MHz
    "fan_speed": INTEGER,  # percent
    "inforom_image_version": TEXT,
    "max_clock_info": ("graphics", "sm", "mem", "video"),  # MHz, nvmlClockType_t
    "max_pcie_link_generation": INTEGER,
    "max_pcie_link_width": INTEGER,
    "mig_mode": INTEGER,  # 0: has MIG, switched off
    "num_fans": INTEGER,
    "performance_state": INTEGER,  # 0 for P0
    "persistence_mode": INTEGER,
    "power_management_default_limit": INTEGER,  # milliwatts
    "power_management_limit_constraints": PAIR,  # milliwatts, least and most
    "power_usage": INTEGER,  # milliwatts
    "serial": TEXT,
    "temperature": INTEGER,  # degrees Celsius
    "temperature_threshold": ("shutdown", "slowdown", "mem_max", "gpu_max"),  # degrees Celsius
    "vbios_version": TEXT,
}

ARCHITECTURES = {"Turing": 6, "Ampere": 7, "Ada Lovelace": 8, "Hopper": 9}
"""NVML_DEVICE_ARCH_* of nvml.h, by the names that profiles use (and nvidia-smi)."""
UNKNOWN_ARCHITECTURE = 0xFFFFFFFF


def figure(key: str, value: object) -> object:
    """The figure as a profile keeps it: an int, a str, a list of two ints or a dict of ints.

    Raises:
        ProfileError: it is not what that key takes.
    """
    kind = FIGURES[key]
    if kind == TEXT:
        return values.text(key, value)
    if kind == INTEGER:
        return values.integer(key, value, 0) if key != "bar1_memory" else values.size(key, value)
    if kind == PAIR:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ProfileError(f"{key}={value} is not a pair of numbers; write it as [least, most]")
        return [values.integer(key, one, 0) for one in value]
    if not isinstance(value, dict):
        raise ProfileError(f"{key}={value} is not a table; write it as {{{kind[0]} = 90}}")
    for name in value:
        if name not in kind:
            raise ProfileError(f"{key} has no entry {name}{suggestion(str(name), kind)}")
    return {name: values.integer(f"{key}.{name}", value[name]) for name in kind if name in value}
