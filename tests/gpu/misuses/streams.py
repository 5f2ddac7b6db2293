"""Streams."""

from __future__ import annotations

import ctypes

from misuses.session import (
    LEGACY,
    PER_THREAD,
    HostFunction,
    Session,
    StreamCallback,
    case,
    nothing,
    nothing_after,
    number,
    out,
    words,
)


@case("stream.create")
def create(s: Session) -> None:
    for flags in (0, 1, 2, 3, 4, 0x80000000):
        s.ask("cuStreamCreate", out(), flags)
    s.ask("cuStreamCreate", None, 0)
    for priority in (-100, -6, -5, -1, 0, 1, 100):
        stream = s.ask_made("cuStreamCreateWithPriority", 0, priority)
        found = out()
        s.ask("cuStreamGetPriority", stream, found)
        s.say("priority", ctypes.c_int32(number(found, 4)).value)
    s.ask("cuStreamCreateWithPriority", out(), 2, 0)
    s.ask("cuStreamCreateWithPriority", None, 0, 0)


@case("stream.default")
def default(s: Session) -> None:
    identities = []
    for stream in (0, LEGACY, PER_THREAD):
        s.ask("cuStreamQuery", stream)
        s.ask("cuStreamSynchronize", stream)
        context = out()
        s.ask("cuStreamGetCtx", stream, context)
        s.say("same", number(context) == s.primary)
        s.ask("cuStreamGetFlags", stream, flags := out())
        s.say("flags", number(flags, 4))
        s.ask("cuStreamGetPriority", stream, priority := out())
        s.say("priority", number(priority, 4))
        s.ask("cuStreamGetId", stream, identity := out())
        identities.append(number(identity))
        s.ask("cuStreamGetDevice", stream, out())
        s.ask("cuStreamIsCapturing", stream, capturing := out())
        s.say("capturing", number(capturing, 4))
    s.say("ids", identities)


@case("stream.default.destroy", alone=True)
def default_destroy(s: Session) -> None:
    for stream in (0, LEGACY, PER_THREAD):
        s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuStreamQuery", PER_THREAD)
    s.ask("cuStreamQuery", LEGACY)


@case("stream.null_outputs", alone=True)
def null_outputs(s: Session) -> None:
    stream = s.make("cuStreamCreate", 0)
    for name in ("GetCtx", "GetFlags", "GetPriority", "GetId", "GetDevice", "IsCapturing"):
        s.ask(f"cuStream{name}", stream, None)
    s.ask("cuStreamGetCaptureInfo_v2", stream, None, None, None, None, None)
    s.ask("cuStreamGetAttribute", stream, 1, None)
    s.ask("cuStreamSetAttribute", stream, 1, None)
    s.ask("cuStreamDestroy_v2", stream)


for use in ("Query", "Synchronize", "Destroy_v2"):

    @case(f"stream.destroyed.{use.lower()}", alone=True)
    def destroyed(s: Session, use: str = use) -> None:
        stream = s.make("cuStreamCreate", 0)
        s.must("cuStreamDestroy_v2", stream)
        s.ask(f"cuStream{use}", stream)


@case("stream.destroyed.work", alone=True)
def destroyed_work(s: Session) -> None:
    memory, event = s.make("cuMemAlloc_v2", 64), s.make("cuEventCreate", 0)
    stream = s.make("cuStreamCreate", 0)
    s.must("cuStreamDestroy_v2", stream)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuMemsetD8Async", memory, 0, 8, stream)
    s.ask("cuStreamWaitEvent", stream, event, 0)
    s.ask("cuStreamGetCtx", stream, out())
    s.ask("cuStreamIsCapturing", stream, out())


@case("stream.no_handle", alone=True)
def no_handle(s: Session) -> None:
    for stream in (3, 0x1000):
        s.ask("cuStreamQuery", stream)


@case("stream.id")
def identity(s: Session) -> None:
    first, second = s.make("cuStreamCreate", 0), s.make("cuStreamCreate", 0)
    ids = [read_id(s, stream) for stream in (first, second)]
    s.say("ascends", ids[1] - ids[0] == 1)
    s.ask("cuStreamDestroy_v2", first)
    s.ask("cuStreamDestroy_v2", second)


def read_id(s: Session, stream: int) -> int:
    found = out()
    s.ask("cuStreamGetId", stream, found)
    return number(found)


@case("stream.wait_event")
def wait_event(s: Session) -> None:
    stream, event = s.make("cuStreamCreate", 0), s.make("cuEventCreate", 0)
    s.ask("cuStreamWaitEvent", stream, 0, 0)
    s.ask("cuStreamWaitEvent", stream, event, 0)
    for flags in (1, 2, 0x80000000):
        s.ask("cuStreamWaitEvent", stream, event, flags)
    s.ask("cuStreamWaitEvent", 0, event, 0)
    s.ask("cuStreamQuery", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.wait_destroyed_event", alone=True)
def wait_destroyed_event(s: Session) -> None:
    stream, event = s.make("cuStreamCreate", 0), s.make("cuEventCreate", 0)
    s.must("cuEventDestroy_v2", event)
    s.ask("cuStreamWaitEvent", stream, event, 0)


@case("stream.values")
def values(s: Session) -> None:
    stream, memory = s.make("cuStreamCreate", 0), s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", memory, 0, 64)
    for name, width in (("WriteValue32", 4), ("WriteValue64", 8), ("WaitValue32", 4), ("WaitValue64", 8)):
        function = f"cuStream{name}_v2"
        s.ask(function, stream, memory, 0, 0)
        s.ask(function, stream, memory + width // 2, 0, 0)
        s.ask(function, stream, memory + 1, 0, 0)
        s.ask(function, stream, memory + 64 - width // 2, 0, 0)
        s.ask(function, stream, memory + 64 - width, 0, 0)
        s.ask(function, stream, 0, 0, 0)
        for flags in (1, 8, 1 << 20) if "Write" in name else (1, 4, 8, 1 << 20):
            s.ask(function, stream, memory, 0, flags)
        s.ask(f"cuStream{name}", stream, memory, 0, 0)
        s.ask(function, 0, memory, 0, 0)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.values_elsewhere")
def values_elsewhere(s: Session) -> None:
    stream, host = s.make("cuStreamCreate", 0), words(0, 0)
    s.ask("cuStreamWriteValue32_v2", stream, 0x1000, 0, 0)
    s.ask("cuStreamWaitValue32_v2", stream, 0x1000, 0, 0)
    s.ask("cuStreamWriteValue32_v2", stream, ctypes.addressof(host), 0, 0)
    s.ask("cuStreamWaitValue32_v2", stream, ctypes.addressof(host), 0, 0)
    s.ask("cuStreamSynchronize", stream)


@case("stream.wait_value_flags")
def wait_value_flags(s: Session) -> None:
    stream, memory = s.make("cuStreamCreate", 0), s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", memory, 0, 64)
    s.ask("cuStreamWaitValue32_v2", stream, memory, 0, 3)
    s.ask("cuStreamWaitValue32_v2", stream, memory, 0, 1 << 30)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.batch", alone=True)
def batch(s: Session) -> None:
    stream, memory = s.make("cuStreamCreate", 0), s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", memory, 0, 64)

    def write(operation: int, where: int, flags: int = 0) -> ctypes.Array[ctypes.c_uint64]:
        return words(operation, where, 1, flags, 0, 0)

    s.ask("cuStreamBatchMemOp_v2", stream, 0, None, 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, None, 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, write(2, memory), 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, write(2, memory), 1)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, write(99, memory), 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, write(2, memory + 2), 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 1, write(2, 0x1000), 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 257, words(*[2, memory, 1, 0, 0, 0] * 257), 0)
    s.ask("cuStreamBatchMemOp_v2", stream, 256, words(*[2, memory, 1, 0, 0, 0] * 256), 0)
    s.ask("cuStreamBatchMemOp", stream, 1, write(2, memory), 0)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.callbacks")
def callbacks(s: Session) -> None:
    stream = s.make("cuStreamCreate", 0)
    s.ask("cuStreamAddCallback", stream, None, 0, 0)
    s.ask("cuStreamAddCallback", stream, nothing_after, 0, 1)
    s.ask("cuStreamAddCallback", stream, nothing_after, 0, 0)
    s.ask("cuLaunchHostFunc", stream, None, 0)
    s.ask("cuLaunchHostFunc", stream, nothing, 0)
    s.ask("cuLaunchHostFunc", LEGACY, nothing, 0)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.calls_in_a_callback", alone=True)
def calls_in_a_callback(s: Session) -> None:
    """What a host function is told when it asks the driver."""
    stream, results = s.make("cuStreamCreate", 0), list[int]()

    def look() -> None:
        results.extend(
            [
                s.call("cuStreamQuery", stream),
                s.call("cuStreamSynchronize", stream),
                s.call("cuCtxSynchronize"),
                s.call("cuMemAlloc_v2", out(), 16),
                s.call("cuCtxGetCurrent", current := out()),
                int(number(current) == 0),
                s.call("cuDeviceGetCount", out()),
                s.call("cuEventCreate", out(), 0),
                s.call("cuCtxSetCurrent", s.primary),
                s.call("cuLaunchHostFunc", stream, nothing, 0),
            ]
        )

    for function, arguments in (
        ("cuLaunchHostFunc", (HostFunction(lambda _data: look()), 0)),
        ("cuStreamAddCallback", (StreamCallback(lambda _stream, _result, _data: look()), 0, 0)),
    ):
        results.clear()
        s.ask(function, stream, *arguments)
        s.ask("cuStreamSynchronize", stream)
        for result in list(results):
            s.say("inside", result)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.attach", alone=True)
def attach(s: Session) -> None:
    stream = s.make("cuStreamCreate", 0)
    managed, device = s.make("cuMemAllocManaged", 4096, 2), s.make("cuMemAlloc_v2", 4096)
    host = words(0)
    for flags in (0, 1, 2, 3, 4, 5):
        s.ask("cuStreamAttachMemAsync", stream, managed, 0, flags)
    s.ask("cuStreamAttachMemAsync", stream, managed, 4096, 4)
    s.ask("cuStreamAttachMemAsync", stream, managed, 100, 4)
    s.ask("cuStreamAttachMemAsync", stream, managed + 64, 0, 4)
    s.ask("cuStreamAttachMemAsync", 0, managed, 0, 4)
    s.ask("cuStreamAttachMemAsync", 0, managed, 0, 1)
    s.ask("cuStreamAttachMemAsync", stream, device, 0, 4)
    s.ask("cuStreamAttachMemAsync", stream, 0, 0, 4)
    s.ask("cuStreamAttachMemAsync", stream, ctypes.addressof(host), 8, 4)
    s.ask("cuStreamAttachMemAsync", stream, ctypes.addressof(host), 0, 4)
    s.must("cuStreamSynchronize", stream)
    s.ask("cuMemFree_v2", managed)
    s.ask("cuStreamDestroy_v2", stream)


@case("stream.attributes")
def attributes(s: Session) -> None:
    stream, other = s.make("cuStreamCreate", 0), s.make("cuStreamCreate", 0)
    for attribute in (0, 1, 2, 3, 4, 8, 9, 10, 13, 14, 99, -1):
        value = out(64)
        s.ask("cuStreamGetAttribute", stream, attribute, value)
        s.say("value", number(value, 4))
        s.ask("cuStreamSetAttribute", stream, attribute, out(64))
    for attribute, settings in ((3, (1, 2, 3, 4, 5, 99)), (8, (-1, -5, -100, 1)), (10, (0, 1, 2))):
        for setting in settings:
            s.ask("cuStreamSetAttribute", stream, attribute, words(setting & 0xFFFFFFFF, *[0] * 7))
            s.ask("cuStreamGetAttribute", stream, attribute, found := out(64))
            s.say("value", number(found, 4))
    s.ask("cuStreamSetAttribute", 0, 3, words(1, *[0] * 7))
    s.ask("cuStreamGetAttribute", 0, 3, out(64))
    s.ask("cuStreamCopyAttributes", other, stream)
    s.ask("cuStreamCopyAttributes", stream, stream)
    s.ask("cuStreamCopyAttributes", 0, stream)
    s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuStreamDestroy_v2", other)


@case("stream.waiting")
def waiting(s: Session) -> None:
    """A stream that waits for the host, beside others."""
    flag = s.make("cuMemHostAlloc", 4096, 0)
    value = (ctypes.c_uint32 * 1).from_address(flag)
    value[0] = 0
    stream, free = s.make("cuStreamCreate", 1), s.make("cuStreamCreate", 1)
    event, other = s.make("cuEventCreate", 0), s.make("cuEventCreate", 0)
    s.ask("cuStreamWaitValue32_v2", stream, flag, 1, 0)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamQuery", stream)
    s.ask("cuEventQuery", event)
    s.must("cuEventRecord", other, free)
    s.must("cuEventSynchronize", other)
    s.ask("cuEventElapsedTime", out(), other, event)
    s.ask("cuStreamWaitEvent", free, event, 0)
    s.ask("cuStreamQuery", free)
    s.ask("cuEventDestroy_v2", event)
    s.ask("cuStreamDestroy_v2", stream)
    value[0] = 1
    s.ask("cuStreamSynchronize", free)
    s.ask("cuStreamDestroy_v2", free)
    s.ask("cuMemFreeHost", flag)
