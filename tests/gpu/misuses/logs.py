"""The driver's log of errors: who is told what, and how it is read."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile

from misuses.session import Session, case, number, numbers, out, words

LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
ROOM = 25600
"""Bytes that the driver keeps at most."""


def plain(text: bytes) -> str:
    """A message without what is another one each time."""
    return re.sub(r"\d+", "N", re.sub(r"0x[0-9a-fA-F]+", "0xN", text.decode(errors="replace")))


def go_wrong(s: Session) -> None:
    """Calls that fail, each for another reason."""
    s.ask("cuMemFree_v2", 12345)
    s.ask("cuMemAlloc_v2", out(), 0)
    s.ask("cuMemAlloc_v2", out(), 1 << 50)
    s.ask("cuDeviceGet", out(), 99)
    s.ask("cuCtxSetLimit", 99, 1)
    s.ask("cuModuleLoadData", out(), b"no image\0")
    s.ask("cuModuleGetFunction", out(), s.module(), b"no_such")
    s.ask("cuLaunchKernel", s.function("empty"), 1, 1, 1, 1 << 20, 1, 1, 0, 0, 0, 0)
    s.ask("cuStreamDestroy_v2", 0)
    s.ask("cuProfilerInitialize", None, None, 0)


@case("logs.callback", alone=True)
def callback(s: Session) -> None:
    told: list[tuple[int, int, bytes, int]] = []

    def listen(data: int, level: int, message: int, length: int) -> None:
        told.append((data, level, ctypes.string_at(message), length))

    listener = LogCallback(listen)
    handle = s.ask_made_last("cuLogsRegisterCallback", listener, 7)
    s.module()
    go_wrong(s)
    for data, level, text, length in told:
        s.say("data", data)
        s.say("level", level)
        s.say("length", length - len(text))
        s.say("text", plain(text))
    s.ask("cuLogsUnregisterCallback", handle)
    before = len(told)
    s.ask("cuMemFree_v2", 12345)
    s.say("told", len(told) - before)


@case("logs.callbacks", alone=True)
def callbacks(s: Session) -> None:
    order: list[int] = []
    first = LogCallback(lambda _data, _level, _message, _length: order.append(1))
    other = LogCallback(lambda _data, _level, _message, _length: order.append(2))
    s.ask("cuLogsRegisterCallback", None, 0, out())
    s.ask("cuLogsRegisterCallback", first, 0, None)
    handle = s.ask_made_last("cuLogsRegisterCallback", other, 0)
    same = s.ask_made_last("cuLogsRegisterCallback", first, 0)
    s.say("differ", handle != same)
    s.ask("cuMemFree_v2", 12345)
    s.say("order", order)
    s.ask("cuLogsUnregisterCallback", handle)
    order.clear()
    s.ask("cuMemFree_v2", 12345)
    s.say("order", order)


@case("logs.in_a_callback", alone=True)
def in_a_callback(s: Session) -> None:
    """What is asked of the driver while it tells."""
    results: list[int] = []

    def listen(_data: int, _level: int, _message: int, _length: int) -> None:
        if len(results) < 4:
            results.append(s.call("cuMemGetInfo_v2", out(), out()))
            results.append(s.call("cuMemFree_v2", 12345))

    listener = LogCallback(listen)
    s.ask("cuLogsRegisterCallback", listener, 0, None)
    s.ask("cuMemFree_v2", 12345)
    s.say("results", results)


@case("logs.memory", alone=True)
def memory(s: Session) -> None:
    start = out(4)
    s.ask("cuLogsCurrent", start, 0)
    s.say("iterator", number(start, 4))
    s.module()
    go_wrong(s)
    end = out(4)
    s.ask("cuLogsCurrent", end, 0)
    s.say("iterator", number(end, 4))
    for given in (ROOM, ROOM + 1, 400, 100, 20, 2, 1, 0):
        for iterator in (None, out(4)):
            room, size = out(ROOM + 64), words(given)
            s.ask("cuLogsDumpToMemory", iterator, room, size, 0)
            s.say("size", size[0])
            if iterator is not None:
                s.say("iterator", number(iterator, 4))
            if given in (ROOM, 400):
                s.say("text", plain(bytes(room).partition(b"\0")[0]))
    size = words(ROOM)
    s.ask("cuLogsDumpToMemory", end, out(ROOM), size, 0)
    s.say("size", size[0])
    s.ask("cuMemFree_v2", 12345)
    size = words(ROOM)
    s.ask("cuLogsDumpToMemory", end, room, size, 0)
    s.say("size", size[0])
    s.say("text", plain(bytes(room).partition(b"\0")[0]))
    later = numbers(1000)
    size = words(ROOM)
    s.ask("cuLogsDumpToMemory", later, out(ROOM), size, 0)
    s.say("size", size[0])
    s.say("iterator", later[0])


@case("logs.memory.wrong", alone=True)
def memory_wrong(s: Session) -> None:
    s.ask("cuMemFree_v2", 12345)
    size = words(ROOM)
    s.ask("cuLogsDumpToMemory", None, out(ROOM), size, 1)
    s.say("size", size[0])
    s.ask("cuLogsDumpToMemory", None, None, size, 0)
    s.say("size", size[0])
    s.ask("cuLogsCurrent", out(4), 1)
    s.ask("cuLogsCurrent", None, 0)
    s.ask("cuLogsDumpToMemory", None, out(ROOM), None, 0)


@case("logs.file", alone=True)
def file(s: Session) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        for iterator in (None, out(4)):
            s.ask("cuMemFree_v2", 12345)
            s.ask("cuLogsDumpToFile", iterator, path.encode(), 0)
            with open(path, "rb") as written:
                s.say("text", plain(written.read()))
        s.say("iterator", number(iterator, 4) if iterator is not None else 0)
        s.ask("cuLogsDumpToFile", None, folder.encode(), 0)
        s.ask("cuLogsDumpToFile", None, path.encode(), 1)
        s.ask("cuLogsDumpToFile", None, os.path.join(folder, "none", "log").encode(), 0)
        s.ask("cuLogsDumpToFile", None, b"", 0)
        s.ask("cuLogsDumpToFile", None, None, 0)


@case("logs.full", alone=True)
def full(s: Session) -> None:
    """More than the driver keeps."""
    for _ in range(400):
        s.call("cuMemFree_v2", 12345)
    end = out(4)
    s.ask("cuLogsCurrent", end, 0)
    s.say("iterator", number(end, 4))
    room, size = out(ROOM + 64), words(ROOM)
    s.ask("cuLogsDumpToMemory", None, room, size, 0)
    s.say("size", size[0])
    lines = bytes(room).partition(b"\0")[0].splitlines()
    s.say("lines", len(lines))
    for line in (*lines[:2], *lines[-1:]):
        s.say("text", plain(line))
