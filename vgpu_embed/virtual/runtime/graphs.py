"""Nodes of the runtime's graphs whose parameters are structs of its own: kernels, copies, fills, all in one."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.operations import KERNEL, MEM_ALLOC, MEMCPY
from vgpu_embed.virtual.runtime.channels import element_of
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember
from vgpu_embed.virtual.runtime.launches import host_of, kernel
from vgpu_embed.virtual.runtime.memory import ARRAY, DEFAULT, DEVICE, HOST, SIDES, copy_of, fill_end
from vgpu_embed.virtual.runtime.symbols import place_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

INVALID_DIRECTION = 21
"""cudaErrorInvalidMemcpyDirection."""
DEVICE_ENTRY, FUNCTION = 1, 3
"""cudaKernelFunctionType…: an address of the program's, a handle of the driver's."""

answers = Answers(ready=in_context, reported=remember)


def add(call: AnyCall, driver: str, **parameters: Any) -> int:
    """Adds a node: the runtime's functions for that begin alike."""
    made = call.make(
        driver,
        phGraphNode=call.number("pGraphNode"),
        hGraph=call.number("graph"),
        dependencies=call.number("pDependencies"),
        numDependencies=call.numDependencies,
        **parameters,
    )
    return int(made.result)


def change(call: AnyCall, driver: str, **parameters: Any) -> int:
    """Sets a node's parameters, in a graph or, with `Exec` in the name, in one that was instantiated."""
    if "Exec" in call.function:
        driver = driver.replace("cuGraph", "cuGraphExec")
        parameters["hGraphExec"] = call.number("hGraphExec")
    else:
        parameters.pop("ctx", None)
    return int(call.make(driver, hNode=call.number("node"), **parameters).result)


def context(machine: Machine) -> int:
    """The current one."""
    return machine.thread.stack[-1].handle


# ---- kernels -------------------------------------------------------------------------------------------------------


@answers("cudaGraphAddKernelNode")
def add_kernel(machine: Machine, call: AnyCall) -> int:
    parameters = kernel_of(machine, call, call.pNodeParams)
    return add(call, "cuGraphAddKernelNode_v2", nodeParams=call.address_of(parameters))


@answers("cudaGraphKernelNodeSetParams", "cudaGraphExecKernelNodeSetParams")
def set_kernel(machine: Machine, call: AnyCall) -> int:
    parameters = kernel_of(machine, call, call.pNodeParams)
    return change(call, "cuGraphKernelNodeSetParams_v2", nodeParams=call.address_of(parameters))


@answers("cudaGraphKernelNodeGetParams")
def get_kernel(machine: Machine, call: AnyCall) -> int:
    given = call.ffi.new("CUDA_KERNEL_NODE_PARAMS_v2 *")
    result = call.make(
        "cuGraphKernelNodeGetParams_v2", hNode=call.number("node"), nodeParams=call.address_of(given)
    ).result
    call.reply()
    if result or not call.pNodeParams:
        return result or INVALID_VALUE
    show_kernel(machine, call, call.pNodeParams, given)
    return 0


def kernel_of(machine: Machine, call: AnyCall, given: Any) -> Any:
    """The driver's parameters of a kernel node. Raises Refused."""
    if not given:
        raise Refused(INVALID_VALUE)
    parameters = call.ffi.new("CUDA_KERNEL_NODE_PARAMS_v2 *")
    set_kernel_of(machine, call, parameters, given)
    return parameters


def set_kernel_of(machine: Machine, call: AnyCall, parameters: Any, given: Any) -> None:
    """Writes the driver's parameters of a kernel node, from the runtime's of any version. Raises Refused."""
    grid, block = given.gridDim, given.blockDim
    parameters.kern = call.ffi.cast("CUkernel", kernel(machine, call, call.address_of(given.func)))
    parameters.gridDimX, parameters.gridDimY, parameters.gridDimZ = grid.x, grid.y, grid.z
    parameters.blockDimX, parameters.blockDimY, parameters.blockDimZ = block.x, block.y, block.z
    parameters.sharedMemBytes = given.sharedMemBytes
    parameters.kernelParams, parameters.extra = given.kernelParams, given.extra


def show_kernel(machine: Machine, call: AnyCall, parameters: Any, given: Any) -> bool:
    """Writes the runtime's parameters of a kernel node; whether it knows the kernel by an address."""
    handle = call.address_of(given.func)
    host = host_of(machine, call, handle)
    parameters.func = call.ffi.cast("void *", host or handle)
    for side, name in ((parameters.gridDim, "gridDim"), (parameters.blockDim, "blockDim")):
        side.x, side.y, side.z = (getattr(given, name + axis) for axis in "XYZ")
    parameters.sharedMemBytes = given.sharedMemBytes
    parameters.kernelParams, parameters.extra = given.kernelParams, given.extra
    return host is not None


# ---- copies and fills ----------------------------------------------------------------------------------------------


@answers("cudaGraphAddMemcpyNode")
def add_copy(machine: Machine, call: AnyCall) -> int:
    copied = copy_of(call, call.pCopyParams)
    return add(call, "cuGraphAddMemcpyNode", copyParams=call.address_of(copied), ctx=context(machine))


@answers("cudaGraphAddMemcpyNode1D", "cudaGraphAddMemcpyNodeFromSymbol", "cudaGraphAddMemcpyNodeToSymbol")
def add_linear_copy(machine: Machine, call: AnyCall) -> int:
    copied = linear_copy(machine, call)
    return add(call, "cuGraphAddMemcpyNode", copyParams=call.address_of(copied), ctx=context(machine))


@answers("cudaGraphMemcpyNodeGetParams")
def get_copy(machine: Machine, call: AnyCall) -> int:
    given = call.ffi.new("CUDA_MEMCPY3D *")
    made = call.make("cuGraphMemcpyNodeGetParams", hNode=call.number("node"), nodeParams=call.address_of(given))
    call.reply()
    if made.result or not call.pNodeParams:
        return made.result or INVALID_VALUE
    show_copy(call, call.pNodeParams, given)
    return 0


def show_copy(call: AnyCall, parameters: Any, given: Any) -> None:
    """Writes a cudaMemcpy3DParms, whose lengths are in elements of its arrays, from a CUDA_MEMCPY3D."""
    ffi, widest, types = call.ffi, 1, []
    for side in ("src", "dst"):
        memory, place = getattr(parameters, side + "Ptr"), getattr(parameters, side + "Pos")
        kind, array, element = getattr(given, side + "MemoryType"), ffi.NULL, 1
        if kind == ARRAY:
            array = getattr(given, side + "Array")
            widest = element = element_of(call, call.address_of(array))
            pointer, kind = ffi.NULL, DEVICE
        else:
            pointer = getattr(given, side + ("Host" if kind == HOST else "Device"))
        types.append(kind)
        setattr(parameters, side + "Array", ffi.cast("cudaArray_t", array))
        memory.ptr = ffi.cast("void *", pointer)
        memory.pitch, memory.ysize = getattr(given, side + "Pitch"), getattr(given, side + "Height")
        memory.xsize = memory.pitch
        place.x, place.y, place.z = (getattr(given, side + axis) for axis in ("XInBytes", "Y", "Z"))
        place.x //= element
    extent = parameters.extent
    extent.width, extent.height, extent.depth = given.WidthInBytes // widest, given.Height, given.Depth
    parameters.kind = next((kind for kind, sides in SIDES.items() if sides == tuple(types)), DEFAULT)


@answers("cudaGraphMemcpyNodeSetParams", "cudaGraphExecMemcpyNodeSetParams")
def set_copy(machine: Machine, call: AnyCall) -> int:
    copied = copy_of(call, call.pNodeParams)
    return change(call, "cuGraphMemcpyNodeSetParams", **_copy_parameters(machine, call, copied))


@answers(*(f"cudaGraph{of}MemcpyNodeSetParams{end}" for of in ("", "Exec") for end in ("1D", "FromSymbol", "ToSymbol")))
def set_linear_copy(machine: Machine, call: AnyCall) -> int:
    copied = linear_copy(machine, call)  # has to live as long as the driver reads it
    return change(call, "cuGraphMemcpyNodeSetParams", **_copy_parameters(machine, call, copied))


def _copy_parameters(machine: Machine, call: AnyCall, copied: Any) -> dict[str, int]:
    """The driver's two functions for it name them differently."""
    name = "copyParams" if "Exec" in call.function else "nodeParams"
    return {name: call.address_of(copied), "ctx": context(machine)}


def linear_copy(machine: Machine, call: AnyCall) -> Any:
    """The CUDA_MEMCPY3D of so many bytes, from or to a variable where the function says so. Raises Refused."""
    kind, sides = call.number("kind"), ("src", "dst")
    symbol = "dst" if call.function.endswith("ToSymbol") else "src" if call.function.endswith("FromSymbol") else ""
    if kind not in SIDES or (symbol and SIDES[kind][sides.index(symbol)] == HOST):
        raise Refused(INVALID_DIRECTION)
    copied = call.ffi.new("CUDA_MEMCPY3D *")
    for side, memory in zip(sides, SIDES[kind], strict=True):
        address = place_in(machine, call) if side == symbol else call.number(side)
        fill_end(call, copied, side, memory, address, call.count)
    copied.WidthInBytes, copied.Height, copied.Depth = call.count, 1, 1
    return copied


@answers("cudaGraphAddMemsetNode")
def add_fill(machine: Machine, call: AnyCall) -> int:
    """The structs are the same."""
    return add(call, "cuGraphAddMemsetNode", memsetParams=call.number("pMemsetParams"), ctx=context(machine))


@answers("cudaGraphExecMemsetNodeSetParams")
def set_fill(machine: Machine, call: AnyCall) -> int:
    return change(call, "cuGraphMemsetNodeSetParams", memsetParams=call.number("pNodeParams"), ctx=context(machine))


# ---- nodes of any type ---------------------------------------------------------------------------------------------


@answers("cudaGraphAddNode", "cudaGraphAddNode_v2")
def add_any(machine: Machine, call: AnyCall) -> int:
    return _add_any(machine, call, "cuGraphAddNode_v2", dependencyData=call.number("dependencyData"))


@answers("cudaGraphAddNode@12")
def add_any_of_12(machine: Machine, call: AnyCall) -> int:
    return _add_any(machine, call, "cuGraphAddNode")


def _add_any(machine: Machine, call: AnyCall, driver: str, **data: int) -> int:
    call.reply()  # outputs can be looked at then
    parameters = any_of(machine, call, call.nodeParams)
    refuse_unless_ok(add(call, driver, nodeParams=call.address_of(parameters), **data))
    if parameters.type == MEM_ALLOC:
        call.nodeParams.alloc.dptr = call.ffi.cast("void *", parameters.alloc.dptr)
    return 0


@answers("cudaGraphNodeSetParams", "cudaGraphExecNodeSetParams")
def set_any(machine: Machine, call: AnyCall) -> int:
    parameters = any_of(machine, call, call.nodeParams)
    named = {"hGraphExec": call.number("graphExec")} if "Exec" in call.function else {}
    made = call.make(
        call.function.replace("cuda", "cu"),
        hNode=call.number("node"),
        nodeParams=call.address_of(parameters),
        **named,
    )
    return int(made.result)


@answers("cudaGraphNodeGetParams")
def get_any(machine: Machine, call: AnyCall) -> int:
    ffi, given = call.ffi, call.ffi.new("CUgraphNodeParams *")
    made = call.make("cuGraphNodeGetParams", hNode=call.number("node"), nodeParams=call.address_of(given))
    call.reply()
    out = call.nodeParams
    if made.result or not out:
        return made.result or INVALID_VALUE
    if given.type not in (KERNEL, MEMCPY):
        ffi.memmove(out, given, ffi.sizeof(given[0]))
        return 0
    ffi.buffer(out)[:] = bytes(ffi.sizeof(out[0]))
    out.type = given.type
    if given.type == MEMCPY:
        show_copy(call, out.memcpy.copyParams, given.memcpy.copyParams)
    else:
        is_known = show_kernel(machine, call, out.kernel, given.kernel)
        out.kernel.functionType = DEVICE_ENTRY if is_known else FUNCTION
    return 0


def any_of(machine: Machine, call: AnyCall, given: Any) -> Any:
    """The CUgraphNodeParams of a cudaGraphNodeParams. Raises Refused.

    They differ for kernels and copies only. CUDA 12's lack what CUDA 13 has at the ends of some, which is zero then.
    """
    if not given:
        raise Refused(INVALID_VALUE)
    ffi = call.ffi
    made = ffi.new("CUgraphNodeParams *")
    if given.type == KERNEL:
        set_kernel_of(machine, call, made.kernel, given.kernel)
    elif given.type == MEMCPY:
        made.memcpy.copyParams = copy_of(call, given.memcpy.copyParams)[0]
        made.memcpy.copyCtx = ffi.cast("CUcontext", context(machine))
    else:
        ffi.memmove(made, given, ffi.sizeof(made[0]))
    made.type, made.reserved2 = given.type, given.reserved2
    return made
