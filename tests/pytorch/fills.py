"""A policy that computes what fills a tensor: `torch.ones` and the like."""

from __future__ import annotations

from struct import unpack

from vgpu_embed import KernelLaunch, Policy

policy = Policy()


@policy.kernel("*vectorized_elementwise_kernel*FillFunctorIf*", parameters=None)
def fill(launch: KernelLaunch) -> None:
    """Parameters are the count, the functor, which is the value, and an array of one pointer."""
    count, value, pointer = (unpack(code, data)[0] for code, data in zip("ifP", launch.parameters, strict=True))
    values = launch.array(pointer, "f", count)
    for place in range(count):
        values[place] = value
