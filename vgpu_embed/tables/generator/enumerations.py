"""The headers' enumerations: enums.tsv and enums.pyi."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from clang import cindex

from .headers import Cursor, declarations
from .prototypes import enum_name


@dataclass
class Enumeration:
    """One enumeration: members by C name, and the other names it goes by."""

    name: str
    members: dict[str, int] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)

    @property
    def prefix(self) -> str:
        """What every member begins with and its Python name leaves out."""
        names = list(self.members)
        if len(names) == 1:
            return _words(self.name, names[0])
        common = names[0]
        while common and not all(_begins(name, common) for name in names):
            common = common[:-1]
        return common

    def python(self) -> list[tuple[str, int]]:
        """Members under their Python names."""
        return [(_python(name, self.prefix), value) for name, value in self.members.items()]


def collect(units: Iterable[Cursor]) -> dict[str, Enumeration]:
    """Every named enumeration of the units; later units add members to those of earlier ones."""
    found: dict[str, Enumeration] = {}
    for unit in units:
        typedefs: dict[str, list[str]] = {}
        for cursor in declarations(unit):
            if cursor.kind == cindex.CursorKind.TYPEDEF_DECL and enum_name(cursor.type):
                typedefs.setdefault(cursor.type.get_canonical().spelling, []).append(cursor.spelling)
        for cursor in declarations(unit):
            if cursor.kind == cindex.CursorKind.ENUM_DECL and cursor.is_definition():
                names = typedefs.get(cursor.type.get_canonical().spelling, [])
                _add(found, cursor, names)
    return found


def _add(found: dict[str, Enumeration], cursor: Cursor, typedefs: list[str]) -> None:
    tag = enum_name(cursor.type) or ""
    name = tag if tag.startswith("cuda") and not tag.endswith("_enum") else next(iter(typedefs), tag)
    if not re.match(r"CU|cu|nvml|library", name):
        return
    enumeration = found.setdefault(name, Enumeration(name))
    enumeration.aliases.update(set(typedefs) - {name})
    for member in cursor.get_children():
        enumeration.members.setdefault(member.spelling, member.enum_value)


def text(enumerations: dict[str, Enumeration]) -> str:
    """enums.tsv."""
    lines = [
        "# Enumerations of the headers",
        "# name\tother names\tprefix of the members' C names\tmembers",
    ]
    for name in sorted(enumerations):
        found = enumerations[name]
        members = " ".join(f"{member}={value}" for member, value in found.python())
        lines.append("\t".join([name, ",".join(sorted(found.aliases)), found.prefix, members]))
    return "\n".join(lines) + "\n"


def stub(enumerations: dict[str, Enumeration]) -> str:
    """enums.pyi."""
    lines = [
        "# Written by vgpu_embed.tables.generate",
        "from enum import IntEnum",
        "",
        "class Enumeration(IntEnum):  # type: ignore[misc]",
        "    @property",
        "    def c_name(self) -> str: ...",
    ]
    aliases = ["DeviceAttribute = CUdevice_attribute"]
    for name in sorted(enumerations):
        found = enumerations[name]
        lines += ["", f"class {name}(Enumeration):"]
        lines += [f"    {member} = {value}" for member, value in found.python()]
        aliases += [f"{alias} = {name}" for alias in sorted(found.aliases)]
    return "\n".join([*lines, "", *sorted(aliases)]) + "\n"


def _begins(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and _starts_word(name, len(prefix))


def _starts_word(name: str, place: int) -> bool:
    """Whether a name may be cut here: after `_`, or before a capital or digit of camelCase."""
    if place >= len(name):
        return False
    if name[place - 1] == "_":
        return True
    return name[place].isupper() and name[place - 1].islower()


def _words(enumeration: str, member: str) -> str:
    """The prefix of an only member: the words that it shares with its enumeration's name."""
    wanted = re.sub(r"[^a-z0-9]", "", enumeration.lower())
    for place in range(len(member) - 1, 0, -1):
        begin = re.sub(r"[^a-z0-9]", "", member[:place].lower())
        if _starts_word(member, place) and wanted.startswith(begin):
            return member[:place]
    return ""


def _python(member: str, prefix: str) -> str:
    name = member.removeprefix(prefix)
    if name[0].isdigit():
        return "_" + name
    return name + "_" if keyword.iskeyword(name) else name
