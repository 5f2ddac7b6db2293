"""Streams: what they are, and what is asked of them."""

from __future__ import annotations

from typing import Any

import pytest

from vgpu_embed.testing import ffi
from vgpu_embed.virtual import streams
from vgpu_embed.virtual.operations import Operation
from virtual.harness import Program

INVALID_VALUE, INVALID_CONTEXT, INVALID_HANDLE = 1, 201, 400


@pytest.fixture
def current(ready: Program) -> Program:
    """A program with a context."""
    context = ffi.new("CUcontext *")
    assert ready.call("cuCtxCreate_v2", context, 0, 0) == 0
    return ready


def made(program: Program, function: str, *arguments: Any, ctype: str = "CUstream *") -> Any:
    """What a function makes in its first output; it has to succeed."""
    out = ffi.new(ctype)
    assert program.call(function, out, *arguments) == 0
    return out[0]


def told(program: Program, function: str, *arguments: Any, ctype: str = "int *") -> Any:
    """What a function writes to its last output; it has to succeed."""
    out = ffi.new(ctype)
    assert program.call(function, *arguments, out) == 0
    return out[0]


class Note(Operation):
    """Leaves a mark."""

    def __init__(self, marks: list[str], text: str) -> None:
        self.marks = marks
        self.text = text

    def run(self) -> None:
        self.marks.append(self.text)


class TestStream:
    def test_needs_a_context(self, ready: Program) -> None:
        assert ready.call("cuStreamCreate", ffi.new("CUstream *"), 0) == INVALID_CONTEXT

    def test_flags_and_priority(self, current: Program) -> None:
        stream = made(current, "cuStreamCreateWithPriority", 1, -9)
        assert told(current, "cuStreamGetFlags", stream, ctype="unsigned int *") == 1
        assert told(current, "cuStreamGetPriority", stream) == -5
        assert told(current, "cuStreamGetPriority", made(current, "cuStreamCreate", 0)) == 0
        assert current.call("cuStreamCreate", ffi.new("CUstream *"), 2) == INVALID_VALUE
        assert current.call("cuStreamCreate", None, 0) == INVALID_VALUE

    def test_context_device_and_id(self, current: Program) -> None:
        context = made(current, "cuCtxGetCurrent", ctype="CUcontext *")
        first, second = made(current, "cuStreamCreate", 0), made(current, "cuStreamCreate", 0)
        assert told(current, "cuStreamGetCtx", first, ctype="CUcontext *") == context
        assert told(current, "cuStreamGetCtx", None, ctype="CUcontext *") == context
        assert told(current, "cuStreamGetDevice", first) == 0
        numbers = [told(current, "cuStreamGetId", one, ctype="unsigned long long *") for one in (first, second, None)]
        assert len(set(numbers)) == 3

    def test_default_streams(self, current: Program) -> None:
        def number(function: str, handle: int) -> int:
            return int(told(current, function, ffi.cast("CUstream", handle), ctype="unsigned long long *"))

        assert number("cuStreamGetId", 0) == number("cuStreamGetId", 1) == number("cuStreamGetId_ptsz", 1)
        assert number("cuStreamGetId_ptsz", 0) == number("cuStreamGetId", 2) != number("cuStreamGetId", 0)

    def test_destroyed(self, current: Program) -> None:
        stream = made(current, "cuStreamCreate", 0)
        assert current.call("cuStreamDestroy_v2", stream) == 0
        for function in ("cuStreamDestroy_v2", "cuStreamQuery", "cuStreamSynchronize"):
            assert current.call(function, stream) == INVALID_HANDLE

    def test_ends_with_its_context(self, current: Program) -> None:
        stream = made(current, "cuStreamCreate", 0)
        assert current.call("cuCtxDestroy_v2", made(current, "cuCtxGetCurrent", ctype="CUcontext *")) == 0
        assert current.call("cuStreamQuery", stream) == INVALID_HANDLE

    def test_does_at_once_what_waits_for_nothing(self, current: Program) -> None:
        marks: list[str] = []
        stream = int(ffi.cast("uintptr_t", made(current, "cuStreamCreate", 0)))
        for handle in (0, 1, 2, stream):
            streams.submit(current.driver.machine, handle, Note(marks, str(handle)))
        assert marks == ["0", "1", "2", str(stream)]
        assert current.call("cuStreamQuery", None) == current.call("cuCtxSynchronize") == 0
