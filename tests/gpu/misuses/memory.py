"""Linear, pinned and managed memory, copies and fills, what is said about addresses, IPC."""

from __future__ import annotations

import ctypes
import mmap

from misuses.layouts import IpcHandle, Memcpy2D, Memcpy3D
from misuses.session import MIB, ByValue, Session, address, case, number, numbers, out, words

HOST, DEVICE = 1, 2
CPU = -1


@case("memory.allocate")
def allocate(s: Session) -> None:
    s.ask("cuMemAlloc_v2", out(), 0)
    s.ask("cuMemAlloc_v2", None, 64)
    for size in (1 << 40, 1 << 50, 1 << 63, (1 << 64) - 1):
        s.ask("cuMemAlloc_v2", out(), size)
    s.ask("cuMemGetInfo_v2", None, None)
    s.ask("cuMemGetInfo_v2", out(), None)
    s.ask("cuMemGetInfo_v2", None, out())


@case("memory.pitch")
def pitch(s: Session) -> None:
    for width, height, element in (
        (100, 4, 4),
        (100, 4, 8),
        (100, 4, 16),
        (100, 4, 1),
        (100, 4, 3),
        (100, 4, 0),
        (100, 4, 32),
        (0, 4, 4),
        (100, 0, 4),
        (513, 2, 4),
        ((1 << 31) - 1, 1 << 20, 4),
        (1 << 32, 1, 4),
    ):
        found, row = out(), words(0)
        s.ask("cuMemAllocPitch_v2", found, row, width, height, element)
        s.say("pitch", row[0])
        if number(found):
            s.must("cuMemFree_v2", number(found))
    s.ask("cuMemAllocPitch_v2", None, words(0), 100, 4, 4)
    s.ask("cuMemAllocPitch_v2", out(), None, 100, 4, 4)


@case("memory.free")
def free(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 4096), out(64)
    s.ask("cuMemFree_v2", 0)
    s.ask("cuMemFree_v2", memory + 256)
    s.ask("cuMemFree_v2", memory + 4096)
    s.ask("cuMemFree_v2", address(room))
    s.ask("cuMemFree_v2", 0x1000)
    s.ask("cuMemFree_v2", (1 << 64) - 256)
    s.ask("cuMemFreeHost", memory)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemcpyDtoH_v2", room, memory, 8)


@case("memory.copy.nothing")
def copy_nothing(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 64)
    for to, source in ((0, 0), (0x1000, 0x1000), (memory, 0), (0, memory)):
        s.ask("cuMemcpyHtoD_v2", to, source, 0)
        s.ask("cuMemcpyDtoH_v2", to, source, 0)
        s.ask("cuMemcpyDtoD_v2", to, source, 0)
        s.ask("cuMemcpy", to, source, 0)
        s.ask("cuMemcpyHtoDAsync_v2", to, source, 0, 0)
        s.ask("cuMemcpyDtoDAsync_v2", to, source, 0, 0)
    s.ask("cuMemsetD8_v2", 0, 0, 0)
    s.ask("cuMemsetD8_v2", 0x1000, 0, 0)
    s.ask("cuMemsetD32Async", 0, 0, 0, 0)
    s.must("cuMemFree_v2", memory)


@case("memory.copy.null")
def copy_null(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 64)
    s.ask("cuMemcpyHtoD_v2", memory, None, 8)
    s.ask("cuMemcpyHtoD_v2", 0, out(), 8)
    s.ask("cuMemcpyDtoH_v2", None, memory, 8)
    s.ask("cuMemcpyDtoH_v2", out(), 0, 8)
    s.ask("cuMemcpyDtoD_v2", memory, 0, 8)
    s.ask("cuMemcpyDtoD_v2", 0, memory, 8)
    s.ask("cuMemcpy", 0, memory, 8)
    s.ask("cuMemcpy", memory, 0, 8)
    s.ask("cuMemsetD8_v2", 0, 0, 8)
    s.ask("cuMemsetD32_v2", 0, 0, 8)
    s.must("cuMemFree_v2", memory)


@case("memory.copy.beyond", alone=True)
def copy_beyond(s: Session) -> None:
    """Allocations below and above 1 MiB, one byte too many."""
    for size in (1000, 4096, 3 * MIB):
        memory, other, room = s.make("cuMemAlloc_v2", size), s.make("cuMemAlloc_v2", size), out(size + 1)
        for count in (size, size + 1):
            s.ask("cuMemcpyHtoD_v2", memory, room, count)
            s.ask("cuMemcpyDtoH_v2", room, memory, count)
            s.ask("cuMemcpyDtoD_v2", other, memory, count)
            s.ask("cuMemcpyDtoDAsync_v2", other, memory, count, 0)
            s.ask("cuMemcpyHtoDAsync_v2", memory, room, count, 0)
            s.ask("cuMemcpy", memory, address(room), count)
            s.ask("cuMemsetD8_v2", memory, 0, count)
            s.ask("cuMemsetD8Async", memory, 0, count, 0)
        s.ask("cuMemcpyHtoD_v2", memory + size, room, 1)
        s.ask("cuMemcpyHtoD_v2", memory - 1, room, 1)
        s.ask("cuMemsetD8_v2", memory + size, 0, 1)
        s.ask("cuMemsetD16_v2", memory + size - 2, 0, 2)
        s.ask("cuMemsetD32_v2", memory + size - 4, 0, 2)
        s.ask("cuMemsetD2D8_v2", memory, size, 0, size, 2)
        s.ask("cuCtxSynchronize")


@case("memory.copy.neighbours", alone=True)
def neighbours(s: Session) -> None:
    for size in (512, 2 * MIB):
        memory = [s.make("cuMemAlloc_v2", size) for _ in range(8)]
        lower = next((one for one in memory if one + size in memory), 0)
        s.say("neighbours", lower != 0)
        if lower:
            room = out(size * 2)
            s.ask("cuMemcpyDtoH_v2", room, lower, size * 2)
            s.ask("cuMemcpyHtoD_v2", lower, room, size * 2)
            s.ask("cuMemsetD8_v2", lower, 0, size * 2)
            s.ask("cuMemcpyDtoH_v2", room, lower + size - 4, 8)
            s.ask("cuMemcpyDtoHAsync_v2", room, lower + size - 4, 8, 0)
    s.ask("cuCtxSynchronize")


@case("memory.copy.host_as_device")
def host_as_device(s: Session) -> None:
    memory, pinned = s.make("cuMemAlloc_v2", 64), s.make("cuMemHostAlloc", 4096, 0)
    room = out(64)
    host = address(room)
    s.ask("cuMemcpyDtoH_v2", room, host, 8)
    s.ask("cuMemcpyHtoD_v2", host, room, 8)
    s.ask("cuMemcpyDtoD_v2", host, memory, 8)
    s.ask("cuMemcpyDtoD_v2", memory, host, 8)
    s.ask("cuMemcpy", host, host, 8)
    s.ask("cuMemcpy", host, memory, 8)
    s.ask("cuMemcpyHtoD_v2", memory, memory, 8)
    s.ask("cuMemcpyDtoH_v2", memory, memory, 8)
    s.ask("cuMemcpyDtoD_v2", memory, pinned, 8)
    s.ask("cuMemcpyDtoD_v2", pinned, memory, 8)
    s.ask("cuMemcpyHtoD_v2", pinned, room, 8)
    s.ask("cuMemcpyHtoD_v2", memory, pinned + 4090, 8)
    s.ask("cuMemsetD8_v2", pinned, 0, 8)
    s.ask("cuMemsetD8_v2", pinned, 0, 4097)
    s.ask("cuMemcpyDtoDAsync_v2", memory, memory + 4, 8, 0)
    s.ask("cuCtxSynchronize")
    s.must("cuMemFreeHost", pinned)


@case("memory.set.host")
def set_host(s: Session) -> None:
    room = out(4096)
    s.ask("cuMemsetD8_v2", address(room), 1, 8)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemsetD8_v2", 0x1000, 1, 8)
    s.ask("cuCtxSynchronize")


@case("memory.set.unaligned")
def set_unaligned(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 64)
    s.ask("cuMemsetD16_v2", memory + 1, 0, 2)
    s.ask("cuMemsetD16Async", memory + 1, 0, 2, 0)
    for offset in (1, 2):
        s.ask("cuMemsetD32_v2", memory + offset, 0, 2)
        s.ask("cuMemsetD32Async", memory + offset, 0, 2, 0)
    s.ask("cuMemsetD2D32_v2", memory + 2, 16, 0, 2, 2)
    s.ask("cuMemsetD2D32_v2", memory, 10, 0, 2, 2)
    s.ask("cuMemsetD2D16_v2", memory, 9, 0, 2, 2)
    s.ask("cuMemsetD2D8_v2", memory, 4, 0, 8, 2)
    s.ask("cuMemsetD2D8_v2", memory, 0, 0, 8, 1)
    s.ask("cuMemsetD2D8_v2", memory, 0, 0, 8, 2)
    s.ask("cuMemsetD2D8_v2", memory, 8, 0, 0, 2)
    s.ask("cuMemsetD2D8_v2", memory, 8, 0, 8, 0)
    s.ask("cuMemsetD32_v2", memory, 0, 1 << 62)
    s.must("cuMemFree_v2", memory)


def plane(to: int, source: int, width: int, height: int, **given: int) -> Memcpy2D:
    return Memcpy2D(
        **{
            "srcMemoryType": HOST,
            "srcHost": source,
            "dstMemoryType": DEVICE,
            "dstDevice": to,
            "WidthInBytes": width,
            "Height": height,
            **given,
        }
    )


@case("memory.copy.2d")
def copy_2d(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 4096), out(8192)
    host = address(room)
    copies: list[Memcpy2D | None] = [
        None,
        Memcpy2D(),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64),
        plane(memory, host, 64, 4),
        plane(memory, host, 64, 1),
        plane(memory, host, 64, 4, srcPitch=32, dstPitch=64),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=32),
        plane(memory, host, 64, 1, srcPitch=32, dstPitch=32),
        plane(memory, host, 0, 4, srcPitch=64, dstPitch=64),
        plane(memory, host, 64, 0, srcPitch=64, dstPitch=64),
        plane(0, 0, 0, 0),
        plane(0, host, 64, 4, srcPitch=64, dstPitch=64),
        plane(memory, 0, 64, 4, srcPitch=64, dstPitch=64),
        plane(memory, host, 64, 64, srcPitch=64, dstPitch=64),
        plane(memory, host, 64, 65, srcPitch=64, dstPitch=64),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, dstXInBytes=8),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, dstY=61),
        plane(memory, host, 64, 2, srcPitch=64, dstPitch=1 << 31),
        plane(memory, host, 64, 1, srcPitch=64, dstPitch=1 << 31),
        plane(memory, host, 64, 1, srcPitch=1 << 32, dstPitch=64),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, srcMemoryType=0),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, srcMemoryType=9),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, dstMemoryType=3),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, srcMemoryType=4, srcDevice=host),
        plane(memory, host, 64, 4, srcPitch=64, dstPitch=64, srcMemoryType=2, srcDevice=host),
        plane(memory, host, 64, 4, srcPitch=66, dstPitch=65),
    ]
    for copy in copies:
        for name in ("cuMemcpy2D_v2", "cuMemcpy2DUnaligned_v2"):
            s.ask(name, copy)
        s.ask("cuMemcpy2DAsync_v2", copy, 0)
    s.ask("cuCtxSynchronize")


@case("memory.copy.3d")
def copy_3d(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 4096), out(8192)
    host = address(room)

    def volume(width: int, height: int, depth: int, **given: int) -> Memcpy3D:
        whole = {"srcMemoryType": HOST, "srcHost": host, "dstMemoryType": DEVICE, "dstDevice": memory}
        pitches = {"srcPitch": 64, "srcHeight": 4, "dstPitch": 64, "dstHeight": 4}
        return Memcpy3D(**{**whole, **pitches, "WidthInBytes": width, "Height": height, "Depth": depth, **given})

    copies: list[Memcpy3D | None] = [
        None,
        Memcpy3D(),
        volume(64, 4, 2),
        volume(0, 4, 2),
        volume(64, 0, 2),
        volume(64, 4, 0),
        volume(64, 4, 17),
        volume(64, 4, 2, dstHeight=2),
        volume(64, 4, 2, srcHeight=2),
        volume(64, 4, 2, dstPitch=32),
        volume(64, 4, 2, srcHeight=0, dstHeight=0),
        volume(64, 4, 1, srcHeight=0, dstHeight=0),
        volume(64, 1, 1, srcPitch=0, dstPitch=0, srcHeight=0, dstHeight=0),
        volume(64, 4, 2, srcLOD=1),
        volume(64, 4, 2, dstLOD=1),
        volume(64, 4, 2, reserved0=1),
        volume(64, 4, 2, reserved1=1),
        volume(64, 4, 2, dstZ=15),
        volume(64, 4, 2, dstMemoryType=0),
        volume(64, 4, 2, dstDevice=0),
    ]
    for copy in copies:
        s.ask("cuMemcpy3D_v2", copy)
        s.ask("cuMemcpy3DAsync_v2", copy, 0)
    s.ask("cuCtxSynchronize")


@case("memory.pinned")
def pinned(s: Session) -> None:
    s.ask("cuMemAllocHost_v2", out(), 0)
    s.ask("cuMemAllocHost_v2", None, 64)
    s.ask("cuMemAllocHost_v2", out(), 1 << 60)
    s.ask("cuMemHostAlloc", out(), 0, 0)
    s.ask("cuMemHostAlloc", None, 64, 0)
    for flags in (0, 1, 2, 3, 4, 7, 8, 16, 0x80000000):
        found, said = out(), numbers(0)
        s.ask("cuMemHostAlloc", found, 64, flags)
        if number(found):
            s.ask("cuMemHostGetFlags", said, number(found))
            s.say("flags", said[0])
            s.must("cuMemFreeHost", number(found))
    memory, room = s.make("cuMemAllocHost_v2", 4096), out(64)
    s.ask("cuMemHostGetFlags", said, memory)
    s.say("flags", said[0])
    s.ask("cuMemHostGetFlags", said, memory + 16)
    s.ask("cuMemHostGetFlags", None, memory)
    s.ask("cuMemHostGetFlags", said, room)
    s.ask("cuMemHostGetFlags", said, 0)
    for where, flags in ((memory, 0), (memory + 16, 0), (memory, 1), (address(room), 0), (0, 0)):
        device = out()
        s.ask("cuMemHostGetDevicePointer_v2", device, where, flags)
        s.say("same", number(device) == where)
    s.ask("cuMemHostGetDevicePointer_v2", None, memory, 0)
    s.ask("cuMemFreeHost", 0)
    s.ask("cuMemFreeHost", memory + 16)
    s.ask("cuMemFreeHost", room)
    s.ask("cuMemHostUnregister", memory)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemFreeHost", memory)
    s.ask("cuMemFreeHost", memory)


@case("memory.register")
def register(s: Session) -> None:
    pages = mmap.mmap(-1, 1 << 20)
    whole = (ctypes.c_uint8 * (1 << 20)).from_buffer(pages)
    base = ctypes.addressof(whole)
    add, remove = "cuMemHostRegister_v2", "cuMemHostUnregister"
    s.ask(add, 0, 4096, 0)
    s.ask(add, base, 0, 0)
    s.ask(add, base, 1 << 60, 0)
    for flags in (1, 2, 4, 8, 16, 32, 0x80000000):
        if s.ask(add, base, 4096, flags) == 0:
            s.ask("cuMemHostGetFlags", said := numbers(0), base)
            s.say("flags", said[0])
            s.must(remove, base)
    s.ask(remove, base)
    s.ask(add, base, 8192, 0)
    s.ask(add, base, 8192, 0)
    s.ask(add, base, 4096, 0)
    s.ask(add, base + 4096, 8192, 0)
    s.ask(add, base + 8192, 4096, 0)
    s.ask(remove, base + 4096)
    s.ask(remove, base + 16)
    s.ask("cuMemFreeHost", base)
    s.ask("cuMemHostGetFlags", numbers(0), base + 100)
    s.ask("cuMemHostGetDevicePointer_v2", out(), base + 100, 0)
    s.ask("cuPointerGetAttribute", kind := numbers(0), 2, base)
    s.say("type", kind[0])
    s.ask(remove, base)
    s.ask(remove, base)
    s.ask(remove, base + 8192)
    s.ask(add, base + 100, 50, 0)
    s.ask(add, base + 200, 50, 0)
    s.ask("cuMemHostGetDevicePointer_v2", out(), base + 100, 0)
    s.ask("cuPointerGetAttribute", kind, 2, base + 50)
    s.ask(remove, base + 100)
    s.ask(remove, base + 200)
    s.ask(add, s.make("cuMemHostAlloc", 4096, 0), 4096, 0)
    s.ask(add, s.make("cuMemAlloc_v2", 4096), 4096, 0)
    s.ask(remove, 0)


@case("memory.managed")
def managed(s: Session) -> None:
    for flags in (0, 3, 4, 5, 8):
        s.ask("cuMemAllocManaged", out(), 4096, flags)
    s.ask("cuMemAllocManaged", out(), 0, 1)
    s.ask("cuMemAllocManaged", None, 4096, 1)
    memory = s.make("cuMemAllocManaged", 8192, 1)
    device, room = s.make("cuMemAlloc_v2", 8192), out(64)
    for where, size in ((memory, 8192), (memory, 8193), (memory + 4096, 8192), (memory, 0), (memory + 100, 10)):
        s.ask("cuMemPrefetchAsync", where, size, 0, 0)
        s.ask("cuMemAdvise", where, size, 1, 0)
    for where in (device, address(room), 0):
        s.ask("cuMemPrefetchAsync", where, 64, 0, 0)
        s.ask("cuMemAdvise", where, 64, 1, 0)
    for target in (CPU, -2, 99):
        s.ask("cuMemPrefetchAsync", memory, 4096, target, 0)
        s.ask("cuMemAdvise", memory, 4096, 3, target)
        s.ask("cuMemAdvise", memory, 4096, 5, target)
    for advice in (0, 1, 2, 3, 4, 5, 6, 7, -1):
        s.ask("cuMemAdvise", memory, 4096, advice, 0)
    for kind, where in ((0, 0), (1, 0), (1, 99), (2, 0), (2, 5), (3, 0), (3, 99), (4, 0), (9, 0)):
        location = kind | where << 32
        s.ask("cuMemPrefetchAsync_v2", memory, 4096, location, 0, 0)
        s.ask("cuMemAdvise_v2", memory, 4096, 3, location)
    s.ask("cuMemPrefetchAsync_v2", memory, 4096, 1, 1, 0)
    s.ask("cuMemPrefetchAsync_v2", device, 4096, 1, 0, 0)
    s.ask("cuMemAdvise_v2", device, 4096, 3, 1)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemFreeHost", memory)
    s.ask("cuMemFree_v2", memory)


@case("memory.managed.ranges")
def ranges(s: Session) -> None:
    memory, device = s.make("cuMemAllocManaged", 8192, 1), s.make("cuMemAlloc_v2", 8192)
    for attribute in range(10):
        value = words(0)
        s.ask("cuMemRangeGetAttribute", value, 4, attribute, memory, 8192)
        s.say("value", value[0])
    for size in (0, 1, 2, 3, 8, 12):
        s.ask("cuMemRangeGetAttribute", out(64), size, 1, memory, 8192)
        s.ask("cuMemRangeGetAttribute", out(64), size, 3, memory, 8192)
    s.ask("cuMemRangeGetAttribute", None, 4, 1, memory, 8192)
    s.ask("cuMemRangeGetAttribute", out(), 4, 1, memory, 0)
    s.ask("cuMemRangeGetAttribute", out(), 4, 1, memory, 8193)
    s.ask("cuMemRangeGetAttribute", out(), 4, 1, device, 64)
    s.ask("cuMemRangeGetAttributes", None, None, None, 0, memory, 64)
    s.must("cuMemFree_v2", memory)


# What can be compared, by attribute: the number itself, or whether it is there.
PLAIN = (2, 6, 8, 9, 10, 12, 13, 14, 15, 16, 18, 21)
BASES = (3, 4, 11)


def attributes_of(s: Session, where: int, base: int) -> None:
    for attribute in range(24):
        room = out(32)
        s.ask("cuPointerGetAttribute", room, attribute, where)
        if attribute in PLAIN:
            s.say("value", number(room))
        elif attribute in BASES:
            s.say("offset", number(room) - base if number(room) else "none")
        else:
            s.say("there", number(room) != 0)


@case("pointer.device")
def pointer_device(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 1000)
    attributes_of(s, memory, memory)
    attributes_of(s, memory + 10, memory)
    attributes_of(s, memory + 1000, memory)
    s.must("cuMemFree_v2", memory)


@case("pointer.freed")
def pointer_freed(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 3 * MIB)
    s.must("cuMemFree_v2", memory)
    attributes_of(s, memory, memory)


@case("pointer.pinned")
def pointer_pinned(s: Session) -> None:
    for flags in (0, 3):
        memory = s.make("cuMemHostAlloc", 4096, flags)
        attributes_of(s, memory, memory)
        attributes_of(s, memory + 10, memory)
        s.must("cuMemFreeHost", memory)


@case("pointer.registered")
def pointer_registered(s: Session) -> None:
    pages = mmap.mmap(-1, 1 << 16)
    base = ctypes.addressof((ctypes.c_uint8 * (1 << 16)).from_buffer(pages))
    s.must("cuMemHostRegister_v2", base, 8192, 0)
    attributes_of(s, base + 10, base)
    s.must("cuMemHostUnregister", base)
    attributes_of(s, base + 10, base)


@case("pointer.managed")
def pointer_managed(s: Session) -> None:
    memory = s.make("cuMemAllocManaged", 4096, 1)
    attributes_of(s, memory + 10, memory)
    s.must("cuMemFree_v2", memory)


@case("pointer.pooled")
def pointer_pooled(s: Session) -> None:
    memory = s.make("cuMemAllocAsync", 4096, 0)
    attributes_of(s, memory + 10, memory)
    s.must("cuMemFreeAsync", memory, 0)
    s.must("cuStreamSynchronize", 0)


@case("pointer.plain")
def pointer_plain(s: Session) -> None:
    room = out(64)
    attributes_of(s, address(room), address(room))
    attributes_of(s, 0, 0)
    s.ask("cuPointerGetAttribute", None, 2, address(room))


@case("pointer.several")
def pointer_several(s: Session) -> None:
    memory, plain = s.make("cuMemAlloc_v2", 4096), out(64)
    for where in (memory, address(plain), 0):
        rooms = [out(32) for _ in range(4)]
        asked = numbers(2, 8, 9, 12)
        s.ask("cuPointerGetAttributes", 4, asked, words(*map(address, rooms)), where)
        for room in rooms:
            s.say("value", number(room))
    s.ask("cuPointerGetAttributes", 0, asked, words(0), memory)
    s.ask("cuPointerGetAttributes", 1, numbers(99), words(address(plain)), memory)
    s.ask("cuPointerGetAttributes", 1, numbers(5), words(address(plain)), memory)
    s.ask("cuPointerGetAttributes", 1, None, words(address(plain)), memory)
    s.ask("cuPointerGetAttributes", 1, numbers(2), None, memory)
    s.ask("cuPointerGetAttributes", 1, numbers(2), words(0), memory)


@case("pointer.set")
def pointer_set(s: Session) -> None:
    memory, plain, pinned_memory = s.make("cuMemAlloc_v2", 4096), out(64), s.make("cuMemHostAlloc", 4096, 0)
    for value in (1, 2, 0):
        s.ask("cuPointerSetAttribute", numbers(value), 6, memory)
        s.ask_value("cuPointerGetAttribute", 6, memory)
    s.ask("cuPointerSetAttribute", numbers(1), 6, memory + 16)
    s.ask("cuPointerSetAttribute", numbers(1), 6, address(plain))
    s.ask("cuPointerSetAttribute", numbers(1), 6, pinned_memory)
    s.ask("cuPointerSetAttribute", numbers(1), 6, 0)
    s.ask("cuPointerSetAttribute", None, 6, memory)
    for attribute in (1, 2, 8, 14, 99):
        s.ask("cuPointerSetAttribute", numbers(1), attribute, memory)
    s.must("cuMemFree_v2", memory)


@case("memory.range")
def address_range(s: Session) -> None:
    memory, plain = s.make("cuMemAlloc_v2", 1000), out(64)
    pinned_memory, managed_memory = s.make("cuMemHostAlloc", 4096, 0), s.make("cuMemAllocManaged", 4096, 1)
    starts = {
        memory: memory,
        memory + 999: memory,
        memory + 1000: memory,
        pinned_memory + 1: pinned_memory,
        managed_memory + 1: managed_memory,
    }
    for where in (*starts, address(plain), 0):
        base, size = out(), words(0)
        s.ask("cuMemGetAddressRange_v2", base, size, where)
        s.say("same", number(base) == starts.get(where, 0))
        s.say("size", size[0])
    s.ask("cuMemGetAddressRange_v2", None, size, memory)
    s.ask("cuMemGetAddressRange_v2", base, None, memory)
    s.ask("cuMemGetAddressRange_v2", None, None, memory)
    s.ask("cuMemGetHandleForAddressRange", numbers(0), memory, 4096, 1, 0)
    s.ask("cuMemGetHandleForAddressRange", numbers(0), memory + 1, 4096, 1, 0)
    s.must("cuMemFree_v2", memory)


@case("memory.ipc")
def ipc(s: Session) -> None:
    memory, handle = s.make("cuMemAlloc_v2", 4096), IpcHandle()
    inner, plain = IpcHandle(), out(64)
    s.ask("cuIpcGetMemHandle", handle, memory)
    s.ask("cuIpcGetMemHandle", inner, memory + 256)
    s.say("same", bytes(inner) == bytes(handle))
    s.ask("cuIpcGetMemHandle", None, memory)
    s.ask("cuIpcGetMemHandle", inner, address(plain))
    s.ask("cuIpcGetMemHandle", inner, s.make("cuMemHostAlloc", 4096, 0))
    s.ask("cuIpcGetMemHandle", inner, s.make("cuMemAllocManaged", 4096, 1))
    s.ask("cuIpcGetMemHandle", inner, s.make("cuMemAllocAsync", 4096, 0))
    s.ask("cuIpcGetMemHandle", inner, 0)
    s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), 1)
    s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(handle), 0)
    s.ask("cuIpcOpenMemHandle_v2", out(), ByValue(IpcHandle()), 1)
    s.ask("cuIpcOpenMemHandle_v2", None, ByValue(handle), 1)
    s.ask("cuIpcCloseMemHandle", memory)
    s.ask("cuIpcCloseMemHandle", 0)
    s.ask("cuMemFree_v2", memory)


@case("memory.peer_copy")
def peer_copy(s: Session) -> None:
    memory = s.make("cuMemAlloc_v2", 4096)
    s.ask("cuMemcpyPeer", memory, s.primary, memory + 256, s.primary, 64)
    s.ask("cuMemcpyPeer", memory, 0, memory + 256, s.primary, 64)
    s.ask("cuMemcpyPeer", memory, s.primary, memory + 256, s.primary, 0)
    s.ask("cuMemcpyPeer", memory, s.primary, 0, s.primary, 64)
    s.ask("cuMemcpyPeerAsync", memory, s.primary, memory, s.primary, 1 << 40, 0)


@case("memory.batch")
def batch(s: Session) -> None:
    memory, room = s.make("cuMemAlloc_v2", 4096), out(64)
    stream = s.make("cuStreamCreate", 0)
    to, source, sizes, attributes, index = words(memory), words(address(room)), words(8), out(32), words(0)
    attributes[0] = 1  # in the order of the stream
    name = "cuMemcpyBatchAsync_v2"
    s.ask(name, to, source, sizes, 1, attributes, index, 1, stream)
    s.ask(name, to, source, sizes, 1, attributes, index, 1, 0)
    s.ask(name, to, source, sizes, 0, attributes, index, 1, stream)
    s.ask(name, to, source, sizes, 1, attributes, index, 0, stream)
    s.ask(name, to, source, sizes, 1, attributes, words(1), 1, stream)
    s.ask(name, to, source, words(1 << 40), 1, attributes, index, 1, stream)
    s.ask(name, to, source, words(0), 1, attributes, index, 1, stream)
    s.ask(name, None, source, sizes, 1, attributes, index, 1, stream)
    s.ask(name, to, source, sizes, 1, out(32), index, 1, stream)
    s.ask("cuStreamSynchronize", stream)
