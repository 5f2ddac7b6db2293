"""`where=`: a Python expression over a call's scalar parameters, for Python and for the table that C evaluates.

Numbers, parameters, sizes (`GiB`), enums (`DeviceAttribute.WARP_SIZE`), comparisons, `and`, `or`, `not`,
`+ - * & | ^ ~`, and shifts by a number. Integers are exact: C computes with 128 bits, and what could leave them is
refused.
"""

from __future__ import annotations

import vgpu_embed.tables as tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Operation = tuple[int, int, int]
    """Operation, size or place, value: as `struct vgpu_operation` in csrc/vgpu.h."""

CONSTANT, REGISTER, STACK = 0, 1, 2
UNARY = {"Not": (3, "not "), "USub": (4, "-"), "Invert": (5, "~")}
BINARY = {
    "Add": (6, "+"),
    "Sub": (7, "-"),
    "Mult": (8, "*"),
    "LShift": (9, "<<"),
    "RShift": (10, ">>"),
    "BitAnd": (11, "&"),
    "BitOr": (12, "|"),
    "BitXor": (13, "^"),
}
COMPARISONS = {
    "Lt": (14, "<"),
    "LtE": (15, "<="),
    "Gt": (16, ">"),
    "GtE": (17, ">="),
    "Eq": (18, "=="),
    "NotEq": (19, "!="),
}
LOGIC = {"And": (20, "and"), "Or": (21, "or")}
EITHER = LOGIC["Or"][0]
DEPTH = 16
"""Values that C keeps at a time."""
BITS = 120
"""Widest number that an expression may give, in bits; C has 127 and a sign."""
LONGEST = 200
"""Characters of an expression that an error shows."""
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class PredicateError(ValueError):
    """What is wrong with a `where` expression, in one sentence."""


def shown(text: str) -> str:
    """The expression as errors show it, which have one line."""
    return f"where={text if len(text) < LONGEST else text[:LONGEST] + '…'!r}"


class Predicate:
    """One expression.

    Attributes:
        text: as it was written.
        test: the expression as a function of a call.
    """

    test: Callable[[Any], bool]

    def __init__(self, text: str, functions: tuple[str, ...]) -> None:
        """Raises PredicateError."""
        self.text = text
        try:
            self._tree = compile(text, "where", "eval", 0x400).body  # type: ignore[attr-defined]  # PyCF_ONLY_AST
            for name in functions:
                source = _Compiler(text, name).source(self._tree)[0]
            self.test = eval(f"lambda call: bool({source})")
        except PredicateError:
            raise
        except (SyntaxError, ValueError) as error:  # ValueError: a NUL, until 3.11
            raise PredicateError(f"{shown(text)} is not an expression: {getattr(error, 'msg', error)}") from None
        except (RecursionError, MemoryError):  # of the parser's
            raise PredicateError(f"{shown(text)}: it is nested too deeply") from None

    def operations(self, function: str) -> list[Operation]:
        """The expression for a function's calls, in the order in which C carries it out."""
        compiler = _Compiler(self.text, function)
        compiler.source(self._tree)
        return compiler.operations


class _Compiler:
    """One walk over an expression: Python source, and operations for C."""

    def __init__(self, text: str, function: str) -> None:
        self.text = text
        self.function = tables.function(function)
        self.operations: list[Operation] = []

    def fail(self, why: str) -> PredicateError:
        return PredicateError(f"{shown(self.text)}: {why}")

    def source(self, node: Any, depth: int = 1) -> tuple[str, int]:
        """Source of a node, and how many bits its value may have."""
        if depth > DEPTH:
            raise self.fail("it is nested too deeply")
        kind = type(node).__name__
        bits = 1
        if kind in ("Constant", "Name", "Attribute"):
            return self._leaf(node, kind)
        if kind == "UnaryOp" and type(node.op).__name__ in UNARY:
            operation, sign = UNARY[type(node.op).__name__]
            text, bits = self.source(node.operand, depth)
            self.operations.append((operation, 0, 0))
            return f"({sign}{text})", bits + 1
        if kind == "BinOp" and type(node.op).__name__ in BINARY:
            return self._binary(node, depth)
        if kind == "BoolOp":
            operation, sign = LOGIC[type(node.op).__name__]
            parts = []
            for place, value in enumerate(node.values):
                part, wide = self.source(value, depth + (place > 0))
                parts.append(part)
                bits = max(bits, wide)
                if place:
                    self.operations.append((operation, 0, 0))
            return "(" + f" {sign} ".join(parts) + ")", bits
        if kind == "Compare":
            return self._comparison(node, depth), 1
        raise self.fail(f"{kind} is not understood; compare parameters with numbers, join with and, or, not")

    def _binary(self, node: Any, depth: int) -> tuple[str, int]:
        name = type(node.op).__name__
        operation, sign = BINARY[name]
        left, wide = self.source(node.left, depth)
        right, narrow = self.source(node.right, depth + 1)
        bits = max(wide, narrow) + (name in ("Add", "Sub"))
        if name == "Mult":
            bits = wide + narrow
        if name in ("LShift", "RShift"):
            last, place, shift = self.operations[-1]
            if last != CONSTANT or place or type(node.right).__name__ != "Constant" or not 0 <= shift < 64:
                raise self.fail("shift by a number from 0 to 63")
            bits = wide + shift if name == "LShift" else wide
        if bits > BITS:
            raise self.fail("its numbers can get too large")
        self.operations.append((operation, 0, 0))
        return f"({left} {sign} {right})", bits

    def _comparison(self, node: Any, depth: int) -> str:
        """A chain `a < b < c` is `a < b and b < c`."""
        parts = []
        operands = [node.left, *node.comparators]
        for place, compared in enumerate(node.ops):
            name = type(compared).__name__
            if name not in COMPARISONS:
                raise self.fail(f"{name} is not understood; compare with < <= > >= == !=")
            operation, sign = COMPARISONS[name]
            left = self.source(operands[place], depth + (place > 0))[0]
            right = self.source(operands[place + 1], depth + 1 + (place > 0))[0]
            self.operations.append((operation, 0, 0))
            if place:
                self.operations.append((LOGIC["And"][0], 0, 0))
            parts.append(f"{left} {sign} {right}")
        return "(" + " and ".join(parts) + ")"

    def _leaf(self, node: Any, kind: str) -> tuple[str, int]:
        if kind == "Name" and node.id not in UNITS:
            return self._parameter(node.id)
        value = self._value(node, kind)
        if type(value) is bool or not isinstance(value, int):
            raise self.fail(f"{value!r} is not a number")
        value = int(value)
        if not -(1 << 63) <= value < 1 << 64:
            raise self.fail(f"{value} has more than 64 bits")
        # C reads the value as signed where the second field is 0.
        self.operations.append((CONSTANT, int(value >= 1 << 63), value - (1 << 64) if value >= 1 << 63 else value))
        return repr(value), value.bit_length()

    def _value(self, node: Any, kind: str) -> Any:
        if kind == "Constant":
            return node.value
        if kind == "Name":
            return UNITS[node.id]
        import vgpu_embed

        try:
            return getattr(getattr(vgpu_embed, node.value.id), node.attr)
        except AttributeError:
            raise self.fail("there is no such enum or member; write DeviceAttribute.WARP_SIZE") from None

    def _parameter(self, name: str) -> tuple[str, int]:
        for parameter in self.function.parameters or ():
            if parameter.attribute == name:
                register, place = parameter.location
                if parameter.kind not in ("int", "uint", "pointer") or parameter.direction != "in":
                    raise self.fail(f"{name} of {self.function.name} is no scalar that it is called with")
                size = -parameter.size if parameter.kind == "int" else parameter.size
                self.operations.append((STACK if register == "stack" else REGISTER, size, place))
                return f"call.number({name!r})", 8 * parameter.size
        known = ", ".join(p.attribute for p in self.function.parameters or ()) or "none"
        raise self.fail(f"{self.function.name} has no parameter {name!r}; it has {known}")
