"""The driver's log of errors: a line for each call that fails, before it what is known of why, and who is told of them.

As driver 580.159.04 on an H200 (tests/virtual/data/h200-misuse.json), but for what it explains, which is another
sentence or none here, and that nothing is written beyond the end of the program's buffer. CUDA_ERROR_NOT_READY is no
failure. To take a callback away twice crashes that driver, and is an error here.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.machine import INVALID_VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

CUT = b"The provided buffer is not large enough to hold all messages. Some messages will be missing\n"
"""What stands before lines where there is no room for all."""

answers = Answers()


@answers("cuLogsRegisterCallback")
def register(machine: Machine, call: AnyCall) -> int:
    """Where the handle goes may be left out."""
    function = call.number("callbackFunc")
    if not function:
        return INVALID_VALUE
    handle = machine.handle()
    machine.errors.callbacks[handle] = function, call.number("userData")
    result = call.reply()
    if call.callback_out:
        call.callback_out[0] = call.ffi.cast("CUlogsCallbackHandle", handle)
    return result


@answers("cuLogsUnregisterCallback")
def unregister(machine: Machine, call: AnyCall) -> int:
    return 0 if machine.errors.callbacks.pop(call.number("callback"), None) else INVALID_VALUE


@answers("cuLogsCurrent")
def current(machine: Machine, call: AnyCall) -> int:
    return call.reply(iterator_out=machine.errors.count)


def _asked(machine: Machine, call: AnyCall) -> tuple[Any, list[bytes] | None]:
    """Where the program keeps its place, if it does, and the lines from there on; None if none has that number."""
    call.reply()  # outputs can be looked at then
    place, log = call.iterator, machine.errors
    start = place[0] if place else 0
    return place, log.since(start) if start <= log.count else None


@answers("cuLogsDumpToMemory")
def dump_to_memory(machine: Machine, call: AnyCall) -> int:
    """The newest lines that fit, with a zero behind them. Where there is none the buffer stays as it is."""
    if not call.number("buffer") or not call.size:
        return INVALID_VALUE
    place, lines = _asked(machine, call)
    room, call.size[0] = call.size[0], 0
    if lines is None:
        return INVALID_VALUE
    if sum(map(len, lines)) >= room and lines:
        fitting, left = [], room - len(CUT) - 1
        while lines and len(lines[-1]) <= left:
            left -= len(lines[-1])
            fitting.append(lines.pop())
        if not fitting:
            return INVALID_VALUE
        lines = [CUT, *reversed(fitting)]
    if lines:
        text = b"".join(lines)
        call.ffi.buffer(call.buffer, len(text) + 1)[:] = text + b"\0"
        call.size[0] = len(text)
    if place:
        place[0] = machine.errors.count
    return 0


@answers("cuLogsDumpToFile")
def dump_to_file(machine: Machine, call: AnyCall) -> int:
    """The file is made, or written anew."""
    place, lines = _asked(machine, call)
    if lines is None:
        return INVALID_VALUE
    try:
        with open(call.pathToFile or "", "wb") as file:
            file.writelines(lines)
    except OSError:
        return INVALID_VALUE
    if place:
        place[0] = machine.errors.count
    return 0
