"""Two devices, and two processes: what one reaches of the other's memory, events, pools. All need two devices."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable
from functools import partial

from misuses.layouts import AccessDesc, AllocationProp, IpcHandle, Location, Memcpy3DPeer
from misuses.mapping import PAGE
from misuses.mapping import props as physical
from misuses.other import Other
from misuses.pools import flags_of, read
from misuses.pools import props as pooled
from misuses.session import MIB, ByValue, Session, number, numbers, out, words
from misuses.session import case as any_case

LAZY_PEER = 1
"""CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS."""
INTERPROCESS = 2 | 4
"""CU_EVENT_DISABLE_TIMING, CU_EVENT_INTERPROCESS."""
FILE_DESCRIPTOR = 1
"""CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR."""

case: Callable[..., Callable[[Callable[[Session], None]], Callable[[Session], None]]] = partial(any_case, devices=2)


def second(s: Session) -> int:
    """The primary context of device 1; that of device 0 stays current."""
    return s.make("cuDevicePrimaryCtxRetain", 1)


def byte_at(s: Session, label: str, address: int) -> None:
    """Notes what a byte of device memory is."""
    found = out(1)
    s.ask("cuMemcpyDtoH_v2", found, address, 1)
    s.say(label, found[0])


def current(s: Session, context: int) -> None:
    s.must("cuCtxSetCurrent", context)


# ---- two devices in one process --------------------------------------------------------------------------------------


@case("peer.queries", bare=True)
def queries(s: Session) -> None:
    for first, other in ((0, 1), (1, 0)):
        s.ask_value("cuDeviceCanAccessPeer", first, other)
        for attribute in (0, 1, 2, 3, 4, 5, 6, 100):
            s.ask_value("cuDeviceGetP2PAttribute", attribute, first, other)
    s.ask("cuDeviceCanAccessPeer", None, 0, 1)
    s.ask("cuDeviceGetP2PAttribute", None, 1, 0, 1)


@case("peer.enable", alone=True)
def enable(s: Session) -> None:
    other = second(s)
    s.ask("cuCtxDisablePeerAccess", other)
    s.ask("cuCtxEnablePeerAccess", other, 1)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuCtxEnablePeerAccess", other, 1)
    s.ask("cuCtxDisablePeerAccess", other)
    s.ask("cuCtxDisablePeerAccess", other)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    third = s.make("cuCtxCreate_v2", 0, 1)
    s.ask("cuCtxEnablePeerAccess", s.primary, 0)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.must("cuCtxPopCurrent_v2", out())
    s.ask("cuCtxEnablePeerAccess", third, 0)
    s.ask("cuCtxDestroy_v2", third)
    s.ask("cuCtxDisablePeerAccess", third)
    s.ask("cuCtxEnablePeerAccess", third, 0)
    s.ask("cuCtxDisablePeerAccess", other)


@case("peer.enable_unused", alone=True)
def enable_unused(s: Session) -> None:
    """A primary context that nobody holds, and one that was reset."""
    other = second(s)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.must("cuDevicePrimaryCtxReset_v2", 1)
    s.ask("cuCtxDisablePeerAccess", other)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.must("cuDevicePrimaryCtxRelease_v2", 1)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuCtxEnablePeerAccess", second(s), 0)
    current(s, other)
    s.ask("cuCtxEnablePeerAccess", s.primary, 0)
    s.must("cuDevicePrimaryCtxReset_v2", 0)
    s.ask("cuCtxDisablePeerAccess", s.primary)


@case("peer.copies", alone=True)
def copies(s: Session) -> None:
    """With no peer access."""
    other = second(s)
    mine, theirs = s.make("cuMemAlloc_v2", 4096), s.within(other, "cuMemAlloc_v2", 4096)
    stream, their_stream = s.make("cuStreamCreate", 1), s.within(other, "cuStreamCreate", 1)
    s.ask("cuMemsetD8_v2", mine, 1, 4096)
    s.ask("cuMemsetD8_v2", theirs, 2, 4096)
    s.ask("cuMemsetD8Async", theirs, 3, 4096, stream)
    s.ask("cuMemsetD2D8_v2", theirs, 64, 2, 8, 2)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuMemcpyDtoD_v2", theirs, mine, 4096)
    byte_at(s, "theirs", theirs)
    s.must("cuMemsetD8_v2", mine, 2, 4096)
    s.ask("cuMemcpyDtoD_v2", mine, theirs, 8)
    byte_at(s, "mine", mine)
    s.ask("cuMemcpy", mine + 8, theirs, 8)
    s.ask("cuMemcpyDtoDAsync_v2", theirs, mine, 8, stream)
    s.ask("cuMemcpyDtoDAsync_v2", theirs, mine, 8, their_stream)
    s.ask("cuMemcpyAsync", mine, theirs, 8, their_stream)
    s.ask("cuMemcpyHtoD_v2", theirs, out(), 8)
    s.ask("cuMemcpyHtoDAsync_v2", theirs, out(), 8, stream)
    s.ask("cuMemcpyDtoHAsync_v2", out(), theirs, 8, stream)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamSynchronize", their_stream)
    s.ask("cuMemcpyPeer", mine, s.primary, theirs, other, 8)
    s.ask("cuMemcpyPeer", mine, other, theirs, s.primary, 8)
    s.ask("cuMemcpyPeer", mine, other, theirs, other, 8)
    s.ask("cuMemcpyPeer", theirs, other, theirs + 8, other, 8)
    s.ask("cuMemcpyPeer", mine, s.primary, theirs, other, 4097)
    s.ask("cuMemcpyPeer", mine, s.primary, theirs + 4095, other, 2)
    s.ask("cuMemcpyPeer", mine, s.primary, 0x1000, other, 8)
    s.ask("cuMemcpyPeerAsync", mine, s.primary, theirs, other, 8, stream)
    s.ask("cuMemcpyPeerAsync", mine, s.primary, theirs, other, 8, their_stream)
    s.ask("cuMemcpyPeerAsync", mine, s.primary, theirs, other, 8, 0)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemcpyPeer", mine, s.primary, s.make("cuMemHostAlloc", 64, 0), other, 8)
    s.ask("cuMemcpyPeer", mine, s.primary, s.make("cuMemAllocManaged", 64, 1), other, 8)


@case("peer.copy_3d", alone=True)
def copy_3d(s: Session) -> None:
    other = second(s)
    mine, theirs = s.make("cuMemAlloc_v2", 4096), s.within(other, "cuMemAlloc_v2", 4096)
    stream = s.make("cuStreamCreate", 1)

    def description(**given: int) -> Memcpy3DPeer:
        return Memcpy3DPeer(
            **{
                "srcMemoryType": 2,
                "srcDevice": mine,
                "srcContext": s.primary,
                "srcPitch": 64,
                "srcHeight": 4,
                "dstMemoryType": 2,
                "dstDevice": theirs,
                "dstContext": other,
                "dstPitch": 128,
                "dstHeight": 4,
                "WidthInBytes": 16,
                "Height": 2,
                "Depth": 2,
                **given,
            }
        )

    s.must("cuMemsetD8_v2", mine, 5, 4096)
    for given in (
        description(),
        description(srcContext=0),
        description(dstContext=0),
        description(dstContext=s.primary),
        description(srcContext=other, dstContext=s.primary),
        description(srcMemoryType=4, dstMemoryType=4),
        description(srcPitch=8),
        description(dstPitch=0),
        description(dstHeight=1),
        description(Depth=16),
        description(Depth=0),
        description(WidthInBytes=0),
        description(srcMemoryType=1),
        description(srcDevice=0),
    ):
        s.ask("cuMemcpy3DPeer", given)
    s.ask("cuMemcpy3DPeerAsync", description(), stream)
    s.ask("cuMemcpy3DPeerAsync", description(), 0)
    s.ask("cuCtxSynchronize")
    current(s, other)
    byte_at(s, "last", theirs + 128 * 5 + 15)


@case("peer.pointers", alone=True)
def pointers(s: Session) -> None:
    other = second(s)
    theirs = s.within(other, "cuMemAlloc_v2", 1000)
    host = s.within(other, "cuMemHostAlloc", 64, 0)
    s.ask_value("cuPointerGetAttribute", 9, theirs)
    s.say("theirs", s.make("cuPointerGetAttribute", 1, theirs) == other)
    s.ask_value("cuPointerGetAttribute", 3, theirs, size=0)
    s.ask("cuPointerGetAttribute", out(), 16, theirs)
    s.ask_value("cuPointerGetAttribute", 9, host)
    s.ask("cuMemHostGetDevicePointer_v2", out(), host, 0)
    s.ask("cuMemsetD8_v2", host, 1, 8)
    size = words(0)
    s.ask("cuMemGetAddressRange_v2", out(), size, theirs + 1)
    s.say("size", size[0])
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuPointerGetAttribute", out(), 3, theirs)
    s.ask("cuMemFree_v2", theirs)
    s.ask("cuMemFreeHost", host)
    theirs = s.within(other, "cuMemAlloc_v2", 1000)
    s.must("cuDevicePrimaryCtxReset_v2", 1)
    s.ask("cuMemsetD8_v2", theirs, 1, 8)
    s.ask("cuPointerGetAttribute", out(), 9, theirs)
    s.ask("cuCtxSynchronize")


@case("peer.streams", alone=True)
def streams(s: Session) -> None:
    other = second(s)
    function, event, timed = s.function("empty"), s.make("cuEventCreate", 2), s.make("cuEventCreate", 0)
    stream, their_stream = s.make("cuStreamCreate", 1), s.within(other, "cuStreamCreate", 1)
    their_event, their_timed = s.within(other, "cuEventCreate", 2), s.within(other, "cuEventCreate", 0)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, their_stream, 0, 0)
    s.ask("cuEventRecord", event, their_stream)
    s.ask("cuEventRecord", their_event, stream)
    s.ask("cuEventRecord", their_event, 0)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", their_stream, event, 0)
    s.ask("cuEventRecord", their_event, their_stream)
    s.ask("cuStreamWaitEvent", stream, their_event, 0)
    s.ask("cuStreamSynchronize", their_stream)
    s.ask("cuEventSynchronize", their_event)
    s.ask("cuEventQuery", their_event)
    s.must("cuEventRecord", timed, stream)
    s.must("cuEventRecord", their_timed, their_stream)
    s.must("cuStreamSynchronize", their_stream)
    s.must("cuStreamSynchronize", stream)
    s.ask("cuEventElapsedTime", out(), timed, their_timed)
    s.ask("cuStreamBeginCapture_v2", stream, 2)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamWaitEvent", their_stream, event, 0)
    s.ask("cuEventRecord", their_event, their_stream)
    s.ask("cuStreamWaitEvent", stream, their_event, 0)
    s.ask("cuStreamEndCapture", stream, out())
    s.ask("cuStreamDestroy_v2", their_stream)
    s.ask("cuEventDestroy_v2", their_event)
    s.ask("cuCtxSynchronize")


@case("peer.kernel", alone=True)
def kernel(s: Session) -> None:
    other = second(s)
    theirs, add = s.within(other, "cuMemAlloc_v2", 64), s.function("add")
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuMemsetD8_v2", theirs, 0, 64)
    s.ask("cuMemsetD8Async", theirs, 0, 64, 0)
    s.ask("cuMemGetAddressRange_v2", out(), out(), theirs)
    s.say("launch", s.launch(add, 1, 1, 0, theirs, 7))
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxDisablePeerAccess", other)
    s.say("launch", s.launch(add, 1, 1, 0, theirs, 7))
    s.ask("cuCtxSynchronize")


@case("peer.kernel_before", alone=True)
def kernel_before(s: Session) -> None:
    """Without access."""
    theirs = s.within(second(s), "cuMemAlloc_v2", 64)
    s.say("launch", s.launch(s.function("add"), 1, 1, 0, theirs, 7))
    s.ask("cuCtxSynchronize")


@case("peer.values", alone=True)
def values(s: Session) -> None:
    """Values in the other device's memory, without peer access and with it."""
    other = second(s)
    theirs, stream = s.within(other, "cuMemAlloc_v2", 64), s.make("cuStreamCreate", 1)
    s.ask("cuStreamWriteValue32_v2", stream, theirs, 2, 0)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuCtxEnablePeerAccess", other, 0)
    s.ask("cuStreamWriteValue32_v2", stream, theirs, 3, 0)
    s.ask("cuStreamWaitValue32_v2", stream, theirs, 3, 1)
    s.ask("cuStreamSynchronize", stream)
    byte_at(s, "theirs", theirs)


# ---- pools, mappings, managed memory ---------------------------------------------------------------------------------


@case("peer.pool", alone=True)
def pool(s: Session) -> None:
    other, made = second(s), s.make("cuMemPoolCreate", pooled())
    stream, their_stream = s.make("cuStreamCreate", 1), s.within(other, "cuStreamCreate", 1)
    memory = s.make("cuMemAllocFromPoolAsync", 64, made, stream)
    s.must("cuStreamSynchronize", stream)
    flags_of(s, made, Location(1, 1))
    s.ask("cuMemsetD8Async", memory, 1, 64, their_stream)
    s.ask("cuStreamSynchronize", their_stream)
    for given in (AccessDesc(1, 1, 1), AccessDesc(1, 1, 2), AccessDesc(1, 1, 3), AccessDesc(1, 1, 3)):
        s.ask("cuMemPoolSetAccess", made, given, 1)
        flags_of(s, made, Location(1, 1))
    s.ask("cuMemsetD8Async", memory, 1, 64, their_stream)
    s.ask("cuStreamSynchronize", their_stream)
    both = (AccessDesc * 2)(AccessDesc(1, 1, 0), AccessDesc(1, 0, 3))
    s.ask("cuMemPoolSetAccess", made, both, 2)
    flags_of(s, made, Location(1, 1))
    s.ask("cuMemPoolSetAccess", made, (AccessDesc * 2)(AccessDesc(1, 1, 3), AccessDesc(1, 0, 0)), 2)
    flags_of(s, made, Location(1, 1))
    flags_of(s, made, Location(1, 0))
    s.ask("cuMemFreeAsync", memory, their_stream)
    s.ask("cuStreamSynchronize", their_stream)
    theirs = s.ask_made("cuMemAllocFromPoolAsync", 64, made, their_stream)
    s.ask_value("cuPointerGetAttribute", 9, theirs)
    s.ask("cuMemFreeAsync", theirs, stream)
    s.ask("cuDeviceSetMemPool", 1, made)
    s.ask("cuMemPoolDestroy", made)
    s.ask("cuCtxSynchronize")
    of_theirs = s.make("cuMemPoolCreate", pooled(locationId=1))
    s.ask("cuMemPoolSetAccess", of_theirs, AccessDesc(1, 0, 3), 1)
    memory = s.ask_made("cuMemAllocFromPoolAsync", 64, of_theirs, stream)
    s.ask("cuMemsetD8Async", memory, 1, 64, stream)
    s.ask("cuStreamSynchronize", stream)


@case("peer.mapping", alone=True)
def mapping(s: Session) -> None:
    other = second(s)
    addresses, handle = s.make("cuMemAddressReserve", PAGE, 0, 0, 0), s.make("cuMemCreate", PAGE, physical(), 0)
    s.must("cuMemMap", addresses, PAGE, 0, handle, 0)
    flags = words(9)

    def look() -> None:
        for device in (0, 1):
            s.ask("cuMemGetAccess", flags, Location(1, device), addresses)
            s.say("flags", flags[0])

    look()
    s.ask("cuMemSetAccess", addresses, PAGE, AccessDesc(1, 1, 3), 1)
    look()
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    current(s, other)
    s.ask("cuMemsetD8_v2", addresses, 2, 8)
    current(s, s.primary)
    byte_at(s, "byte", addresses)
    s.ask("cuMemSetAccess", addresses, PAGE, (AccessDesc * 2)(AccessDesc(1, 0, 3), AccessDesc(1, 1, 1)), 2)
    look()
    s.ask("cuMemsetD8_v2", addresses, 3, 8)
    s.ask("cuMemSetAccess", addresses, PAGE, (AccessDesc * 2)(AccessDesc(1, 0, 3), AccessDesc(1, 9, 3)), 2)
    s.ask("cuMemSetAccess", addresses, PAGE, AccessDesc(1, 1, 0), 1)
    look()
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask("cuMemRelease", handle)
    handle = s.make("cuMemCreate", PAGE, physical(locationId=1), 0)
    s.ask("cuMemMap", addresses, PAGE, 0, handle, 0)
    s.ask("cuMemSetAccess", addresses, PAGE, AccessDesc(1, 0, 3), 1)
    look()
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    s.ask_value("cuPointerGetAttribute", 9, addresses)
    s.ask("cuCtxSynchronize")


@case("peer.host_memory", alone=True)
def host_memory(s: Session) -> None:
    """Physical memory and pools of the host: who reaches them, and what they are."""
    other = second(s)
    for kind, place in ((2, 0), (3, 0), (3, 1), (3, 99), (4, 0), (2, 7)):
        handle = s.ask_made("cuMemCreate", PAGE, physical(locationType=kind, locationId=place), 0)
        if not handle:
            continue
        found = AllocationProp()
        s.ask("cuMemGetAllocationPropertiesFromHandle", found, handle)
        s.say("location", [found.locationType, found.locationId])
        addresses = s.make("cuMemAddressReserve", PAGE, 0, 0, 0)
        s.ask("cuMemMap", addresses, PAGE, 0, handle, 0)
        flags = words(9)
        for given in (AccessDesc(kind, place, 3), AccessDesc(2, 0, 3), AccessDesc(1, 0, 3), AccessDesc(1, 1, 3)):
            s.ask("cuMemSetAccess", addresses, PAGE, given, 1)
            for location in (Location(2, 0), Location(3, 0), Location(1, 0), Location(1, 1)):
                s.ask("cuMemGetAccess", flags, location, addresses)
                s.say("flags", flags[0])
        s.ask("cuMemsetD8_v2", addresses, 1, 8)
        byte_at(s, "byte", addresses)
        for attribute in (2, 8, 9, 13, 4):
            s.ask("cuPointerGetAttribute", out(), attribute, addresses)
        s.ask_value("cuPointerGetAttribute", 2, addresses)
        s.ask_value("cuPointerGetAttribute", 9, addresses)
        s.ask("cuMemUnmap", addresses, PAGE)
        s.ask("cuMemRelease", handle)
    del other


@case("peer.host_pools", alone=True)
def host_pools(s: Session) -> None:
    for kind, place, sort in (
        (2, 0, 1),
        (3, 0, 1),
        (3, 99, 1),
        (4, 0, 1),
        (1, 0, 2),
        (1, 1, 2),
        (2, 0, 2),
        (3, 0, 2),
        (0, 0, 2),
    ):
        made = s.ask_made("cuMemPoolCreate", pooled(allocType=sort, locationType=kind, locationId=place))
        if not made:
            continue
        for location in (Location(2, 0), Location(3, 0), Location(1, 0), Location(1, 1)):
            flags_of(s, made, location)
        memory = s.ask_made("cuMemAllocFromPoolAsync", 64, made, 0)
        if memory:
            s.ask("cuStreamSynchronize", 0)
            s.ask_value("cuPointerGetAttribute", 2, memory)
            s.ask_value("cuPointerGetAttribute", 8, memory)
            s.ask_value("cuPointerGetAttribute", 9, memory)
            s.ask("cuMemsetD8_v2", memory, 6, 64)
        for given in (
            AccessDesc(1, 0, 3),
            AccessDesc(1, 1, 3),
            AccessDesc(2, 0, 3),
            AccessDesc(1, 0, 1),
            AccessDesc(1, 0, 0),
        ):
            s.ask("cuMemPoolSetAccess", made, given, 1)
            flags_of(s, made, Location(1, 0))
        if memory:
            s.ask("cuMemsetD8_v2", memory, 6, 64)
            byte_at(s, "byte", memory)
            s.ask("cuMemFreeAsync", memory, 0)
        for attribute in (4, 5, 7):
            read(s, made, attribute)
        s.ask("cuCtxSynchronize")
        s.ask("cuMemPoolTrimTo", made, 0)
        s.ask("cuMemPoolDestroy", made)
    for kind, place, sort in (
        (1, 0, 1),
        (1, 1, 2),
        (2, 0, 1),
        (2, 0, 2),
        (3, 0, 1),
        (3, 0, 2),
        (4, 0, 1),
        (0, 0, 2),
        (1, 9, 1),
    ):
        usual = s.ask_made("cuMemGetDefaultMemPool", Location(kind, place), sort)
        now = s.ask_made("cuMemGetMemPool", Location(kind, place), sort)
        s.say("same", usual == now)
        made = s.call("cuMemPoolCreate", taken := out(), pooled(allocType=sort, locationType=kind, locationId=place))
        if not made:
            s.ask("cuMemSetMemPool", Location(kind, place), sort, number(taken))
            now = s.ask_made("cuMemGetMemPool", Location(kind, place), sort)
            s.say("same", now == number(taken))
            s.ask("cuMemPoolDestroy", number(taken))
            now = s.ask_made("cuMemGetMemPool", Location(kind, place), sort)
            s.say("same", now == usual)


@case("peer.managed", alone=True)
def managed(s: Session) -> None:
    other, memory = second(s), s.make("cuMemAllocManaged", 4096, 1)
    s.ask("cuMemPrefetchAsync", memory, 4096, 1, 0)
    s.ask("cuMemAdvise", memory, 4096, 5, 1)
    s.ask("cuMemAdvise", memory, 4096, 3, 1)
    found = numbers(0, 0, 0)
    s.ask("cuMemRangeGetAttribute", found, 12, 3, memory, 4096)
    s.say("accessed by", list(found))
    s.ask("cuMemRangeGetAttribute", found, 4, 4, memory, 4096)
    s.say("prefetched", found[0])
    current(s, other)
    s.ask("cuMemsetD8_v2", memory, 1, 4096)
    s.ask("cuMemFree_v2", memory)


# ---- memory of another process ---------------------------------------------------------------------------------------


def handle_of(s: Session, memory: int) -> IpcHandle:
    handle = IpcHandle()
    s.must("cuIpcGetMemHandle", handle, memory)
    return handle


def opened(s: Session, handle: IpcHandle, flags: int = LAZY_PEER) -> int:
    return s.ask_made("cuIpcOpenMemHandle_v2", ByValue(handle), flags)


def free_bytes(s: Session) -> int:
    found = out()
    s.must("cuMemGetInfo_v2", found, out())
    return number(found)


@case("ipc.memory", alone=True)
def ipc_memory(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 8 * MIB)
    s.must("cuMemsetD8_v2", memory, 1, 8 * MIB)
    handle, again = handle_of(s, memory), handle_of(s, memory)
    s.say("same", bytes(handle) == bytes(again))
    s.must("cuCtxSynchronize")
    with Other(s) as other:
        other.retain()
        other.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), 0)
        other.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), 2)
        other.ask("cuIpcOpenMemHandle_v2", None, ByValue(handle), LAZY_PEER)
        before = free_bytes(other)
        theirs = opened(other, handle)
        s.say("counted", before - free_bytes(other))
        byte_at(other, "byte", theirs)
        byte_at(other, "last", theirs + 8 * MIB - 1)
        other.ask("cuMemcpyDtoH_v2", out(), theirs + 8 * MIB - 1, 2)
        other.ask("cuMemsetD8_v2", theirs + 5, 7, 1)
        other.must("cuCtxSynchronize")
        byte_at(s, "byte", memory + 5)
        s.must("cuMemsetD8_v2", memory + 6, 9, 1)
        s.must("cuCtxSynchronize")
        byte_at(other, "byte", theirs + 6)
        base, size = out(), words(0)
        other.ask("cuMemGetAddressRange_v2", base, size, theirs + 5)
        s.say("same", number(base) == theirs)
        s.say("size", size[0])
        for attribute in (2, 8, 9, 10, 11, 12, 13, 14):
            other.ask_value("cuPointerGetAttribute", attribute, theirs, size=0 if attribute == 11 else 4)
        other.ask("cuIpcGetMemHandle", IpcHandle(), theirs)
        other.ask("cuMemFree_v2", theirs)
        other.ask("cuMemFreeAsync", theirs, 0)
        other.ask("cuIpcCloseMemHandle", theirs + 1)
        other.ask("cuIpcCloseMemHandle", theirs)
        other.ask("cuIpcCloseMemHandle", theirs)
        other.ask("cuMemcpyDtoH_v2", out(), theirs, 8)
        other.ask("cuPointerGetAttribute", out(), 2, theirs)
        theirs = opened(other, handle)
        byte_at(other, "byte", theirs + 6)
    byte_at(s, "byte", memory + 6)
    s.ask("cuMemFree_v2", memory)


@case("ipc.copies", alone=True)
def ipc_copies(s: Session) -> None:
    """Imported memory as either side of copies, with memory of one's own and of the other device."""
    memory = s.make("cuMemAlloc_v2", 4096)
    s.must("cuMemsetD8_v2", memory, 3, 4096)
    s.must("cuCtxSynchronize")
    with Other(s) as other:
        context = other.retain()
        theirs, own = opened(other, handle_of(s, memory)), other.make("cuMemAlloc_v2", 4096)
        other.ask("cuMemcpyDtoD_v2", own, theirs, 4096)
        byte_at(other, "byte", own + 4095)
        other.must("cuMemsetD8_v2", own, 4, 4096)
        other.ask("cuMemcpyDtoDAsync_v2", theirs, own, 2048, 0)
        other.ask("cuMemcpyPeer", theirs, context, own, context, 16)
        other.ask("cuCtxSynchronize")
        byte_at(s, "byte", memory + 2047)
        byte_at(s, "byte", memory + 2048)
        other.retain(1)
        far = other.make("cuMemAlloc_v2", 4096)
        other.ask("cuMemcpyDtoD_v2", far, theirs, 4096)
        byte_at(other, "byte", far + 2047)


@case("ipc.parts", alone=True)
def ipc_parts(s: Session) -> None:
    """Small allocations share a page of the device."""
    first, after = s.make("cuMemAlloc_v2", 1000), s.make("cuMemAlloc_v2", 1000)
    s.must("cuMemsetD8_v2", first, 1, 1000)
    s.must("cuMemsetD8_v2", after, 2, 1000)
    s.say("apart", after - first)
    handles = [handle_of(s, one) for one in (first, after, after + 100)]
    s.say("same", [bytes(one) == bytes(handles[1]) for one in handles])
    with Other(s) as other:
        other.retain()
        theirs = opened(other, handles[1])
        byte_at(other, "byte", theirs)
        size = words(0)
        other.ask("cuMemGetAddressRange_v2", out(), size, theirs)
        s.say("size", size[0])
        near = opened(other, handles[0])
        s.say("apart", theirs - near)
        byte_at(other, "byte", near)
        inner = opened(other, handles[2])
        s.say("same", inner == theirs)
        byte_at(other, "byte", near + (after - first))
        for one in (theirs, near, inner, inner):
            other.ask("cuIpcCloseMemHandle", one)
        other.ask("cuMemcpyDtoH_v2", out(), theirs, 8)


@case("ipc.twice", alone=True)
def ipc_twice(s: Session) -> None:
    """In one context, then in another one of the process."""
    memory = s.make("cuMemAlloc_v2", 4 * MIB)
    handle = handle_of(s, memory)
    with Other(s) as other:
        primary = other.retain()
        first, again = opened(other, handle), opened(other, handle)
        s.say("same", first == again)
        other.ask("cuIpcCloseMemHandle", first)
        other.ask("cuMemsetD8_v2", first, 1, 8)
        made = other.make("cuCtxCreate_v2", 0, 0)
        third = opened(other, handle)
        s.say("same", third == first)
        other.ask("cuMemsetD8_v2", third, 1, 8)
        other.ask("cuIpcCloseMemHandle", first)
        other.ask("cuMemsetD8_v2", first, 1, 8)
        other.must("cuCtxSetCurrent", primary)
        other.ask("cuIpcCloseMemHandle", third)
        other.ask("cuIpcCloseMemHandle", first)
        other.ask("cuCtxDestroy_v2", made)
        other.ask("cuCtxSynchronize")
        first = opened(other, handle)
        other.must("cuDevicePrimaryCtxReset_v2", 0)
        other.retain()
        other.ask("cuIpcCloseMemHandle", first)
        other.ask("cuMemsetD8_v2", first, 1, 8)
        other.ask("cuCtxSynchronize")


@case("ipc.other_device", alone=True)
def ipc_other_device(s: Session) -> None:
    handle = handle_of(s, s.make("cuMemAlloc_v2", 4 * MIB))
    with Other(s) as other:
        other.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), LAZY_PEER)
        context = other.retain(1)
        theirs = opened(other, handle)
        other.ask_value("cuPointerGetAttribute", 9, theirs)
        s.say("current", other.make("cuPointerGetAttribute", 1, theirs) == context)
        other.ask("cuMemsetD8_v2", theirs, 1, 8)
        other.ask("cuCtxSynchronize")
        other.ask("cuIpcCloseMemHandle", theirs)
        primary = other.retain(0)
        other.ask("cuCtxEnablePeerAccess", context, 0)
        other.must("cuCtxSetCurrent", context)
        other.ask("cuCtxDisablePeerAccess", primary)


@case("ipc.freed", alone=True)
def ipc_freed(s: Session) -> None:
    """The exporter frees what others have opened, or what they open later."""
    memory, gone = s.make("cuMemAlloc_v2", 64 * MIB), s.make("cuMemAlloc_v2", 64 * MIB)
    s.must("cuMemsetD8_v2", memory, 8, 64 * MIB)
    handle, late = handle_of(s, memory), handle_of(s, gone)
    with Other(s) as other:
        other.retain()
        theirs = opened(other, handle)
        before = free_bytes(s)
        s.ask("cuMemFree_v2", memory)
        s.say("freed", free_bytes(s) - before)
        s.ask("cuMemsetD8_v2", memory, 1, 8)
        byte_at(other, "byte", theirs)
        other.ask("cuMemsetD8_v2", theirs, 1, 64 * MIB)
        other.ask("cuCtxSynchronize")
        other.ask("cuIpcCloseMemHandle", theirs)
        s.say("freed", free_bytes(s) - before)
        opened(other, handle)
        s.ask("cuMemFree_v2", gone)
        opened(other, late)
        again = s.make("cuMemAlloc_v2", 64 * MIB)
        opened(other, late)
        s.say("same", bytes(handle_of(s, again)) == bytes(late))


@case("ipc.exporter_dies", alone=True)
def ipc_exporter_dies(s: Session) -> None:
    with Other(s) as other:
        other.retain()
        memory, event = other.make("cuMemAlloc_v2", 4 * MIB), other.make("cuEventCreate", INTERPROCESS)
        other.must("cuMemsetD8_v2", memory, 6, 4 * MIB)
        other.must("cuEventRecord", event, 0)
        other.must("cuCtxSynchronize")
        handle, of_event = handle_of(other, memory), IpcHandle()
        other.must("cuIpcGetEventHandle", of_event, event)
        mine = opened(s, handle)
        there = s.ask_made("cuIpcOpenEventHandle", ByValue(of_event))
        before = free_bytes(s)
        other.kill()
        s.say("freed", free_bytes(s) - before > 4 * MIB)
        byte_at(s, "byte", mine)
        s.ask("cuEventQuery", there)
        s.ask("cuEventSynchronize", there)
        s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), LAZY_PEER)
        s.ask("cuIpcCloseMemHandle", mine)
        s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), LAZY_PEER)
        s.ask("cuIpcOpenEventHandle", out(), ByValue(of_event))
        s.ask("cuEventDestroy_v2", there)
        s.ask("cuCtxSynchronize")


@case("ipc.importer_dies", alone=True)
def ipc_importer_dies(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 4 * MIB)
    s.must("cuMemsetD8_v2", memory, 6, 4 * MIB)
    s.must("cuCtxSynchronize")
    with Other(s) as other:
        other.retain()
        theirs = opened(other, handle_of(s, memory))
        other.must("cuMemsetD8_v2", theirs, 5, 8)
        other.must("cuCtxSynchronize")
        other.kill()
    byte_at(s, "byte", memory)
    byte_at(s, "last", memory + 4 * MIB - 1)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuCtxSynchronize")


@case("ipc.refused", alone=True)
def ipc_refused(s: Session) -> None:
    addresses, physical_handle = (
        s.make("cuMemAddressReserve", PAGE, 0, 0, 0),
        s.make("cuMemCreate", PAGE, physical(), 0),
    )
    s.must("cuMemMap", addresses, PAGE, 0, physical_handle, 0)
    s.must("cuMemSetAccess", addresses, PAGE, AccessDesc(1, 0, 3), 1)
    s.ask("cuIpcGetMemHandle", IpcHandle(), addresses)
    theirs = s.within(second(s), "cuMemAlloc_v2", 64)
    s.ask("cuIpcGetMemHandle", IpcHandle(), theirs)
    room = out(4096)
    s.must("cuMemHostRegister_v2", ctypes.addressof(room), 4096, 0)
    s.ask("cuIpcGetMemHandle", IpcHandle(), ctypes.addressof(room))
    freed = s.make("cuMemAlloc_v2", 64)
    s.must("cuMemFree_v2", freed)
    s.ask("cuIpcGetMemHandle", IpcHandle(), freed)
    wrong = handle_of(s, s.make("cuMemAlloc_v2", 64))
    with Other(s) as other:
        other.ask("cuIpcCloseMemHandle", 0x1000)
        other.retain()
        other.ask("cuIpcCloseMemHandle", 0x1000)
        other.ask("cuIpcCloseMemHandle", other.make("cuMemAlloc_v2", 64))
        other.ask("cuIpcOpenMemHandle_v2", out(), ByValue(IpcHandle()), LAZY_PEER)
        other.ask("cuIpcOpenEventHandle", out(), ByValue(IpcHandle()))
        other.ask("cuIpcOpenEventHandle", out(), ByValue(wrong))
        event = IpcHandle()
        s.must("cuIpcGetEventHandle", event, s.make("cuEventCreate", INTERPROCESS))
        other.ask("cuIpcOpenMemHandle_v2", out(), ByValue(event), LAZY_PEER)


# ---- events of another process ---------------------------------------------------------------------------------------


@case("ipc.events", alone=True)
def ipc_events(s: Session) -> None:
    for flags in (4, 5, 6, 7):
        s.ask("cuEventCreate", out(), flags)
    event, handle, stream = s.make("cuEventCreate", INTERPROCESS), IpcHandle(), s.make("cuStreamCreate", 1)
    gate = s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", gate, 0, 64)
    s.must("cuCtxSynchronize")
    s.must("cuIpcGetEventHandle", handle, event)
    with Other(s) as other:
        other.ask("cuIpcOpenEventHandle", out(), ByValue(handle))
        other.retain()
        theirs = other.ask_made("cuIpcOpenEventHandle", ByValue(handle))
        again = other.ask_made("cuIpcOpenEventHandle", ByValue(handle))
        s.say("same", theirs == again)
        other.ask("cuEventQuery", theirs)
        their_stream = other.make("cuStreamCreate", 1)
        s.must("cuStreamWaitValue32_v2", stream, gate, 1, 0)
        s.must("cuEventRecord", event, stream)
        s.ask("cuEventQuery", event)
        other.ask("cuEventQuery", theirs)
        other.ask("cuEventQuery", again)
        other.ask("cuStreamWaitEvent", their_stream, theirs, 0)
        other.ask("cuStreamQuery", their_stream)
        s.must("cuMemsetD32_v2", gate, 1, 1)
        s.ask("cuStreamSynchronize", stream)
        other.ask("cuStreamSynchronize", their_stream)
        other.ask("cuEventSynchronize", theirs)
        other.ask("cuEventQuery", theirs)
        other.ask("cuEventRecord", theirs, their_stream)
        other.ask("cuStreamSynchronize", their_stream)
        s.ask("cuEventQuery", event)
        other.ask("cuEventElapsedTime", out(), theirs, theirs)
        other.ask("cuIpcGetEventHandle", IpcHandle(), theirs)
        other.ask("cuEventDestroy_v2", again)
        s.ask("cuEventDestroy_v2", event)
        other.ask("cuEventQuery", theirs)
        other.ask("cuEventRecord", theirs, their_stream)
        other.ask("cuEventSynchronize", theirs)
        other.ask("cuIpcOpenEventHandle", out(), ByValue(handle))
        other.ask("cuEventDestroy_v2", theirs)
        other.ask("cuIpcOpenEventHandle", out(), ByValue(handle))


@case("ipc.event_gone", alone=True)
def ipc_event_gone(s: Session) -> None:
    """Nobody has the event any more."""
    event, handle = s.make("cuEventCreate", INTERPROCESS), IpcHandle()
    s.must("cuIpcGetEventHandle", handle, event)
    with Other(s) as other:
        other.retain()
        theirs = other.ask_made("cuIpcOpenEventHandle", ByValue(handle))
        s.ask("cuEventDestroy_v2", event)
        other.ask("cuEventDestroy_v2", theirs)
        other.ask("cuIpcOpenEventHandle", out(), ByValue(handle))
        gone = IpcHandle()
        made = other.make("cuEventCreate", INTERPROCESS)
        other.must("cuIpcGetEventHandle", gone, made)
        of_memory = handle_of(other, other.make("cuMemAlloc_v2", 64))
        other.kill()
    s.ask("cuIpcOpenEventHandle", out(), ByValue(gone))
    s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(of_memory), LAZY_PEER)
    other_made = s.make("cuEventCreate", INTERPROCESS)
    s.must("cuIpcGetEventHandle", handle, other_made)
    s.ask("cuCtxSynchronize")


@case("ipc.events_back", alone=True)
def ipc_events_back(s: Session) -> None:
    """The importer records; the exporter waits. On another device, too."""
    event, handle, stream = s.make("cuEventCreate", INTERPROCESS), IpcHandle(), s.make("cuStreamCreate", 1)
    s.must("cuIpcGetEventHandle", handle, event)
    with Other(s) as other:
        other.retain()
        theirs, gate = other.ask_made("cuIpcOpenEventHandle", ByValue(handle)), other.make("cuMemAlloc_v2", 64)
        their_stream, releasing = other.make("cuStreamCreate", 1), other.make("cuStreamCreate", 1)
        other.must("cuMemsetD8_v2", gate, 0, 64)
        other.must("cuCtxSynchronize")
        other.must("cuStreamWaitValue32_v2", their_stream, gate, 1, 0)
        other.ask("cuEventRecord", theirs, their_stream)
        s.ask("cuEventQuery", event)
        s.ask("cuStreamWaitEvent", stream, event, 0)
        s.ask("cuStreamQuery", stream)
        s.ask("cuEventRecord", event, s.make("cuStreamCreate", 1))
        other.ask("cuStreamWriteValue32_v2", releasing, gate, 1, 0)
        other.ask("cuStreamSynchronize", their_stream)
        s.ask("cuStreamSynchronize", stream)
        s.ask("cuEventQuery", event)
        other.retain(1)
        far = other.ask_made("cuIpcOpenEventHandle", ByValue(handle))
        other.ask("cuEventQuery", far)
        other.ask("cuEventRecord", far, 0)
        other.ask("cuStreamWaitEvent", 0, far, 0)
        other.ask("cuCtxSynchronize")


@case("ipc.event_dies", alone=True)
def ipc_event_dies(s: Session) -> None:
    """The process dies whose stream has not come to the event that it recorded."""
    event, handle, stream = s.make("cuEventCreate", INTERPROCESS), IpcHandle(), s.make("cuStreamCreate", 1)
    s.must("cuIpcGetEventHandle", handle, event)
    with Other(s) as other:
        other.retain()
        theirs, gate = other.ask_made("cuIpcOpenEventHandle", ByValue(handle)), other.make("cuMemAlloc_v2", 64)
        their_stream = other.make("cuStreamCreate", 1)
        other.must("cuMemsetD8_v2", gate, 0, 64)
        other.must("cuStreamWaitValue32_v2", their_stream, gate, 1, 0)
        other.must("cuEventRecord", theirs, their_stream)
        s.ask("cuEventQuery", event)
        other.kill()
    s.ask("cuCtxSynchronize")
    s.ask("cuEventQuery", event)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuEventQuery", event)


# ---- by file descriptor ----------------------------------------------------------------------------------------------


def exported(s: Session, handle: int) -> int:
    """A descriptor of physical memory."""
    found = numbers(0, 0)
    s.ask("cuMemExportToShareableHandle", found, handle, FILE_DESCRIPTOR, 0)
    return found[0]


def mapped(s: Session, handle: int, size: int = PAGE) -> int:
    addresses = s.make("cuMemAddressReserve", size, 0, 0, 0)
    s.ask("cuMemMap", addresses, size, 0, handle, 0)
    s.ask("cuMemSetAccess", addresses, size, AccessDesc(1, 0, 3), 1)
    return addresses


@case("descriptor.memory", alone=True)
def descriptor_memory(s: Session) -> None:
    plain = s.make("cuMemCreate", PAGE, physical(), 0)
    s.ask("cuMemExportToShareableHandle", numbers(0, 0), plain, FILE_DESCRIPTOR, 0)
    handle = s.make("cuMemCreate", 32 * PAGE, physical(requestedHandleTypes=1), 0)
    s.ask("cuMemExportToShareableHandle", numbers(0, 0), handle, 2, 0)
    s.ask("cuMemExportToShareableHandle", numbers(0, 0), handle, 8, 0)
    s.ask("cuMemExportToShareableHandle", numbers(0, 0), handle, FILE_DESCRIPTOR, 1)
    s.ask("cuMemExportToShareableHandle", None, handle, FILE_DESCRIPTOR, 0)
    descriptor, again = exported(s, handle), exported(s, handle)
    s.say("same", descriptor == again)
    s.say("inherited", os.get_inheritable(descriptor))
    addresses = mapped(s, handle, 32 * PAGE)
    s.must("cuMemsetD8_v2", addresses, 1, 32 * PAGE)
    s.must("cuCtxSynchronize")
    back = s.ask_made("cuMemImportFromShareableHandle", descriptor, FILE_DESCRIPTOR)
    s.say("same", back == handle)
    s.ask("cuMemRelease", back)
    with Other(s) as other:
        sent = other.send(descriptor)
        other.ask("cuMemImportFromShareableHandle", out(), sent, FILE_DESCRIPTOR)
        other.retain()
        before = free_bytes(other)
        theirs = other.ask_made("cuMemImportFromShareableHandle", sent, FILE_DESCRIPTOR)
        s.say("counted", before - free_bytes(other))
        twice = other.ask_made("cuMemImportFromShareableHandle", sent, FILE_DESCRIPTOR)
        s.say("same", twice == theirs)
        found = AllocationProp()
        other.ask("cuMemGetAllocationPropertiesFromHandle", found, theirs)
        s.say("properties", [found.type, found.requestedHandleTypes, found.locationType, found.locationId])
        there = mapped(other, theirs, 32 * PAGE)
        byte_at(other, "byte", there)
        other.must("cuMemsetD8_v2", there, 2, 8)
        other.must("cuCtxSynchronize")
        byte_at(s, "byte", addresses)
        other.ask_value("cuPointerGetAttribute", 14, there)
        other.ask("cuMemExportToShareableHandle", numbers(0, 0), theirs, FILE_DESCRIPTOR, 0)
        s.ask("cuMemUnmap", addresses, 32 * PAGE)
        s.ask("cuMemRelease", handle)
        before = free_bytes(s)
        os.close(descriptor)
        os.close(again)
        byte_at(other, "byte", there)
        other.ask("cuMemUnmap", there, 32 * PAGE)
        other.ask("cuMemRelease", theirs)
        other.ask("cuMemRelease", twice)
        other.ask("cuMemRelease", twice)
        s.say("freed", free_bytes(s) - before)
        theirs = other.ask_made("cuMemImportFromShareableHandle", sent, FILE_DESCRIPTOR)
        there = mapped(other, theirs, 32 * PAGE)
        byte_at(other, "byte", there)


@case("descriptor.wrong", alone=True)
def descriptor_wrong(s: Session) -> None:
    reading, writing = os.pipe()
    null = os.open("/dev/null", os.O_RDWR)
    near, far = socket.socketpair()
    closed = os.dup(null)
    os.close(closed)
    for given in (reading, writing, null, near.fileno(), far.fileno(), closed, (1 << 64) - 1):
        s.ask("cuMemImportFromShareableHandle", out(), given, FILE_DESCRIPTOR)
        s.ask("cuMemPoolImportFromShareableHandle", out(), given, FILE_DESCRIPTOR, 0)
    handle = s.make("cuMemCreate", PAGE, physical(requestedHandleTypes=1), 0)
    pool = s.make("cuMemPoolCreate", pooled(handleTypes=1))
    of_memory, of_pool = exported(s, handle), numbers(0, 0)
    s.ask("cuMemPoolExportToShareableHandle", of_pool, pool, FILE_DESCRIPTOR, 0)
    s.ask("cuMemImportFromShareableHandle", out(), of_pool[0], FILE_DESCRIPTOR)
    s.ask("cuMemPoolImportFromShareableHandle", out(), of_memory, FILE_DESCRIPTOR, 0)
    s.ask("cuMemImportFromShareableHandle", out(), of_memory, 2)
    s.ask("cuMemImportFromShareableHandle", out(), of_memory, 0)
    s.ask("cuMemPoolImportFromShareableHandle", out(), of_pool[0], FILE_DESCRIPTOR, 1)
    s.ask("cuMemPoolImportFromShareableHandle", out(), of_pool[0], 2, 0)
    s.ask("cuMemImportFromShareableHandle", None, of_memory, FILE_DESCRIPTOR)


@case("descriptor.pool_alone", alone=True)
def descriptor_pool_alone(s: Session) -> None:
    """A pool that nothing is imported from, its exporter's end, its own process's."""
    pool, descriptor = s.make("cuMemPoolCreate", pooled(handleTypes=1)), numbers(0, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, pool, FILE_DESCRIPTOR, 0)
    s.ask("cuMemPoolImportFromShareableHandle", None, descriptor[0], 2, 0)
    mine = s.ask_made("cuMemPoolImportFromShareableHandle", descriptor[0], FILE_DESCRIPTOR, 0)
    s.say("same", mine == pool)
    s.ask("cuMemPoolDestroy", mine)
    with Other(s) as other:
        other.retain()
        sent = other.send(descriptor[0])
        imported = other.ask_made("cuMemPoolImportFromShareableHandle", sent, FILE_DESCRIPTOR, 0)
        again = other.ask_made("cuMemPoolImportFromShareableHandle", sent, FILE_DESCRIPTOR, 0)
        s.say("same", imported == again)
        other.ask("cuMemPoolDestroy", again)
        other.ask("cuMemPoolDestroy", imported)
        memory, exported_pointer = s.make("cuMemAllocFromPoolAsync", 64, pool, 0), out(64)
        s.must("cuStreamSynchronize", 0)
        s.must("cuMemPoolExportPointer", exported_pointer, memory)
        other.ask("cuMemPoolImportPointer", out(), imported, exported_pointer)
        other.ask("cuMemPoolImportPointer", out(), imported, out(64))
        s.ask("cuMemFreeAsync", memory, 0)
        s.ask("cuMemPoolDestroy", pool)
        s.ask("cuStreamSynchronize", 0)
        other.ask("cuMemPoolImportFromShareableHandle", out(), sent, FILE_DESCRIPTOR, 0)


@case("descriptor.exporter_dies", alone=True)
def descriptor_exporter_dies(s: Session) -> None:
    handle = s.make("cuMemCreate", PAGE, physical(requestedHandleTypes=1), 0)
    descriptor, addresses = exported(s, handle), mapped(s, handle)
    s.must("cuMemsetD8_v2", addresses, 3, 8)
    s.must("cuCtxSynchronize")
    with Other(s) as other:
        other.retain()
        theirs = other.ask_made("cuMemImportFromShareableHandle", other.send(descriptor), FILE_DESCRIPTOR)
        there = mapped(other, theirs)
        other.must("cuMemsetD8_v2", there + 1, 4, 1)
        other.must("cuCtxSynchronize")
        other.kill()
    byte_at(s, "byte", addresses)
    byte_at(s, "byte", addresses + 1)
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask("cuMemRelease", handle)


@case("descriptor.other_device", alone=True)
def descriptor_other_device(s: Session) -> None:
    handle = s.make("cuMemCreate", PAGE, physical(requestedHandleTypes=1, locationId=1), 0)
    descriptor = exported(s, handle)
    with Other(s) as other:
        other.retain()
        theirs = other.ask_made("cuMemImportFromShareableHandle", other.send(descriptor), FILE_DESCRIPTOR)
        found = AllocationProp()
        other.ask("cuMemGetAllocationPropertiesFromHandle", found, theirs)
        s.say("location", [found.locationType, found.locationId])
        there = mapped(other, theirs)
        other.ask("cuMemsetD8_v2", there, 1, 8)


@case("descriptor.host", alone=True)
def descriptor_host(s: Session) -> None:
    for kind in (2, 3):
        handle = s.ask_made("cuMemCreate", PAGE, physical(requestedHandleTypes=1, locationType=kind), 0)
        if handle:
            exported(s, handle)
        pool = s.ask_made("cuMemPoolCreate", pooled(handleTypes=1, locationType=kind))
        if pool:
            s.ask("cuMemPoolExportToShareableHandle", numbers(0, 0), pool, FILE_DESCRIPTOR, 0)


@case("descriptor.pool", alone=True)
def descriptor_pool(s: Session) -> None:
    pool, descriptor = s.make("cuMemPoolCreate", pooled(handleTypes=1)), numbers(0, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, pool, FILE_DESCRIPTOR, 0)
    memory, exported_pointer = s.make("cuMemAllocFromPoolAsync", 8 * MIB, pool, 0), out(64)
    small, of_small = s.make("cuMemAllocFromPoolAsync", 100, pool, 0), out(64)
    s.must("cuMemsetD8Async", memory, 1, 8 * MIB, 0)
    s.must("cuMemsetD8Async", small, 2, 100, 0)
    s.must("cuStreamSynchronize", 0)
    s.ask("cuMemPoolExportPointer", exported_pointer, memory)
    s.ask("cuMemPoolExportPointer", of_small, small)
    s.ask("cuIpcGetMemHandle", IpcHandle(), memory)
    with Other(s) as other:
        sent = other.send(descriptor[0])
        other.ask("cuMemPoolImportFromShareableHandle", out(), sent, FILE_DESCRIPTOR, 0)
        other.retain()
        imported = other.ask_made("cuMemPoolImportFromShareableHandle", sent, FILE_DESCRIPTOR, 0)
        before = free_bytes(other)
        there = other.ask_made("cuMemPoolImportPointer", imported, exported_pointer)
        s.say("counted", before - free_bytes(other))
        byte_at(other, "byte", there)
        other.must("cuMemsetD8_v2", there + 1, 5, 1)
        other.must("cuCtxSynchronize")
        byte_at(s, "byte", memory + 1)
        twice = other.ask_made("cuMemPoolImportPointer", imported, exported_pointer)
        s.say("same", twice == there)
        near = other.ask_made("cuMemPoolImportPointer", imported, of_small)
        byte_at(other, "byte", near + 99)
        size = words(0)
        other.ask("cuMemGetAddressRange_v2", out(), size, near)
        s.say("size", size[0])
        for attribute in (2, 9, 10, 13, 14):
            other.ask_value("cuPointerGetAttribute", attribute, there)
        for attribute in (1, 4, 5, 6, 7, 8):
            read(other, imported, attribute)
        other.ask("cuMemPoolSetAttribute", imported, 4, words(1 << 20))
        other.ask("cuMemPoolTrimTo", imported, 0)
        flags_of(other, imported, Location(1, 0))
        other.ask("cuMemPoolSetAccess", imported, AccessDesc(1, 0, 3), 1)
        other.ask("cuMemPoolSetAccess", imported, AccessDesc(1, 1, 3), 1)
        other.ask("cuMemAllocFromPoolAsync", out(), 64, imported, 0)
        other.ask("cuDeviceSetMemPool", 0, imported)
        other.ask("cuMemPoolExportPointer", out(64), there)
        other.ask("cuMemPoolExportToShareableHandle", numbers(0, 0), imported, FILE_DESCRIPTOR, 0)
        other.ask("cuIpcCloseMemHandle", there)
        other.ask("cuMemFree_v2", near)
        other.ask("cuMemFreeAsync", there, 0)
        other.ask("cuMemFreeAsync", there, 0)
        other.ask("cuStreamSynchronize", 0)
        other.ask("cuMemcpyDtoH_v2", out(), there, 8)
        other.ask("cuMemPoolImportPointer", out(), imported, exported_pointer)
        other.ask("cuMemPoolDestroy", imported)
        s.ask("cuMemFreeAsync", memory, 0)
        s.ask("cuMemFreeAsync", small, 0)
        s.ask("cuStreamSynchronize", 0)
        s.ask("cuMemPoolDestroy", pool)


@case("descriptor.pool_order", alone=True)
def descriptor_pool_order(s: Session) -> None:
    """The exporter frees first; what was exported is imported later; the pool ends before what is imported."""
    pool, descriptor = s.make("cuMemPoolCreate", pooled(handleTypes=1)), numbers(0, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, pool, FILE_DESCRIPTOR, 0)
    memory, late = (
        s.make("cuMemAllocFromPoolAsync", 8 * MIB, pool, 0),
        s.make("cuMemAllocFromPoolAsync", 8 * MIB, pool, 0),
    )
    s.must("cuMemsetD8Async", memory, 1, 8 * MIB, 0)
    s.must("cuStreamSynchronize", 0)
    first, second_pointer = out(64), out(64)
    s.must("cuMemPoolExportPointer", first, memory)
    s.must("cuMemPoolExportPointer", second_pointer, late)
    with Other(s) as other:
        other.retain()
        imported = other.ask_made("cuMemPoolImportFromShareableHandle", other.send(descriptor[0]), FILE_DESCRIPTOR, 0)
        there = other.ask_made("cuMemPoolImportPointer", imported, first)
        s.ask("cuMemFreeAsync", memory, 0)
        s.ask("cuMemFreeAsync", late, 0)
        s.ask("cuStreamSynchronize", 0)
        byte_at(other, "byte", there)
        other.ask("cuMemPoolImportPointer", out(), imported, second_pointer)
        s.ask("cuMemPoolDestroy", pool)
        byte_at(other, "byte", there)
        other.ask("cuMemPoolDestroy", imported)
        byte_at(other, "byte", there)
        other.ask("cuMemFreeAsync", there, 0)
        other.ask("cuStreamSynchronize", 0)
