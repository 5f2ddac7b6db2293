"""Before cuInit, devices, names of errors, what belongs to no context."""

from __future__ import annotations

import ctypes

from misuses.layouts import Resource
from misuses.session import Session, case, number, numbers, out, words

UNKNOWN_TABLE = bytes(range(1, 17))


@case("init.before", uninitialized=True)
def before_init(s: Session) -> None:
    s.ask("cuDeviceGetCount", out())
    s.ask("cuDeviceGet", out(), 0)
    s.ask_value("cuDriverGetVersion")
    s.ask("cuDriverGetVersion", None)
    s.ask("cuCtxGetCurrent", out())
    s.ask("cuCtxSetCurrent", None)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemAlloc_v2", out(), 16)
    s.ask("cuMemFree_v2", 0)
    s.ask("cuStreamCreate", out(), 0)
    s.ask("cuDevicePrimaryCtxRetain", out(), 0)
    s.ask("cuModuleGetLoadingMode", out())
    s.ask("cuGetErrorName", 1, out())
    s.ask("cuGetErrorString", 9999, out())
    s.ask("cuGetExportTable", out(), UNKNOWN_TABLE)
    s.ask("cuPointerGetAttribute", out(), 2, 0)
    s.ask("cuThreadExchangeStreamCaptureMode", numbers(0))
    s.ask("cuProfilerStart")
    s.ask("cuGraphCreate", out(), 0)
    s.ask("cuLibraryLoadData", out(), b"", 0, 0, 0, 0, 0, 0)
    s.ask("cuGetProcAddress_v2", b"cuMemAllocNone", out(), 12000, 0, numbers(0))


@case("init.flags", uninitialized=True)
def init_flags(s: Session) -> None:
    for flags in (1, 0x80000000, 0xFFFFFFFF):
        s.ask("cuInit", flags)
        s.ask("cuDeviceGetCount", out())
    s.ask("cuInit", 0)
    s.ask("cuInit", 0)
    s.ask("cuInit", 1)


@case("device.ordinals", bare=True)
def ordinals(s: Session) -> None:
    for ordinal in (-1, 64, 1 << 30):
        s.ask("cuDeviceGet", out(), ordinal)
        s.ask("cuDeviceGetAttribute", out(), 1, ordinal)
        s.ask("cuDeviceGetName", out(64), 64, ordinal)
        s.ask("cuDeviceTotalMem_v2", out(), ordinal)
        s.ask("cuDeviceGetUuid_v2", out(16), ordinal)
        s.ask("cuDeviceComputeCapability", out(), out(), ordinal)
        s.ask("cuDeviceGetProperties", out(64), ordinal)
        s.ask("cuDevicePrimaryCtxRetain", out(), ordinal)
        s.ask("cuDevicePrimaryCtxGetState", ordinal, out(), out())
        s.ask("cuDevicePrimaryCtxRelease_v2", ordinal)
        s.ask("cuCtxCreate_v2", out(), 0, ordinal)
        s.ask("cuDeviceGetPCIBusId", out(64), 64, ordinal)
        s.ask("cuDeviceGetDefaultMemPool", out(), ordinal)
        s.ask("cuDeviceGetMemPool", out(), ordinal)
        s.ask("cuDeviceCanAccessPeer", out(), 0, ordinal)
        s.ask("cuDeviceGetP2PAttribute", out(), 1, 0, ordinal)
        s.ask("cuDeviceGraphMemTrim", ordinal)


@case("device.null_outputs", bare=True)
def null_outputs(s: Session) -> None:
    s.ask("cuDeviceGetCount", None)
    s.ask("cuDeviceGet", None, 0)
    s.ask("cuDeviceGetAttribute", None, 1, 0)
    s.ask("cuDeviceGetName", None, 64, 0)
    s.ask("cuDeviceTotalMem_v2", None, 0)
    s.ask("cuDeviceGetUuid_v2", None, 0)
    s.ask("cuDeviceGetUuid", None, 0)
    s.ask("cuDeviceComputeCapability", None, out(), 0)
    s.ask("cuDeviceGetProperties", None, 0)
    s.ask("cuDevicePrimaryCtxRetain", None, 0)
    s.ask("cuDevicePrimaryCtxGetState", 0, None, out())
    s.ask("cuDevicePrimaryCtxGetState", 0, out(), None)
    s.ask("cuCtxCreate_v2", None, 0, 0)
    s.ask("cuDeviceGetPCIBusId", None, 64, 0)
    s.ask("cuDeviceGetDefaultMemPool", None, 0)
    s.ask("cuDeviceCanAccessPeer", None, 0, 0)


@case("device.attributes", bare=True)
def attributes(s: Session) -> None:
    for attribute in (0, -1, 44, 72, 92, 109, 122, 123, 130, 135, 140, 150, 160, 200, 1000):
        s.ask("cuDeviceGetAttribute", out(), attribute, 0)


@case("device.name_lengths", bare=True, alone=True)
def name_lengths(s: Session) -> None:
    for length in (-1, 0, 1, 4):
        name = (ctypes.c_uint8 * 8)(*[255] * 8)
        s.ask("cuDeviceGetName", name, length, 0)
        s.say("written", sum(byte != 255 for byte in name))
        s.say("ended", name[max(length, 1) - 1] == 0)


@case("device.pci_bus_id", bare=True)
def pci_bus_id(s: Session) -> None:
    for length in (-1, 0, 1, 12, 13, 14):
        name = (ctypes.c_uint8 * 64)(*[255] * 64)
        s.ask("cuDeviceGetPCIBusId", name, length, 0)
        s.say("written", sum(byte != 255 for byte in name))
    name = out(64)
    s.must("cuDeviceGetPCIBusId", name, 64, 0)
    right = bytes(name).split(b"\0")[0]
    for text in (right, right.lower(), right.split(b":", 1)[1], right.rsplit(b".")[0], right + b"x"):
        s.ask_value("cuDeviceGetByPCIBusId", text)
    for text in (b"", b"zz", b"ffff:ff:1f.7", b"0000", b"0000:", b"1:2:3:4"):
        s.ask("cuDeviceGetByPCIBusId", out(), text)
    s.ask("cuDeviceGetByPCIBusId", None, right)
    s.ask("cuDeviceGetByPCIBusId", out(), None)


@case("device.luid", bare=True)
def luid(s: Session) -> None:
    s.ask("cuDeviceGetLuid", out(), out(), 0)
    s.ask("cuDeviceGetLuid", None, None, 0)


@case("device.peer", bare=True)
def peer(s: Session) -> None:
    s.ask_value("cuDeviceCanAccessPeer", 0, 0)
    for attribute in (0, 1, 2, 3, 4, 5, 6, 7, 100):
        s.ask("cuDeviceGetP2PAttribute", out(), attribute, 0, 0)


@case("device.texture_width", bare=True)
def texture_width(s: Session) -> None:
    for form, channels in ((0x01, 1), (0x20, 4), (0x20, 3), (0x20, 0), (0x20, 5), (0x10, 2), (0, 1), (0xB0, 1)):
        s.ask_value("cuDeviceGetTexture1DLinearMaxWidth", form, channels, 0, size=8)
    s.ask("cuDeviceGetTexture1DLinearMaxWidth", None, 1, 1, 0)


@case("device.affinity", bare=True)
def affinity(s: Session) -> None:
    for kind in (0, 1, 2, -1):
        s.ask_value("cuDeviceGetExecAffinitySupport", kind, 0)
    s.ask("cuDeviceGetExecAffinitySupport", None, 0, 0)


@case("device.pools", bare=True)
def device_pools(s: Session) -> None:
    default, current = s.ask_made("cuDeviceGetDefaultMemPool", 0), s.ask_made("cuDeviceGetMemPool", 0)
    s.say("same", default == current)
    s.ask("cuDeviceSetMemPool", 0, 0)
    s.ask("cuDeviceSetMemPool", 0, default)
    for attribute in (-1, 0, 1, 2, 3, 4):
        s.ask("cuDeviceGetGraphMemAttribute", 0, attribute, out())
    s.ask("cuDeviceGetGraphMemAttribute", 0, 0, None)
    for attribute, value in ((0, 0), (1, 0), (1, 5), (2, 0), (3, 0), (3, 1), (9, 0)):
        s.ask("cuDeviceSetGraphMemAttribute", 0, attribute, words(value))
    s.ask("cuDeviceGraphMemTrim", 0)


@case("device.resources", bare=True)
def resources(s: Session) -> None:
    multiprocessors = Resource()
    s.ask("cuDeviceGetDevResource", 0, multiprocessors, 1)
    s.say("count", multiprocessors.smCount)
    s.say("type", multiprocessors.type)
    for kind in (0, 2, 3, 1000, 10000, -1):
        s.ask("cuDeviceGetDevResource", 0, Resource(), kind)
    s.ask("cuDeviceGetDevResource", 0, None, 1)
    s.ask("cuDeviceGetDevResource", 99, Resource(), 1)
    count = numbers(0)
    for least in (0, 1, 8, 16, 17, multiprocessors.smCount, multiprocessors.smCount + 1):
        count[0] = 0
        s.ask("cuDevSmResourceSplitByCount", None, count, multiprocessors, None, 0, least)
        s.say("groups", count[0])
    count[0] = 2
    groups, rest = (Resource * 2)(), Resource()
    s.ask("cuDevSmResourceSplitByCount", groups, count, multiprocessors, rest, 0, 16)
    for value in (count[0], groups[0].smCount, groups[1].smCount, rest.smCount):
        s.say("multiprocessors", value)
    count[0] = 1
    s.ask("cuDevSmResourceSplitByCount", groups, count, multiprocessors, rest, 1 << 20, 16)
    count[0] = 1
    s.ask("cuDevSmResourceSplitByCount", groups, count, Resource(), rest, 0, 16)
    s.ask("cuDevSmResourceSplitByCount", groups, None, multiprocessors, rest, 0, 16)
    s.ask("cuDevSmResourceSplitByCount", groups, count, None, rest, 0, 16)
    s.ask("cuDevResourceGenerateDesc", out(), None, 0)
    s.ask("cuDevResourceGenerateDesc", out(), Resource(), 1)
    s.ask("cuDevResourceGenerateDesc", None, multiprocessors, 1)


@case("device.green_contexts", bare=True, alone=True)
def green_contexts(s: Session) -> None:
    multiprocessors = Resource()
    s.must("cuDeviceGetDevResource", 0, multiprocessors, 1)
    description = s.ask_made("cuDevResourceGenerateDesc", multiprocessors, 1)
    s.ask("cuGreenCtxCreate", out(), description, 0, 0)
    s.ask("cuGreenCtxCreate", out(), 0, 0, 1)
    s.ask("cuGreenCtxCreate", out(), description, 99, 1)
    s.ask("cuGreenCtxCreate", None, description, 0, 1)
    green = s.ask_made("cuGreenCtxCreate", description, 0, 1)
    s.ask("cuCtxFromGreenCtx", out(), 0)
    s.ask("cuCtxFromGreenCtx", None, green)
    context = s.ask_made("cuCtxFromGreenCtx", green)
    s.ask("cuGreenCtxStreamCreate", out(), green, 0, 0)
    stream = s.ask_made("cuGreenCtxStreamCreate", green, 1, 0)
    s.ask("cuStreamQuery", stream)
    s.ask("cuStreamGetCtx", stream, out())
    found = out()
    s.ask("cuStreamGetGreenCtx", stream, found)
    s.say("same", number(found) == green)
    s.ask("cuCtxDestroy_v2", context)
    s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuGreenCtxDestroy", green)
    s.ask("cuGreenCtxDestroy", 0)


@case("errors.names", bare=True, alone=True)
def error_names(s: Session) -> None:
    for function in ("cuGetErrorName", "cuGetErrorString"):
        for error in (0, 1, 9, 37, 99, 227, 500, 917, 999, 1000, 9999, 0xFFFFFFFF):
            found = out()
            s.ask(function, error, found)
            text = ctypes.c_char_p(number(found)).value
            s.say("text", text.decode() if text else None)
        s.ask(function, 0, None)


@case("export_table", bare=True)
def export_table(s: Session) -> None:
    table = (ctypes.c_uint8 * 8)(*[255] * 8)
    s.ask("cuGetExportTable", table, UNKNOWN_TABLE)
    s.say("cleared", number(table) == 0)
    s.ask("cuGetExportTable", None, UNKNOWN_TABLE)
    s.ask("cuGetExportTable", out(), None)


@case("proc_address", bare=True, alone=True)
def proc_address(s: Session) -> None:
    for symbol, version, flags in (
        (b"cuMemAlloc", 3020, 0),
        (b"cuMemAlloc", 0, 0),
        (b"cuMemAlloc", 1999, 0),
        (b"cuMemAlloc", 99000, 0),
        (b"cuMemAlloc_v2", 12000, 0),
        (b"cuNoSuch", 12000, 0),
        (b"", 12000, 0),
        (None, 12000, 0),
        (b"cuMemAlloc", 12000, 1),
        (b"cuMemAlloc", 12000, 2),
        (b"cuMemAlloc", 12000, 3),
        (b"cuMemAlloc", 12000, 4),
        (b"cuStreamQuery", 12000, 2),
        (b"cuCtxCreate", 13000, 0),
    ):
        function, status = out(), numbers(9)
        s.ask("cuGetProcAddress_v2", symbol, function, version, flags, status)
        s.say("found", number(function) != 0)
        s.say("status", status[0])
    s.ask("cuGetProcAddress_v2", b"cuMemAlloc", None, 12000, 0, numbers(0))
    s.ask("cuGetProcAddress_v2", b"cuMemAlloc", out(), 12000, 0, None)
    s.ask("cuGetProcAddress", b"cuNoSuch", out(), 12000, 0)


@case("profiler.without_context", bare=True)
def profiler_without_context(s: Session) -> None:
    s.ask("cuProfilerStart")
    s.ask("cuProfilerStop")


@case("profiler")
def profiler(s: Session) -> None:
    s.ask("cuProfilerStop")
    s.ask("cuProfilerStart")
    s.ask("cuProfilerStart")
    s.ask("cuProfilerStop")
    s.ask("cuProfilerStop")
    s.ask("cuProfilerInitialize", b"/nonexistent", b"/nonexistent", 0)


@case("flush_remote_writes")
def flush(s: Session) -> None:
    for target, scope in ((0, 100), (0, 200), (0, 0), (1, 100), (0, 300)):
        s.ask("cuFlushGPUDirectRDMAWrites", target, scope)
