"""Functions behind `kernel<<<...>>>(...)`."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers
from vgpu_embed.virtual.runtime.errors import remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

LAUNCHES = (
    "__cudaLaunchKernel",
    "__cudaLaunchKernel_ptsz",
    "__cudaPushCallConfiguration",
    "cudaLaunchCooperativeKernel",
    "cudaLaunchCooperativeKernel_ptsz",
    "cudaLaunchKernel",
    "cudaLaunchKernel_ptsz",
    "cudaLaunchKernelExC",
    "cudaLaunchKernelExC_ptsz",
)
"""Functions behind `kernel<<<…>>>(…)`, which has no result: programs learn of an error by cudaGetLastError alone."""

answers = Answers(reported=remember)


@answers(*LAUNCHES)
def launch(machine: Machine, call: AnyCall) -> int:
    """Not here: what comes of it elsewhere is remembered."""
    return call.forward()
