"""What functions and kernels of the driver say of themselves, and what can be set: cuFunc…, cuKernel…, occupancy.

Occupancy is by CUDA's published rules, equal to what driver 580.159.04 says on an H100 (tests/virtual/data,
occupancy).
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.functions import (
    BLOCKS,
    CLUSTER_DEPTH,
    CLUSTER_HEIGHT,
    CLUSTER_WIDTH,
    CLUSTERS,
    MAX_DYNAMIC_SHARED,
    MULTIPROCESSORS,
    NON_PORTABLE_CLUSTER,
    SHARED_OF_MULTIPROCESSOR,
    SHARED_UNIT,
    THREADS_PER_BLOCK,
    WARP,
    Function,
    blocks_per_multiprocessor,
)
from vgpu_embed.virtual.kernels import (
    CLUSTER_DIMENSION,
    INVALID_CLUSTER_SIZE,
    LARGEST_CLUSTER,
    PORTABLE_CLUSTER,
    function_at,
    function_of,
)
from vgpu_embed.virtual.machine import INVALID_DEVICE, INVALID_VALUE, initialised
from vgpu_embed.virtual.modules import capability, kernel_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

LOADED = 1
"""CU_FUNCTION_LOADING_STATE_LOADED."""
CACHE_CONFIGURATIONS, BANK_CONFIGURATIONS = range(4), range(3)
"""CUfunc_cache and CUsharedconfig."""

answers = Answers(ready=initialised)


def of_kernel(machine: Machine, call: AnyCall) -> Function:
    """The function that a call's kernel is on its device, in the current context if it has one. Raises Refused."""
    kernel = kernel_of(machine, call.number("kernel"))
    context = machine.current() if machine.thread.stack else None
    if context and call.dev == context.device:
        return kernel.function(machine, context)
    machine.device(call.dev)
    other = machine.primaries.get(call.dev)
    if other is None or not other.is_active:
        raise Refused(INVALID_DEVICE)
    return kernel.function(machine, other)


@answers("cuFuncGetAttribute", "cuKernelGetAttribute")
def get_attribute(machine: Machine, call: AnyCall) -> int:
    is_kernel = call.function.startswith("cuKernel")
    function = of_kernel(machine, call) if is_kernel else function_at(machine, call.number("hfunc"))
    value = function.attributes.get(call.number("attrib"))
    return INVALID_VALUE if value is None else call.reply(pi=value)


@answers("cuFuncSetAttribute")
def set_attribute(machine: Machine, call: AnyCall) -> int:
    function_at(machine, call.number("hfunc")).set(call.number("attrib"), call.value)
    return 0


@answers("cuKernelSetAttribute")
def set_kernel_attribute(machine: Machine, call: AnyCall) -> int:
    of_kernel(machine, call).set(call.number("attrib"), call.val)
    return 0


@answers("cuFuncSetCacheConfig", "cuFuncSetSharedMemConfig", "cuKernelSetCacheConfig")
def set_configuration(machine: Machine, call: AnyCall) -> int:
    """Preferences, with no effect on what can be seen."""
    if call.function.startswith("cuKernel"):
        of_kernel(machine, call)
    else:
        function_at(machine, call.number("hfunc"))
    known = BANK_CONFIGURATIONS if call.function == "cuFuncSetSharedMemConfig" else CACHE_CONFIGURATIONS
    return 0 if call.number("config") in known else INVALID_VALUE


@answers("cuFuncGetModule")
def get_module(machine: Machine, call: AnyCall) -> int:
    if not call.hfunc:
        return INVALID_VALUE
    return call.reply(hmod=function_at(machine, call.number("hfunc")).module.handle)


@answers("cuFuncGetName")
def get_name(machine: Machine, call: AnyCall) -> int:
    if not call.hfunc:
        return INVALID_VALUE
    return call.reply(name=function_at(machine, call.number("hfunc")).name)


@answers("cuKernelGetName")
def get_kernel_name(machine: Machine, call: AnyCall) -> int:
    return call.reply(name=kernel_of(machine, call.number("hfunc")).name)


@answers("cuKernelGetFunction")
def get_function(machine: Machine, call: AnyCall) -> int:
    context, kernel = machine.current(), kernel_of(machine, call.number("kernel"))
    return call.reply(pFunc=kernel.function(machine, context).handle)


@answers("cuKernelGetLibrary")
def get_library(machine: Machine, call: AnyCall) -> int:
    return call.reply(pLib=kernel_of(machine, call.number("kernel")).library.handle)


@answers("cuFuncGetParamInfo", "cuKernelGetParamInfo")
def parameter_info(machine: Machine, call: AnyCall) -> int:
    """The size may be NULL."""
    parameters = _parameters(machine, call)
    if call.paramIndex >= len(parameters):
        return INVALID_VALUE
    offset, size = parameters[call.paramIndex]
    return call.reply(paramOffset=offset, **({"paramSize": size} if call.number("paramSize") else {}))


@answers("cuFuncGetParamCount", "cuKernelGetParamCount")
def parameter_count(machine: Machine, call: AnyCall) -> int:
    return call.reply(paramCount=len(_parameters(machine, call)))


def _parameters(machine: Machine, call: AnyCall) -> list[tuple[int, int]]:
    if call.function.startswith("cuKernel"):
        function = function_of(machine, call.number("kernel"))
    elif call.func:
        function = function_at(machine, call.number("func"))
    else:
        raise Refused(INVALID_VALUE)
    return list(function.entry.parameters or ())


@answers("cuFuncIsLoaded")
def is_loaded(machine: Machine, call: AnyCall) -> int:
    function_at(machine, call.number("function_"))
    return call.reply(state=LOADED)


@answers("cuFuncLoad")
def load(machine: Machine, call: AnyCall) -> int:
    function_at(machine, call.number("function_"))
    return 0


# ---- occupancy -----------------------------------------------------------------------------------------------------


def occupied(machine: Machine, call: AnyCall) -> Function:
    """The function that a call is about, in whichever context, or a library's kernel in the current one."""
    handle = call.number("func")
    if handle in machine.programs.functions:
        return function_at(machine, handle)
    return function_of(machine, handle)


@answers("cuOccupancyMaxActiveBlocksPerMultiprocessor", "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags")
def active_blocks(machine: Machine, call: AnyCall) -> int:
    function = occupied(machine, call)
    if call.blockSize <= 0 or (call.function.endswith("Flags") and call.flags & ~1):
        return INVALID_VALUE
    return call.reply(numBlocks=blocks_per_multiprocessor(function, call.blockSize, call.dynamicSMemSize))


@answers("cuOccupancyAvailableDynamicSMemPerBlock")
def available_shared(machine: Machine, call: AnyCall) -> int:
    """What each of so many blocks can have of a multiprocessor's shared memory."""
    function = occupied(machine, call)
    device = function.device
    if not 0 < call.blockSize <= device[THREADS_PER_BLOCK] or not 0 < call.numBlocks <= device[BLOCKS]:
        return INVALID_VALUE
    share = device[SHARED_OF_MULTIPROCESSOR] // call.numBlocks // SHARED_UNIT * SHARED_UNIT
    available = share - function.entry.shared
    return call.reply(dynamicSmemSize=max(min(available, function.attributes[MAX_DYNAMIC_SHARED]), 0))


@answers("cuOccupancyMaxPotentialBlockSize", "cuOccupancyMaxPotentialBlockSizeWithFlags")
def potential_block_size(machine: Machine, call: AnyCall) -> int:
    """The block with which most threads of a multiprocessor are busy, the largest of those."""
    function = occupied(machine, call)
    if call.blockSizeLimit < 0 or (call.function.endswith("Flags") and call.flags & ~1):
        return INVALID_VALUE
    device = function.device
    size_for = call.number("blockSizeToDynamicSMemSize")
    limit = min(call.blockSizeLimit, function.most_threads) if call.blockSizeLimit > 0 else function.most_threads
    best, best_blocks, most = 0, 0, 0
    for rounded in range(-(-limit // device[WARP]) * device[WARP], 0, -device[WARP]):
        threads = min(rounded, limit)
        dynamic = machine.order.host.call(size_for, threads) if size_for else call.dynamicSMemSize
        blocks = blocks_per_multiprocessor(function, threads, dynamic)
        if blocks * threads > most:
            best, best_blocks, most = threads, blocks, blocks * threads
    return call.reply(minGridSize=best_blocks * device[MULTIPROCESSORS], blockSize=best)


@answers("cuOccupancyMaxPotentialClusterSize")
def potential_cluster_size(machine: Machine, call: AnyCall) -> int:
    """The largest cluster that can be launched at all."""
    function, blocks = _clusters(machine, call)
    if not blocks:
        return call.reply(clusterSize=0)
    allows_more = function.attributes[NON_PORTABLE_CLUSTER]
    return call.reply(clusterSize=LARGEST_CLUSTER if allows_more else PORTABLE_CLUSTER)


@answers("cuOccupancyMaxActiveClusters")
def active_clusters(machine: Machine, call: AnyCall) -> int:
    """As many as the multiprocessors have room for; on a GPU it is fewer where a group of them has some disabled."""
    function, blocks = _clusters(machine, call)
    config = call.config[0]
    said = function.attributes
    size = said[CLUSTER_WIDTH] * said[CLUSTER_HEIGHT] * said[CLUSTER_DEPTH]
    for number in range(config.numAttrs):
        if config.attrs[number].id == CLUSTER_DIMENSION:
            asked = config.attrs[number].value.clusterDim
            size = asked.x * asked.y * asked.z
    if not size:
        return INVALID_CLUSTER_SIZE
    return call.reply(numClusters=blocks * function.device[MULTIPROCESSORS] // size)


def _clusters(machine: Machine, call: AnyCall) -> tuple[Function, int]:
    """The function and the blocks of it on a multiprocessor, where the device has clusters. Raises Refused."""
    function = occupied(machine, call)
    if not call.config or capability(function.module.context) < 90 or not function.device.get(CLUSTERS):
        raise Refused(INVALID_VALUE)
    config = call.config[0]
    threads = config.blockDimX * config.blockDimY * config.blockDimZ
    if not threads:
        raise Refused(INVALID_VALUE)
    return function, blocks_per_multiprocessor(function, threads, config.sharedMemBytes)
