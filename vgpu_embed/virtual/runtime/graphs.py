"""Nodes of the runtime's graphs whose parameters are structs of its own: kernels, copies, fills."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import remember
from vgpu_embed.virtual.runtime.launches import kernel
from vgpu_embed.virtual.runtime.memory import SIDES, copy_of, fill_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

INVALID_DIRECTION = 21
"""cudaErrorInvalidMemcpyDirection."""

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


def kernel_of(machine: Machine, call: AnyCall, given: Any) -> Any:
    """The driver's parameters of a kernel node. Raises Refused."""
    if not given:
        raise Refused(INVALID_VALUE)
    grid, block = given.gridDim, given.blockDim
    parameters = call.ffi.new("CUDA_KERNEL_NODE_PARAMS_v2 *")
    parameters.kern = call.ffi.cast("CUkernel", kernel(machine, call, call.address_of(given.func)))
    parameters.gridDimX, parameters.gridDimY, parameters.gridDimZ = grid.x, grid.y, grid.z
    parameters.blockDimX, parameters.blockDimY, parameters.blockDimZ = block.x, block.y, block.z
    parameters.sharedMemBytes = given.sharedMemBytes
    parameters.kernelParams, parameters.extra = given.kernelParams, given.extra
    return parameters


# ---- copies and fills ----------------------------------------------------------------------------------------------


@answers("cudaGraphAddMemcpyNode")
def add_copy(machine: Machine, call: AnyCall) -> int:
    copied = copy_of(call, call.pCopyParams)
    return add(call, "cuGraphAddMemcpyNode", copyParams=call.address_of(copied), ctx=context(machine))


@answers("cudaGraphAddMemcpyNode1D")
def add_linear_copy(machine: Machine, call: AnyCall) -> int:
    copied = linear_copy(call)
    return add(call, "cuGraphAddMemcpyNode", copyParams=call.address_of(copied), ctx=context(machine))


@answers("cudaGraphMemcpyNodeSetParams", "cudaGraphExecMemcpyNodeSetParams")
def set_copy(machine: Machine, call: AnyCall) -> int:
    copied = copy_of(call, call.pNodeParams)
    return change(call, "cuGraphMemcpyNodeSetParams", **_copy_parameters(machine, call, copied))


@answers("cudaGraphMemcpyNodeSetParams1D", "cudaGraphExecMemcpyNodeSetParams1D")
def set_linear_copy(machine: Machine, call: AnyCall) -> int:
    return change(call, "cuGraphMemcpyNodeSetParams", **_copy_parameters(machine, call, linear_copy(call)))


def _copy_parameters(machine: Machine, call: AnyCall, copied: Any) -> dict[str, int]:
    """The driver's two functions for it name them differently."""
    name = "copyParams" if "Exec" in call.function else "nodeParams"
    return {name: call.address_of(copied), "ctx": context(machine)}


def linear_copy(call: AnyCall) -> Any:
    """The CUDA_MEMCPY3D of so many bytes. Raises Refused."""
    sides = SIDES.get(call.number("kind"))
    if sides is None:
        raise Refused(INVALID_DIRECTION)
    copied = call.ffi.new("CUDA_MEMCPY3D *")
    for side, kind in zip(("src", "dst"), sides, strict=True):
        fill_end(call, copied, side, kind, call.number(side), call.count)
    copied.WidthInBytes, copied.Height, copied.Depth = call.count, 1, 1
    return copied


@answers("cudaGraphAddMemsetNode")
def add_fill(machine: Machine, call: AnyCall) -> int:
    """The structs are the same."""
    return add(call, "cuGraphAddMemsetNode", memsetParams=call.number("pMemsetParams"), ctx=context(machine))


@answers("cudaGraphExecMemsetNodeSetParams")
def set_fill(machine: Machine, call: AnyCall) -> int:
    return change(call, "cuGraphMemsetNodeSetParams", memsetParams=call.number("pNodeParams"), ctx=context(machine))
