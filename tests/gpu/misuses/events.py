"""Events."""

from __future__ import annotations

from misuses.layouts import IpcHandle
from misuses.session import LEGACY, PER_THREAD, ByValue, Session, case, out


@case("event.create")
def create(s: Session) -> None:
    for flags in range(9):
        event = s.ask_made("cuEventCreate", flags)
        if event:
            s.must("cuEventDestroy_v2", event)
    s.ask("cuEventCreate", out(), 0x80000000)
    s.ask("cuEventCreate", None, 0)


@case("event.null")
def null(s: Session) -> None:
    s.ask("cuEventQuery", 0)
    s.ask("cuEventSynchronize", 0)
    s.ask("cuEventRecord", 0, 0)
    s.ask("cuEventElapsedTime", out(), 0, 0)
    s.ask("cuEventDestroy_v2", 0)


@case("event.never_recorded")
def never_recorded(s: Session) -> None:
    first, second = s.make("cuEventCreate", 0), s.make("cuEventCreate", 0)
    s.ask("cuEventQuery", first)
    s.ask("cuEventSynchronize", first)
    s.ask("cuEventElapsedTime", out(), first, second)
    s.must("cuEventRecord", first, 0)
    s.must("cuEventSynchronize", first)
    s.ask("cuEventElapsedTime", out(), first, second)
    s.ask("cuEventElapsedTime", out(), second, first)
    s.ask("cuEventElapsedTime", out(), first, first)
    s.ask("cuEventElapsedTime", None, first, first)
    s.ask("cuEventElapsedTime_v2", out(), first, second)
    s.ask("cuEventElapsedTime", out(), first, 0)
    s.ask("cuEventDestroy_v2", first)
    s.ask("cuEventDestroy_v2", second)


@case("event.no_timing")
def no_timing(s: Session) -> None:
    timed, untimed = s.make("cuEventCreate", 0), s.make("cuEventCreate", 2)
    for event in (timed, untimed):
        s.must("cuEventRecord", event, 0)
        s.must("cuEventSynchronize", event)
    s.ask("cuEventElapsedTime", out(), timed, untimed)
    s.ask("cuEventElapsedTime", out(), untimed, timed)
    s.ask("cuEventElapsedTime", out(), untimed, untimed)
    s.ask("cuEventDestroy_v2", timed)
    s.ask("cuEventDestroy_v2", untimed)


@case("event.record")
def record(s: Session) -> None:
    event = s.make("cuEventCreate", 0)
    for stream in (0, LEGACY, PER_THREAD):
        s.ask("cuEventRecord", event, stream)
    for flags in (0, 1, 2, 3):
        s.ask("cuEventRecordWithFlags", event, 0, flags)
    s.ask("cuEventDestroy_v2", event)


for use in ("Query", "Synchronize", "Destroy_v2", "Record"):

    @case(f"event.destroyed.{use.lower()}", alone=True)
    def destroyed(s: Session, use: str = use) -> None:
        event = s.make("cuEventCreate", 0)
        s.must("cuEventRecord", event, 0)
        s.must("cuEventDestroy_v2", event)
        s.ask(f"cuEvent{use}", event, *([0] if use == "Record" else []))


@case("event.ipc")
def ipc(s: Session) -> None:
    plain, shared = s.make("cuEventCreate", 2), s.make("cuEventCreate", 6)
    handle = IpcHandle()
    s.ask("cuIpcGetEventHandle", handle, plain)
    s.ask("cuIpcGetEventHandle", None, shared)
    s.ask("cuIpcGetEventHandle", handle, 0)
    s.ask("cuIpcOpenEventHandle", out(), ByValue(IpcHandle()))
    s.ask("cuIpcGetEventHandle", handle, shared)
    s.ask("cuIpcOpenEventHandle", out(), ByValue(handle))
    s.ask("cuEventQuery", shared)
    s.ask("cuEventDestroy_v2", shared)
    s.ask("cuEventDestroy_v2", plain)
