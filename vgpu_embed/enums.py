"""The headers' enumerations as Python enums, under the headers' names, each made when first used.

Members leave out their common prefix: CUresult.ERROR_OUT_OF_MEMORY is CUDA_ERROR_OUT_OF_MEMORY. One
that would begin with a digit begins with an underscore; one that is a word of Python ends with one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from vgpu_embed.tables import enumerations


class Enumeration(IntEnum):
    """A value of one of the headers' enumerations; compares as its number."""

    @property
    def c_name(self) -> str:
        """As the header has it: "CUDA_ERROR_OUT_OF_MEMORY"; digits for a value it does not know."""
        if self.name not in type(self).__members__:
            return self.name
        return enumerations.as_c(type(self).__name__, self.name)

    @classmethod
    def _missing_(cls, value: object) -> Enumeration | None:
        """A number that no header names, or flags combined: itself, named by its digits."""
        if not isinstance(value, int):
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = str(value)
        unknown._value_ = value
        return unknown


def __getattr__(name: str) -> type[Enumeration]:
    known = enumerations.resolve(name)
    if known is None:
        raise AttributeError(f"no CUDA header has an enumeration {name!r}")
    if known not in globals():
        make: Any = Enumeration
        globals()[known] = make(known, enumerations.members(known), module=__name__)
    made: type[Enumeration] = globals()[known]
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted({"Enumeration", *enumerations.names(), *enumerations.aliases()})
