"""Streams: who they are, what they are given to do, and waiting for them."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.contexts import GREATEST_PRIORITY, LEAST_PRIORITY, closing, finishing
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.operations import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.order import Task

INVALID_HANDLE = 400
NOT_READY = 600
"""CUDA_ERROR_… of cuda.h."""

LEGACY, PER_THREAD = 1, 2
"""CU_STREAM_LEGACY and CU_STREAM_PER_THREAD: handles that every context has."""
NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING."""


class Stream:
    """A queue of a context.

    handle       what the program calls it
    is_blocking  it and the legacy stream wait for each other
    number       what no other stream of the process has
    """

    is_legacy = False

    def __init__(self, machine: Machine, context: Context, handle: int, flags: int = 0, priority: int = 0) -> None:
        self.order = machine.order
        self.context = context
        self.handle = handle
        self.flags = flags
        self.is_blocking = not flags & NON_BLOCKING
        self.priority = priority
        self.number = machine.order.number()


class Legacy(Stream):
    """A context's default stream."""

    is_legacy = True


def submit(machine: Machine, handle: int, operation: Operation) -> None:
    """Gives a stream something to do: now, when its turn comes, or in the graph that is captured. Raises Refused."""
    stream = stream_of(machine, handle)
    stream.order.do(stream, operation)


def perform(machine: Machine, handle: int, operation: Operation) -> None:
    """`submit`, for functions that return when it is done."""
    stream = stream_of(machine, handle)
    stream.order.do(stream, operation)
    wait(stream)


def stream_of(machine: Machine, handle: int) -> Stream:
    """A stream by its handle; the default ones (0, LEGACY, PER_THREAD) are the current context's. Raises Refused."""
    return machine.order.streams.get(handle) or _default(machine, handle)


def handle_of(call: AnyCall, stream: Any) -> int:
    """The handle that a call gives for a stream: 0 is the thread's own for functions that end in _ptsz or _ptds."""
    return call.address_of(stream) or (PER_THREAD if call.function.endswith(("_ptsz", "_ptds")) else LEGACY)


def _default(machine: Machine, handle: int) -> Stream:
    if handle > PER_THREAD:
        raise Refused(INVALID_HANDLE)
    context = machine.current()
    if handle == PER_THREAD:
        own: dict[Context, Stream] = machine.order.thread.streams
        stream = own.get(context)
        if stream is None:
            stream = own[context] = Stream(machine, context, PER_THREAD)
        return stream
    stream = machine.order.legacy.get(context)
    if stream is None:
        stream = machine.order.legacy[context] = Legacy(machine, context, LEGACY)
    return stream


# ---- functions of the driver ---------------------------------------------------------------------------------------

answers = Answers(ready=initialised)


@answers("cuStreamCreate")
def create(machine: Machine, call: AnyCall) -> int:
    return _create(machine, call, call.Flags, 0)


@answers("cuStreamCreateWithPriority")
def create_with_priority(machine: Machine, call: AnyCall) -> int:
    return _create(machine, call, call.flags, max(GREATEST_PRIORITY, min(LEAST_PRIORITY, call.priority)))


def _create(machine: Machine, call: AnyCall, flags: int, priority: int) -> int:
    context = machine.current()
    if flags & ~NON_BLOCKING:
        return INVALID_VALUE
    handle = machine.handle()
    result = call.reply(phStream=handle)
    if not result:
        machine.order.streams[handle] = Stream(machine, context, handle, flags, priority)
    return result


def named(machine: Machine, call: AnyCall) -> Stream:
    """The stream that a call names. Raises Refused."""
    return stream_of(machine, handle_of(call, call.hStream))


@answers("cuStreamDestroy", "cuStreamDestroy_v2")
def destroy(machine: Machine, call: AnyCall) -> int:
    """What it has still to do is done."""
    return 0 if machine.order.streams.pop(call.address_of(call.hStream), None) else INVALID_HANDLE


@answers("cuStreamQuery", "cuStreamQuery_ptsz")
def query(machine: Machine, call: AnyCall) -> int:
    return NOT_READY if unfinished(named(machine, call)) else 0


@answers("cuStreamSynchronize", "cuStreamSynchronize_ptsz")
def synchronize(machine: Machine, call: AnyCall) -> int:
    wait(named(machine, call))
    return 0


def unfinished(stream: Stream) -> list[Task]:
    """What comes before anything that this stream would be asked to do next."""
    order = stream.order
    if not order.last:
        return []
    with order.lock:
        return order.before(stream)


def wait(stream: Stream) -> None:
    """Returns when a stream has done what it was asked for. Raises Refused where that has broken its context."""
    if stream.order.last:
        stream.order.wait(unfinished(stream))
    if stream.context.error:
        raise Refused(stream.context.error)


def wait_for_context(machine: Machine, context: Context) -> None:
    """Returns when all streams of a context have done what they were asked for."""
    order = machine.order
    with order.lock:
        tasks = [task for stream, task in order.last.items() if stream.context is context]
    order.wait(tasks)


finishing.append(wait_for_context)


def close_context(machine: Machine, context: Context) -> None:
    """Ends the streams of a context, when they have done what they were asked for."""
    wait_for_context(machine, context)
    order = machine.order
    order.legacy.pop(context, None)
    for handle in [handle for handle, stream in order.streams.items() if stream.context is context]:
        del order.streams[handle]


closing.append(close_context)


@answers("cuStreamGetFlags", "cuStreamGetFlags_ptsz")
def get_flags(machine: Machine, call: AnyCall) -> int:
    return call.reply(flags=named(machine, call).flags)


@answers("cuStreamGetPriority", "cuStreamGetPriority_ptsz")
def get_priority(machine: Machine, call: AnyCall) -> int:
    return call.reply(priority=named(machine, call).priority)


@answers("cuStreamGetId", "cuStreamGetId_ptsz")
def get_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(streamId=named(machine, call).number)


@answers("cuStreamGetCtx", "cuStreamGetCtx_ptsz")
def get_context(machine: Machine, call: AnyCall) -> int:
    return call.reply(pctx=named(machine, call).context.handle)


@answers("cuStreamGetCtx_v2", "cuStreamGetCtx_v2_ptsz")
def get_contexts(machine: Machine, call: AnyCall) -> int:
    """No context is a green one."""
    result = call.reply(pCtx=named(machine, call).context.handle)
    return call.reply(pGreenCtx=None) if call.pGreenCtx and not result else result


@answers("cuStreamGetDevice", "cuStreamGetDevice_ptsz")
def get_device(machine: Machine, call: AnyCall) -> int:
    return call.reply(device=named(machine, call).context.device)
