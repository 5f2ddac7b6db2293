"""The driver's log of errors, in which nothing is written: programs may ask for it, and to be told of what comes.

As driver 580.159.04 does with an empty log, before cuInit too. To take a callback away twice crashes it, and is an
error here.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.machine import INVALID_VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

answers = Answers()


@answers("cuLogsRegisterCallback")
def register(machine: Machine, call: AnyCall) -> int:
    """Where the handle goes may be left out."""
    if not call.number("callbackFunc"):
        return INVALID_VALUE
    handle = machine.handle()
    machine.log_callbacks.add(handle)
    result = call.reply()
    if call.callback_out:
        call.callback_out[0] = call.ffi.cast("CUlogsCallbackHandle", handle)
    return result


@answers("cuLogsUnregisterCallback")
def unregister(machine: Machine, call: AnyCall) -> int:
    handle = call.number("callback")
    if handle not in machine.log_callbacks:
        return INVALID_VALUE
    machine.log_callbacks.remove(handle)
    return 0


@answers("cuLogsCurrent")
def current(machine: Machine, call: AnyCall) -> int:
    return call.reply(iterator_out=0)


@answers("cuLogsDumpToMemory")
def dump_to_memory(machine: Machine, call: AnyCall) -> int:
    """The buffer stays as it is."""
    if not call.number("buffer") or not call.size:
        return INVALID_VALUE
    call.size[0] = 0
    return 0


@answers("cuLogsDumpToFile")
def dump_to_file(machine: Machine, call: AnyCall) -> int:
    """The file is made, or emptied."""
    try:
        with open(call.pathToFile or "", "w"):
            return 0
    except OSError:
        return INVALID_VALUE
