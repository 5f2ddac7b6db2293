"""Launches of kernels, what becomes of a context in which one has failed, occupancy."""

from __future__ import annotations

import ctypes

from misuses.kernels import KERNELS
from misuses.layouts import LaunchAttribute, LaunchConfig
from misuses.session import LEGACY, PER_THREAD, Session, address, case, number, out, pack, words

END, BUFFER_POINTER, BUFFER_SIZE = 0, 1, 2


def shape(s: Session, function: int, grid: tuple[int, ...], block: tuple[int, ...], shared: int = 0) -> None:
    s.ask("cuLaunchKernel", function, *grid, *block, shared, 0, 0, 0)


@case("launch.dimensions")
def dimensions(s: Session) -> None:
    function = s.function("empty")
    one = (1, 1, 1)
    for grid in (
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        (1 << 31, 1, 1),
        (1, 65535, 1),
        (1, 65536, 1),
        (1, 1, 65535),
        (1, 1, 65536),
        (0xFFFFFFFF, 1, 1),
    ):
        shape(s, function, grid, one)
    for block in (
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        (1024, 1, 1),
        (1025, 1, 1),
        (1, 1024, 1),
        (1, 1025, 1),
        (1, 1, 64),
        (1, 1, 65),
        (32, 32, 1),
        (32, 33, 1),
        (16, 16, 5),
        (1 << 16, 1 << 16, 1),
        (0xFFFFFFFF, 1, 1),
    ):
        shape(s, function, one, block)
    s.ask("cuCtxSynchronize")


@case("launch.bounds")
def bounds(s: Session) -> None:
    for name, blocks in (
        ("at_most_64", ((64, 1, 1), (65, 1, 1), (8, 8, 1), (1, 64, 1), (1, 1, 64), (8, 9, 1))),
        ("just_32_2_1", ((32, 2, 1), (64, 1, 1), (1, 1, 1), (2, 32, 1), (32, 3, 1), (32, 2, 2))),
        ("two_a_multiprocessor", ((256, 1, 1), (257, 1, 1))),
    ):
        function = s.function(name)
        s.ask_value("cuFuncGetAttribute", 0, function)
        for block in blocks:
            shape(s, function, (1, 1, 1), block)
    s.ask("cuCtxSynchronize")


@case("launch.shared")
def shared(s: Session) -> None:
    one = (1, 1, 1)
    for name in ("dynamic", "static_40k"):
        function = s.function(name)
        for size in (0, 8192, 8193, 49152, 49153, 232448, 1 << 20, 0xFFFFFFFF):
            shape(s, function, one, one, size)
        s.ask("cuFuncSetAttribute", function, 8, 100 << 10)
        for size in (49153, 100 << 10, (100 << 10) + 1):
            shape(s, function, one, one, size)
        s.ask("cuFuncSetAttribute", function, 8, 0)
        for size in (4096, 8192, 49152, 49153):
            shape(s, function, one, one, size)
    s.ask("cuCtxSynchronize")


@case("launch.parameters")
def parameters(s: Session) -> None:
    memory, store = s.make("cuMemAlloc_v2", 64), s.function("store")
    given, pointers = pack(memory)
    size = words(8)
    rest = (1, 1, 1, 1, 1, 1, 0, 0)

    def extra(*values: int) -> ctypes.Array[ctypes.c_uint64]:
        return words(*values)

    right = extra(BUFFER_POINTER, address(given), BUFFER_SIZE, address(size), END)
    s.ask("cuLaunchKernel", store, *rest, pointers, 0)
    s.ask("cuLaunchKernel", store, *rest, 0, 0)
    s.ask("cuLaunchKernel", store, *rest, 0, right)
    s.ask("cuLaunchKernel", store, *rest, pointers, right)
    for wrong in (0, 1, 4, 7, 9, 16, 4096, 1 << 20):
        size[0] = wrong
        s.ask("cuLaunchKernel", store, *rest, 0, right)
    size[0] = 8
    s.ask("cuLaunchKernel", store, *rest, 0, extra(END))
    s.ask("cuLaunchKernel", store, *rest, 0, extra(BUFFER_POINTER, address(given), END))
    s.ask("cuLaunchKernel", store, *rest, 0, extra(BUFFER_SIZE, address(size), END))
    s.ask("cuLaunchKernel", store, *rest, 0, extra(9, 9, END))
    s.ask("cuLaunchKernel", store, *rest, 0, extra(BUFFER_SIZE, address(size), BUFFER_POINTER, address(given), END))
    s.ask("cuLaunchKernel", s.function("empty"), *rest, 0, 0)
    s.ask("cuLaunchKernel", s.function("empty"), *rest, pointers, 0)
    s.ask("cuLaunchKernel", s.function("empty"), *rest, 0, right)
    s.ask("cuLaunchKernel", s.function("empty"), *rest, pointers, right)
    s.ask("cuCtxSynchronize")


@case("launch.parameters_null")
def parameters_null(s: Session) -> None:
    """NULL among the pointers to parameters."""
    s.ask("cuLaunchKernel", s.function("store"), 1, 1, 1, 1, 1, 1, 0, 0, words(0), 0)
    s.ask("cuCtxSynchronize")


@case("launch.extra_null_buffer")
def extra_null_buffer(s: Session) -> None:
    size = words(8)
    extra = words(BUFFER_POINTER, 0, BUFFER_SIZE, address(size), END)
    s.ask("cuLaunchKernel", s.function("store"), 1, 1, 1, 1, 1, 1, 0, 0, 0, extra)
    s.ask("cuCtxSynchronize")


@case("launch.no_function")
def no_function(s: Session) -> None:
    rest = (1, 1, 1, 1, 1, 1, 0, 0)
    s.ask("cuLaunchKernel", 0, *rest, 0, 0)
    s.ask("cuLaunchCooperativeKernel", 0, *rest, 0)
    s.ask("cuLaunchKernelEx", configured(), 0, None, None)
    s.ask("cuLaunch", 0)
    s.ask("cuLaunchGrid", s.function("empty"), 1, 1)


@case("launch.bad_function")
def bad_function(s: Session) -> None:
    room = out(4096)
    s.ask("cuLaunchKernel", address(room), 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)


@case("launch.streams")
def streams(s: Session) -> None:
    function = s.function("empty")
    for stream in (LEGACY, PER_THREAD):
        s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, stream, 0, 0)


@case("launch.cooperative")
def cooperative(s: Session) -> None:
    function = s.function("empty")
    for grid, block, room in (
        (1, 1, 0),
        (1 << 20, 1024, 0),
        (1 << 16, 1, 0),
        (1, 1025, 0),
        (0, 1, 0),
        (1, 1, 49153),
    ):
        s.ask("cuLaunchCooperativeKernel", function, grid, 1, 1, block, 1, 1, room, 0, 0)
    s.ask("cuCtxSynchronize")


def configured(grid: int = 1, block: int = 1, *attributes: LaunchAttribute, **given: int) -> LaunchConfig:
    """A configuration in one dimension; keeps its attributes alive."""
    config = LaunchConfig(gridDimX=grid, gridDimY=1, gridDimZ=1, blockDimX=block, blockDimY=1, blockDimZ=1, **given)
    kept = (LaunchAttribute * len(attributes))(*attributes)
    if attributes:
        config.attrs, config.numAttrs = ctypes.addressof(kept), len(attributes)
        config.kept = kept
    return config


def attribute(identity: int, *values: int) -> LaunchAttribute:
    return LaunchAttribute(id=identity, value=(ctypes.c_uint32 * 16)(*(value & 0xFFFFFFFF for value in values)))


@case("launch.ex")
def launch_ex(s: Session) -> None:
    function, name = s.function("empty"), "cuLaunchKernelEx"
    s.ask(name, None, function, None, None)
    s.ask(name, configured(numAttrs=1), function, None, None)
    s.ask(name, configured(0), function, None, None)
    s.ask(name, configured(1, 1025), function, None, None)
    s.ask(name, configured(1, 1, sharedMemBytes=1 << 20), function, None, None)
    for given in (
        attribute(0),
        attribute(2, 1),
        attribute(2, 2),
        attribute(3, 1),
        attribute(3, 99),
        attribute(5, 0),
        attribute(5, 99),
        attribute(6, 1),
        attribute(7, 0, 0),
        attribute(8, 0),
        attribute(8, -5),
        attribute(8, -100),
        attribute(8, 5),
        attribute(9, 0, 0),
        attribute(10, 0),
        attribute(10, 1),
        attribute(10, 9),
        attribute(12, 0, 0),
        attribute(13, 1),
        attribute(14, 50),
        attribute(14, 101),
        attribute(15, 0),
        attribute(99),
        attribute(-1 & 0xFFFFFFFF),
    ):
        s.ask(name, configured(1, 1, given), function, None, None)
    s.ask(name, configured(1 << 20, 1024, attribute(2, 1)), function, None, None)
    s.ask(name, configured(1, 1, attribute(8, 0), attribute(8, -1)), function, None, None)
    s.ask("cuCtxSynchronize")


@case("launch.clusters")
def clusters(s: Session) -> None:
    for kernel in ("plain", "any_cluster", "pairs"):
        function = s.function(kernel, "clusters")
        s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
        s.ask("cuLaunchKernel", function, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0)
        for grid, cluster in (
            (2, (2, 1, 1)),
            (3, (2, 1, 1)),
            (2, (1, 1, 1)),
            (2, (0, 1, 1)),
            (2, (0, 0, 0)),
            (2, (1, 2, 1)),
            (4, (4, 1, 1)),
            (8, (8, 1, 1)),
            (9, (9, 1, 1)),
            (16, (16, 1, 1)),
            (32, (32, 1, 1)),
            (2, (1 << 20, 1, 1)),
        ):
            s.ask("cuLaunchKernelEx", configured(grid, 1, attribute(4, *cluster)), function, None, None)
        for identity in range(10, 15):
            s.ask_value("cuFuncGetAttribute", identity, function)
        s.ask("cuFuncSetAttribute", function, 14, 1)
        s.ask("cuLaunchKernelEx", configured(16, 1, attribute(4, 16, 1, 1)), function, None, None)
        s.ask("cuLaunchKernelEx", configured(2, 1, attribute(11, 2, 1, 1)), function, None, None)
        s.ask("cuFuncSetAttribute", function, 11, 2)
        config = configured(16, 128, attribute(4, 2, 1, 1))
        s.ask_value("cuOccupancyMaxPotentialClusterSize", function, config)
        s.ask("cuOccupancyMaxActiveClusters", out(), function, config)
        s.ask("cuOccupancyMaxActiveClusters", out(), function, configured(16, 128))
        s.ask("cuOccupancyMaxActiveClusters", out(), function, None)
        s.ask("cuOccupancyMaxActiveClusters", None, function, config)
        s.ask("cuOccupancyMaxPotentialClusterSize", out(), function, None)
    s.ask("cuCtxSynchronize")


def aftermath(s: Session) -> None:
    """What later calls say, in this context, in another one, and of the end of both."""
    memory, stream = out(), out()
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxSynchronize")
    s.ask("cuMemAlloc_v2", memory, 64)
    s.ask("cuMemFree_v2", 0)
    s.ask("cuStreamCreate", stream, 0)
    s.ask("cuStreamQuery", 0)
    s.ask("cuStreamSynchronize", 0)
    s.ask("cuEventCreate", out(), 0)
    s.ask("cuMemGetInfo_v2", out(), out())
    s.ask("cuCtxGetDevice", out())
    s.ask("cuCtxGetCurrent", out())
    s.ask("cuCtxGetLimit", out(), 0)
    s.ask("cuPointerGetAttribute", out(), 2, 0)
    s.ask("cuModuleGetFunction", out(), s.modules["common"], b"empty")
    s.ask("cuDeviceGetCount", out())
    s.ask("cuGraphCreate", out(), 0)
    s.ask("cuMemHostAlloc", out(), 64, 0)
    s.ask("cuThreadExchangeStreamCaptureMode", words(0))
    other = s.ask_made("cuCtxCreate_v2", 0, 0)
    s.ask("cuMemAlloc_v2", memory, 64)
    s.ask("cuMemsetD8_v2", number(memory), 0, 8)
    s.ask("cuCtxSynchronize")
    s.ask("cuCtxDestroy_v2", other)
    s.ask("cuCtxSetCurrent", s.primary)
    s.ask("cuDevicePrimaryCtxReset_v2", 0)
    s.ask("cuDevicePrimaryCtxRetain", again := out(), 0)
    s.ask("cuCtxSetCurrent", number(again))
    s.ask("cuMemAlloc_v2", out(), 64)
    s.ask("cuCtxSynchronize")


for name, where in (("low", 0x100), ("far", 1 << 46), ("unaligned", 1), ("freed", 2)):

    @case(f"launch.illegal.{name}", alone=True)
    def illegal(s: Session, where: int = where) -> None:
        if where < 8:
            memory = s.make("cuMemAlloc_v2", 64 << 20)
            if where == 2:
                s.must("cuMemFree_v2", memory)
            where = memory + where % 2
        store = s.function("store")
        s.say("launched", s.launch(store, 1, 1, 0, where))
        aftermath(s)


@case("launch.trap", alone=True)
def trap(s: Session) -> None:
    s.say("launched", s.launch(s.function("trap")))
    aftermath(s)


@case("launch.trap_in_another_context", bare=True, alone=True)
def trap_in_another_context(s: Session) -> None:
    """A context of cuCtxCreate_v2 breaks beside the primary one, and is destroyed."""
    broken = s.make("cuCtxCreate_v2", 0, 0)
    module = s.make("cuModuleLoadData", KERNELS["common"])
    function = s.make("cuModuleGetFunction", module, b"trap")
    memory, event, stream = s.make("cuMemAlloc_v2", 64), s.make("cuEventCreate", 0), s.make("cuStreamCreate", 0)
    s.say("launched", s.launch(function, 1, 1, stream))
    s.ask("cuStreamSynchronize", stream)
    s.ask("cuStreamQuery", stream)
    s.ask("cuEventQuery", event)
    s.ask("cuEventRecord", event, stream)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, stream, 0, 0)
    s.ask("cuMemFree_v2", memory)
    s.ask("cuStreamDestroy_v2", stream)
    s.ask("cuEventDestroy_v2", event)
    s.ask("cuModuleUnload", module)
    s.ask("cuCtxSetCurrent", s.primary)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemAlloc_v2", out(), 64)
    s.ask("cuCtxDestroy_v2", broken)
    s.ask("cuCtxSynchronize")
    s.ask("cuMemAlloc_v2", out(), 64)


@case("occupancy", alone=True)
def occupancy(s: Session) -> None:
    function = s.function("empty")
    active = "cuOccupancyMaxActiveBlocksPerMultiprocessor"
    for block, room in ((0, 0), (-1, 0), (1, 0), (1024, 0), (1025, 0), (32, 49153), (32, 232448), (32, 1 << 30)):
        s.ask_value(active, function, block, room)
    s.ask_value(active, s.function("at_most_64"), 65, 0)
    s.ask_value(active, s.function("static_40k"), 32, 49152)
    s.ask(active, None, function, 32, 0)
    s.ask(active, out(), 0, 32, 0)
    for flags in (0, 1, 2):
        s.ask_value(f"{active}WithFlags", function, 32, 0, flags)
    best = "cuOccupancyMaxPotentialBlockSize"
    for limit, room in ((0, 0), (-1, 0), (100, 0), (2048, 0), (0, 49153), (0, 1 << 30)):
        grid, block_size = out(), out()
        s.ask(best, grid, block_size, function, None, room, limit)
        s.say("block", number(block_size, 4))
    s.ask(best, None, out(), function, None, 0, 0)
    s.ask(best, out(), None, function, None, 0, 0)
    s.ask(best, out(), out(), 0, None, 0, 0)
    s.ask(f"{best}WithFlags", out(), out(), function, None, 0, 0, 9)
    for blocks, threads in ((1, 32), (0, 32), (1, 0), (1, 1025), (1000, 32), (32, 32), (-1, 32)):
        s.ask_value("cuOccupancyAvailableDynamicSMemPerBlock", function, blocks, threads, size=8)
    s.ask("cuOccupancyAvailableDynamicSMemPerBlock", None, function, 1, 32)
    s.ask("cuOccupancyAvailableDynamicSMemPerBlock", out(), 0, 1, 32)
