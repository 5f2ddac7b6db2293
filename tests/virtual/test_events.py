"""Events: what they stand for, who waits for them, and the time between them."""

from __future__ import annotations

import time

import pytest

from vgpu_embed.testing import ffi
from virtual.device import Device, Held

INVALID_VALUE, INVALID_CONTEXT, INVALID_HANDLE, ILLEGAL_STATE, NOT_READY = 1, 201, 400, 401, 600
CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED = 900, 901


def test_flags(device: Device) -> None:
    for flags in (8, 4):  # an event between processes has no time
        assert device.call("cuEventCreate", ffi.new("CUevent *"), flags) == INVALID_VALUE
    assert device.event(6)


def test_that_was_not_recorded(device: Device) -> None:
    event = device.event()
    assert device.call("cuEventQuery", event) == device.call("cuEventSynchronize", event) == 0
    assert device.call("cuStreamWaitEvent", device.stream(), event, 0) == 0
    assert device.call("cuEventElapsedTime", ffi.new("float *"), event, event) == INVALID_HANDLE


def test_stands_for_what_came_before_it(device: Device) -> None:
    first, second, third = device.stream(), device.stream(), device.stream()
    event = device.event()
    held = Held(device, first)
    assert device.call("cuEventRecord", event, first) == 0
    assert device.call("cuEventQuery", event) == NOT_READY
    assert device.call("cuStreamWaitEvent", second, event, 0) == 0
    device.note("second", second)
    device.note("third", third)
    assert device.marks == ["third"]
    held.gate.set()
    assert device.call("cuEventSynchronize", event) == 0
    assert device.call("cuStreamSynchronize", second) == 0
    assert device.marks == ["third", "function", "second"]


def test_recorded_again_is_another_one_for_those_who_wait(device: Device) -> None:
    first, second, third = device.stream(), device.stream(), device.stream()
    event = device.event()
    held = Held(device, first)
    assert device.call("cuEventRecord", event, first) == 0
    assert device.call("cuStreamWaitEvent", second, event, 0) == 0
    assert device.call("cuEventRecord", event, third) == 0
    assert device.call("cuEventQuery", event) == 0
    device.note("second", second)
    assert not device.marks
    held.let_go()
    assert device.marks == ["function", "second"]


def test_destroyed_while_somebody_waits(device: Device) -> None:
    first, second, event = device.stream(), device.stream(), device.event()
    held = Held(device, first)
    assert device.call("cuEventRecord", event, first) == 0
    assert device.call("cuStreamWaitEvent", second, event, 0) == 0
    assert device.call("cuEventDestroy_v2", event) == 0
    assert device.call("cuEventQuery", event) == INVALID_HANDLE
    device.note("second", second)
    assert not device.marks
    held.let_go()
    assert device.marks == ["function", "second"]


@pytest.mark.parametrize("function", ["cuEventElapsedTime", "cuEventElapsedTime_v2"])
def test_time(device: Device, function: str) -> None:
    stream, start, end = device.stream(), device.event(), device.event()
    assert device.call("cuEventRecord", start, stream) == 0
    held = Held(device, stream)
    assert device.call("cuEventRecord", end, stream) == 0
    out = ffi.new("float *")
    assert device.call(function, out, start, end) == NOT_READY
    time.sleep(0.02)
    held.let_go()
    assert device.call(function, out, start, end) == 0
    assert out[0] >= 20
    assert device.call(function, out, end, start) == 0
    assert out[0] <= -20


def test_without_time(device: Device) -> None:
    event, other = device.event(2), device.event()
    assert device.call("cuEventRecord", event, None) == device.call("cuEventRecord", other, None) == 0
    assert device.call("cuEventElapsedTime", ffi.new("float *"), event, other) == INVALID_HANDLE


def test_belongs_to_a_context(device: Device) -> None:
    event = device.event()
    device.made("cuCtxCreate_v2", 0, 0, ctype="CUcontext")
    assert device.call("cuEventRecord", event, device.stream()) == INVALID_HANDLE
    assert device.call("cuStreamWaitEvent", device.stream(), event, 0) == 0
    assert device.call("cuEventRecordWithFlags", device.event(), None, 1) == ILLEGAL_STATE
    assert device.call("cuStreamWaitEvent", None, event, 1) == ILLEGAL_STATE
    assert device.call("cuStreamWaitEvent", None, event, 2) == INVALID_VALUE


class TestOfContexts:
    def test_an_event_stands_for_all_streams(self, device: Device) -> None:
        context = device.made("cuCtxGetCurrent", ctype="CUcontext")
        event, idle, streams = device.event(), device.event(), [device.stream(), device.stream()]
        held = [Held(device, stream) for stream in streams]
        assert device.call("cuCtxRecordEvent", context, event) == 0
        device.note("later", device.stream())
        assert device.marks == ["later"]  # nobody waits for the recording
        held[0].gate.set()
        assert device.call("cuStreamSynchronize", streams[0]) == 0
        assert device.call("cuEventQuery", event) == NOT_READY
        held[1].gate.set()
        assert device.call("cuEventSynchronize", event) == 0
        assert device.call("cuCtxRecordEvent", context, idle) == device.call("cuEventQuery", idle) == 0

    def test_a_context_waits_with_streams_to_come(self, device: Device) -> None:
        context = device.made("cuCtxGetCurrent", ctype="CUcontext")
        event, first, second = device.event(), device.stream(), device.stream()
        held = Held(device, first)
        assert device.call("cuEventRecord", event, first) == 0
        assert device.call("cuCtxWaitEvent", context, event) == 0
        for stream in (second, device.stream(), device.stream(0), None):
            device.note("after", stream)
        assert device.marks == []
        held.gate.set()
        assert device.call("cuCtxSynchronize") == 0
        assert device.marks == ["function", *["after"] * 4]
        device.note("free", second)
        assert device.marks[-1] == "free"

    def test_what_is_refused(self, device: Device) -> None:
        context = device.made("cuCtxGetCurrent", ctype="CUcontext")
        event, stream = device.event(), device.stream()
        other = device.made("cuCtxCreate_v2", 0, 0, ctype="CUcontext")
        assert device.call("cuCtxRecordEvent", other, event) == INVALID_HANDLE
        assert device.call("cuCtxWaitEvent", other, event) == 0
        assert device.call("cuCtxRecordEvent", None, event) == INVALID_CONTEXT
        assert device.call("cuCtxWaitEvent", context, None) == INVALID_HANDLE
        for function in ("cuCtxRecordEvent", "cuCtxWaitEvent"):
            device.begin(stream)
            assert device.call(function, context, event) == CAPTURE_UNSUPPORTED
            assert device.call("cuStreamEndCapture", stream, ffi.new("CUgraph *")) == CAPTURE_INVALIDATED
        device.begin(stream)
        assert device.call("cuEventRecord", event, stream) == 0
        assert device.call("cuCtxWaitEvent", other, event) == CAPTURE_UNSUPPORTED
