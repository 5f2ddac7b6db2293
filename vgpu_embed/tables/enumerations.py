"""The headers' enumerations as names and numbers (enums.tsv), no Python enums made of them."""

from __future__ import annotations

from os.path import dirname, join

_lines: dict[str, str] = {}
_aliases: dict[str, str] = {"DeviceAttribute": "CUdevice_attribute"}


def names() -> list[str]:
    """Every enumeration, under the headers' names."""
    _load()
    return list(_lines)


def resolve(name: str) -> str | None:
    """The enumeration that a name or other name (`cudaError_t`) means, or None."""
    _load()
    name = _aliases.get(name, name)
    return name if name in _lines else None


def aliases() -> dict[str, str]:
    """Other names, and the enumerations that they mean."""
    _load()
    return dict(_aliases)


def prefix(name: str) -> str:
    """What the C names of an enumeration's members begin with: "CUDA_" of CUresult."""
    return _columns(name)[2]


def members(name: str) -> dict[str, int]:
    """Members under their Python names: SUCCESS, not CUDA_SUCCESS."""
    pairs = (pair.split("=") for pair in _columns(name)[3].split())
    return {member: int(value) for member, value in pairs}


def c_name(name: str, value: int) -> str | None:
    """The C name of a value ("CUDA_ERROR_OUT_OF_MEMORY"), or None if no header has one."""
    for member, number in members(name).items():
        if number == value:
            return as_c(name, member)
    return None


def as_c(name: str, member: str) -> str:
    """A member's C name: the prefix, and without the underscore that Python needs."""
    if member[0] == "_" and member[1:2].isdigit():
        member = member[1:]
    return prefix(name) + member.removesuffix("_")


def _columns(name: str) -> list[str]:
    found = resolve(name)
    if found is None:
        raise LookupError(f"no header has an enumeration {name!r}")
    return _lines[found].split("\t")


def _load() -> None:
    if _lines:
        return
    with open(join(dirname(__file__), "enums.tsv"), "rb") as file:
        for line in file.read().decode().split("\n"):
            if line and line[0] != "#":
                name, others, _ = line.split("\t", 2)
                _lines[name] = line
                for other in others.split(",") if others else ():
                    _aliases[other] = name
