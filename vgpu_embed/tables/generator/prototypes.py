"""Prototypes in the table's terms: how each value travels, by the System V x86-64 convention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clang import cindex

from .headers import Cursor, HeaderError, Type

_KIND = cindex.TypeKind

SIGNED = {_KIND.CHAR_S, _KIND.SCHAR, _KIND.SHORT, _KIND.INT, _KIND.LONG, _KIND.LONGLONG}
UNSIGNED = {
    _KIND.BOOL,
    _KIND.CHAR_U,
    _KIND.UCHAR,
    _KIND.USHORT,
    _KIND.UINT,
    _KIND.ULONG,
    _KIND.ULONGLONG,
}
FLOATING = {_KIND.FLOAT, _KIND.DOUBLE}
_ARRAYS = {_KIND.CONSTANTARRAY, _KIND.INCOMPLETEARRAY}


@dataclass
class Value:
    """A result or a parameter.

    `abi` is a letter and a size: i, u integers; f, d floating point; p pointer; g a struct in
    general registers; m a struct in memory (copied to the stack as an argument); v nothing.
    """

    name: str
    ctype: str
    abi: str
    enum: str | None
    type: Type
    doc: str = ""
    direction: str = "in"
    out_size: int | str | None = None

    @property
    def pointee(self) -> Type | None:
        """What the pointer points to; None for handles, callbacks and values."""
        if self.abi != "p8" or not self.ctype.endswith("*"):
            return None
        canonical = self.type.get_canonical()
        return canonical.element_type if canonical.kind in _ARRAYS else self.type.get_pointee()


@dataclass
class Prototype:
    """One way in which a function is declared."""

    name: str
    result: Value
    parameters: list[Value]
    sources: list[str] = field(default_factory=list)

    def shape(self) -> tuple[Any, ...]:
        """Everything but spelling: equal shapes are the same to a caller."""
        return (
            self.result.abi,
            *((p.abi, p.direction, p.out_size) for p in self.parameters),
        )


def prototype(cursor: Cursor, docs: dict[str, str], source: str) -> Prototype:
    """The prototype that a function declaration, or a typedef of a function pointer, gives."""
    if cursor.kind == cindex.CursorKind.TYPEDEF_DECL:
        function = cursor.underlying_typedef_type.get_canonical().get_pointee()
        result = function.get_result()
    else:
        result = cursor.result_type
    parameters = []
    for number, argument in enumerate(c for c in cursor.get_children() if _is_parameter(c)):
        name = argument.spelling or f"arg{number}"
        value = _value(name, argument.type, cursor.spelling)
        value.doc = docs.get(name, "")
        parameters.append(value)
    return Prototype(cursor.spelling, _value("", result, cursor.spelling), parameters, [source])


def enum_name(kind: Type) -> str | None:
    """The class name of an enumeration: its typedef, or in the runtime's headers its tag."""
    canonical = kind.get_canonical()
    if canonical.kind != _KIND.ENUM:
        return None
    tag: str = canonical.get_declaration().spelling
    if tag.startswith("cuda") and not tag.endswith("_enum"):
        return tag
    name = tag
    declaration = kind.get_declaration()
    while declaration.kind == cindex.CursorKind.TYPEDEF_DECL:
        name = declaration.spelling
        declaration = declaration.underlying_typedef_type.get_declaration()
    return name


def passes_complex(cursor: Cursor) -> bool:
    """Whether a function takes or returns complex numbers by value, as CUBLAS of CUDA 2 did."""
    kinds = [cursor.result_type, *(c.type for c in cursor.get_children() if _is_parameter(c))]
    return any(kind.get_canonical().kind == _KIND.RECORD and _has_floats(kind) for kind in kinds)


def _is_parameter(cursor: Cursor) -> bool:
    return bool(cursor.kind == cindex.CursorKind.PARM_DECL)


def _value(name: str, kind: Type, function: str) -> Value:
    canonical = kind.get_canonical()
    if canonical.kind in _ARRAYS:
        return Value(name, f"{_spelled(canonical.element_type)} *", "p8", None, kind)
    ctype = _spelled(kind)
    return Value(name, ctype, _abi(canonical, function, ctype), enum_name(kind), kind)


def _spelled(kind: Type) -> str:
    """A type as C writes it: C++ leaves "struct" out."""
    spelling = str(kind.spelling).replace("enum ", "")
    while kind.kind == _KIND.POINTER:
        kind = kind.get_pointee()
    declaration = kind.get_declaration()
    if declaration.kind != cindex.CursorKind.STRUCT_DECL or "struct " in spelling:
        return spelling
    return spelling.replace(declaration.spelling, f"struct {declaration.spelling}", 1)


def _abi(canonical: Type, function: str, ctype: str) -> str:
    kind, size = canonical.kind, canonical.get_size()
    if kind == _KIND.VOID:
        return "v0"
    if kind == _KIND.ENUM:
        kind = canonical.get_declaration().enum_type.get_canonical().kind
    if kind == _KIND.POINTER:
        return "p8"
    if kind in SIGNED:
        return f"i{size}"
    if kind in UNSIGNED:
        return f"u{size}"
    if kind == _KIND.FLOAT:
        return "f4"
    if kind == _KIND.DOUBLE:
        return "d8"
    if kind == _KIND.RECORD and canonical.get_align() <= 8:
        if size > 16:
            return f"m{size}"
        if not _has_floats(canonical):
            return f"g{size}"
    raise HeaderError(f"{function}: no rule for passing a {ctype} by value; add one to {__name__}")


def _has_floats(kind: Type) -> bool:
    canonical = kind.get_canonical()
    if canonical.kind in _ARRAYS:
        return _has_floats(canonical.element_type)
    if canonical.kind == _KIND.RECORD:
        return any(_has_floats(member.type) for member in canonical.get_fields())
    return bool(canonical.kind in FLOATING)
