"""Reserved addresses, physical memory, what is mapped where."""

from __future__ import annotations

from misuses.layouts import AccessDesc, AllocationProp, Location
from misuses.session import MIB, Session, case, number, out, words

PAGE = 2 * MIB


def props(**given: int) -> AllocationProp:
    return AllocationProp(**{"type": 1, "locationType": 1, **given})


def read_write() -> AccessDesc:
    return AccessDesc(1, 0, 3)


def reserved(s: Session, pages: int) -> int:
    return s.make("cuMemAddressReserve", pages * PAGE, 0, 0, 0)


@case("mapping.granularity")
def granularity(s: Session) -> None:
    for given in (
        props(),
        props(requestedHandleTypes=1),
        props(requestedHandleTypes=64),
        props(locationId=99),
        props(locationType=0),
        props(locationType=2),
        props(locationType=3),
        props(locationType=9),
        props(type=0),
        props(type=2),
        props(compressionType=1),
        props(compressionType=9),
        props(gpuDirectRDMACapable=1),
        props(usage=1),
        props(usage=99),
        None,
    ):
        for option in (0, 1):
            found = out()
            s.ask("cuMemGetAllocationGranularity", found, given, option)
            s.say("size", number(found))
    s.ask("cuMemGetAllocationGranularity", out(), props(), 2)
    s.ask("cuMemGetAllocationGranularity", None, props(), 0)


@case("mapping.reserve")
def reserve(s: Session) -> None:
    name = "cuMemAddressReserve"
    for size, alignment, flags in (
        (0, 0, 0),
        (1, 0, 0),
        (4096, 0, 0),
        (65536, 0, 0),
        (PAGE + 1, 0, 0),
        (PAGE, 1, 0),
        (PAGE, 3 * MIB, 0),
        (PAGE, 4096, 0),
        (PAGE, 1 << 30, 0),
        (PAGE, 1 << 60, 0),
        (PAGE, 0, 1),
        (1 << 46, 0, 0),
        (1 << 60, 0, 0),
    ):
        found = out()
        s.ask(name, found, size, alignment, 0, flags)
        if number(found):
            s.ask("cuMemAddressFree", number(found), size)
    s.ask(name, None, PAGE, 0, 0, 0)
    taken = reserved(s, 1)
    for wanted in (taken, taken + 1, 1, 0x1000, PAGE, 1 << 60):
        found = out()
        s.ask(name, found, PAGE, 0, wanted, 0)
        s.say("same", number(found) == wanted)
        if number(found):
            s.ask("cuMemAddressFree", number(found), PAGE)
    s.ask("cuMemAddressFree", taken, PAGE)


@case("mapping.free")
def free(s: Session) -> None:
    name = "cuMemAddressFree"
    addresses = reserved(s, 4)
    s.ask(name, addresses, PAGE)
    s.ask(name, addresses, 8 * PAGE)
    s.ask(name, addresses + PAGE, PAGE)
    s.ask(name, addresses, 0)
    s.ask(name, 0, PAGE)
    s.ask(name, addresses + 1, PAGE)
    s.ask("cuMemFree_v2", addresses)
    s.ask(name, addresses, 4 * PAGE)
    s.ask(name, addresses, 4 * PAGE)


@case("mapping.create")
def create(s: Session) -> None:
    for size, given, flags in (
        (0, props(), 0),
        (1, props(), 0),
        (PAGE + 1, props(), 0),
        (MIB, props(), 0),
        (PAGE, props(), 1),
        (PAGE, None, 0),
        (PAGE, AllocationProp(), 0),
        (PAGE, props(locationId=99), 0),
        (PAGE, props(locationType=2), 0),
        (PAGE, props(locationType=3), 0),
        (PAGE, props(requestedHandleTypes=2), 0),
        (PAGE, props(requestedHandleTypes=1), 0),
        (PAGE, props(requestedHandleTypes=8), 0),
        (PAGE, props(win32HandleMetaData=8), 0),
        (PAGE, props(usage=99), 0),
        (1 << 42, props(), 0),
        (1 << 60, props(), 0),
    ):
        found = out()
        s.ask("cuMemCreate", found, size, given, flags)
        if number(found):
            s.must("cuMemRelease", number(found))
    s.ask("cuMemCreate", None, PAGE, props(), 0)


@case("mapping.release", alone=True)
def release(s: Session) -> None:
    handle = s.make("cuMemCreate", PAGE, props(), 0)
    s.ask("cuMemRelease", 0)
    s.ask("cuMemRelease", 12345)
    s.ask("cuMemGetAllocationPropertiesFromHandle", AllocationProp(), 0)
    s.ask("cuMemGetAllocationPropertiesFromHandle", None, handle)
    s.ask("cuMemExportToShareableHandle", out(), handle, 1, 0)
    s.ask("cuMemExportToShareableHandle", out(), handle, 99, 0)
    s.ask("cuMemImportFromShareableHandle", out(), 0, 99)
    s.ask("cuMemRelease", handle)
    s.ask("cuMemRelease", handle)
    s.ask("cuMemGetAllocationPropertiesFromHandle", AllocationProp(), handle)


@case("mapping.map")
def mapped(s: Session) -> None:
    addresses = reserved(s, 4)
    handle, large = s.make("cuMemCreate", PAGE, props(), 0), s.make("cuMemCreate", 2 * PAGE, props(), 0)
    name = "cuMemMap"
    s.ask(name, addresses, PAGE, 0, 0, 0)
    s.ask(name, addresses, PAGE, 0, handle, 1)
    s.ask(name, addresses, 0, 0, handle, 0)
    s.ask(name, addresses, PAGE + 1, 0, handle, 0)
    s.ask(name, addresses, 2 * PAGE, 0, handle, 0)
    s.ask(name, addresses, PAGE, PAGE, handle, 0)
    s.ask(name, addresses, PAGE, 4096, large, 0)
    s.ask(name, addresses, PAGE, PAGE, large, 0)
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask(name, addresses, PAGE, 0, large, 0)
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask(name, addresses + 1, PAGE, 0, handle, 0)
    s.ask(name, 0, PAGE, 0, handle, 0)
    s.ask(name, addresses + 4 * PAGE, PAGE, 0, handle, 0)
    s.ask(name, addresses + 3 * PAGE, 2 * PAGE, 0, large, 0)
    s.ask(name, addresses, PAGE, 0, handle, 0)
    s.ask(name, addresses, PAGE, 0, handle, 0)
    s.ask(name, addresses + PAGE, PAGE, 0, handle, 0)
    s.ask(name, addresses + PAGE, 2 * PAGE, 0, large, 0)
    s.ask("cuMemUnmap", addresses, 2 * PAGE)
    s.ask(name, addresses, 2 * PAGE, 0, large, 0)
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask("cuMemUnmap", addresses + PAGE, PAGE)
    s.ask("cuMemUnmap", addresses, 2 * PAGE)
    s.ask("cuMemUnmap", addresses, 2 * PAGE)
    s.ask("cuMemUnmap", addresses, 0)
    s.ask("cuMemUnmap", 0, PAGE)
    s.ask("cuMemRelease", handle)
    s.ask("cuMemRelease", large)
    s.ask("cuMemAddressFree", addresses, 4 * PAGE)


@case("mapping.unmap_several")
def unmap_several(s: Session) -> None:
    addresses, handle = reserved(s, 4), s.make("cuMemCreate", PAGE, props(), 0)
    s.must("cuMemMap", addresses, PAGE, 0, handle, 0)
    s.must("cuMemMap", addresses + PAGE, PAGE, 0, handle, 0)
    s.ask("cuMemUnmap", addresses, 3 * PAGE)
    s.ask("cuMemUnmap", addresses, 4096)
    s.ask("cuMemAddressFree", addresses, 4 * PAGE)
    s.ask("cuMemUnmap", addresses, 2 * PAGE)
    s.ask("cuMemRelease", handle)
    s.ask("cuMemAddressFree", addresses, 4 * PAGE)


@case("mapping.access")
def access(s: Session) -> None:
    addresses, handle = reserved(s, 4), s.make("cuMemCreate", 2 * PAGE, props(), 0)
    name = "cuMemSetAccess"
    s.ask(name, addresses, PAGE, read_write(), 1)
    s.must("cuMemMap", addresses, 2 * PAGE, 0, handle, 0)
    flags = words(9)

    def look(where: int) -> None:
        flags[0] = 9
        s.ask("cuMemGetAccess", flags, Location(1, 0), where)
        s.say("flags", flags[0])

    look(addresses)
    s.ask("cuPointerGetAttribute", out(), 2, addresses)
    s.ask(name, addresses, 3 * PAGE, read_write(), 1)
    s.ask(name, addresses, PAGE, read_write(), 1)
    look(addresses)
    look(addresses + PAGE)
    s.ask(name, addresses + PAGE, PAGE, read_write(), 1)
    s.ask(name, addresses + 4096, PAGE, read_write(), 1)
    s.ask(name, addresses, 4096, read_write(), 1)
    for given in (AccessDesc(1, 0, 0), AccessDesc(1, 0, 1), AccessDesc(1, 0, 2), AccessDesc(1, 0, 4)):
        s.ask(name, addresses, 2 * PAGE, given, 1)
        look(addresses)
    for given in (AccessDesc(1, 99, 3), AccessDesc(2, 0, 3), AccessDesc(0, 0, 3)):
        s.ask(name, addresses, 2 * PAGE, given, 1)
    s.ask(name, addresses, 2 * PAGE, None, 1)
    s.ask(name, addresses, 2 * PAGE, read_write(), 0)
    s.ask("cuMemGetAccess", flags, Location(1, 99), addresses)
    s.ask("cuMemGetAccess", flags, Location(2, 0), addresses)
    s.ask("cuMemGetAccess", None, Location(1, 0), addresses)
    s.ask("cuMemGetAccess", flags, None, addresses)
    look(addresses + 3 * PAGE)
    look(0)
    s.ask(name, addresses, 2 * PAGE, read_write(), 1)
    s.ask("cuMemFree_v2", addresses)
    s.ask("cuMemsetD8_v2", addresses, 1, 2 * PAGE)
    s.ask("cuMemsetD8_v2", addresses, 1, 2 * PAGE + 1)
    base, size = out(), words(0)
    s.ask("cuMemGetAddressRange_v2", base, size, addresses + PAGE + 5)
    s.say("same", number(base) == addresses)
    s.say("size", size[0])
    s.ask("cuMemAddressFree", addresses, 4 * PAGE)
    s.ask("cuMemRelease", handle)
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    s.ask("cuMemUnmap", addresses, 2 * PAGE)
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    s.ask("cuMemAddressFree", addresses, 4 * PAGE)


@case("mapping.write_without_access")
def write_without_access(s: Session) -> None:
    addresses, handle = reserved(s, 1), s.make("cuMemCreate", PAGE, props(), 0)
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    s.ask("cuMemcpyHtoD_v2", addresses, out(), 8)
    s.must("cuMemMap", addresses, PAGE, 0, handle, 0)
    s.ask("cuMemsetD8_v2", addresses, 1, 8)
    s.ask("cuMemcpyHtoD_v2", addresses, out(), 8)
    s.ask("cuMemcpyDtoH_v2", out(), addresses, 8)
    s.ask("cuCtxSynchronize")


@case("mapping.write_read_only")
def write_read_only(s: Session) -> None:
    addresses, handle = reserved(s, 1), s.make("cuMemCreate", PAGE, props(), 0)
    s.must("cuMemMap", addresses, PAGE, 0, handle, 0)
    s.ask("cuMemSetAccess", addresses, PAGE, AccessDesc(1, 0, 1), 1)
    s.ask("cuMemcpyDtoH_v2", out(), addresses, 8)
    s.ask("cuMemcpyHtoD_v2", addresses, out(), 8)
    s.ask("cuCtxSynchronize")


@case("mapping.retain")
def retain(s: Session) -> None:
    addresses, handle = reserved(s, 2), s.make("cuMemCreate", PAGE, props(), 0)
    name = "cuMemRetainAllocationHandle"
    s.ask(name, out(), addresses)
    s.ask(name, out(), 0)
    s.ask(name, out(), s.make("cuMemAlloc_v2", 64))
    s.ask(name, None, addresses)
    s.must("cuMemMap", addresses, PAGE, 0, handle, 0)
    for where in (addresses, addresses + 100):
        retained = s.ask_made(name, where)
        s.say("same", retained == handle)
        s.ask("cuMemRelease", retained)
    s.ask("cuMemRelease", handle)
    retained = s.ask_made(name, addresses)
    s.ask("cuMemUnmap", addresses, PAGE)
    s.ask("cuMemMap", addresses + PAGE, PAGE, 0, retained, 0)
    s.ask("cuMemUnmap", addresses + PAGE, PAGE)
    s.ask("cuMemRelease", retained)
    s.ask("cuMemAddressFree", addresses, 2 * PAGE)
