"""Stream capture."""

from __future__ import annotations

import ctypes

from misuses.kernels import KERNELS
from misuses.session import LEGACY, PER_THREAD, Session, case, nothing, nothing_after, number, numbers, out, words

MODES = {"global": 0, "thread_local": 1, "relaxed": 2}


def begun(s: Session, mode: int = 2, flags: int = 1) -> int:
    """A stream that captures."""
    stream = s.make("cuStreamCreate", flags)
    s.must("cuStreamBeginCapture_v2", stream, mode)
    return stream


def status(s: Session, stream: int) -> None:
    found = out()
    s.ask("cuStreamIsCapturing", stream, found)
    s.say("status", number(found, 4))


def end(s: Session, stream: int) -> None:
    """Notes what the end says, and how many nodes the graph has."""
    status(s, stream)
    graph = out()
    if s.ask("cuStreamEndCapture", stream, graph) == 0:
        count = words(0)
        s.must("cuGraphGetNodes", number(graph), None, count)
        s.say("nodes", count[0])
        s.must("cuGraphDestroy", number(graph))
    else:
        s.say("null", number(graph) == 0)
    status(s, stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("capture.begin")
def begin(s: Session) -> None:
    for stream in (0, LEGACY):
        s.ask("cuStreamBeginCapture_v2", stream, 0)
    s.ask("cuStreamBeginCapture_v2", PER_THREAD, 2)
    s.ask("cuStreamEndCapture", PER_THREAD, out())
    stream = s.make("cuStreamCreate", 0)
    for mode in (3, -1):
        s.ask("cuStreamBeginCapture_v2", stream, mode)
    s.ask("cuStreamEndCapture", stream, out())
    s.ask("cuStreamEndCapture", 0, out())
    s.ask("cuStreamEndCapture", LEGACY, out())
    s.ask("cuStreamBeginCapture_v2", stream, 2)
    s.ask("cuStreamBeginCapture_v2", stream, 2)
    s.ask("cuStreamEndCapture", stream, None)
    end(s, stream)


for called, mode in MODES.items():

    @case(f"capture.ended_elsewhere.{called}")
    def ended_elsewhere(s: Session, mode: int = mode) -> None:
        stream = begun(s, mode)
        s.in_thread(lambda: status(s, stream), context=s.primary)
        s.in_thread(lambda: s.ask("cuStreamEndCapture", stream, out()), context=s.primary)
        end(s, stream)

    @case(f"capture.unsafe.{called}")
    def unsafe(s: Session, mode: int = mode) -> None:
        """Calls one may not make beside a capture, each in a capture of its own."""
        memory, event = s.make("cuMemAlloc_v2", 4096), s.make("cuEventCreate", 0)
        pinned, other = s.make("cuMemHostAlloc", 4096, 0), s.make("cuStreamCreate", 1)
        room = out(4096)
        s.must("cuEventRecord", event, other)
        s.function("empty")
        calls: list[tuple[object, ...]] = [
            ("cuMemAlloc_v2", out(), 64),
            ("cuMemFree_v2", s.make("cuMemAlloc_v2", 64)),
            ("cuMemAllocHost_v2", out(), 64),
            ("cuMemHostAlloc", out(), 64, 0),
            ("cuMemFreeHost", pinned),
            ("cuMemAllocManaged", out(), 64, 1),
            ("cuMemAllocPitch_v2", out(), out(), 64, 4, 4),
            ("cuMemHostRegister_v2", room, 4096, 0),
            ("cuMemGetInfo_v2", out(), out()),
            ("cuModuleLoadData", out(), KERNELS["common"]),
            ("cuCtxSynchronize",),
            ("cuStreamQuery", other),
            ("cuStreamSynchronize", other),
            ("cuStreamQuery", 0),
            ("cuStreamSynchronize", 0),
            ("cuStreamSynchronize", PER_THREAD),
            ("cuEventQuery", event),
            ("cuEventSynchronize", event),
            ("cuEventCreate", out(), 0),
            ("cuEventRecord", event, other),
            ("cuStreamCreate", out(), 0),
            ("cuMemcpyHtoD_v2", memory, room, 8),
            ("cuMemcpyDtoH_v2", room, memory, 8),
            ("cuMemcpyDtoD_v2", memory, memory + 64, 8),
            ("cuMemsetD8_v2", memory, 0, 8),
            ("cuMemsetD8Async", memory, 0, 8, 0),
            ("cuMemsetD8Async", memory, 0, 8, other),
            ("cuMemcpyHtoDAsync_v2", memory, room, 8, other),
            ("cuMemAllocAsync", out(), 64, other),
            ("cuLaunchHostFunc", other, nothing, 0),
            ("cuGraphCreate", out(), 0),
            ("cuDeviceGetCount", out()),
            ("cuMemPoolTrimTo", s.make("cuDeviceGetDefaultMemPool", 0), 0),
            ("cuMemAddressReserve", out(), 2 << 20, 0, 0, 0),
            ("cuPointerGetAttribute", out(), 2, memory),
            ("cuStreamDestroy_v2", s.make("cuStreamCreate", 0)),
            ("cuEventDestroy_v2", s.make("cuEventCreate", 0)),
            ("cuCtxSetLimit", 0, 1024),
            ("cuDevicePrimaryCtxRetain", out(), 0),
        ]
        for name, *arguments in calls:
            stream = begun(s, mode)
            s.ask(str(name), *arguments)
            s.ask("cuStreamEndCapture", stream, graph := out())
            s.say("null", number(graph) == 0)
            s.must("cuStreamDestroy_v2", stream)

    @case(f"capture.itself.{called}")
    def itself(s: Session, mode: int = mode) -> None:
        """Calls on the stream that captures, and what its end says."""
        memory, event = s.make("cuMemAlloc_v2", 4096), s.make("cuEventCreate", 0)
        room = out(64)
        for name, *arguments in (
            ("cuStreamQuery",),
            ("cuStreamSynchronize",),
            ("cuStreamGetCtx", out()),
            ("cuStreamGetFlags", out()),
            ("cuStreamGetId", out()),
            ("cuStreamGetAttribute", 3, out(64)),
            ("cuStreamSetAttribute", 3, words(1, *[0] * 7)),
            ("cuStreamAddCallback", nothing_after, 0, 0),
            ("cuLaunchHostFunc", None, 0),
            ("cuStreamAttachMemAsync", memory, 0, 4),
            ("cuStreamWriteValue32_v2", memory, 1, 0),
            ("cuStreamWaitEvent", event, 0),
            ("cuStreamWaitEvent", event, 1),
        ):
            stream = begun(s, mode)
            s.ask(str(name), stream, *arguments)
            end(s, stream)
        for name, *arguments in (
            ("cuMemcpyHtoDAsync_v2", memory, room, 8),
            ("cuMemcpyHtoDAsync_v2", memory + 4096, room, 8),
            ("cuMemsetD8Async", memory + 4096, 0, 8),
            ("cuMemAllocAsync", out(), 64),
            ("cuMemFreeAsync", memory),
            ("cuMemPrefetchAsync", memory, 64, 0),
        ):
            stream = begun(s, mode)
            s.ask(str(name), *arguments, stream)
            end(s, stream)
        stream = begun(s, mode)
        s.ask("cuEventRecord", event, stream)
        s.ask("cuEventQuery", event)
        s.ask("cuEventSynchronize", event)
        s.ask("cuEventElapsedTime", out(), event, event)
        end(s, stream)
        s.ask("cuEventQuery", event)
        s.ask("cuStreamWaitEvent", 0, event, 0)
        s.ask("cuEventRecord", event, 0)


@case("capture.legacy_stream")
def legacy_stream(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 64)
    function = s.function("empty")
    for flags in (0, 1):
        for name, *arguments in (
            ("cuMemsetD8Async", memory, 0, 8, 0),
            ("cuMemsetD8_v2", memory, 0, 8),
            ("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
            ("cuStreamSynchronize", LEGACY),
            ("cuStreamQuery", LEGACY),
            ("cuMemcpyHtoD_v2", memory, out(), 8),
            ("cuLaunchHostFunc", 0, nothing, 0),
            ("cuEventRecord", s.make("cuEventCreate", 0), 0),
        ):
            stream = begun(s, 2, flags)
            status(s, 0)
            s.ask(str(name), *arguments)
            end(s, stream)


@case("capture.fork_not_joined")
def fork_not_joined(s: Session) -> None:
    stream, other, event = begun(s), s.make("cuStreamCreate", 1), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", other, event, 0)
    status(s, other)
    s.ask("cuLaunchHostFunc", other, nothing, 0)
    s.ask("cuStreamEndCapture", other, out())
    status(s, stream)
    end(s, stream)
    status(s, other)
    s.ask("cuStreamQuery", other)


@case("capture.fork_empty")
def fork_empty(s: Session) -> None:
    """Joined in by an event, without work of its own."""
    stream, other, event = begun(s), s.make("cuStreamCreate", 1), s.make("cuEventCreate", 2)
    s.ask("cuLaunchHostFunc", stream, nothing, 0)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", other, event, 0)
    end(s, stream)
    status(s, other)


@case("capture.events_between")
def events_between(s: Session) -> None:
    """A wait for an event of another capture."""
    first, second, event = begun(s), begun(s), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, first)
    s.ask("cuStreamWaitEvent", second, event, 0)
    end(s, second)
    end(s, first)


@case("capture.event_outside")
def event_outside(s: Session) -> None:
    stream, outside, event = begun(s), s.make("cuStreamCreate", 1), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, outside)
    s.ask("cuStreamWaitEvent", stream, event, 0)
    end(s, stream)
    stream = begun(s)
    s.ask("cuEventRecord", event, outside)
    s.ask("cuStreamWaitEvent", stream, event, 1)
    s.ask("cuEventRecordWithFlags", event, stream, 1)
    end(s, stream)


@case("capture.legacy_waits")
def legacy_waits(s: Session) -> None:
    stream, event = begun(s), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", 0, event, 0)
    end(s, stream)


@case("capture.info")
def info(s: Session) -> None:
    stream = s.make("cuStreamCreate", 1)

    def look() -> None:
        found, graph, count = out(), out(), words(77)
        s.ask("cuStreamGetCaptureInfo_v2", stream, found, out(), graph, out(), count)
        s.say("status", number(found, 4))
        s.say("graph", number(graph) != 0)
        s.say("dependencies", count[0])
        s.ask("cuStreamGetCaptureInfo_v2", stream, found, None, None, None, None)
        s.ask("cuStreamGetCaptureInfo_v2", stream, None, out(), None, None, None)
        s.ask("cuStreamGetCaptureInfo_v3", stream, found, None, None, out(), None, count)

    look()
    s.must("cuStreamBeginCapture_v2", stream, 0)
    look()
    s.must("cuLaunchHostFunc", stream, nothing, 0)
    look()
    s.ask("cuStreamSynchronize", stream)
    look()
    end(s, stream)
    s.ask("cuStreamGetCaptureInfo_v2", 0, out(), None, None, None, None)


@case("capture.info_of_legacy")
def info_of_legacy(s: Session) -> None:
    stream = begun(s, 2, 0)
    s.ask("cuStreamIsCapturing", LEGACY, out())
    s.ask("cuStreamGetCaptureInfo_v2", 0, out(), None, None, None, None)
    end(s, stream)


@case("capture.dependencies")
def dependencies(s: Session) -> None:
    stream = s.make("cuStreamCreate", 1)
    s.ask("cuStreamUpdateCaptureDependencies", stream, None, 0, 0)
    s.must("cuStreamBeginCapture_v2", stream, 2)
    graph = s.make("cuGraphCreate", 0)
    node = s.make("cuGraphAddEmptyNode", graph, None, 0)
    for flags in (0, 1, 2):
        s.ask("cuStreamUpdateCaptureDependencies", stream, None, 0, flags)
    s.ask("cuStreamUpdateCaptureDependencies", stream, None, 1, 0)
    s.ask("cuStreamUpdateCaptureDependencies", stream, words(node), 1, 0)
    end(s, stream)
    stream = s.make("cuStreamCreate", 1)
    s.ask("cuStreamBeginCaptureToGraph", stream, 0, None, None, 0, 2)
    s.ask("cuStreamBeginCaptureToGraph", stream, graph, None, None, 1, 2)
    s.ask("cuStreamBeginCaptureToGraph", stream, graph, words(node), None, 1, 9)
    s.ask("cuStreamBeginCaptureToGraph", stream, graph, words(node), None, 1, 2)
    s.ask("cuStreamBeginCaptureToGraph", stream, graph, words(node), None, 1, 2)
    found = out()
    s.ask("cuStreamEndCapture", stream, found)
    s.say("same", number(found) == graph)


@case("capture.exchange_mode", alone=True)
def exchange_mode(s: Session) -> None:
    mode = numbers(0)
    for given in (2, 1, 0, 3, 0xFFFFFFFF):
        mode[0] = given
        s.ask("cuThreadExchangeStreamCaptureMode", mode)
        s.say("mode", ctypes.c_int32(mode[0]).value)
    s.ask("cuThreadExchangeStreamCaptureMode", None)
    stream = begun(s, 0)
    mode[0] = 2
    s.ask("cuThreadExchangeStreamCaptureMode", mode)
    s.ask("cuMemAlloc_v2", out(), 64)
    s.in_thread(lambda: s.ask("cuMemAlloc_v2", out(), 64), context=s.primary)
    end(s, stream)
    stream = begun(s, 1)
    s.in_thread(lambda: s.ask("cuMemAlloc_v2", out(), 64), context=s.primary)
    end(s, stream)


@case("capture.destroy_stream")
def destroy_stream(s: Session) -> None:
    stream = begun(s)
    s.ask("cuLaunchHostFunc", stream, nothing, 0)
    s.ask("cuStreamDestroy_v2", stream)
    stream, other, event = begun(s), s.make("cuStreamCreate", 1), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", other, event, 0)
    s.ask("cuLaunchHostFunc", other, nothing, 0)
    s.ask("cuStreamDestroy_v2", other)
    end(s, stream)


@case("capture.destroy_event")
def destroy_event(s: Session) -> None:
    stream, other, event = begun(s), s.make("cuStreamCreate", 1), s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", other, event, 0)
    s.ask("cuEventDestroy_v2", event)
    back = s.make("cuEventCreate", 2)
    s.ask("cuEventRecord", back, other)
    s.ask("cuStreamWaitEvent", stream, back, 0)
    end(s, stream)


@case("capture.graph_of_it")
def graph_of_it(s: Session) -> None:
    """The graph while it is captured."""
    stream, graph, count = begun(s), out(), words(0)
    s.must("cuLaunchHostFunc", stream, nothing, 0)
    s.must("cuStreamGetCaptureInfo_v2", stream, out(), None, graph, None, None)
    s.ask("cuGraphGetNodes", number(graph), None, count)
    s.ask("cuGraphAddEmptyNode", out(), number(graph), None, 0)
    s.ask("cuGraphInstantiateWithFlags", out(), number(graph), 0)
    s.ask("cuGraphClone", out(), number(graph))
    s.ask("cuGraphDestroy", number(graph))
    end(s, stream)


@case("capture.launch_graph")
def launch_graph(s: Session) -> None:
    graph = s.make("cuGraphCreate", 0)
    s.must("cuGraphAddEmptyNode", out(), graph, None, 0)
    executable = s.make("cuGraphInstantiateWithFlags", graph, 0)
    stream = begun(s)
    s.ask("cuGraphLaunch", executable, stream)
    s.ask("cuGraphUpload", executable, stream)
    s.ask("cuGraphLaunch", executable, 0)
    end(s, stream)
    stream = begun(s, 0)
    s.ask("cuGraphInstantiateWithFlags", out(), graph, 0)
    s.ask("cuGraphExecDestroy", executable)
    s.ask("cuGraphDestroy", graph)
    end(s, stream)


@case("capture.memory")
def capture_memory(s: Session) -> None:
    """Memory allocated in a capture, used outside of it."""
    stream = begun(s)
    memory = s.ask_made("cuMemAllocAsync", 4096, stream)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemsetD8_v2", memory, 0, 8)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuMemFreeAsync", memory, stream)
    s.ask("cuMemFreeAsync", memory, stream)
    end(s, stream)
