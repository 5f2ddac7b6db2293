"""The driver's functions that copy and set memory: each makes an operation and gives it to a stream.

Functions that return when it is done are those that copy to or from the host; what stays on the device is in order,
and nobody waits for it. As the driver does, a copy from pageable memory reads at once, and one into it returns when it
is done, whatever its name says.
"""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.contexts import named_or_current
from vgpu_embed.virtual.copies import ANY, FROM_HOST, TO_HOST, BoxCopy, Copy, Fill
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised
from vgpu_embed.virtual.peers import check
from vgpu_embed.virtual.streams import LEGACY, PER_THREAD, perform, submit, wait
from vgpu_embed.virtual.streams import named as stream_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.operations import Operation

answers = Answers(ready=initialised)


def default(call: AnyCall) -> int:
    """The stream of a function that is given none."""
    return PER_THREAD if call.function.endswith("_ptds") else LEGACY


def copied(machine: Machine, call: AnyCall, target: int, source: int, size: int, roles: int) -> int:
    """Copies bytes for a function that returns when that is done."""
    order = machine.order
    if order.last or order.captures:
        perform(machine, default(call), Copy(machine, target, source, size, roles))
    else:  # no stream has anything to do, so it need not be known which one this is
        context = machine.current()
        if machine.guarded:
            check_copy(machine, context, target, source)
        machine.space.copy(target, source, size, roles)
    return 0


def copied_in_order(machine: Machine, call: AnyCall, target: int, source: int, size: int, roles: int) -> int:
    """Copies bytes in the order of the stream that the call names."""
    stream, order = stream_named(machine, call), machine.order
    if machine.guarded:
        check_copy(machine, stream.context, target, source)
    if not order.last and stream.capture is None and not order.captures and not stream.context.error:
        machine.space.copy(target, source, size, roles)
        return 0
    stream.take(Copy(machine, target, source, size, roles, staged=bool(roles & FROM_HOST)))
    if roles & TO_HOST and order.last and stream.capture is None and not machine.space.base(target):
        wait(stream)
    return 0


def check_copy(machine: Machine, context: Context, *addresses: int) -> None:
    """Refuses a copy of what a context does not reach."""
    for address in addresses:
        check(machine, context, address, is_copied=True)


def in_order(machine: Machine, call: AnyCall, operation: Operation) -> int:
    """Does something in the order of the stream that the call names."""
    stream_named(machine, call).take(operation)
    return 0


# ---- bytes side by side --------------------------------------------------------------------------------------------


@answers("cuMemcpyHtoD_v2", "cuMemcpyHtoD_v2_ptds")
def to_device(machine: Machine, call: AnyCall) -> int:
    return copied(machine, call, call.dstDevice, call.number("srcHost"), call.ByteCount, FROM_HOST)


@answers("cuMemcpyDtoH_v2", "cuMemcpyDtoH_v2_ptds")
def to_host(machine: Machine, call: AnyCall) -> int:
    return copied(machine, call, call.number("dstHost"), call.srcDevice, call.ByteCount, TO_HOST)


@answers("cuMemcpyDtoD_v2", "cuMemcpyDtoD_v2_ptds")
def on_device(machine: Machine, call: AnyCall) -> int:
    if machine.guarded:
        check_copy(machine, machine.current(), call.dstDevice, call.srcDevice)
    submit(machine, default(call), Copy(machine, call.dstDevice, call.srcDevice, call.ByteCount, 0))
    return 0


@answers("cuMemcpy", "cuMemcpy_ptds")
def anywhere(machine: Machine, call: AnyCall) -> int:
    return copied(machine, call, call.dst, call.src, call.ByteCount, ANY)


@answers("cuMemcpyHtoDAsync_v2", "cuMemcpyHtoDAsync_v2_ptsz")
def to_device_in_order(machine: Machine, call: AnyCall) -> int:
    return copied_in_order(machine, call, call.dstDevice, call.number("srcHost"), call.ByteCount, FROM_HOST)


@answers("cuMemcpyDtoHAsync_v2", "cuMemcpyDtoHAsync_v2_ptsz")
def to_host_in_order(machine: Machine, call: AnyCall) -> int:
    return copied_in_order(machine, call, call.number("dstHost"), call.srcDevice, call.ByteCount, TO_HOST)


@answers("cuMemcpyDtoDAsync_v2", "cuMemcpyDtoDAsync_v2_ptsz")
def on_device_in_order(machine: Machine, call: AnyCall) -> int:
    return copied_in_order(machine, call, call.dstDevice, call.srcDevice, call.ByteCount, 0)


@answers("cuMemcpyAsync", "cuMemcpyAsync_ptsz")
def anywhere_in_order(machine: Machine, call: AnyCall) -> int:
    return copied_in_order(machine, call, call.dst, call.src, call.ByteCount, ANY)


@answers("cuMemcpyPeer", "cuMemcpyPeer_ptds")
def between_devices(machine: Machine, call: AnyCall) -> int:
    submit(machine, default(call), peer_copy(machine, call))
    return 0


@answers("cuMemcpyPeerAsync", "cuMemcpyPeerAsync_ptsz")
def between_devices_in_order(machine: Machine, call: AnyCall) -> int:
    return in_order(machine, call, peer_copy(machine, call))


def peer_copy(machine: Machine, call: AnyCall) -> Copy:
    """A copy from one context's device to another's; NULL is the current context."""
    for handle in (call.dstContext, call.srcContext):
        context = named_or_current(machine, call, handle)
        if context.error:
            raise Refused(context.error)
    return Copy(machine, call.dstDevice, call.srcDevice, call.ByteCount, 0)


# ---- rows and slices -----------------------------------------------------------------------------------------------


@answers(
    "cuMemcpy2D_v2",
    "cuMemcpy2D_v2_ptds",
    "cuMemcpy2DUnaligned_v2",
    "cuMemcpy2DUnaligned_v2_ptds",
    "cuMemcpy3D_v2",
    "cuMemcpy3D_v2_ptds",
    "cuMemcpy3DPeer",
    "cuMemcpy3DPeer_ptds",
)
def box(machine: Machine, call: AnyCall) -> int:
    if not call.pCopy:
        return INVALID_VALUE
    perform(machine, default(call), BoxCopy(machine, call, call.pCopy))
    return 0


@answers(
    "cuMemcpy2DAsync_v2",
    "cuMemcpy2DAsync_v2_ptsz",
    "cuMemcpy3DAsync_v2",
    "cuMemcpy3DAsync_v2_ptsz",
    "cuMemcpy3DPeerAsync",
    "cuMemcpy3DPeerAsync_ptsz",
)
def box_in_order(machine: Machine, call: AnyCall) -> int:
    return in_order(machine, call, BoxCopy(machine, call, call.pCopy, staged=True)) if call.pCopy else INVALID_VALUE


# ---- setting memory ------------------------------------------------------------------------------------------------


def filled(machine: Machine, call: AnyCall, value: int, element: int) -> int:
    """Sets elements that lie side by side, for a function that is given no stream."""
    order, target, width = machine.order, call.dstDevice, call.N
    if machine.guarded:
        check(machine, machine.current(), target)
    if order.last or order.captures:
        submit(machine, default(call), Fill(machine, target, value, element, width))
    elif target % element:
        return INVALID_VALUE
    else:
        machine.current()
        machine.space.fill(target, 0, value, element, width, 1)
    return 0


def filled_in_order(machine: Machine, call: AnyCall, value: int, element: int) -> int:
    """Sets elements that lie side by side, in the order of the stream that the call names."""
    if machine.guarded:
        check(machine, stream_named(machine, call).context, call.dstDevice)
    return in_order(machine, call, Fill(machine, call.dstDevice, value, element, call.N))


def rows(machine: Machine, call: AnyCall, value: int, element: int) -> Fill:
    """Rows of elements."""
    if machine.guarded:
        is_in_order = call.function.endswith(("Async", "_ptsz"))
        check(machine, stream_named(machine, call).context if is_in_order else machine.current(), call.dstDevice)
    return Fill(machine, call.dstDevice, value, element, call.Width, call.Height, call.dstPitch)


def set_elements(bits: int, name: str) -> None:
    """Answers the functions that set elements of so many bits to what their parameter of that name says."""
    size = bits // 8

    @answers(f"cuMemsetD{bits}_v2", f"cuMemsetD{bits}_v2_ptds")
    def fill(machine: Machine, call: AnyCall) -> int:
        return filled(machine, call, getattr(call, name), size)

    @answers(f"cuMemsetD{bits}Async", f"cuMemsetD{bits}Async_ptsz")
    def fill_in_order(machine: Machine, call: AnyCall) -> int:
        return filled_in_order(machine, call, getattr(call, name), size)

    @answers(f"cuMemsetD2D{bits}_v2", f"cuMemsetD2D{bits}_v2_ptds")
    def fill_rows(machine: Machine, call: AnyCall) -> int:
        submit(machine, default(call), rows(machine, call, getattr(call, name), size))
        return 0

    @answers(f"cuMemsetD2D{bits}Async", f"cuMemsetD2D{bits}Async_ptsz")
    def fill_rows_in_order(machine: Machine, call: AnyCall) -> int:
        return in_order(machine, call, rows(machine, call, getattr(call, name), size))


set_elements(8, "uc")
set_elements(16, "us")
set_elements(32, "ui")
