"""The runtime's variables: those that CUDA code has registered, and copies to and from them."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.code import memory
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.registration import FUNCTION, MANAGED
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember
from vgpu_embed.virtual.runtime.launches import INVALID_SYMBOL, NOT_FOUND, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

ATTACH_GLOBAL = 1
"""CU_MEM_ATTACH_GLOBAL."""
INVALID_MEMCPY_DIRECTION = 21
"""cudaErrorInvalidMemcpyDirection."""
TO_DEVICE, TO_HOST, ON_DEVICE, DEFAULT = 1, 2, 3, 4
"""cudaMemcpyKind."""

answers = Answers(ready=in_context, reported=remember)
beginning = Answers(ready=in_context)


def variable(machine: Machine, call: AnyCall, host: int) -> tuple[int, int]:
    """Where a variable of the program's lies on the current device, and its size. Raises Refused."""
    registered = machine.programs.registrations.find(host)
    if registered is None or registered.kind == FUNCTION:
        raise Refused(INVALID_SYMBOL)
    made = call.make("cuLibraryGetGlobal", library=library(machine, call, registered), name=registered.name)
    refuse_unless_ok(INVALID_SYMBOL if made.result == NOT_FOUND else made.result)
    return int(made.dptr), int(made.bytes)


@beginning("__cudaInitModule")
def begin(machine: Machine, call: AnyCall) -> int:
    """Lets the program know where its managed variables are: code of the compiler's asks for it before it uses one.

    It does not look at the result. Where there is no code for the device, which launches say, they begin as zero.
    """
    for registered in machine.programs.registrations.of(call.number("fatCubinHandle")):
        if registered.kind == MANAGED:
            made = call.make("cuLibraryGetManaged", library=library(machine, call, registered), name=registered.name)
            if made.result:
                made = call.make("cuMemAllocManaged", bytesize=registered.size, flags=ATTACH_GLOBAL)
                refuse_unless_ok(made.result)
            memory(registered.host, 8).cast("B").cast("Q")[0] = int(made.dptr)
    return 1


@answers("cudaGetSymbolAddress")
def address(machine: Machine, call: AnyCall) -> int:
    return call.reply(devPtr=variable(machine, call, call.number("symbol"))[0])


@answers("cudaGetSymbolSize")
def size(machine: Machine, call: AnyCall) -> int:
    return call.reply(size=variable(machine, call, call.number("symbol"))[1])


@answers("cudaMemcpyToSymbol", "cudaMemcpyToSymbol_ptds", "cudaMemcpyToSymbolAsync", "cudaMemcpyToSymbolAsync_ptsz")
def copy_to(machine: Machine, call: AnyCall) -> int:
    kind = call.number("kind")
    if kind not in (TO_DEVICE, ON_DEVICE, DEFAULT):
        return INVALID_MEMCPY_DIRECTION
    inside = place_in(machine, call)
    if kind == TO_DEVICE:
        return _copy(call, "cuMemcpyHtoD", "_v2", dstDevice=inside, srcHost=call.number("src"))
    if kind == ON_DEVICE:
        return _copy(call, "cuMemcpyDtoD", "_v2", dstDevice=inside, srcDevice=call.number("src"))
    return _copy(call, "cuMemcpy", "", dst=inside, src=call.number("src"))


@answers(
    "cudaMemcpyFromSymbol",
    "cudaMemcpyFromSymbol_ptds",
    "cudaMemcpyFromSymbolAsync",
    "cudaMemcpyFromSymbolAsync_ptsz",
)
def copy_from(machine: Machine, call: AnyCall) -> int:
    kind = call.number("kind")
    if kind not in (TO_HOST, ON_DEVICE, DEFAULT):
        return INVALID_MEMCPY_DIRECTION
    inside = place_in(machine, call)
    if kind == TO_HOST:
        return _copy(call, "cuMemcpyDtoH", "_v2", dstHost=call.number("dst"), srcDevice=inside)
    if kind == ON_DEVICE:
        return _copy(call, "cuMemcpyDtoD", "_v2", dstDevice=call.number("dst"), srcDevice=inside)
    return _copy(call, "cuMemcpy", "", dst=call.number("dst"), src=inside)


def place_in(machine: Machine, call: AnyCall) -> int:
    """Where in the variable the copy begins; refuses what does not fit into it."""
    begins, room = variable(machine, call, call.number("symbol"))
    offset = call.number("offset")
    if offset + call.count > room:
        raise Refused(INVALID_VALUE)
    return begins + offset


def _copy(call: AnyCall, name: str, version: str, **places: int) -> int:
    """The driver's copy, of the name and the default stream that the runtime's function means."""
    _, _, per_thread = call.function.rpartition("_pt")
    suffix = "_pt" + per_thread if "_pt" in call.function else ""
    if "Async" in call.function:
        name, places = name + "Async", {**places, "hStream": call.number("stream")}
    return int(call.make(name + version + suffix, ByteCount=call.count, **places).result)
