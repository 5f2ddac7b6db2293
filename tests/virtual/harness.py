"""Policies in an ordinary Python process: calls that come from no thunk, and no library to go on to.

The types are those of the embedded core, by cffi without a compiler; how a call meets its hooks is `calls.FrameCall`,
as it is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cffi

from vgpu_embed import core_build, tables
from vgpu_embed.embed.redirect import NOT_SUPPORTED
from vgpu_embed.frames import FrameCall, call_class
from vgpu_embed.policy import CallLog, Policy, Process, Result

LIBRARIES = {"driver": "libcuda.so.1", "runtime": "libcudart.so", "cublas": "libcublas.so", "nvml": "libnvidia-ml.so.1"}
"""What a library's own calls come from."""


@cache
def types() -> Any:
    """The FFI of the headers' types; parsing them takes half a second."""
    ffi = cffi.FFI()
    ffi.cdef((Path(tables.__file__).parent / "types.cdef").read_text())
    ffi.cdef(core_build.frame_declaration())
    return ffi


class Log(CallLog):
    """Keeps lines."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def error(self, text: str, **fields: Any) -> None:
        self.lines.append(text)

    info = debug = error


class HarnessCall(FrameCall):
    """A call of a program here."""

    ffi = types()
    owner: Program

    @property
    def log(self) -> Log:
        return Log(self.owner.lines)

    def real(self) -> int:
        """The program below, if there is one: the same arguments as a call to its policies."""
        if self.owner.driver:
            return int(self.owner.driver.finish(self.function, self.frame, self.caller))
        self.owner.unsupported.append(self.function)
        return NOT_SUPPORTED[self.row.library]

    def made_class(self, function: str) -> type[FrameCall]:
        return self.owner.kind(function, LIBRARIES[self.row.library])


class Program:
    """What calls functions, the policies for it, and what is below them: nothing, or another program's policies."""

    def __init__(self, policies: Iterable[Policy], name: str = "program", driver: Program | None = None) -> None:
        self.policies = list(policies)
        self.name = name
        self.driver = driver
        self.lines: list[str] = []
        """What policies logged."""
        self.unsupported: list[str] = []
        """Functions that no policy answered, in the order of the calls."""
        self._kinds: dict[tuple[str, str], type[FrameCall]] = {}

    def kind(self, function: str, caller: str) -> type[FrameCall]:
        """The class of a function's calls from a library: it has the hooks to ask."""
        if (function, caller) not in self._kinds:
            hooks = tuple(
                hook.function
                for policy in self.policies
                for hook in policy.hooks
                if function in hook.functions and _matches(caller, hook.caller) and _matches(self.name, hook.program)
            )
            fields = {
                "caller": caller,
                "hooks": hooks,
                "owner": self,
                "program": self.name,
                "process": Process(self.name),
            }
            self._kinds[function, caller] = type(function, (call_class(function, HarnessCall),), fields)
        return self._kinds[function, caller]

    def call(self, function: str, *arguments: Any, caller: str = "program") -> Any:
        """Calls a function with numbers, text, None for NULL or cffi pointers; returns its number or text.

        A struct is a number too, its first 8 bytes.
        """
        row = tables.function(function)
        assert row.parameters is not None
        assert len(arguments) == len(row.parameters), f"{function} takes {row.parameters}"
        ffi, texts = types(), []
        frame, stack = ffi.new("struct vgpu_frame *"), ffi.new("uint64_t[]", row.stack_words or 1)
        frame.stack = stack
        for parameter, value in zip(row.parameters, arguments, strict=True):
            if isinstance(value, str | bytes):
                texts.append(ffi.new("char[]", value.encode() if isinstance(value, str) else value))
                value = texts[-1]
            if not isinstance(value, int):
                value = int(ffi.cast("uintptr_t", value or ffi.NULL))
            kind, place = parameter.location
            assert kind != "fp"
            (stack if kind == "stack" else frame.gp)[place] = value & 0xFFFFFFFFFFFFFFFF
        return self.finish(function, frame, caller)

    def finish(self, function: str, frame: Any, caller: str) -> Any:
        """Asks the policies about a call."""
        call = self.kind(function, caller)(frame)
        verdict = call.run()
        if verdict is None:
            verdict = call.result if call.result is not None else call.real()
        return int(verdict) if isinstance(verdict, Result) else verdict

    def number(self, function: str, *arguments: Any, at: int = 0, ctype: str = "int *", caller: str = "program") -> Any:
        """[result, number written], the output being argument number `at`; it starts as POISON."""
        out = types().new(ctype, POISON)
        rest = list(arguments)
        rest.insert(at, out)
        return [self.call(function, *rest, caller=caller), out[0]]

    def raw(self, function: str, size: int, *arguments: Any, at: int = 0, begin: bytes = b"") -> list[Any]:
        """[result, bytes written as hexadecimal digits], of a buffer full of "w"."""
        out = types().new("char[]", begin.ljust(size, b"w"))
        rest = list(arguments)
        rest.insert(at, out)
        result = self.call(function, *rest)
        return [result, bytes(types().buffer(out, size)).hex()]


POISON = 0x77777777


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
