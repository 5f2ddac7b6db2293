"""types.cdef: the types of parameters, as plain C that cffi's cdef() takes too.

The newest header's declaration wins. Enumerations are declared as the integers that they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from clang import cindex

from .headers import Cursor, HeaderError, Type, parse_text
from .prototypes import Prototype

_KIND = cindex.TypeKind
_RECORDS = (cindex.CursorKind.STRUCT_DECL, cindex.CursorKind.UNION_DECL)
_ARRAYS = (_KIND.CONSTANTARRAY, _KIND.INCOMPLETEARRAY)
_FUNCTIONS = (_KIND.FUNCTIONPROTO, _KIND.FUNCTIONNOPROTO)

PREDEFINED = {"size_t", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t"}
PREDEFINED |= {"int64_t", "uint64_t", "intptr_t", "uintptr_t", "FILE"}
"""What <stddef.h>, <stdint.h> and <stdio.h> declare, and cffi knows by itself."""


def text(prototypes: Iterable[Prototype], renamed: dict[str, Type]) -> str:
    """The file's text: every type that the prototypes mention, in their order.

    `renamed` are structures as one toolkit has them, declared under a name of their own.
    """
    declarations = _Declarations()
    for declared in prototypes:
        for value in (declared.result, *declared.parameters):
            declarations.add(value.type)
    for name, kind in renamed.items():
        declarations.add_renamed(kind, name)
    lines = "\n".join(declarations.lines) + "\n"
    _check(lines, declarations.layouts)
    return lines


class _Declarations:
    """Collects declarations, each after what it needs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.layouts: dict[str, Type] = {}
        self._known: set[str] = set()

    def add(self, kind: Type) -> None:
        """Declare all that a type needs to be written down."""
        if kind.kind == _KIND.POINTER:
            self.add(kind.get_pointee())
        elif kind.kind in _ARRAYS:
            self.add(kind.element_type)
        elif _is_function(kind):
            function = kind.get_canonical()
            for needed in (function.get_result(), *_arguments(function)):
                self.add(needed)
        else:
            declaration = kind.get_declaration()
            if declaration.kind == cindex.CursorKind.TYPEDEF_DECL:
                self._add_typedef(declaration)
            elif declaration.kind in _RECORDS:
                self._add_record(declaration)
            elif declaration.kind == cindex.CursorKind.ENUM_DECL:
                self._add_enumeration(declaration)

    def add_renamed(self, kind: Type, name: str) -> None:
        """Declare a structure under a name that no header has."""
        definition = kind.get_canonical().get_declaration().get_definition()
        self._add_members(definition)
        self.lines.append(f"typedef {_record(definition)} {name};")
        self.layouts[name] = kind.get_canonical()

    def _add_typedef(self, declaration: Cursor) -> None:
        name = declaration.spelling
        if name in self._known or name in PREDEFINED:
            return
        self._known.add(name)
        underlying = declaration.underlying_typedef_type
        inner = underlying.get_declaration()
        if inner.kind in _RECORDS and inner.is_anonymous():
            self.add_renamed(underlying, name)
            return
        if inner.kind == cindex.CursorKind.ENUM_DECL:
            self.lines.append(f"typedef {_integer(inner)} {name};")
            return
        self.add(underlying)
        self.lines.append(f"typedef {_declare(underlying, name)};")

    def _add_enumeration(self, declaration: Cursor) -> None:
        if declaration.spelling not in self._known:
            self._known.add(declaration.spelling)
            self.lines.append(f"typedef {_integer(declaration)} {declaration.spelling};")

    def _add_record(self, declaration: Cursor) -> None:
        tag = f"{_keyword(declaration)} {declaration.spelling}"
        if tag in self._known or declaration.is_anonymous():
            return
        self._known.add(tag)
        definition = declaration.get_definition()
        if definition is None:
            self.lines.append(f"{tag};")
            return
        self._add_members(definition)
        self.lines.append(f"{_record(definition, declaration.spelling)};")
        self.layouts[tag] = declaration.type

    def _add_members(self, definition: Cursor) -> None:
        for member in definition.type.get_fields():
            inner = _inline(member.type)
            if inner is None:
                self.add(member.type)
            else:
                self._add_members(inner)


def _inline(kind: Type) -> Cursor | None:
    """The unnamed structure or union that a member, or an array of them, is declared with."""
    canonical = kind.get_canonical()
    while canonical.kind in _ARRAYS:
        canonical = canonical.element_type.get_canonical()
    declaration = canonical.get_declaration()
    return declaration if declaration.kind in _RECORDS and declaration.is_anonymous() else None


def _record(definition: Cursor, tag: str = "") -> str:
    members = []
    for member in definition.type.get_fields():
        inner = _inline(member.type)
        name = "" if inner and "(" in member.spelling else member.spelling
        if member.is_bitfield():
            name += f":{member.get_bitfield_width()}"
        declared = _declare(member.type, name, _record(inner) if inner else None)
        members.append(declared.rstrip() + ";")
    return " ".join(filter(None, [_keyword(definition), tag, "{", *members, "}"]))


def _declare(kind: Type, name: str, base: str | None = None) -> str:
    """A C declaration of a name; `base` stands for a type that has no name."""
    if kind.kind in _ARRAYS:
        size = kind.element_count if kind.kind == _KIND.CONSTANTARRAY else ""
        return _declare(kind.element_type, f"{name}[{size}]", base)
    if kind.kind == _KIND.POINTER:
        pointee = kind.get_pointee()
        star = "*const " if kind.is_const_qualified() else "*"
        inner = star + name
        if _is_function(pointee) or pointee.kind in _ARRAYS:
            inner = f"({inner})"
        return _declare(pointee, inner, base)
    if _is_function(kind):
        function = kind.get_canonical()
        arguments = ", ".join(_declare(argument, "").strip() for argument in _arguments(function))
        return _declare(function.get_result(), f"{name}({arguments or 'void'})")
    const = "const " if kind.is_const_qualified() else ""
    return f"{const}{base or _name(kind)} {name}"


def _is_function(kind: Type) -> bool:
    """A function type written out; one that a typedef names is written by that name."""
    return kind.kind in _FUNCTIONS or (kind.kind == _KIND.UNEXPOSED and kind.get_canonical().kind in _FUNCTIONS)


def _name(kind: Type) -> str:
    declaration = kind.get_declaration()
    if declaration.kind == cindex.CursorKind.TYPEDEF_DECL:
        return str(declaration.spelling)
    if declaration.kind in _RECORDS:
        return f"{_keyword(declaration)} {declaration.spelling}"
    if declaration.kind == cindex.CursorKind.ENUM_DECL:
        return str(declaration.spelling)
    return str(kind.spelling).removeprefix("const ")


def _integer(declaration: Cursor) -> str:
    return str(declaration.enum_type.get_canonical().spelling)


def _arguments(function: Type) -> list[Type]:
    return list(function.argument_types()) if function.kind == _KIND.FUNCTIONPROTO else []


def _keyword(declaration: Cursor) -> str:
    return "struct" if declaration.kind == cindex.CursorKind.STRUCT_DECL else "union"


def _check(text: str, layouts: dict[str, Type]) -> None:
    """Compare sizes and offsets with the headers': attributes such as aligned() are not written."""
    probes = "".join(f"{name} *probe{number};\n" for number, name in enumerate(layouts))
    unit = parse_text(text + probes)
    seen = {c.spelling: c.type.get_pointee().get_canonical() for c in unit.get_children()}
    for number, (name, wanted) in enumerate(layouts.items()):
        found = seen[f"probe{number}"]
        if _layout(found) != _layout(wanted.get_canonical()):
            raise HeaderError(f"types.cdef: {name} is not laid out as in the header")


def _layout(kind: Type) -> list[tuple[str, int, int]]:
    """(name, bit offset, size) of the whole and of its members, those of unnamed ones included."""
    members = [("", 0, kind.get_size())]
    for member in kind.get_fields():
        inner = _inline(member.type)
        name = "" if "(" in member.spelling else member.spelling
        members.append((name, member.get_field_offsetof(), member.type.get_size()))
        members += _layout(inner.type) if inner else []
    return members
