"""The runtime's kernels: those that CUDA code has registered, and launches of them.

A fatbinary becomes a library of the driver's when something of it is first used, as with the real runtime.
"""

from __future__ import annotations

from array import array

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.registration import FUNCTION
from vgpu_embed.virtual.runtime.devices import device, in_context
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import Answer, AnyCall
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.registration import Loaded, Registration

INVALID_CONFIGURATION, INVALID_SYMBOL, INVALID_DEVICE_FUNCTION, NOT_FOUND = 9, 13, 98, 500
"""cudaErrorInvalidConfiguration and so on; the driver's CUDA_ERROR_NOT_FOUND."""

GRID_AND_BLOCK = (5, 6, 7, 2, 3, 4)
MAX_THREADS_PER_BLOCK = 1
"""CU_DEVICE_ATTRIBUTE_… of the sizes of a launch."""

WORD = 0xFFFFFFFF
"""Of a dim3, which comes as one number."""

BINARY_IS_PRESERVED = array("I", [1])
YES = array("Q", [1])
"""An option of cuLibraryLoadData: the program keeps what it has registered where it is."""

answers = Answers(ready=in_context, reported=remember)


def loaded(machine: Machine, call: AnyCall) -> Loaded:
    """The machine's, without what is gone."""
    known = machine.programs.loaded
    if known.gone != machine.programs.registrations.gone():
        known.gone = machine.programs.registrations.gone()
        known.kernels.clear()
        for binary in [binary for binary in known.libraries if not machine.programs.registrations.of(binary)]:
            call.make("cuLibraryUnload", library=known.libraries.pop(binary))
    return known


def library(machine: Machine, call: AnyCall, registered: Registration) -> int:
    """The library that a fatbinary is. Raises Refused."""
    known = loaded(machine, call).libraries
    if registered.binary not in known:
        made = call.make(
            "cuLibraryLoadData",
            code=registered.wrapper,
            libraryOptions=BINARY_IS_PRESERVED.buffer_info()[0],
            libraryOptionValues=YES.buffer_info()[0],
            numLibraryOptions=1,
        )
        refuse_unless_ok(made.result)
        known[registered.binary] = call.address_of(made.library)
    return known[registered.binary]


def kernel(machine: Machine, call: AnyCall, host: int) -> int:
    """The driver's kernel of a function of the program's, or what is no such function as it is. Raises Refused."""
    known = loaded(machine, call).kernels
    found = known.get(host)
    if found is None:
        registered = machine.programs.registrations.find(host)
        if registered is None or registered.kind != FUNCTION:
            return host
        made = call.make("cuLibraryGetKernel", library=library(machine, call, registered), name=registered.name)
        refuse_unless_ok(INVALID_DEVICE_FUNCTION if made.result == NOT_FOUND else made.result)
        found = known[host] = call.address_of(made.pKernel)
    return found


def function(machine: Machine, call: AnyCall, host: int) -> int:
    """The driver's function of a function of the program's, in the current context. Raises Refused."""
    handle = kernel(machine, call, host)
    made = call.make("cuKernelGetFunction", kernel=handle)
    refuse_unless_ok(INVALID_DEVICE_FUNCTION if made.result else 0)
    return call.address_of(made.pFunc)


def host_of(machine: Machine, call: AnyCall, handle: int) -> int | None:
    """The address by which the program knows a function of the driver's; None where it does not."""
    programs = machine.programs
    named = programs.functions[handle].name
    alike = [(host, one) for host, one in loaded(machine, call).kernels.items() if programs.kernels[one].name == named]
    for host, one in alike:
        if call.address_of(call.make("cuKernelGetFunction", kernel=one).pFunc) == handle:
            return host
    return None


# ---- launches ------------------------------------------------------------------------------------------------------


def launching(driver: str) -> Answer:
    """Launches a kernel that the program knows by an address, by this function of the driver's."""
    return lambda machine, call: _launch(machine, call, driver, kernel(machine, call, call.number("func")))


def launching_handle(driver: str) -> Answer:
    """Launches a kernel that the program has asked for before."""
    return lambda machine, call: _launch(machine, call, driver, call.number("kernel"))


for _suffix in ("", "_ptsz"):
    answers("cudaLaunchKernel" + _suffix)(launching("cuLaunchKernel" + _suffix))
    answers("__cudaLaunchKernel" + _suffix)(launching_handle("cuLaunchKernel" + _suffix))
    answers("cudaLaunchCooperativeKernel" + _suffix)(launching("cuLaunchCooperativeKernel" + _suffix))


def _launch(machine: Machine, call: AnyCall, driver: str, called: int) -> int:
    number = call.number
    grid, block = number("gridDim"), number("blockDim")
    result = call.make(
        driver,
        f=called,
        gridDimX=grid & WORD,
        gridDimY=grid >> 32 & WORD,
        gridDimZ=grid >> 64,
        blockDimX=block & WORD,
        blockDimY=block >> 32 & WORD,
        blockDimZ=block >> 64,
        sharedMemBytes=call.sharedMem,
        hStream=number("stream"),
        kernelParams=number("args"),
    ).result
    return result and said(
        machine, call, result, [size >> shift & WORD for size in (grid, block) for shift in (0, 32, 64)]
    )


@answers("cudaLaunchKernelExC", "cudaLaunchKernelExC_ptsz")
def launch_ex(machine: Machine, call: AnyCall) -> int:
    if not call.config:
        return INVALID_VALUE
    config, sizes = driver_config(call, call.config[0])
    called = kernel(machine, call, call.number("func"))
    suffix = "_ptsz" if call.function.endswith("_ptsz") else ""
    result: int = call.make(
        "cuLaunchKernelEx" + suffix, config=call.address_of(config), f=called, kernelParams=call.number("args")
    ).result
    return result and said(machine, call, result, sizes)


def driver_config(call: AnyCall, given: Any) -> tuple[Any, list[int]]:
    """The driver's struct for a cudaLaunchConfig_t, where shared memory has 32 bits; sizes of grid and block."""
    ffi = call.ffi
    sizes = [getattr(side, axis) for side in (given.gridDim, given.blockDim) for axis in "xyz"]
    attributes, stream = ffi.cast("CUlaunchAttribute *", given.attrs), ffi.cast("CUstream", given.stream)
    fields = [*sizes, min(given.dynamicSmemBytes, WORD), stream, attributes, given.numAttrs]
    return ffi.new("CUlaunchConfig *", fields), sizes


def said(machine: Machine, call: AnyCall, result: int, sizes: Any) -> int:
    """What the runtime says of a launch that the driver has refused."""
    if result == 400:
        return INVALID_DEVICE_FUNCTION
    if result == INVALID_VALUE:
        handle = device(call, machine.thread.device)
        limits = [
            call.make("cuDeviceGetAttribute", attrib=attribute, dev=handle).pi
            for attribute in (*GRID_AND_BLOCK, MAX_THREADS_PER_BLOCK)
        ]
        threads = sizes[3] * sizes[4] * sizes[5]
        if not all(0 < size <= limit for size, limit in zip((*sizes, threads), limits, strict=True)):
            return INVALID_CONFIGURATION
    return result


# ---- functions and what they need ----------------------------------------------------------------------------------

ATTRIBUTES = {
    "maxThreadsPerBlock": 0,
    "sharedSizeBytes": 1,
    "constSizeBytes": 2,
    "localSizeBytes": 3,
    "numRegs": 4,
    "ptxVersion": 5,
    "binaryVersion": 6,
    "cacheModeCA": 7,
    "maxDynamicSharedSizeBytes": 8,
    "preferredShmemCarveout": 9,
    "clusterDimMustBeSet": 10,
    "requiredClusterWidth": 11,
    "requiredClusterHeight": 12,
    "requiredClusterDepth": 13,
    "nonPortableClusterSizeAllowed": 14,
    "clusterSchedulingPolicyPreference": 15,
}
"""Fields of cudaFuncAttributes, and the driver's CU_FUNC_ATTRIBUTE_… that they are."""


@answers("cudaFuncGetAttributes", "cudaFuncGetAttributes@11")
def function_attributes(machine: Machine, call: AnyCall) -> int:
    handle = function(machine, call, call.number("func"))
    call.reply()  # the struct's type can be looked at then
    values = {}
    for field, _ in call.ffi.typeof(call.attr).item.fields:
        if field in ATTRIBUTES:
            made = call.make("cuFuncGetAttribute", attrib=ATTRIBUTES[field], hfunc=handle)
            refuse_unless_ok(made.result)
            values[field] = made.pi
    return call.reply(attr=values)


@answers("cudaFuncSetAttribute")
def set_function_attribute(machine: Machine, call: AnyCall) -> int:
    handle = function(machine, call, call.number("func"))
    return int(call.make("cuFuncSetAttribute", hfunc=handle, attrib=call.number("attr"), value=call.value).result)


@answers("cudaFuncSetCacheConfig")
def set_cache_configuration(machine: Machine, call: AnyCall) -> int:
    handle = function(machine, call, call.number("func"))
    return int(call.make("cuFuncSetCacheConfig", hfunc=handle, config=call.number("cacheConfig")).result)


@answers("cudaFuncSetSharedMemConfig")
def set_bank_configuration(machine: Machine, call: AnyCall) -> int:
    handle = function(machine, call, call.number("func"))
    return int(call.make("cuFuncSetSharedMemConfig", hfunc=handle, config=call.number("config")).result)


@answers("cudaFuncGetName")
def function_name(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuFuncGetName", hfunc=function(machine, call, call.number("func")))
    return made.result or call.reply(name=made.name)


@answers("cudaFuncGetParamInfo")
def parameter_info(machine: Machine, call: AnyCall) -> int:
    handle = function(machine, call, call.number("func"))
    made = call.make("cuFuncGetParamInfo", func=handle, paramIndex=call.paramIndex)
    size = {"paramSize": made.paramSize} if call.number("paramSize") else {}
    return made.result or call.reply(paramOffset=made.paramOffset, **size)


@answers("cudaFuncGetParamCount")
def parameter_count(machine: Machine, call: AnyCall) -> int:
    made = call.make("cuFuncGetParamCount", func=function(machine, call, call.number("func")))
    return made.result or call.reply(paramCount=made.paramCount)


@answers("cudaGetFuncBySymbol")
def function_by_symbol(machine: Machine, call: AnyCall) -> int:
    return call.reply(functionPtr=function(machine, call, call.number("symbolPtr")))


@answers("cudaGetKernel")
def get_kernel(machine: Machine, call: AnyCall) -> int:
    return call.reply(kernelPtr=_registered_kernel(machine, call, call.number("entryFuncAddr")))


@answers("__cudaGetKernel")
def get_kernel_for_launch(machine: Machine, call: AnyCall) -> int:
    return call.reply(arg0=_registered_kernel(machine, call, call.number("arg1")))


def _registered_kernel(machine: Machine, call: AnyCall, host: int) -> int:
    found = kernel(machine, call, host)
    if found == host:
        raise Refused(INVALID_DEVICE_FUNCTION)
    return found


# ---- occupancy -----------------------------------------------------------------------------------------------------


@answers("cudaOccupancyMaxActiveBlocksPerMultiprocessor", "cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags")
def active_blocks(machine: Machine, call: AnyCall) -> int:
    made = call.make(
        "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags",
        func=function(machine, call, call.number("func")),
        blockSize=call.blockSize,
        dynamicSMemSize=call.dynamicSMemSize,
        flags=call.flags if call.function.endswith("Flags") else 0,
    )
    return made.result or call.reply(numBlocks=made.numBlocks)


@answers("cudaOccupancyAvailableDynamicSMemPerBlock")
def available_shared(machine: Machine, call: AnyCall) -> int:
    made = call.make(
        "cuOccupancyAvailableDynamicSMemPerBlock",
        func=function(machine, call, call.number("func")),
        numBlocks=call.numBlocks,
        blockSize=call.blockSize,
    )
    return made.result or call.reply(dynamicSmemSize=made.dynamicSmemSize)


@answers("cudaOccupancyMaxActiveClusters", "cudaOccupancyMaxPotentialClusterSize")
def clusters(machine: Machine, call: AnyCall) -> int:
    if not call.launchConfig:
        return INVALID_VALUE
    config, _ = driver_config(call, call.launchConfig[0])
    driver = "cu" + call.function[4:]
    made = call.make(driver, func=function(machine, call, call.number("func")), config=call.address_of(config))
    output = "numClusters" if driver.endswith("Clusters") else "clusterSize"
    return made.result or call.reply(**{output: getattr(made, output)})
