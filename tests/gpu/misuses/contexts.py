"""Contexts: none current, destroyed ones, the primary one, limits, another context's things."""

from __future__ import annotations

from misuses.layouts import CtxCreateParams, ExecAffinity
from misuses.session import Session, address, case, nothing, number, numbers, out, words


@case("context.none", bare=True)
def none_current(s: Session) -> None:
    current = s.ask_made("cuCtxGetCurrent")
    s.say("null", current == 0)
    s.ask("cuCtxPopCurrent_v2", out())
    s.ask("cuCtxPopCurrent_v2", None)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxGetDevice", out())
    s.ask("cuCtxGetFlags", out())
    s.ask("cuCtxGetApiVersion", 0, out())
    s.ask("cuCtxGetId", 0, out())
    s.ask("cuCtxGetLimit", out(), 0)
    s.ask("cuCtxSetLimit", 0, 1024)
    s.ask("cuCtxGetCacheConfig", out())
    s.ask("cuCtxSetCacheConfig", 0)
    s.ask("cuCtxGetSharedMemConfig", out())
    s.ask("cuCtxSetSharedMemConfig", 0)
    s.ask("cuCtxGetStreamPriorityRange", out(), out())
    s.ask("cuCtxResetPersistingL2Cache")
    s.ask("cuCtxSetFlags", 0)
    s.ask("cuCtxGetExecAffinity", out(), 0)
    s.ask("cuCtxDetach", 0)
    s.ask("cuCtxAttach", out(), 0)


@case("context.none.others", bare=True)
def none_current_others(s: Session) -> None:
    s.ask("cuMemAlloc_v2", out(), 16)
    s.ask("cuMemAllocHost_v2", out(), 16)
    s.ask("cuMemHostAlloc", out(), 16, 0)
    s.ask("cuMemAllocManaged", out(), 16, 1)
    s.ask("cuMemAllocAsync", out(), 16, 0)
    s.ask("cuMemFree_v2", 0)
    s.ask("cuMemFreeHost", 0)
    s.ask("cuMemGetInfo_v2", out(), out())
    s.ask("cuMemcpyHtoD_v2", 0, out(), 0)
    s.ask("cuMemcpy", 0, 0, 0)
    s.ask("cuMemsetD8_v2", 0, 0, 0)
    s.ask("cuStreamCreate", out(), 0)
    s.ask("cuStreamQuery", 0)
    s.ask("cuStreamSynchronize", 0)
    s.ask("cuStreamGetCtx", 0, out())
    s.ask("cuStreamIsCapturing", 0, out())
    s.ask("cuLaunchHostFunc", 0, nothing, 0)
    s.ask("cuEventCreate", out(), 0)
    s.ask("cuModuleLoadData", out(), b"x")
    s.ask("cuModuleGetLoadingMode", out())
    s.ask("cuLinkCreate_v2", 0, 0, 0, out())
    s.ask("cuGraphCreate", out(), 0)
    s.ask("cuThreadExchangeStreamCaptureMode", numbers(0))
    s.ask("cuMemPoolCreate", out(), None)
    s.ask("cuMemAddressReserve", out(), 2 << 20, 0, 0, 0)
    s.ask("cuPointerGetAttribute", out(), 2, 0x1000)
    s.ask("cuMemGetAddressRange_v2", out(), out(), 0x1000)
    s.ask("cuOccupancyMaxActiveBlocksPerMultiprocessor", out(), 0, 32, 0)
    s.ask("cuLaunchKernel", 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)


@case("context.none.handles", bare=True)
def none_current_handles(s: Session) -> None:
    """Handles of the primary context while none is current."""
    s.must("cuCtxPushCurrent_v2", s.primary)
    stream, event, memory = s.make("cuStreamCreate", 0), s.make("cuEventCreate", 0), s.make("cuMemAlloc_v2", 64)
    function = s.function("empty")
    s.must("cuCtxPopCurrent_v2", out())
    s.ask("cuStreamQuery", stream)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuEventSynchronize", event)
    s.ask("cuEventQuery", event)
    s.ask("cuMemcpyHtoD_v2", memory, out(), 8)
    s.ask("cuMemcpyHtoDAsync_v2", memory, out(), 8, stream)
    s.ask("cuMemsetD8Async", memory, 0, 8, stream)
    s.ask("cuMemsetD8_v2", memory, 0, 8)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, stream, 0, 0)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    s.ask("cuFuncGetAttribute", out(), 0, function)
    s.ask("cuPointerGetAttribute", out(), 2, memory)
    s.ask("cuMemGetAddressRange_v2", out(), out(), memory)
    s.ask("cuModuleGetFunction", out(), s.modules["common"], b"empty")
    s.ask("cuMemFree_v2", memory)
    s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuEventDestroy_v2", event)


@case("context.null")
def null(s: Session) -> None:
    s.ask("cuCtxPushCurrent_v2", 0)
    s.ask("cuCtxDestroy_v2", 0)
    s.ask("cuCtxGetCurrent", None)
    s.ask("cuCtxGetDevice", None)
    s.ask("cuCtxGetFlags", None)
    s.ask("cuCtxGetLimit", None, 0)
    s.ask("cuCtxGetCacheConfig", None)
    s.ask("cuCtxGetSharedMemConfig", None)
    s.ask("cuCtxGetStreamPriorityRange", None, None)
    s.ask("cuCtxGetStreamPriorityRange", out(), None)
    s.ask("cuCtxGetApiVersion", 0, None)
    s.ask("cuCtxGetApiVersion", s.primary, None)
    s.ask("cuCtxGetId", 0, None)
    s.ask("cuCtxSetCurrent", 0)
    s.ask("cuCtxSetCurrent", 0)
    s.ask("cuCtxGetDevice", out())


@case("context.stack", bare=True)
def stack(s: Session) -> None:
    made = s.ask_made("cuCtxCreate_v2", 0, 0)
    s.ask("cuCtxPushCurrent_v2", s.primary)
    s.ask("cuCtxPushCurrent_v2", s.primary)
    s.ask("cuCtxPushCurrent_v2", made)
    for expected in (made, s.primary, s.primary, made):
        popped = out()
        s.ask("cuCtxPopCurrent_v2", popped)
        s.say("same", number(popped) == expected)
    s.ask("cuCtxPopCurrent_v2", out())
    s.ask("cuCtxSetCurrent", made)
    s.ask("cuCtxSetCurrent", s.primary)
    s.ask("cuCtxPopCurrent_v2", None)
    s.ask("cuCtxPopCurrent_v2", None)
    s.ask("cuCtxDestroy_v2", made)


@case("context.destroy_current", bare=True, alone=True)
def destroy_current(s: Session) -> None:
    made = s.ask_made("cuCtxCreate_v2", 0, 0)
    s.ask("cuCtxDestroy_v2", made)
    current = s.ask_made("cuCtxGetCurrent")
    s.say("null", current == 0)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxPopCurrent_v2", out())
    s.ask("cuCtxDestroy_v2", made)


@case("context.destroyed_below", bare=True, alone=True)
def destroyed_below(s: Session) -> None:
    below = s.make("cuCtxCreate_v2", 0, 0)
    above = s.make("cuCtxCreate_v2", 0, 0)
    s.ask("cuCtxDestroy_v2", below)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxDestroy_v2", above)
    current = s.ask_made("cuCtxGetCurrent")
    s.say("destroyed", current == below)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxGetDevice", out())
    s.ask("cuMemAlloc_v2", out(), 16)


@case("context.destroyed_elsewhere", bare=True, alone=True)
def destroyed_elsewhere(s: Session) -> None:
    made = s.make("cuCtxCreate_v2", 0, 0)
    s.in_thread(lambda: s.must("cuCtxDestroy_v2", made))
    current = s.ask_made("cuCtxGetCurrent")
    s.say("same", current == made)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxGetDevice", out())
    s.ask("cuMemAlloc_v2", out(), 16)
    s.ask("cuStreamCreate", out(), 0)
    s.ask("cuStreamSynchronize", 0)
    s.ask("cuCtxGetApiVersion", made, out())
    s.ask("cuCtxPopCurrent_v2", out())


@case("context.destroyed.use", bare=True, alone=True)
def destroyed_use(s: Session) -> None:
    made = s.other_context()
    s.must("cuCtxDestroy_v2", made)
    s.ask("cuCtxGetApiVersion", made, out())
    s.ask("cuCtxSetCurrent", made)
    s.ask("cuCtxPushCurrent_v2", made)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxDestroy_v2", made)


@case("context.create", bare=True)
def create(s: Session) -> None:
    for flags in (3, 5, 6, 7, 0x40, 0x100, 0x200, 0x400, 0x80000000):
        made = s.ask_made("cuCtxCreate_v2", flags, 0)
        if made:
            s.must("cuCtxDestroy_v2", made)


@case("context.create_v4", bare=True)
def create_v4(s: Session) -> None:
    affinity = ExecAffinity(type=0, smCount=0)
    too_many = ExecAffinity(type=0, smCount=100000)
    wrong = ExecAffinity(type=9, smCount=1)
    given = [
        None,
        CtxCreateParams(),
        CtxCreateParams(address(affinity), 1, 0),
        CtxCreateParams(address(too_many), 1, 0),
        CtxCreateParams(address(wrong), 1, 0),
        CtxCreateParams(0, 1, 0),
        CtxCreateParams(address(affinity), -1, 0),
    ]
    for parameters in given:
        made = s.ask_made("cuCtxCreate_v4", parameters, 0, 0)
        if made:
            s.must("cuCtxDestroy_v2", made)


@case("context.flags", bare=True)
def flags(s: Session) -> None:
    made = s.ask_made("cuCtxCreate_v2", 0x4 | 0x10, 0)
    s.ask_value("cuCtxGetFlags")
    for given in (0, 1, 2, 3, 4, 5, 7, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x400):
        s.ask("cuCtxSetFlags", given)
        s.ask_value("cuCtxGetFlags")
    s.must("cuCtxDestroy_v2", made)


@case("context.primary.flags", bare=True)
def primary_flags(s: Session) -> None:
    state, active = out(), out()
    for given in (0, 1, 3, 4, 7, 0x10, 0x40, 0x400, 0):
        s.ask("cuDevicePrimaryCtxSetFlags_v2", 0, given)
        s.ask("cuDevicePrimaryCtxGetState", 0, state, active)
        s.say("flags", number(state, 4))
        s.say("active", number(active, 4))


@case("context.primary.release", bare=True, alone=True)
def primary_release(s: Session) -> None:
    state, active = out(), out()
    s.ask("cuCtxSetCurrent", s.primary)
    again = s.ask_made("cuDevicePrimaryCtxRetain", 0)
    s.say("same", again == s.primary)
    s.ask("cuDevicePrimaryCtxRelease_v2", 0)
    s.ask("cuDevicePrimaryCtxRelease_v2", 0)
    s.ask("cuDevicePrimaryCtxGetState", 0, state, active)
    s.say("active", number(active, 4))
    s.ask("cuDevicePrimaryCtxRelease_v2", 0)
    current = s.ask_made("cuCtxGetCurrent")
    s.say("same", current == s.primary)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemAlloc_v2", out(), 16)
    s.ask("cuCtxGetDevice", out())
    s.ask("cuCtxSetCurrent", s.primary)
    again = s.ask_made("cuDevicePrimaryCtxRetain", 0)
    s.say("same", again == s.primary)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxSetCurrent", again)
    s.ask("cuMemAlloc_v2", out(), 16)


@case("context.primary.reset", alone=True)
def primary_reset(s: Session) -> None:
    memory, stream = s.make("cuMemAlloc_v2", 64), s.make("cuStreamCreate", 0)
    active = out()
    s.ask("cuDevicePrimaryCtxReset_v2", 0)
    s.ask("cuDevicePrimaryCtxGetState", 0, out(), active)
    s.say("active", number(active, 4))
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxGetDevice", out())
    s.ask("cuMemAlloc_v2", out(), 16)
    again = s.ask_made("cuDevicePrimaryCtxRetain", 0)
    s.say("same", again == s.primary)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemFree_v2", memory)
    s.ask("cuDevicePrimaryCtxRelease_v2", 0)
    s.ask("cuDevicePrimaryCtxReset_v2", 0)
    s.ask("cuDevicePrimaryCtxReset_v2", 0)
    s.ask("cuStreamQuery", stream)


@case("context.primary.destroy", alone=True)
def primary_destroy(s: Session) -> None:
    s.ask("cuCtxDestroy_v2", s.primary)
    s.ask("cuCtxSynchronize")
    s.ask("cuDevicePrimaryCtxRelease_v2", 0)
    s.ask("cuCtxSynchronize")


@case("context.limits", alone=True)
def limits(s: Session) -> None:
    for limit in (*range(11), 11, 100, -1):
        s.ask_value("cuCtxGetLimit", limit, size=8)
    for limit, values in (
        (0, (0, 1, 1000, 1040, 2048, 512 << 10, (512 << 10) + 16, 1 << 40)),
        (1, (0, 1, 4096, 1 << 20, 1 << 50)),
        (2, (0, 1, 1 << 20, 1 << 24, 1 << 50)),
        (3, (0, 2, 24, 25)),
        (4, (0, 1, 4096, 1 << 30)),
        (5, (0, 1, 32, 64, 128, 129, 1 << 20)),
        (6, (0, 1, 1 << 20, 1 << 50)),
        (7, (0, 1024)),
        (8, (0, 1)),
        (9, (0, 1)),
        (100, (0,)),
    ):
        for value in values:
            s.ask("cuCtxSetLimit", limit, value)
            s.ask_value("cuCtxGetLimit", limit, size=8)


@case("context.limits_after_use", alone=True)
def limits_after_use(s: Session) -> None:
    s.say("launched", s.launch(s.function("empty")))
    for limit, value in ((1, 2 << 20), (2, 16 << 20), (3, 3), (4, 4096), (0, 2048)):
        s.ask("cuCtxSetLimit", limit, value)
        s.ask_value("cuCtxGetLimit", limit, size=8)


@case("context.configs", alone=True)
def configs(s: Session) -> None:
    for config in (0, 1, 2, 3, 4, -1):
        s.ask("cuCtxSetCacheConfig", config)
        s.ask_value("cuCtxGetCacheConfig")
        s.ask("cuCtxSetSharedMemConfig", config)
        s.ask_value("cuCtxGetSharedMemConfig")


@case("context.priorities")
def priorities(s: Session) -> None:
    least, greatest = out(), out()
    s.ask("cuCtxGetStreamPriorityRange", least, greatest)
    s.say("least", number(least, 4))
    s.say("greatest", number(greatest, 4))
    s.ask("cuCtxGetStreamPriorityRange", None, greatest)


@case("context.versions", bare=True)
def versions(s: Session) -> None:
    for name in ("cuCtxCreate_v2", "cuCtxCreate"):
        made = s.ask_made(name, 0, 0)
        version = out()
        s.ask("cuCtxGetApiVersion", made, version)
        s.say("version", number(version, 4))
        s.ask("cuCtxGetApiVersion", 0, version)
        s.ask("cuCtxGetDevice_v2", out(), made)
        s.ask("cuCtxSynchronize_v2", made)
        s.ask("cuCtxDestroy_v2", made)
    s.ask("cuCtxGetApiVersion", s.primary, version)
    s.say("version", number(version, 4))


@case("context.attach")
def attach(s: Session) -> None:
    s.ask("cuCtxAttach", out(), 1)
    attached = s.ask_made("cuCtxAttach", 0)
    s.say("same", attached == s.primary)
    s.ask("cuCtxDetach", attached)
    s.ask("cuCtxDetach", 0)


@case("context.peer_with_itself")
def peer_with_itself(s: Session) -> None:
    s.ask("cuCtxEnablePeerAccess", s.primary, 0)
    s.ask("cuCtxEnablePeerAccess", s.primary, 1)
    s.ask("cuCtxEnablePeerAccess", 0, 0)
    s.ask("cuCtxDisablePeerAccess", s.primary)
    s.ask("cuCtxDisablePeerAccess", 0)
    other = s.other_context()
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuCtxDisablePeerAccess", other)
    s.ask("cuCtxDestroy_v2", other)


@case("context.affinity")
def context_affinity(s: Session) -> None:
    found = ExecAffinity()
    s.ask("cuCtxGetExecAffinity", found, 0)
    s.ask("cuCtxGetExecAffinity", found, 5)
    s.ask("cuCtxGetExecAffinity", None, 0)


@case("context.persisting_cache")
def persisting_cache(s: Session) -> None:
    s.ask("cuCtxResetPersistingL2Cache")


@case("context.events")
def context_events(s: Session) -> None:
    event = s.make("cuEventCreate", 2)
    s.ask("cuCtxRecordEvent", s.primary, event)
    s.ask("cuCtxRecordEvent", 0, event)
    s.ask("cuCtxRecordEvent", s.primary, 0)
    s.ask("cuCtxWaitEvent", s.primary, event)
    s.ask("cuCtxWaitEvent", s.primary, 0)


@case("context.foreign.stream")
def foreign_stream(s: Session) -> None:
    other = s.other_context()
    stream = s.within(other, "cuStreamCreate", 0)
    memory, event = s.make("cuMemAlloc_v2", 64), s.make("cuEventCreate", 0)
    s.ask("cuStreamQuery", stream)
    s.ask("cuStreamSynchronize", stream)
    found = out()
    s.ask("cuStreamGetCtx", stream, found)
    s.say("same", number(found) == other)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", stream, event, 0)
    s.ask("cuMemsetD8Async", memory, 0, 8, stream)
    s.ask("cuMemcpyHtoDAsync_v2", memory, out(), 8, stream)
    s.ask("cuLaunchKernel", s.function("empty"), 1, 1, 1, 1, 1, 1, 0, stream, 0, 0)
    s.ask("cuLaunchHostFunc", stream, nothing, 0)
    s.ask("cuMemAllocAsync", out(), 64, stream)
    s.ask("cuStreamWriteValue32_v2", stream, memory, 1, 0)
    s.ask("cuStreamBeginCapture_v2", stream, 2)
    s.ask("cuStreamEndCapture", stream, out())
    s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuCtxDestroy_v2", other)


@case("context.foreign.event")
def foreign_event(s: Session) -> None:
    other = s.other_context()
    event, mine = s.within(other, "cuEventCreate", 0), s.make("cuEventCreate", 0)
    stream = s.make("cuStreamCreate", 0)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuEventRecord", event, 0)
    s.ask("cuStreamWaitEvent", stream, event, 0)
    s.ask("cuEventQuery", event)
    s.ask("cuEventSynchronize", event)
    s.must("cuEventRecord", mine, stream)
    s.ask("cuEventElapsedTime", out(), event, mine)
    s.ask("cuEventDestroy_v2", event)
    s.ask("cuCtxDestroy_v2", other)


@case("context.foreign.function")
def foreign_function(s: Session) -> None:
    other = s.other_context()
    function = s.function("empty")
    s.must("cuCtxPushCurrent_v2", other)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    s.ask("cuFuncGetAttribute", out(), 0, function)
    s.ask("cuFuncSetAttribute", function, 9, 50)
    s.ask("cuModuleGetFunction", out(), s.module(), b"empty")
    s.ask("cuModuleGetGlobal_v2", out(), out(), s.module(), b"counter")
    s.ask("cuOccupancyMaxActiveBlocksPerMultiprocessor", out(), function, 32, 0)
    s.ask("cuCtxDestroy_v2", other)


@case("context.foreign.memory")
def foreign_memory(s: Session) -> None:
    other = s.other_context()
    theirs, mine = s.within(other, "cuMemAlloc_v2", 64), s.make("cuMemAlloc_v2", 64)
    s.ask("cuMemcpyHtoD_v2", theirs, out(), 8)
    s.ask("cuMemcpyDtoD_v2", mine, theirs, 8)
    s.ask("cuMemcpyPeer", mine, s.primary, theirs, other, 8)
    s.ask("cuMemcpyPeer", mine, other, theirs, s.primary, 8)
    s.ask("cuMemcpyPeer", mine, 0, theirs, 0, 8)
    s.ask("cuMemsetD8_v2", theirs, 0, 8)
    base, size = out(), out()
    s.ask("cuMemGetAddressRange_v2", base, size, theirs)
    found = out()
    s.ask("cuPointerGetAttribute", found, 1, theirs)
    s.say("same", number(found) == other)
    s.ask("cuMemFree_v2", theirs)
    s.ask("cuCtxDestroy_v2", other)


@case("context.foreign.memory_after_destroy", alone=True)
def memory_after_destroy(s: Session) -> None:
    other = s.other_context()
    theirs = s.within(other, "cuMemAlloc_v2", 64)
    s.must("cuCtxDestroy_v2", other)
    s.ask("cuMemcpyHtoD_v2", theirs, out(), 8)
    s.ask("cuPointerGetAttribute", out(), 2, theirs)
    s.ask("cuMemFree_v2", theirs)


@case("context.foreign.stream_after_destroy", alone=True)
def stream_after_destroy(s: Session) -> None:
    other = s.other_context()
    stream = s.within(other, "cuStreamCreate", 0)
    s.must("cuCtxDestroy_v2", other)
    s.ask("cuStreamQuery", stream)
    s.ask("cuStreamDestroy_v2", stream)


@case("context.foreign.host_memory")
def foreign_host_memory(s: Session) -> None:
    other = s.other_context()
    pinned = s.within(other, "cuMemHostAlloc", 4096, 0)
    found, values = out(), words(0)
    s.ask("cuMemHostGetDevicePointer_v2", found, pinned, 0)
    s.ask("cuMemHostGetFlags", values, pinned)
    s.say("flags", values[0])
    s.ask("cuPointerGetAttribute", out(), 2, pinned)
    s.ask("cuMemFreeHost", pinned)
    s.ask("cuCtxDestroy_v2", other)
