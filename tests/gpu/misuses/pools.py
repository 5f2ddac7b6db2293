"""Memory pools and stream-ordered allocation."""

from __future__ import annotations

import ctypes

from misuses.layouts import AccessDesc, Location, PoolProps
from misuses.session import LEGACY, Session, case, number, numbers, out, words


def props(**given: int) -> PoolProps:
    return PoolProps(**{"allocType": 1, "locationType": 1, **given})


@case("pool.create")
def create(s: Session) -> None:
    for given in (
        None,
        PoolProps(),
        props(allocType=2),
        props(allocType=9),
        props(locationType=0),
        props(locationType=2),
        props(locationType=3),
        props(locationType=9),
        props(locationId=99),
        props(locationId=-1),
        props(handleTypes=1),
        props(handleTypes=2),
        props(handleTypes=8),
        props(handleTypes=64),
        props(maxSize=1),
        props(maxSize=1 << 50),
        props(usage=1),
        props(usage=2),
        props(win32SecurityAttributes=8),
        props(),
    ):
        made = s.ask_made("cuMemPoolCreate", given)
        if made:
            s.must("cuMemPoolDestroy", made)
    s.ask("cuMemPoolCreate", None, props())
    s.ask("cuMemPoolDestroy", 0)


@case("pool.default", alone=True)
def default(s: Session) -> None:
    pool = s.make("cuDeviceGetDefaultMemPool", 0)
    s.ask("cuMemPoolDestroy", pool)
    s.ask("cuMemPoolExportToShareableHandle", out(), pool, 1, 0)
    s.ask("cuMemPoolTrimTo", pool, 0)
    s.ask("cuMemPoolTrimTo", pool, 1 << 50)
    s.ask("cuMemPoolTrimTo", 0, 0)
    for attribute in range(-1, 18):
        read(s, pool, attribute)
    s.ask("cuMemPoolGetAttribute", pool, 1, None)
    s.ask("cuMemPoolGetAttribute", 0, 1, out())
    s.ask("cuMemPoolSetAttribute", pool, 1, None)


def read(s: Session, pool: int, attribute: int) -> None:
    found = out()
    s.ask("cuMemPoolGetAttribute", pool, attribute, found)
    s.say("value", number(found))


@case("pool.attributes")
def attributes(s: Session) -> None:
    pool = s.make("cuMemPoolCreate", props())
    for attribute, value in (
        (0, 0),
        (1, 0),
        (1, 2),
        (2, 0),
        (3, 0),
        (4, 1),
        (4, (1 << 64) - 1),
        (5, 0),
        (6, 0),
        (6, 1),
        (7, 0),
        (8, 0),
        (8, 1),
        (9, 1),
        (13, 1),
        (99, 0),
    ):
        s.ask("cuMemPoolSetAttribute", pool, attribute, words(value))
        read(s, pool, attribute)
    s.ask("cuMemPoolDestroy", pool)


@case("pool.access")
def access(s: Session) -> None:
    pool = s.make("cuMemPoolCreate", props())
    for given in (AccessDesc(1, 0, 0), AccessDesc(1, 0, 1), AccessDesc(1, 0, 3), AccessDesc(1, 0, 2)):
        s.ask("cuMemPoolSetAccess", pool, given, 1)
    for given in (AccessDesc(1, 99, 3), AccessDesc(2, 0, 3), AccessDesc(0, 0, 3), AccessDesc(1, -1, 3)):
        s.ask("cuMemPoolSetAccess", pool, given, 1)
    s.ask("cuMemPoolSetAccess", pool, None, 0)
    s.ask("cuMemPoolSetAccess", pool, None, 1)
    s.ask("cuMemPoolSetAccess", 0, AccessDesc(1, 0, 3), 1)
    for where in (Location(1, 0), Location(1, 99), Location(2, 0), Location(0, 0)):
        flags_of(s, pool, where)
    s.ask("cuMemPoolGetAccess", None, pool, Location(1, 0))
    s.ask("cuMemPoolGetAccess", out(), pool, None)
    s.ask("cuMemPoolDestroy", pool)


def flags_of(s: Session, pool: int, where: Location) -> None:
    found = out()
    s.ask("cuMemPoolGetAccess", found, pool, where)
    s.say("flags", number(found, 4))


@case("pool.destroyed", alone=True)
def destroyed(s: Session) -> None:
    pool = s.make("cuMemPoolCreate", props())
    memory = s.ask_made("cuMemAllocFromPoolAsync", 64, pool, 0)
    s.ask("cuMemPoolDestroy", pool)
    s.ask("cuMemAllocFromPoolAsync", out(), 64, pool, 0)
    s.ask("cuMemsetD8_v2", memory, 0, 8)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuMemPoolGetAttribute", pool, 1, out())
    s.ask("cuMemPoolDestroy", pool)


@case("pool.current_destroyed", alone=True)
def current_destroyed(s: Session) -> None:
    pool, usual = s.make("cuMemPoolCreate", props()), s.make("cuDeviceGetDefaultMemPool", 0)
    s.ask("cuDeviceSetMemPool", 0, pool)
    s.ask("cuMemPoolDestroy", pool)
    found = s.ask_made("cuDeviceGetMemPool", 0)
    s.say("default", found == usual)
    s.ask("cuMemAllocAsync", out(), 64, 0)


@case("pool.allocate")
def allocate(s: Session) -> None:
    pool = s.make("cuDeviceGetDefaultMemPool", 0)
    zero = out()
    s.ask("cuMemAllocAsync", zero, 0, 0)
    s.say("null", number(zero) == 0)
    s.ask("cuMemFreeAsync", number(zero), 0)
    s.ask("cuMemAllocAsync", None, 64, 0)
    s.ask("cuMemAllocAsync", out(), 1 << 50, 0)
    s.ask("cuMemAllocAsync", out(), (1 << 64) - 1, 0)
    s.ask("cuMemAllocAsync", out(), 64, LEGACY)
    s.ask("cuMemAllocFromPoolAsync", out(), 64, 0, 0)
    s.ask("cuMemAllocFromPoolAsync", out(), 0, pool, 0)
    small = s.make("cuMemPoolCreate", props(maxSize=1 << 20))
    s.ask("cuMemAllocFromPoolAsync", out(), 512 << 10, small, 0)
    s.ask("cuMemAllocFromPoolAsync", out(), 64 << 20, small, 0)
    s.ask("cuCtxSynchronize")


@case("pool.free", alone=True)
def free(s: Session) -> None:
    memory, plain = s.make("cuMemAllocAsync", 4096, 0), s.make("cuMemAlloc_v2", 4096)
    s.ask("cuMemFreeAsync", memory + 256, 0)
    s.ask("cuMemFree_v2", memory + 256)
    s.ask("cuMemFreeAsync", plain + 256, 0)
    s.ask("cuMemFreeAsync", plain, 0)
    s.ask("cuMemFreeAsync", plain, 0)
    s.ask("cuMemFree_v2", plain)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemFreeAsync", 0, 0)
    s.ask("cuMemFreeAsync", 0x1000, 0)
    memory = s.make("cuMemAllocAsync", 4096, 0)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuMemFree_v2", memory)
    host = s.make("cuMemHostAlloc", 4096, 0)
    s.ask("cuMemFreeAsync", host, 0)
    s.ask("cuMemFreeHost", host)
    managed = s.make("cuMemAllocManaged", 4096, 1)
    s.ask("cuMemFreeAsync", managed, 0)
    s.ask("cuMemFree_v2", managed)
    s.ask("cuCtxSynchronize")


@case("pool.freed_use")
def freed_use(s: Session) -> None:
    memory = s.make("cuMemAllocAsync", 4096, 0)
    s.must("cuMemFreeAsync", memory, 0)
    s.must("cuStreamSynchronize", 0)
    s.ask("cuPointerGetAttribute", out(), 2, memory)
    s.ask("cuMemGetAddressRange_v2", out(), out(), memory)
    s.ask("cuMemsetD8Async", memory, 0, 8, 0)
    s.ask("cuMemcpyDtoH_v2", out(), memory, 8)
    s.ask("cuCtxSynchronize")


@case("pool.beyond")
def beyond(s: Session) -> None:
    memory = s.make("cuMemAllocAsync", 4096, 0)
    s.must("cuStreamSynchronize", 0)
    size = words(0)
    s.ask("cuMemGetAddressRange_v2", out(), size, memory + 100)
    s.say("size", size[0])
    s.ask("cuMemsetD8_v2", memory, 0, 4097)
    s.ask("cuMemcpyDtoH_v2", out(4097), memory, 4097)
    s.ask("cuMemsetD8_v2", memory, 0, 3 << 20)
    s.ask("cuMemsetD8_v2", memory, 0, 64 << 20)
    s.ask("cuMemFreeAsync", memory, 0)
    s.ask("cuCtxSynchronize")


@case("pool.sharing")
def sharing(s: Session) -> None:
    plain, shared = s.make("cuMemPoolCreate", props()), s.make("cuMemPoolCreate", props(handleTypes=1))
    descriptor = numbers(0, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, plain, 1, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, shared, 2, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, shared, 1, 1)
    s.ask("cuMemPoolExportToShareableHandle", None, shared, 1, 0)
    s.ask("cuMemPoolExportToShareableHandle", descriptor, shared, 1, 0)
    exported, pointer = out(64), s.make("cuMemAllocFromPoolAsync", 64, shared, 0)
    s.ask("cuMemPoolExportPointer", exported, pointer)
    s.ask("cuMemPoolExportPointer", out(64), pointer + 16)
    s.ask("cuMemPoolExportPointer", out(64), s.make("cuMemAlloc_v2", 64))
    s.ask("cuMemPoolExportPointer", None, pointer)
    s.ask("cuMemPoolImportFromShareableHandle", out(), ctypes.c_void_p(-1), 1, 0)
    s.ask("cuMemPoolImportFromShareableHandle", out(), 0, 1, 0)
    imported = s.ask_made("cuMemPoolImportFromShareableHandle", descriptor[0], 1, 0)
    s.ask("cuMemPoolImportPointer", out(), imported, exported)
    s.ask("cuMemPoolImportPointer", out(), shared, exported)
    s.ask("cuMemPoolImportPointer", out(), imported, out(64))
    s.ask("cuMemAllocFromPoolAsync", out(), 64, imported, 0)
