"""calls.pyi: what a hook's call object has, for editors and type checkers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clang import cindex

from vgpu_embed.tables import RESERVED

from .headers import Type
from .prototypes import FLOATING, SIGNED, UNSIGNED, Value, enum_name
from .rows import Row


def stub(rows: Mapping[str, Row]) -> str:
    """One class for each function whose prototype is known."""
    classes = []
    for name in sorted(rows):
        if not rows[name].prototypes:
            continue
        lines = [f"class {name}(Call):"]
        for value in rows[name].prototypes[0].parameters:
            attribute = value.name + "_" if value.name in RESERVED else value.name
            lines.append(f"    {attribute}: {_type(value)}")
        classes.append("\n".join([*lines, ""]) if lines[1:] else lines[0] + " ...")
    header = [
        "# Written by vgpu_embed.tables.generate",
        "from typing import Any",
        "",
        "from vgpu_embed import enums",
        "from vgpu_embed.policy import Call, Out",
    ]
    text = "\n".join([*header, "", *classes])
    return re.sub(r"\.\.\.\n(?=class .*:\n)", "...\n\n", text).rstrip() + "\n"


def _type(value: Value) -> str:
    """The annotation of a parameter."""
    if value.direction == "in":
        return _plain(value.type)
    pointee = value.pointee
    assert pointee is not None
    return f"Out[{_plain(pointee)}]"


def _plain(kind: Type) -> str:
    enum = enum_name(kind)
    return f"enums.{enum}" if enum else _scalar(kind.get_canonical().kind)


def _scalar(kind: object) -> str:
    if kind == cindex.TypeKind.CHAR_S:
        return "bytes"
    if kind in SIGNED | UNSIGNED:
        return "int"
    return "float" if kind in FLOATING else "Any"
