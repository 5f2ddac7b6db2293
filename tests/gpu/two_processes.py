"""What two processes of a virtual machine share, asked with tests/gpu/misuses: prints what each of them finds."""

from __future__ import annotations

import ctypes
import os
import sys
from time import sleep

from misuses.layouts import AccessDesc, IpcHandle
from misuses.mapping import PAGE, props
from misuses.other import Other
from misuses.peers import INTERPROCESS, LAZY_PEER, exported, free_bytes, handle_of, mapped
from misuses.pools import props as pooled
from misuses.session import MIB, ByValue, Session, numbers, out


def show(label: str, value: object) -> None:
    print(label, value)


def resident() -> int:
    """MiB of the process's own and of shared memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // MIB


def byte(s: Session, address: int) -> int:
    found = out(1)
    s.must("cuMemcpyDtoH_v2", found, address, 1)
    return int(found[0])


def opened(s: Session, handle: IpcHandle) -> int:
    return s.make("cuIpcOpenMemHandle_v2", ByValue(handle), LAZY_PEER)


def kernels(s: Session, other: Other) -> None:
    """A body writes here what the other process reads, and the other way round."""
    theirs = other.make("cuMemAlloc_v2", 64)
    other.must("cuMemsetD8_v2", theirs, 1, 64)
    mine = opened(s, handle_of(other, theirs))
    show("launch", s.launch(s.function("add"), 1, 1, 0, mine, 4))
    show("there", byte(other, theirs))
    own = s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", own, 0, 64)
    there = opened(other, handle_of(s, own))
    s.must("cuMemsetD8_v2", own, 9, 1)
    show("launch", s.launch(s.function("add"), 1, 1, 0, own, 2))
    show("there", byte(other, there))


def large(s: Session, other: Other) -> None:
    """What is not written takes nothing, shared or not."""
    size = 60 << 30
    before = resident()
    own = s.make("cuMemAlloc_v2", size)
    s.must("cuMemsetD8_v2", own, 3, MIB)
    there = opened(other, handle_of(s, own))
    show("first", byte(other, there))
    show("last", byte(other, there + size - 1))
    other.must("cuMemsetD8_v2", there + size - MIB, 4, MIB)
    show("last", byte(s, own + size - 1))
    show("small", resident() - before < 64)
    s.must("cuMemFree_v2", own)
    again = s.make("cuMemAlloc_v2", size)
    show("fresh", again == own and byte(s, again) == byte(s, again + size - 1) == 0)
    show("kept", byte(other, there))


def counted(s: Session, other: Other) -> None:
    """Once for all: by who has allocated it, then by one who still has it."""
    alone = free_bytes(s)
    theirs = other.make("cuMemAlloc_v2", 64 * MIB)
    show("allocated", (alone - free_bytes(s)) // MIB)
    mine = opened(s, handle_of(other, theirs))
    show("opened", (alone - free_bytes(s)) // MIB)
    other.must("cuMemFree_v2", theirs)
    show("freed", (alone - free_bytes(s)) // MIB)
    s.must("cuIpcCloseMemHandle", mine)
    while free_bytes(s) != alone:
        sleep(0.01)
    mine = opened(s, handle_of(other, other.make("cuMemAlloc_v2", 32 * MIB)))
    with_both = free_bytes(s)
    other.kill()
    context = free_bytes(s) - with_both
    show("only its context is free", 500 < context // MIB < 560)
    s.must("cuIpcCloseMemHandle", mine)
    show("closed", (free_bytes(s) - with_both - context) // MIB)


def physical(s: Session, other: Other) -> None:
    """Mappings by a descriptor: a body writes there, whoever has mapped it first."""
    size = 2048 * PAGE
    handle = s.make("cuMemCreate", size, props(requestedHandleTypes=1), 0)
    descriptor = exported(s, handle)
    before = resident()
    own = mapped(s, handle, size)
    there = mapped(other, other.make("cuMemImportFromShareableHandle", other.send(descriptor), 1), size)
    os.close(descriptor)
    other.must("cuMemsetD8_v2", there, 1, PAGE)
    show("launch", s.launch(s.function("add"), 1, 1, 0, own, 4))
    show("there", byte(other, there))
    show("last", byte(other, there + size - 1))
    show("small", resident() - before < 64)
    alone = free_bytes(s)
    s.must("cuMemUnmap", own, size)
    s.must("cuMemRelease", handle)
    show("counted", free_bytes(s) == alone)
    other.kill()
    while free_bytes(s) < alone + size:
        sleep(0.01)


def pool(s: Session, other: Other) -> None:
    """Memory of a pool, in the order in which CUDA wants it freed."""
    made, descriptor, pointer = s.make("cuMemPoolCreate", pooled(handleTypes=1)), numbers(0, 0), out(64)
    s.must("cuMemPoolExportToShareableHandle", descriptor, made, 1, 0)
    own = s.make("cuMemAllocFromPoolAsync", 4096, made, 0)
    s.must("cuMemsetD8_v2", own, 1, 4096)
    s.must("cuMemPoolExportPointer", pointer, own)
    imported = other.make("cuMemPoolImportFromShareableHandle", other.send(descriptor[0]), 1, 0)
    there = other.make("cuMemPoolImportPointer", imported, pointer)
    show("launch", s.launch(s.function("add"), 1, 1, 0, own, 4))
    show("there", byte(other, there))
    other.must("cuMemsetD8_v2", there, 9, 1)
    show("here", byte(s, own))
    other.must("cuMemFreeAsync", there, 0)
    s.must("cuMemFreeAsync", own, 0)
    again = s.make("cuMemAllocFromPoolAsync", 4096, made, 0)
    show("fresh", byte(s, again))
    other.kill()
    s.must("cuMemFreeAsync", again, 0)
    s.must("cuMemPoolDestroy", made)


def host(s: Session, _other: Other) -> None:
    """Pools of the host and managed ones: the program and a body write the same bytes, and the device has its room."""
    add, alone = s.function("add"), free_bytes(s)
    for kind, place in ((1, 2), (1, 3), (2, 1), (2, 0)):
        made = s.make("cuMemPoolCreate", pooled(allocType=kind, locationType=place))
        memory = s.make("cuMemAllocFromPoolAsync", 4 * MIB, made, 0)
        s.must("cuMemPoolSetAccess", made, AccessDesc(1, 0, 3), 1)
        number = ctypes.c_uint32.from_address(memory)
        number.value = 3
        show("launch", s.launch(add, 1, 1, 0, memory, 4))
        show("number", number.value)
        s.must("cuMemFreeAsync", memory, 0)
        again = s.make("cuMemAllocFromPoolAsync", 4 * MIB, made, 0)
        show("fresh", ctypes.c_uint32.from_address(again).value)
        s.must("cuMemFreeAsync", again, 0)
        s.must("cuMemPoolDestroy", made)
    handle = s.make("cuMemCreate", PAGE, props(locationType=2), 0)
    addresses = mapped(s, handle)
    s.must("cuMemsetD8_v2", addresses, 1, 64)
    s.launch(add, 1, 1, 0, addresses, 4)
    show("mapped", byte(s, addresses))
    show("counted", alone - free_bytes(s))


def events(s: Session, other: Other) -> None:
    """The importer's stream does nothing before the exporter's has come to the event."""
    gate, stream = s.make("cuMemAlloc_v2", 64), s.make("cuStreamCreate", 1)
    data = s.make("cuMemAlloc_v2", 64)
    s.must("cuMemsetD8_v2", gate, 0, 64)
    event, handle = s.make("cuEventCreate", INTERPROCESS), IpcHandle()
    s.must("cuIpcGetEventHandle", handle, event)
    s.must("cuStreamWaitValue32_v2", stream, gate, 1, 0)
    s.must("cuMemsetD8Async", data, 7, 64, stream)
    s.must("cuEventRecord", event, stream)
    there, waiting = other.make("cuIpcOpenEventHandle", ByValue(handle)), other.make("cuStreamCreate", 1)
    seen, copy = opened(other, handle_of(s, data)), other.make("cuMemAlloc_v2", 64)
    other.must("cuStreamWaitEvent", waiting, there, 0)
    other.must("cuMemcpyDtoDAsync_v2", copy, seen, 64, waiting)
    show("query", other.call("cuStreamQuery", waiting))
    s.must("cuMemsetD32_v2", gate, 1, 1)
    other.must("cuStreamSynchronize", waiting)
    show("copied", byte(other, copy))
    show("query", other.call("cuEventQuery", there))


def main(ask: str) -> None:
    session = Session("libcuda.so.1", show)
    session.must("cuInit", 0)
    session.primary = session.make("cuDevicePrimaryCtxRetain", 0)
    session.must("cuCtxSetCurrent", session.primary)
    with Other(session) as other:
        other.retain()
        globals()[ask](session, other)


if __name__ == "__main__":
    main(sys.argv[1])
