"""Writes a line for each call: arguments, result, what it wrote, how long it took, who called.

    vgpu-embed run --policy trace --log info --set 'functions=cuMemAlloc*,cuMemFree*' -- PROGRAM

For reading; what is to be counted or plotted is better recorded with `--trace FILE`, which is far cheaper. See
docs/policy-trace.md.
"""

from __future__ import annotations

from _thread import get_native_id
from time import monotonic_ns

from vgpu_embed import tables
from vgpu_embed.policy import Policy
from vgpu_embed.tables import enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

policy = Policy()
functions = policy.option(
    "functions",
    "cuInit,cuDevicePrimaryCtxRetain,cuCtxCreate*,cuCtxDestroy*,cuCtxSynchronize,cuMem*,cuModuleLoad*,cuLibraryLoad*,"
    "cuLaunch*,cuGraphLaunch*,cuStreamSynchronize*,cuEventSynchronize",
    help="functions to show: names and patterns, joined by commas",
)
LONGEST = 96
"""Characters of a text that are shown."""


@policy.configure
def hook_functions() -> None:
    """Hooks what is to be shown."""
    names = [name.strip() for name in functions.value.split(",") if name.strip()]
    if names:
        policy.hook(*names)(shown)


def shown(call: Any) -> int:
    """Lets the call happen and writes its line. A hook, not an observer: later, what outputs point to has changed."""
    row = tables.function(call.function)
    parameters = row.parameters or ()
    inputs = [f"{p.name}={value(call, p)}" for p in parameters if p.direction == "in"]
    start = monotonic_ns()
    result: int = call.forward()
    took = (monotonic_ns() - start) / 1000
    outputs = [f"{p.name}={output(call, p)}" for p in parameters if p.direction != "in"] if result == 0 else []
    name = (row.result_enum and enumerations.c_name(row.result_enum, result)) or result
    wrote = f" ({', '.join(outputs)})" if outputs else ""
    who = f"{call.caller}, thread {get_native_id()}"
    call.log.info(f"({', '.join(inputs)}) -> {name}{wrote}, {took:.1f} µs, by {who}")
    return result


def value(call: Any, parameter: tables.Parameter) -> str:
    """An argument as text."""
    return text_of(call, getattr(call, parameter.attribute), parameter.ctype)


def output(call: Any, parameter: tables.Parameter) -> str:
    """What the call has written, as text."""
    pointer = getattr(call, parameter.attribute)
    if not pointer:
        return "NULL"
    if parameter.pointee == "char":
        letters = b""
        while len(letters) < LONGEST and pointer[len(letters)] != b"\0":
            letters += pointer[len(letters)]
        return repr(letters.decode(errors="replace"))
    try:
        return text_of(call, pointer[0], parameter.pointee or "")
    except TypeError:  # nothing is known of the type
        return "?"


def text_of(call: Any, thing: Any, ctype: str) -> str:
    """A number, address, member of an enum, text or struct as text."""
    if isinstance(thing, int):
        return getattr(thing, "name", None) or (hex(thing) if ctype.startswith("CUdeviceptr") else str(thing))
    if isinstance(thing, float):
        return str(thing)
    if isinstance(thing, str):
        return repr(thing[:LONGEST])
    if thing is None:
        return "NULL"
    try:
        return hex(call.address_of(thing))
    except TypeError:  # a struct
        return "{…}"
