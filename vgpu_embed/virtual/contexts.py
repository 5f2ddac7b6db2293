"""Contexts: how they are made, which one is current on a thread, primary contexts, and what ends with them.

A context that is broken (a sticky error) or gone (destroyed while current on some thread) has a result in `error` that
everything in it ends with. What breaks one breaks all of the process, and those that are made later. Limits, defaults
and what misuse gives are those of an H200 (tests/virtual/data/h200-misuse.json), else of CUDA's documentation.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.machine import (
    CONTEXT_IS_DESTROYED,
    INVALID_CONTEXT,
    INVALID_DEVICE,
    INVALID_VALUE,
    NOT_SUPPORTED,
    OUT_OF_MEMORY,
    context_memory,
    initialised,
)
from vgpu_embed.virtual.memory.heap import Heap
from vgpu_embed.virtual.order import NOT_PERMITTED
from vgpu_embed.virtual.peers import are_linked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

UNSUPPORTED_LIMIT = 215
PEER_ACCESS_UNSUPPORTED = 217
UNSUPPORTED_EXEC_AFFINITY = 224
PEER_ACCESS_ALREADY_ENABLED = 704
PEER_ACCESS_NOT_ENABLED = 705
PRIMARY_CONTEXT_ACTIVE = 708
"""CUDA_ERROR_… of cuda.h."""

P2P_ATTRIBUTES = {1: 0, 2: 1, 3: 1, 4: 1, 5: 0}
"""CU_DEVICE_P2P_ATTRIBUTE_…: rank, access, atomic operations, arrays, only some atomic operations."""

FLAGS_MASK = 0xFF
SCHEDULES = (0, 1, 2, 4)
"""CU_CTX_FLAGS_MASK; what its part CU_CTX_SCHED_MASK, the lowest three bits, may be."""
SCHEDULE_MASK = 7

FLUSH_SCOPES = (100, 200)
"""CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_…: the context's device, all devices."""

LEAST_PRIORITY, GREATEST_PRIORITY = 0, -5
"""Of streams; every GPU since Pascal."""

STACK_SIZE, PERSISTING_L2_CACHE_SIZE = 0, 6
MOST_STACK = 512 << 10
PRINTF_BUFFER, HEAP, LAUNCHES, L2_FETCH, SHARED_SIZE, GRAPHICS, LAST_LIMIT = 1, 2, 4, 5, 7, 8, 9
FIXED = (SHARED_SIZE, GRAPHICS)
"""CUlimit: stack, printf buffer, heap, depth and number of launches on the device that are waited for, bytes fetched
into L2 at a time, persisting L2, shared memory of a block, which cannot be set, nor can what graphics are given. The
depth is CUDA_ERROR_UNSUPPORTED_LIMIT from compute capability 9.0 on."""
BUFFERS = {PRINTF_BUFFER: (512 << 10, 2 << 30), HEAP: (4 << 20, 1 << 63), LAUNCHES: (32, 1 << 32)}
"""The least and the greatest of limits that are adjusted."""
LARGEST_FETCH = 128
MAX_PERSISTING_L2, SHARED_OPTED_IN = 108, 97
"""CU_DEVICE_ATTRIBUTE_…."""
L2_PARTS, L2_PARTS_AT_FIRST = 10, 3
"""Persisting L2 is given in tenths of the most; so many a new context has."""
SHOWN_FLAGS = FLAGS_MASK & ~(8 | 32 | 64)
"""What cuCtxGetFlags says: not that memory is mapped, nor that dumps are wanted."""
FOUR_BYTE_BANKS = 1
"""CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE, whatever is asked for."""
MOST_OLD_MEMORY = 4 << 30
"""Bytes of the largest device that the functions of CUDA 2 can make a context on."""

API_VERSIONS = {"cuCtxCreate": 3010}
"""What cuCtxGetApiVersion says, by the function that made the context; 3020 for all others."""

REMEMBERED = 1000
"""Destroyed contexts that can still be named; of those before them the handle is no context's."""

finishing: list[Callable[[Machine, Context], None]] = []
"""Called by cuCtxSynchronize; they may raise Refused."""
closing: list[Callable[[Machine, Context], None]] = []
"""Called when a context ends, which then still counts as it was: streams, modules, memory go with it."""

answers = Answers(ready=initialised)


class Context:
    """A context.

    Attributes:
        device: the ordinal of its device.
        profile: that device.
        handle: the CUcontext, as a number.
        error: the CUresult that everything in it ends with; 0 if it works.
        is_primary: whether it is its device's primary context. That is one object, whether it is active or not.
        users: how often it is retained, or attached.
        flags, limits, cache_config: as they were set.
    """

    def __init__(self, device: int, profile: Profile, handle: int, flags: int = 0, is_primary: bool = False) -> None:
        self.device = device
        self.profile = profile
        self.handle = handle
        self.flags = flags
        self.is_primary = is_primary
        self.users = 0
        self.api_version = 3020
        self.error = CONTEXT_IS_DESTROYED
        self.memory = 0
        """Bytes of the device that the context itself takes."""
        self.heap: Heap
        self.peers: set[int] = set()
        """Handles of the contexts whose memory it may use."""

    def open(self, machine: Machine) -> None:
        """Begins it; refuses with CUDA_ERROR_OUT_OF_MEMORY where the device has no room for it."""
        if machine.failed:
            raise Refused(machine.failed)
        size = context_memory(self.profile)
        machine.take(self.device, size)
        self.memory = size
        machine.guarded |= any(one.device != self.device for one in machine.contexts.values())
        self.peers.clear()
        self.error = self.cache_config = 0
        attributes = self.profile.attributes
        self.limits = {
            STACK_SIZE: 1024,
            PRINTF_BUFFER: self.profile.multiprocessors << 16,
            HEAP: 8 << 20,
            LAUNCHES: 2048,
            L2_FETCH: 64,
            PERSISTING_L2_CACHE_SIZE: attributes[MAX_PERSISTING_L2] // L2_PARTS * L2_PARTS_AT_FIRST,
            SHARED_SIZE: attributes[SHARED_OPTED_IN],
            GRAPHICS: 0,
        }
        self.heap = Heap(machine, self)

    def close(self, machine: Machine) -> None:
        """Ends it and what is in it."""
        for close in closing:
            close(machine, self)
        for one in machine.contexts.values():
            one.peers.discard(self.handle)
        machine.give(self.device, self.memory)
        self.memory = 0
        self.error = CONTEXT_IS_DESTROYED

    @property
    def is_active(self) -> bool:
        """Whether it exists on the device."""
        return self.error != CONTEXT_IS_DESTROYED


def primary(machine: Machine, device: int) -> Context:
    """The primary context of a device, active or not; refuses what is no device."""
    with machine.lock:
        found = machine.primaries.get(device)
        if found is None:
            profile = machine.device(device)
            found = machine.primaries[device] = Context(device, profile, machine.handle(), is_primary=True)
            machine.contexts[found.handle] = found
        return found


def retain(machine: Machine, device: int) -> Context:
    """The primary context of a device, with one user more."""
    context = primary(machine, device)
    with machine.lock:
        if not context.is_active:
            context.open(machine)
        context.users += 1
    return context


def named(machine: Machine, call: AnyCall, handle: object) -> Context:
    """The context of a handle; refuses what is none."""
    return known(machine.contexts, call.address_of(handle), INVALID_CONTEXT)


def named_or_current(machine: Machine, call: AnyCall, handle: object) -> Context:
    """The context of a handle, for NULL the current one."""
    return named(machine, call, handle) if handle else machine.current()


def checked_flags(flags: int) -> int:
    """Refuses flags that no context can have."""
    if flags & ~FLAGS_MASK or flags & SCHEDULE_MASK not in SCHEDULES:
        raise Refused(INVALID_VALUE)
    return flags


# ---- contexts of one's own -----------------------------------------------------------------------------------------


@answers("cuCtxCreate", "cuCtxCreate_v2")
def create(machine: Machine, call: AnyCall) -> int:
    return _create(machine, call)


@answers("cuCtxCreate_v3")
def create_with_affinity(machine: Machine, call: AnyCall) -> int:
    """A share of the multiprocessors can be had only where MPS runs."""
    if call.numParams < 0 or bool(call.numParams) != bool(call.paramsArray):
        return INVALID_VALUE
    return UNSUPPORTED_EXEC_AFFINITY if call.numParams else _create(machine, call)


@answers("cuCtxCreate_v4")
def create_with_parameters(machine: Machine, call: AnyCall) -> int:
    """Neither a share of the multiprocessors nor one of a graphics context's work."""
    given = call.ctxCreateParams
    if given and given.cigParams:
        return NOT_SUPPORTED
    if given and given.numExecAffinityParams > 0:
        return UNSUPPORTED_EXEC_AFFINITY if given.execAffinityParams else INVALID_VALUE
    return _create(machine, call)


def _create(machine: Machine, call: AnyCall) -> int:
    """A context that becomes current."""
    flags, profile = checked_flags(call.flags), machine.device(call.dev)
    if call.function == "cuCtxCreate" and profile.memory > MOST_OLD_MEMORY:
        return OUT_OF_MEMORY
    context = Context(call.dev, profile, machine.handle(), flags)
    if result := call.reply(pctx=context.handle):
        return result
    context.open(machine)
    context.users = 1
    context.api_version = API_VERSIONS.get(call.function, context.api_version)
    machine.contexts[context.handle] = context
    machine.thread.stack.append(context)
    return 0


@answers("cuCtxDestroy", "cuCtxDestroy_v2")
def destroy(machine: Machine, call: AnyCall) -> int:
    """It stays current on other threads, where it is of no use any more."""
    return _destroy(machine, named(machine, call, call.ctx)) if call.ctx else INVALID_VALUE


def _destroy(machine: Machine, context: Context) -> int:
    if context.is_primary:
        return INVALID_CONTEXT
    context.close(machine)
    gone = machine.gone
    gone[context.handle] = machine.contexts.pop(context.handle)
    if len(gone) > REMEMBERED:
        del gone[next(iter(gone))]
    if machine.thread.stack[-1:] == [context]:
        machine.thread.stack.pop()
    return 0


@answers("cuCtxAttach")
def attach(machine: Machine, call: AnyCall) -> int:
    context = machine.current()
    if call.flags:
        return INVALID_VALUE
    context.users += 1
    return call.reply(pctx=context.handle)


@answers("cuCtxDetach")
def detach(machine: Machine, call: AnyCall) -> int:
    """Ends a context with its last user; it has to be current."""
    context = named(machine, call, call.ctx)
    if machine.current() is not context:
        return INVALID_CONTEXT
    if context.is_primary:
        return _release(machine, context)
    context.users -= 1
    return 0 if context.users else _destroy(machine, context)


# ---- primary contexts ----------------------------------------------------------------------------------------------


@answers("cuDevicePrimaryCtxRetain")
def retain_primary(machine: Machine, call: AnyCall) -> int:
    context = primary(machine, call.dev)
    if machine.failed:
        return machine.failed
    if result := call.reply(pctx=context.handle):
        return result
    retain(machine, call.dev)
    return 0


@answers("cuDevicePrimaryCtxRelease", "cuDevicePrimaryCtxRelease_v2")
def release_primary(machine: Machine, call: AnyCall) -> int:
    """The last user's release ends it. It stays on the stacks of threads."""
    return _release(machine, primary(machine, call.dev))


def _release(machine: Machine, context: Context) -> int:
    with machine.lock:
        if not context.users:
            return INVALID_CONTEXT
        context.users -= 1
        ends = not context.users and context.is_active
    if ends:
        context.close(machine)
    return 0


@answers("cuDevicePrimaryCtxReset", "cuDevicePrimaryCtxReset_v2")
def reset_primary(machine: Machine, call: AnyCall) -> int:
    """Ends it whoever uses it. Users stay users, and the next to retain it begins it anew."""
    context = primary(machine, call.dev)
    if context.is_active:
        context.close(machine)
    return 0


@answers("cuDevicePrimaryCtxGetState")
def primary_state(machine: Machine, call: AnyCall) -> int:
    context = primary(machine, call.dev)
    return call.reply(flags=context.flags, active=int(context.is_active))


@answers("cuDevicePrimaryCtxSetFlags", "cuDevicePrimaryCtxSetFlags_v2")
def set_primary_flags(machine: Machine, call: AnyCall) -> int:
    """The function of CUDA 7 refuses while the context is active."""
    context = primary(machine, call.dev)
    flags = checked_flags(call.flags)
    if context.is_active and not call.function.endswith("_v2"):
        return PRIMARY_CONTEXT_ACTIVE
    context.flags = flags
    return 0


# ---- the current context -------------------------------------------------------------------------------------------


def _any(machine: Machine, call: AnyCall) -> Context:
    """The context that a call names: one that is gone or has a sticky error can be made current, and is of no use."""
    return machine.gone.get(call.address_of(call.ctx)) or named(machine, call, call.ctx)


@answers("cuCtxPushCurrent", "cuCtxPushCurrent_v2")
def push(machine: Machine, call: AnyCall) -> int:
    if not call.ctx:
        return INVALID_VALUE
    machine.thread.stack.append(_any(machine, call))
    return 0


@answers("cuCtxPopCurrent", "cuCtxPopCurrent_v2")
def pop(machine: Machine, call: AnyCall) -> int:
    """The output may be NULL."""
    stack = machine.thread.stack
    if not stack:
        return INVALID_CONTEXT
    handle = stack.pop().handle
    result = call.reply()
    return call.reply(pctx=handle) if call.pctx else result


@answers("cuCtxSetCurrent")
def set_current(machine: Machine, call: AnyCall) -> int:
    """NULL takes the current one away."""
    machine.thread.stack[-1:] = [_any(machine, call)] if call.ctx else []
    return 0


@answers("cuCtxGetCurrent")
def get_current(machine: Machine, call: AnyCall) -> int:
    stack = machine.thread.stack
    return call.reply(pctx=stack[-1].handle if stack else None)


# ---- what a context says of itself ---------------------------------------------------------------------------------


@answers("cuCtxGetDevice")
def device(machine: Machine, call: AnyCall) -> int:
    return call.reply(device=machine.current(broken=True).device)


@answers("cuCtxGetDevice_v2")
def device_of(machine: Machine, call: AnyCall) -> int:
    return call.reply(device=named_or_current(machine, call, call.ctx).device)


@answers("cuCtxGetFlags")
def get_flags(machine: Machine, call: AnyCall) -> int:
    return call.reply(flags=machine.current().flags & SHOWN_FLAGS)


@answers("cuCtxSetFlags")
def set_flags(machine: Machine, call: AnyCall) -> int:
    context = machine.current()
    context.flags = checked_flags(call.flags)
    return 0


@answers("cuProfilerStart", "cuProfilerStop")
def profile(machine: Machine, call: AnyCall) -> int:
    """There is no profiler that would be told."""
    machine.current()
    return 0


@answers("cuProfilerInitialize")
def begin_profile(machine: Machine, call: AnyCall) -> int:
    """A driver has none any more either."""
    machine.current()
    return NOT_SUPPORTED


@answers("cuFlushGPUDirectRDMAWrites")
def flush_remote_writes(machine: Machine, call: AnyCall) -> int:
    """There are none: of the current context, for its device or for all."""
    machine.current()
    return INVALID_VALUE if call.number("target") or call.number("scope") not in FLUSH_SCOPES else 0


@answers("cuCtxGetExecAffinity")
def affinity(machine: Machine, call: AnyCall) -> int:
    """All multiprocessors."""
    context = machine.current()
    if not call.number("pExecAffinity"):
        return INVALID_VALUE
    if call.number("type"):
        return UNSUPPORTED_EXEC_AFFINITY
    call.reply()
    call.pExecAffinity.type = 0
    call.pExecAffinity.param.smCount.val = context.profile.multiprocessors
    return 0


@answers("cuDeviceGetExecAffinitySupport")
def affinity_support(machine: Machine, call: AnyCall) -> int:
    """Of no kind: a share of the multiprocessors can be had only where MPS runs."""
    machine.device(call.dev)
    return call.reply(pi=0)


@answers("cuCtxGetId")
def identity(machine: Machine, call: AnyCall) -> int:
    """A number that no other context of the process has had: handles are not used again here."""
    return call.reply(ctxId=named_or_current(machine, call, call.ctx).handle)


@answers("cuCtxGetApiVersion")
def api_version(machine: Machine, call: AnyCall) -> int:
    return call.reply(version=named_or_current(machine, call, call.ctx).api_version)


@answers("cuCtxGetLimit")
def get_limit(machine: Machine, call: AnyCall) -> int:
    limit = call.number("limit")
    value = machine.current().limits.get(limit)
    if value is None:
        return UNSUPPORTED_LIMIT if limit <= LAST_LIMIT else INVALID_VALUE
    return call.reply(pvalue=value)


@answers("cuCtxSetLimit")
def set_limit(machine: Machine, call: AnyCall) -> int:
    """What the device cannot have is an error, or is cut."""
    context, limit, value = machine.safely_current(), call.number("limit"), call.value
    if limit not in context.limits:
        return UNSUPPORTED_LIMIT if limit <= LAST_LIMIT else INVALID_VALUE
    if limit in FIXED:
        return NOT_PERMITTED
    if limit == STACK_SIZE:
        if value >= MOST_STACK:
            return INVALID_VALUE
        value = (value + 15) & ~15
    elif limit == L2_FETCH:
        if value > LARGEST_FETCH:
            return INVALID_VALUE
    elif limit == PERSISTING_L2_CACHE_SIZE:
        most = context.profile.attributes[MAX_PERSISTING_L2]
        if value > most:
            return INVALID_VALUE
        part = max(most // L2_PARTS, 1)
        value = -(-value // part) * part
    else:
        least, greatest = BUFFERS[limit]
        value = min(max(value, least), greatest, context.profile.memory)
    context.limits[limit] = value
    return 0


@answers("cuCtxGetCacheConfig")
def get_cache_config(machine: Machine, call: AnyCall) -> int:
    return call.reply(pconfig=machine.current().cache_config)


@answers("cuCtxSetCacheConfig")
def set_cache_config(machine: Machine, call: AnyCall) -> int:
    context, config = machine.current(), call.number("config")
    if config > 3:
        return INVALID_VALUE
    context.cache_config = config
    return 0


@answers("cuCtxGetSharedMemConfig")
def get_shared_config(machine: Machine, call: AnyCall) -> int:
    machine.current()
    return call.reply(pConfig=FOUR_BYTE_BANKS)


@answers("cuCtxSetSharedMemConfig")
def set_shared_config(machine: Machine, call: AnyCall) -> int:
    machine.current()
    return 0 if call.number("config") <= 2 else INVALID_VALUE


@answers("cuCtxResetPersistingL2Cache")
def reset_persisting_cache(machine: Machine, call: AnyCall) -> int:
    """There is no cache that could hold anything."""
    machine.current()
    return 0


@answers("cuCtxGetStreamPriorityRange")
def stream_priorities(machine: Machine, call: AnyCall) -> int:
    """Either output may be NULL."""
    machine.current()
    result = call.reply()
    if call.leastPriority:
        call.leastPriority[0] = LEAST_PRIORITY
    if call.greatestPriority:
        call.greatestPriority[0] = GREATEST_PRIORITY
    return result


@answers("cuCtxSynchronize")
def synchronize(machine: Machine, call: AnyCall) -> int:
    return _finish(machine, machine.current())


@answers("cuCtxSynchronize_v2")
def synchronize_of(machine: Machine, call: AnyCall) -> int:
    return _finish(machine, named_or_current(machine, call, call.ctx))


def _finish(machine: Machine, context: Context) -> int:
    """Waits for all work of a context; what has broken it meanwhile is the result."""
    for finish in finishing:
        finish(machine, context)
    return context.error


# ---- other devices' memory -----------------------------------------------------------------------------------------


def _peer(machine: Machine, call: AnyCall) -> Context:
    """The context whose memory a call is about; refuses one that is gone."""
    context = machine.gone.get(call.address_of(call.peerContext)) or named(machine, call, call.peerContext)
    if context.error:
        raise Refused(context.error)
    return context


@answers("cuCtxEnablePeerAccess")
def enable_peer_access(machine: Machine, call: AnyCall) -> int:
    """One context's to another one's memory, where their devices are linked."""
    current, peer = machine.current(), _peer(machine, call)
    if call.Flags:
        return INVALID_VALUE
    if not are_linked(machine, current.device, peer.device):
        return PEER_ACCESS_UNSUPPORTED
    if peer.handle in current.peers:
        return PEER_ACCESS_ALREADY_ENABLED
    current.peers.add(peer.handle)
    return 0


@answers("cuCtxDisablePeerAccess")
def disable_peer_access(machine: Machine, call: AnyCall) -> int:
    current, peer = machine.current(), _peer(machine, call)
    if peer.handle not in current.peers:
        return PEER_ACCESS_NOT_ENABLED
    current.peers.remove(peer.handle)
    return 0


@answers("cuDeviceGetP2PAttribute")
def peer_attribute(machine: Machine, call: AnyCall) -> int:
    """Of two that are linked: access, atomic operations and arrays; nothing of others. The rank is 0."""
    machine.device(call.srcDevice)
    machine.device(call.dstDevice)
    if call.srcDevice == call.dstDevice:
        return INVALID_DEVICE
    attribute = call.number("attrib")
    if attribute not in P2P_ATTRIBUTES:
        return INVALID_VALUE
    is_linked = are_linked(machine, call.srcDevice, call.dstDevice)
    return call.reply(value=P2P_ATTRIBUTES[attribute] if is_linked else 0)
