"""Streams: who they are, what they are given to do, and waiting for them."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.contexts import GREATEST_PRIORITY, LEAST_PRIORITY, closing, finishing
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.operations import HOST, Operation
from vgpu_embed.virtual.order import CAPTURE_UNSUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.capture import Capture
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.order import Task

INVALID_HANDLE = 400
NOT_READY = 600
CAPTURE_IMPLICIT = 906
"""CUDA_ERROR_… of cuda.h."""

LEGACY, PER_THREAD = 1, 2
"""CU_STREAM_LEGACY and CU_STREAM_PER_THREAD: handles that every context has."""
NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING."""
SYNC_MODES = (0, 1)
"""CU_HOST_TASK_BLOCKING and CU_HOST_TASK_SPINWAIT."""


class Stream:
    """A queue of a context.

    handle       what the program calls it
    is_blocking  it and the legacy stream wait for each other
    number       what no other stream of the process has
    capture      what a graph is made of that it takes, where that is so
    """

    is_legacy = False
    capture: Capture | None = None
    arrays: tuple[Any, ...] = ()
    """What the program was last told of its capture; it points there."""

    def __init__(self, machine: Machine, context: Context, handle: int, flags: int = 0, priority: int = 0) -> None:
        self.order = machine.order
        self.context = context
        self.handle = handle
        self.flags = flags
        self.is_blocking = not flags & NON_BLOCKING
        self.priority = priority
        self.number = machine.order.number()
        self.attributes: dict[int, bytes] = {}
        """CUstreamAttrValue, by CUstreamAttrID."""

    def take(self, operation: Operation) -> None:
        """Does something now, when its turn comes, or puts it into the graph that is captured. Raises Refused."""
        if self.capture is None:
            self.order.do(self, operation)
        else:
            self.capture.take(self, operation)

    def check_usable(self) -> None:
        """Refuses what would be asked of a stream that is captured, and with it the capture."""
        if self.capture is not None:
            self.capture.break_off(CAPTURE_UNSUPPORTED)


class Legacy(Stream):
    """A context's default stream, which waits for the blocking ones: it is of no use while one of them is captured."""

    is_legacy = True

    def take(self, operation: Operation) -> None:
        """See `Stream.take`."""
        self.check_usable()
        self.order.do(self, operation)

    def check_usable(self) -> None:
        """See `Stream.check_usable`."""
        if capture := self.captured():
            capture.break_off(CAPTURE_IMPLICIT)

    def captured(self) -> Capture | None:
        """The capture of a stream that it would have to wait for."""
        for capture in self.order.captures:
            if any(stream.is_blocking and stream.context is self.context for stream in capture.ends):
                return capture
        return None


def submit(machine: Machine, handle: int, operation: Operation) -> None:
    """Gives a stream something to do: now, when its turn comes, or in the graph that is captured. Raises Refused."""
    stream_of(machine, handle).take(operation)


def perform(machine: Machine, handle: int, operation: Operation) -> None:
    """`submit`, for functions that return when it is done. Raises Refused."""
    stream = stream_of(machine, handle)
    stream.check_usable()
    stream.take(operation)
    wait(stream)


def stream_of(machine: Machine, handle: int) -> Stream:
    """A stream by its handle; the default ones (0, LEGACY, PER_THREAD) are the current context's. Raises Refused."""
    return machine.order.streams.get(handle) or _default(machine, handle)


def handle_of(call: AnyCall, stream: Any) -> int:
    """The handle that a call gives for a stream: 0 is the thread's own for functions that end in _ptsz or _ptds."""
    if stream:
        return call.address_of(stream)
    return PER_THREAD if call.function.endswith(("_ptsz", "_ptds")) else LEGACY


def named(machine: Machine, call: AnyCall, parameter: str = "hStream") -> Stream:
    """The stream that a call names in a parameter. Raises Refused."""
    handle = call.number(parameter)
    return machine.order.streams.get(handle) or _default(machine, handle or handle_of(call, 0))


def _default(machine: Machine, handle: int) -> Stream:
    if handle > PER_THREAD:
        raise Refused(INVALID_HANDLE)
    context = machine.current()
    if handle == PER_THREAD:
        own: dict[Context, Stream] = machine.thread.streams
        stream = own.get(context)
        if stream is None:
            stream = own[context] = Stream(machine, context, PER_THREAD)
        return stream
    stream = machine.order.legacy.get(context)
    if stream is None:
        stream = machine.order.legacy[context] = Legacy(machine, context, LEGACY)
    return stream


# ---- waiting -------------------------------------------------------------------------------------------------------


def unfinished(stream: Stream) -> list[Task]:
    """What comes before anything that this stream would be asked to do next."""
    order = stream.order
    if not order.last:
        return []
    with order.lock:
        return order.before(stream)


def wait(stream: Stream) -> None:
    """Returns when a stream has done what it was asked for. Raises Refused where its context is broken."""
    if stream.order.last:
        stream.order.wait(unfinished(stream))
    if stream.context.error:
        raise Refused(stream.context.error)


def check_uncaptured(machine: Machine, context: Context) -> None:
    """Refuses what would be asked of a context of which a stream is captured, and with it the captures."""
    found = [one for one in machine.order.captures if any(stream.context is context for stream in one.ends)]
    for capture in found:
        capture.invalidate()
    if found:
        raise Refused(CAPTURE_UNSUPPORTED)


def wait_for_context(machine: Machine, context: Context) -> None:
    """Returns when all streams of a context have done what they were asked for. Refuses while one is captured."""
    order = machine.order
    if order.captures:
        machine.order.check_safe()
        check_uncaptured(machine, context)
    if order.last:
        with order.lock:
            tasks = order.of(context)
        order.wait(tasks)


finishing.append(wait_for_context)


def close_context(machine: Machine, context: Context) -> None:
    """Ends the streams of a context, when they have done what they were asked for."""
    order = machine.order
    with order.lock:
        tasks = [task for stream, task in order.last.items() if stream.context is context]
    order.wait(tasks)
    for capture in list(order.captures):
        if capture.origin.context is context:
            capture.abandon()
    order.legacy.pop(context, None)
    for handle in [handle for handle, stream in order.streams.items() if stream.context is context]:
        del order.streams[handle]


closing.append(close_context)


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


@answers("cuStreamDestroy", "cuStreamDestroy_v2")
def destroy(machine: Machine, call: AnyCall) -> int:
    """What it has still to do is done. A capture that began there is over."""
    stream = machine.order.streams.pop(call.number("hStream"), None)
    if stream is None:
        return INVALID_HANDLE
    if stream.capture is not None:
        stream.capture.leave(stream)
    return stream.context.error


@answers("cuStreamQuery", "cuStreamQuery_ptsz")
def query(machine: Machine, call: AnyCall) -> int:
    stream = named(machine, call)
    _check_waitable(machine, stream)
    return NOT_READY if unfinished(stream) else stream.context.error


@answers("cuStreamSynchronize", "cuStreamSynchronize_ptsz")
def synchronize(machine: Machine, call: AnyCall) -> int:
    stream = named(machine, call)
    _check_waitable(machine, stream)
    wait(stream)
    return 0


def _check_waitable(machine: Machine, stream: Stream) -> None:
    if machine.order.captures:
        stream.check_usable()
        machine.order.check_safe()


def _own(machine: Machine, call: AnyCall) -> Stream:
    """A stream that is not captured: asking another one for this breaks its capture."""
    stream = named(machine, call)
    if stream.capture is not None:
        stream.capture.break_off(CAPTURE_UNSUPPORTED)
    return stream


@answers("cuStreamGetFlags", "cuStreamGetFlags_ptsz")
def get_flags(machine: Machine, call: AnyCall) -> int:
    return call.reply(flags=_own(machine, call).flags)


@answers("cuStreamGetPriority", "cuStreamGetPriority_ptsz")
def get_priority(machine: Machine, call: AnyCall) -> int:
    return call.reply(priority=named(machine, call).priority)


@answers("cuStreamGetId", "cuStreamGetId_ptsz")
def get_id(machine: Machine, call: AnyCall) -> int:
    return call.reply(streamId=_own(machine, call).number)


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


# ---- attributes ----------------------------------------------------------------------------------------------------

ACCESS_POLICY_WINDOW, SYNCHRONIZATION_POLICY, PRIORITY, MEMORY_DOMAIN_MAP, MEMORY_DOMAIN = 1, 3, 8, 9, 10
"""CU_LAUNCH_ATTRIBUTE_…: those that streams have."""
ATTRIBUTE_SIZE = 64
"""Bytes of a CUlaunchAttributeValue."""
DEFAULTS = {
    ACCESS_POLICY_WINDOW: b"",
    SYNCHRONIZATION_POLICY: b"\xff\xff\xff\xff",  # nobody has said
    MEMORY_DOMAIN_MAP: b"\0\1",
    MEMORY_DOMAIN: b"",
}
ANY_VALUE = 0xFFFFFFFF
VALUES = {SYNCHRONIZATION_POLICY: (1, 4), MEMORY_DOMAIN: (0, 1)}
"""The least and the greatest that they can be set to."""


@answers("cuStreamGetAttribute", "cuStreamGetAttribute_ptsz")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    stream, number = named(machine, call), call.number("attr")
    if number == PRIORITY:
        value = stream.priority.to_bytes(4, "little", signed=True)
    elif number in DEFAULTS:
        value = stream.attributes.get(number, DEFAULTS[number])
    else:
        return INVALID_VALUE
    return call.reply(value_out=value.ljust(ATTRIBUTE_SIZE, b"\0"))


@answers("cuStreamSetAttribute", "cuStreamSetAttribute_ptsz")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    """Kept, and given back; nothing here is any different for it."""
    stream, number = named(machine, call), call.number("attr")
    if not call.value or (number != PRIORITY and number not in DEFAULTS):
        return INVALID_VALUE
    least, greatest = VALUES.get(number, (0, ANY_VALUE))
    if not least <= call.ffi.cast("uint32_t *", call.value)[0] <= greatest:
        return INVALID_VALUE
    if number == PRIORITY:
        stream.priority = max(GREATEST_PRIORITY, min(LEAST_PRIORITY, call.value.priority))
    else:
        stream.attributes[number] = bytes(call.ffi.buffer(call.value, ATTRIBUTE_SIZE))
    return 0


@answers("cuStreamCopyAttributes", "cuStreamCopyAttributes_ptsz")
def copy_attributes(machine: Machine, call: AnyCall) -> int:
    to, source = (stream_of(machine, handle_of(call, one)) for one in (call.dst, call.src))
    if to.context is not source.context:
        return INVALID_VALUE
    to.attributes = dict(source.attributes)
    to.priority = source.priority
    return 0


# ---- functions of the program's ------------------------------------------------------------------------------------


class HostFunction(Operation):
    """Calls a function of the program's in a stream's order."""

    node_type = HOST
    waits = is_function = True

    def __init__(self, machine: Machine, function: int, argument: int) -> None:
        self.host = machine.order.host
        self.function = function
        self.argument = argument

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> HostFunction:
        """See `Operation.from_node`: CUDA_HOST_NODE_PARAMS."""
        function = call.address_of(parameters.fn)
        if not function:
            raise Refused(INVALID_VALUE)
        return cls(machine, function, call.address_of(parameters.userData))

    def fields(self) -> dict[str, Any]:
        """See `Operation.fields`."""
        return {"fn": self.function, "userData": self.argument}

    def run(self) -> None:
        """Calls it."""
        self.host.call(self.function, self.argument)


class Callback(HostFunction):
    """Calls a function that is told which stream it was, and whether anything went wrong."""

    is_told = True

    def __init__(self, machine: Machine, function: int, argument: int, stream: Stream) -> None:
        super().__init__(machine, function, argument)
        self.stream = stream

    def captured(self) -> Operation:
        """See `Operation.captured`: graphs do not have these."""
        raise Refused(CAPTURE_UNSUPPORTED)

    def run(self) -> None:
        """Calls it."""
        self.host.call(self.function, self.stream.handle, self.stream.context.error, self.argument)


@answers("cuLaunchHostFunc_v2", "cuLaunchHostFunc_v2_ptsz")
def launch_host_function_in_a_mode(machine: Machine, call: AnyCall) -> int:
    """How the thread for it waits makes no difference here."""
    return _launch(machine, call) if call.syncMode in SYNC_MODES else INVALID_VALUE


@answers("cuLaunchHostFunc", "cuLaunchHostFunc_ptsz")
def launch_host_function(machine: Machine, call: AnyCall) -> int:
    return _launch(machine, call)


def _launch(machine: Machine, call: AnyCall) -> int:
    function = call.number("fn")
    if not function:
        return INVALID_VALUE
    named(machine, call).take(HostFunction(machine, function, call.number("userData")))
    return 0


@answers("cuStreamAddCallback", "cuStreamAddCallback_ptsz")
def add_callback(machine: Machine, call: AnyCall) -> int:
    function = call.number("callback")
    if call.flags or not function:
        return INVALID_VALUE
    stream = named(machine, call)
    stream.take(Callback(machine, function, call.number("userData"), stream))
    return 0
