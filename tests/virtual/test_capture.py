"""Stream capture: what becomes of what is asked for, and what is not allowed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from vgpu_embed.testing import ffi
from virtual.device import Device

INVALID_VALUE, ILLEGAL_STATE = 1, 401
UNSUPPORTED, INVALIDATED, MERGE, UNMATCHED, UNJOINED = range(900, 905)
ISOLATION, IMPLICIT, CAPTURED_EVENT, WRONG_THREAD = range(905, 909)
GLOBAL, THREAD_LOCAL, RELAXED = range(3)
NONE, ACTIVE, INVALID = range(3)


def status(device: Device, stream: Any) -> int:
    return int(device.told("cuStreamIsCapturing", stream, ctype="CUstreamCaptureStatus"))


def broken(device: Device, stream: Any) -> bool:
    """Whether the capture is invalid; it is ended."""
    assert status(device, stream) == INVALID
    graph = ffi.new("CUgraph *", ffi.cast("CUgraph", 1))
    assert device.call("cuStreamEndCapture", stream, graph) == INVALIDATED
    return not graph[0] and status(device, stream) == NONE


class TestGraph:
    def test_is_what_was_asked_for(self, device: Device) -> None:
        stream = device.stream()
        assert status(device, stream) == NONE
        device.begin(stream)
        assert status(device, stream) == ACTIVE
        for text in "abc":
            device.note(text, stream)
        assert not device.marks
        executable = device.instantiated(device.end(stream))
        assert status(device, stream) == NONE
        assert not device.marks
        for _ in range(2):
            device.launch(executable, stream)
        assert "".join(device.marks) == "abcabc"

    def test_is_a_chain(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        device.note("a", stream)
        device.note("b", stream)
        graph = device.end(stream)
        first, second = device.nodes("cuGraphGetNodes", graph)
        assert device.nodes("cuGraphGetRootNodes", graph) == [first]
        assert device.nodes("cuGraphNodeGetDependencies", second) == [first]

    def test_forks_and_joins(self, device: Device) -> None:
        first, second = device.stream(), device.stream()
        fork, join = device.event(2), device.event(2)
        device.begin(first)
        device.note("a", first)
        assert device.call("cuEventRecord", fork, first) == 0
        assert device.call("cuStreamWaitEvent", second, fork, 0) == 0
        assert status(device, second) == ACTIVE
        device.note("b", second)
        device.note("c", first)
        assert device.call("cuEventRecord", join, second) == 0
        assert device.call("cuStreamWaitEvent", first, join, 0) == 0
        device.note("d", first)
        graph = device.end(first)
        assert status(device, second) == NONE
        a, b, c, d = device.nodes("cuGraphGetNodes", graph)
        assert device.nodes("cuGraphNodeGetDependencies", b) == device.nodes("cuGraphNodeGetDependencies", c) == [a]
        assert set(device.nodes("cuGraphNodeGetDependencies", d)) == {b, c}
        device.launch(device.instantiated(graph))
        assert device.marks[0] == "a"
        assert device.marks[-1] == "d"
        assert sorted(device.marks) == ["a", "b", "c", "d"]

    def test_host_functions_are_called_at_each_launch(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        device.note("a", stream)
        device.host_function(lambda: device.marks.append("function"), stream)
        device.note("b", stream)
        executable = device.instantiated(device.end(stream))
        for _ in range(2):
            device.launch(executable, stream)
        assert device.call("cuStreamSynchronize", stream) == 0
        assert device.marks == ["a", "function", "b"] * 2

    def test_external_events_are_nodes(self, device: Device) -> None:
        stream, event = device.stream(), device.event()
        device.begin(stream)
        assert device.call("cuEventRecordWithFlags", event, stream, 1) == 0
        assert device.call("cuStreamWaitEvent", stream, event, 1) == 0
        graph = device.end(stream)
        types = [device.told("cuGraphNodeGetType", node) for node in device.nodes("cuGraphGetNodes", graph)]
        assert types == [7, 6]
        device.launch(device.instantiated(graph), stream)
        assert device.call("cuStreamSynchronize", stream) == device.call("cuEventSynchronize", event) == 0

    def test_goes_into_one_that_there_is(self, device: Device) -> None:
        stream = device.stream()
        graph = device.made("cuGraphCreate", 0, ctype="CUgraph")
        root = device.made("cuGraphAddEmptyNode", graph, None, 0, ctype="CUgraphNode")
        assert device.call("cuStreamBeginCaptureToGraph", stream, graph, [root], None, 1, RELAXED) == 0
        device.note("a", stream)
        assert device.end(stream) == graph
        assert device.nodes("cuGraphNodeGetDependentNodes", root) == device.nodes("cuGraphGetNodes", graph)[1:]

    def test_no_graph_is_launched_into_it(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        device.note("inner", stream)
        inner = device.instantiated(device.end(stream))
        device.begin(stream)
        assert device.call("cuGraphLaunch", inner, stream) == UNSUPPORTED
        assert broken(device, stream)
        assert device.marks == []


class TestInfo:
    def test_number_graph_and_dependencies(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        device.note("a", stream)
        state, number, graph = ffi.new("int *"), ffi.new("uint64_t *"), ffi.new("CUgraph *")
        nodes, count = ffi.new("CUgraphNode **"), ffi.new("size_t *")
        data = ffi.new("CUgraphEdgeData **")
        state = ffi.new("CUstreamCaptureStatus *")
        assert device.call("cuStreamGetCaptureInfo_v3", stream, state, number, graph, nodes, data, count) == 0
        assert (state[0], count[0]) == (ACTIVE, 1)
        assert [nodes[0][0]] == device.nodes("cuGraphGetNodes", graph[0])
        assert bytes(ffi.buffer(data[0], 8)) == bytes(8)
        short = ffi.new("uint64_t *")
        assert device.call("cuStreamGetCaptureInfo", stream, state, short) == 0
        assert short[0] == number[0]
        assert device.call("cuStreamGetCaptureInfo_v2", stream, state, None, None, None, None) == 0
        assert device.end(stream) == graph[0]
        assert device.call("cuStreamGetCaptureInfo_v2", stream, state, number, graph, nodes, count) == 0
        assert state[0] == NONE

    def test_dependencies_can_be_changed(self, device: Device) -> None:
        stream = device.stream()
        device.begin(stream)
        device.note("a", stream)
        device.note("b", stream)
        graph = ffi.new("CUgraph *")
        state = ffi.new("CUstreamCaptureStatus *")
        assert device.call("cuStreamGetCaptureInfo_v2", stream, state, None, graph, None, None) == 0
        a, b = device.nodes("cuGraphGetNodes", graph[0])
        assert device.call("cuStreamUpdateCaptureDependencies", stream, [a], 1, 1) == 0
        device.note("c", stream)
        c = device.nodes("cuGraphGetNodes", device.end(stream))[2]
        assert device.nodes("cuGraphNodeGetDependencies", c) == [a]
        assert device.nodes("cuGraphNodeGetDependentNodes", b) == []
        assert device.call("cuStreamUpdateCaptureDependencies", stream, [a], 1, 1) == ILLEGAL_STATE

    def test_numbers_differ(self, device: Device) -> None:
        stream, numbers = device.stream(), set()
        for _ in range(2):
            device.begin(stream)
            number = ffi.new("uint64_t *")
            assert device.call("cuStreamGetCaptureInfo", stream, ffi.new("CUstreamCaptureStatus *"), number) == 0
            numbers.add(number[0])
            device.end(stream)
        assert len(numbers) == 2


def recorded(device: Device) -> Any:
    """An event that was recorded outside of a capture."""
    event = device.event()
    assert device.call("cuEventRecord", event, device.stream()) == 0
    return event


Misuse = Callable[[Device, Any], int]

MISUSES: dict[str, tuple[int, Misuse]] = {
    "query": (UNSUPPORTED, lambda device, stream: device.call("cuStreamQuery", stream)),
    "synchronize": (UNSUPPORTED, lambda device, stream: device.call("cuStreamSynchronize", stream)),
    "context": (UNSUPPORTED, lambda device, stream: device.call("cuCtxSynchronize")),
    "other stream": (UNSUPPORTED, lambda device, stream: device.call("cuStreamSynchronize", device.stream())),
    "other event": (UNSUPPORTED, lambda device, stream: device.call("cuEventQuery", device.event())),
    "callback": (
        UNSUPPORTED,
        lambda device, stream: device.call("cuStreamAddCallback", stream, ffi.cast("CUstreamCallback", 8), None, 0),
    ),
    "isolation": (ISOLATION, lambda device, stream: device.call("cuStreamWaitEvent", stream, recorded(device), 0)),
    "flags": (UNSUPPORTED, lambda device, stream: device.call("cuStreamGetFlags", stream, ffi.new("unsigned int *"))),
}


class TestMisuse:
    @pytest.mark.parametrize("name", MISUSES)
    def test_breaks_the_capture(self, device: Device, name: str) -> None:
        stream = device.stream()
        device.begin(stream)
        error, misuse = MISUSES[name]
        assert misuse(device, stream) == error
        assert device.call("cuLaunchHostFunc", stream, device.function(lambda: None), None) == INVALIDATED
        assert broken(device, stream)

    @pytest.mark.parametrize("function", ["cuEventQuery", "cuEventSynchronize"])
    def test_a_captured_event_is_no_event(self, device: Device, function: str) -> None:
        stream, event = device.stream(), device.event()
        device.begin(stream)
        assert device.call("cuEventRecord", event, stream) == 0
        assert device.call(function, event) == CAPTURED_EVENT
        assert broken(device, stream)
        assert device.call("cuEventRecord", event, stream) == 0
        assert device.call(function, event) == 0

    def test_the_legacy_stream_would_wait(self, device: Device) -> None:
        stream = device.stream(0)
        device.begin(stream)
        assert device.call("cuStreamIsCapturing", None, ffi.new("CUstreamCaptureStatus *")) == IMPLICIT
        assert status(device, stream) == ACTIVE
        assert device.call("cuEventRecord", device.event(), None) == IMPLICIT
        assert broken(device, stream)

    def test_the_legacy_stream_and_one_that_does_not_wait(self, device: Device) -> None:
        stream = device.stream(1)
        device.begin(stream)
        device.note("legacy", None)
        assert device.marks == ["legacy"]
        assert device.end(stream)

    def test_the_legacy_stream_is_not_captured(self, device: Device) -> None:
        assert device.call("cuStreamBeginCapture_v2", None, RELAXED) == UNSUPPORTED

    def test_begun_twice_or_never(self, device: Device) -> None:
        stream = device.stream()
        graph = ffi.new("CUgraph *")
        assert device.call("cuStreamEndCapture", stream, graph) == ILLEGAL_STATE
        assert device.call("cuStreamBeginCapture_v2", stream, 3) == INVALID_VALUE
        device.begin(stream)
        assert device.call("cuStreamBeginCapture", stream) == ILLEGAL_STATE
        assert device.end(stream)

    def test_unjoined(self, device: Device) -> None:
        first, second, event = device.stream(), device.stream(), device.event()
        device.begin(first)
        assert device.call("cuEventRecord", event, first) == 0
        assert device.call("cuStreamWaitEvent", second, event, 0) == 0
        device.note("b", second)
        graph = ffi.new("CUgraph *", ffi.cast("CUgraph", 1))
        assert device.call("cuStreamEndCapture", first, graph) == UNJOINED
        assert not graph[0]
        assert status(device, first) == status(device, second) == NONE

    def test_ended_elsewhere(self, device: Device) -> None:
        first, second, event = device.stream(), device.stream(), device.event()
        device.begin(first)
        assert device.call("cuEventRecord", event, first) == 0
        assert device.call("cuStreamWaitEvent", second, event, 0) == 0
        assert device.call("cuStreamEndCapture", second, ffi.new("CUgraph *")) == UNMATCHED
        assert broken(device, first)

    def test_a_destroyed_stream(self, device: Device) -> None:
        first, second, event = device.stream(0), device.stream(), device.event()
        device.begin(first)
        assert device.call("cuEventRecord", event, first) == 0
        assert device.call("cuStreamWaitEvent", second, event, 0) == 0
        assert device.call("cuStreamDestroy_v2", second) == 0
        assert status(device, first) == ACTIVE
        assert device.call("cuStreamDestroy_v2", first) == 0
        device.note("legacy", None)
        assert device.marks == ["legacy"]

    def test_two_captures_do_not_meet(self, device: Device) -> None:
        first, second, event = device.stream(), device.stream(), device.event()
        device.begin(first, RELAXED)
        device.begin(second, RELAXED)
        assert device.call("cuEventRecord", event, first) == 0
        assert device.call("cuStreamWaitEvent", second, event, 0) == MERGE
        assert broken(device, first)
        assert broken(device, second)

    def test_a_graph_is_not_destroyed_meanwhile(self, device: Device) -> None:
        stream = device.stream()
        graph = device.made("cuGraphCreate", 0, ctype="CUgraph")
        assert device.call("cuStreamBeginCaptureToGraph", stream, graph, None, None, 0, RELAXED) == 0
        assert device.call("cuGraphDestroy", graph) == ILLEGAL_STATE
        device.instantiated(graph)
        assert device.end(stream) == graph
        assert device.call("cuGraphDestroy", graph) == 0


def elsewhere(device: Device, function: Callable[[], int]) -> int:
    """A result on another thread with the same context."""
    context, results = device.told("cuCtxGetCurrent", ctype="CUcontext"), []

    def run() -> None:
        assert device.call("cuCtxSetCurrent", context) == 0
        results.append(function())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


class TestModes:
    @pytest.mark.parametrize(("mode", "result"), [(GLOBAL, UNSUPPORTED), (THREAD_LOCAL, 0), (RELAXED, 0)])
    def test_other_threads(self, device: Device, mode: int, result: int) -> None:
        stream, event = device.stream(), device.event()
        device.begin(stream, mode)
        assert elsewhere(device, lambda: device.call("cuEventQuery", event)) == result
        assert status(device, stream) == (INVALID if result else ACTIVE)

    @pytest.mark.parametrize(("mode", "result"), [(GLOBAL, WRONG_THREAD), (THREAD_LOCAL, WRONG_THREAD), (RELAXED, 0)])
    def test_ended_by_another_thread(self, device: Device, mode: int, result: int) -> None:
        stream = device.stream()
        device.begin(stream, mode)
        assert elsewhere(device, lambda: device.call("cuStreamEndCapture", stream, ffi.new("CUgraph *"))) == result
        assert device.call("cuStreamEndCapture", stream, ffi.new("CUgraph *")) == ILLEGAL_STATE

    def test_a_thread_may_relax(self, device: Device) -> None:
        stream, event = device.stream(), device.event()
        mode = ffi.new("CUstreamCaptureMode *", RELAXED)
        assert device.call("cuThreadExchangeStreamCaptureMode", mode) == 0
        assert mode[0] == GLOBAL
        device.begin(stream)
        assert device.call("cuEventQuery", event) == 0
        assert device.end(stream)
        mode[0] = GLOBAL
        assert device.call("cuThreadExchangeStreamCaptureMode", mode) == 0
        assert mode[0] == RELAXED
