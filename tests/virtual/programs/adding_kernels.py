"""The kernel `add` of tests/gpu/misuses/kernels.py, computed."""

from __future__ import annotations

from vgpu_embed import KernelLaunch, Policy

policy = Policy()


@policy.kernel("add", parameters="PI")
def add(launch: KernelLaunch, to: int, number: int) -> None:
    launch.array(to, "I", 1)[0] += number
