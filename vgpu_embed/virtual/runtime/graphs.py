"""Nodes of the runtime's graphs whose parameters are structs of its own: kernels, copies, fills."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import remember
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
