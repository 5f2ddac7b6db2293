"""The runtime's memory."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.runtime.devices import device, make_current
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

answers = Answers(ready=start, reported=remember)


@answers("cudaMemGetInfo")
def memory_info(machine: Machine, call: AnyCall) -> int:
    """Of the current device, whose context becomes current. Either output may be NULL."""
    make_current(call, device(call, machine.thread.device))
    made = call.make("cuMemGetInfo_v2")
    refuse_unless_ok(made.result)
    result = call.reply()
    if call.free:
        call.free[0] = made.free
    if call.total:
        call.total[0] = made.total
    return result
