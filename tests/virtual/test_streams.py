"""Streams: what they are, what is asked of them, and functions of the program's that they call."""

from __future__ import annotations

import threading

import pytest

from vgpu_embed.testing import ffi
from virtual.device import Device, Failing, Held
from virtual.harness import Program

INVALID_VALUE, INVALID_CONTEXT, INVALID_HANDLE, NOT_READY, NOT_PERMITTED = 1, 201, 400, 600, 800
OPERATING_SYSTEM, LAUNCH_FAILED = 304, 719


class TestStream:
    def test_needs_a_context(self, ready: Program) -> None:
        assert ready.call("cuStreamCreate", ffi.new("CUstream *"), 0) == INVALID_CONTEXT

    def test_flags_and_priority(self, device: Device) -> None:
        stream = device.made("cuStreamCreateWithPriority", 1, -9, ctype="CUstream")
        assert device.told("cuStreamGetFlags", stream, ctype="unsigned int") == 1
        assert device.told("cuStreamGetPriority", stream) == -5
        assert device.told("cuStreamGetPriority", device.stream()) == 0
        assert device.call("cuStreamCreate", ffi.new("CUstream *"), 2) == INVALID_VALUE
        assert device.call("cuStreamCreate", None, 0) == INVALID_VALUE

    def test_context_device_and_number(self, device: Device) -> None:
        context = device.told("cuCtxGetCurrent", ctype="CUcontext")
        first, second = device.stream(), device.stream()
        for stream in (first, None):
            assert device.told("cuStreamGetCtx", stream, ctype="CUcontext") == context
            assert device.told("cuStreamGetDevice", stream) == 0
        numbers = {device.told("cuStreamGetId", one, ctype="unsigned long long") for one in (first, second, None)}
        assert len(numbers) == 3

    def test_default_streams(self, device: Device) -> None:
        def number(function: str, handle: int) -> int:
            return int(device.told(function, ffi.cast("CUstream", handle), ctype="unsigned long long"))

        assert number("cuStreamGetId", 0) == number("cuStreamGetId", 1) == number("cuStreamGetId_ptsz", 1)
        assert number("cuStreamGetId_ptsz", 0) == number("cuStreamGetId", 2) != number("cuStreamGetId", 0)

    def test_each_thread_has_its_own(self, device: Device) -> None:
        context = device.told("cuCtxGetCurrent", ctype="CUcontext")
        numbers = [device.told("cuStreamGetId_ptsz", None, ctype="unsigned long long")]

        def other() -> None:
            assert device.call("cuCtxSetCurrent", context) == 0
            numbers.append(device.told("cuStreamGetId_ptsz", None, ctype="unsigned long long"))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(set(numbers)) == 2

    def test_destroyed(self, device: Device) -> None:
        stream = device.stream()
        assert device.call("cuStreamDestroy_v2", stream) == 0
        for function in ("cuStreamDestroy_v2", "cuStreamQuery", "cuStreamSynchronize"):
            assert device.call(function, stream) == INVALID_HANDLE

    def test_ends_with_its_context(self, device: Device) -> None:
        stream = device.stream()
        assert device.call("cuCtxDestroy_v2", device.told("cuCtxGetCurrent", ctype="CUcontext")) == 0
        assert device.call("cuStreamQuery", stream) == INVALID_HANDLE

    def test_attributes(self, device: Device) -> None:
        first, second = device.stream(), device.stream()
        value = ffi.new("CUstreamAttrValue *")
        value.syncPolicy = 3
        assert device.call("cuStreamSetAttribute", first, 3, value) == 0
        value.priority = -2
        assert device.call("cuStreamSetAttribute", first, 8, value) == 0
        assert device.call("cuStreamCopyAttributes", second, first) == 0
        assert device.told("cuStreamGetAttribute", second, 3, ctype="CUstreamAttrValue").syncPolicy == 3
        assert device.told("cuStreamGetAttribute", second, 8, ctype="CUstreamAttrValue").priority == -2
        assert device.told("cuStreamGetPriority", second) == -2
        assert device.call("cuStreamSetAttribute", first, 4, value) == INVALID_VALUE

    def test_does_at_once_what_waits_for_nothing(self, device: Device) -> None:
        streams = [None, ffi.cast("CUstream", 1), ffi.cast("CUstream", 2), device.stream()]
        for number, stream in enumerate(streams):
            device.note(str(number), stream)
        assert device.marks == ["0", "1", "2", "3"]
        assert device.call("cuStreamQuery", None) == device.call("cuCtxSynchronize") == 0


class TestHostFunction:
    def test_keeps_back_what_comes_after_it(self, device: Device) -> None:
        stream = device.stream()
        device.note("before", stream)
        held = Held(device, stream)
        device.note("after", stream)
        assert device.marks == ["before"]
        assert device.call("cuStreamQuery", stream) == NOT_READY
        held.gate.set()
        assert device.call("cuStreamSynchronize", stream) == 0
        assert device.marks == ["before", "function", "after"]
        assert held.threads != [threading.get_ident()]
        assert device.call("cuStreamQuery", stream) == 0

    def test_in_a_mode_of_waiting(self, device: Device) -> None:
        function = device.function(lambda: device.marks.append("function"))
        stream = device.stream()
        for mode, result in ((0, 0), (1, 0), (2, INVALID_VALUE)):
            assert device.call("cuLaunchHostFunc_v2", stream, function, None, mode) == result
        assert device.call("cuLaunchHostFunc_v2_ptsz", None, None, None, 0) == INVALID_VALUE
        assert device.call("cuStreamSynchronize", stream) == 0
        assert device.marks == ["function", "function"]

    def test_other_streams_go_on(self, device: Device) -> None:
        held = Held(device, device.stream())
        device.note("other", device.stream())
        assert device.marks == ["other"]
        assert device.call("cuStreamQuery", None) == 0
        held.let_go()

    @pytest.mark.parametrize(("flags", "marks"), [(0, []), (1, ["blocking or not"])])
    def test_the_legacy_stream_and_blocking_ones_wait_for_each_other(
        self, device: Device, flags: int, marks: list[str]
    ) -> None:
        other = device.stream(flags)
        held = Held(device, None)
        device.note("blocking or not", other)
        assert device.marks == marks
        held.let_go()
        held = Held(device, other)
        device.marks.clear()
        device.note("blocking or not", None)
        assert device.marks == marks
        assert device.call("cuStreamQuery", None) == (0 if flags else NOT_READY)
        held.let_go()

    def test_a_threads_own_stream_waits_for_the_legacy_one(self, device: Device) -> None:
        held = Held(device, None)
        device.note("own", ffi.cast("CUstream", 2))
        assert not device.marks
        held.let_go()
        assert device.marks == ["function", "own"]

    def test_a_destroyed_stream_ends_what_it_was_asked_for(self, device: Device) -> None:
        stream = device.stream()
        held = Held(device, stream)
        device.note("after", stream)
        assert device.call("cuStreamDestroy_v2", stream) == 0
        held.let_go()
        assert device.marks == ["function", "after"]

    def test_a_callback_is_told(self, device: Device) -> None:
        stream = device.stream()
        told = []

        @ffi.callback("void(struct CUstream_st *, unsigned int, void *)")  # type: ignore[untyped-decorator]
        def callback(of: object, result: int, data: object) -> None:
            told.append((of, result, int(ffi.cast("uintptr_t", data))))

        assert device.call("cuStreamAddCallback", stream, callback, ffi.cast("void *", 77), 0) == 0
        assert device.call("cuStreamSynchronize", stream) == 0
        assert told == [(stream, 0, 77)]
        assert device.call("cuStreamAddCallback", stream, callback, None, 1) == INVALID_VALUE

    def test_something_that_goes_wrong_later_breaks_the_context(self, device: Device) -> None:
        stream, told = device.stream(), []

        @ffi.callback("void(struct CUstream_st *, unsigned int, void *)")  # type: ignore[untyped-decorator]
        def callback(of: object, result: int, data: object) -> None:
            told.append(result)

        held = Held(device, stream)
        device.submit(Failing(), stream)
        device.note("after", stream)
        device.host_function(lambda: device.marks.append("not called"), stream)
        assert device.call("cuStreamAddCallback", stream, callback, None, 0) == 0
        held.gate.set()
        assert device.call("cuStreamSynchronize", stream) == LAUNCH_FAILED
        assert (device.marks, told) == (["function"], [LAUNCH_FAILED])
        assert device.call("cuLaunchHostFunc", stream, callback, None) == LAUNCH_FAILED
        assert device.call("cuCtxSynchronize") == LAUNCH_FAILED

    def test_may_not_ask_the_driver(self, device: Device) -> None:
        stream, results = device.stream(), []

        def ask() -> None:
            results.append(device.call("cuStreamSynchronize", stream))
            results.append(device.call("cuStreamCreate", ffi.new("CUstream *"), 0))

        device.host_function(ask, stream)
        assert device.call("cuStreamSynchronize", stream) == 0
        assert results == [NOT_PERMITTED, NOT_PERMITTED]

    def test_where_no_thread_can_be_made(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(work: object) -> None:
            raise OSError

        with monkeypatch.context() as patched:
            patched.setattr(device.machine.order.host, "start", refuse)
            function = device.function(lambda: device.marks.append("first"))
            assert device.call("cuLaunchHostFunc", None, function, None) == OPERATING_SYSTEM
        device.host_function(lambda: device.marks.append("second"))
        device.host_function(lambda: device.marks.append("third"), device.stream())
        assert device.call("cuCtxSynchronize") == 0
        assert sorted(device.marks) == ["first", "second", "third"]

    def test_null_is_none(self, device: Device) -> None:
        assert device.call("cuLaunchHostFunc", None, None, None) == INVALID_VALUE
