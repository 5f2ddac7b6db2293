"""Kernels of tests/gpu/misuses/kernels.py that end with an error on a GPU, as a policy computes them."""

from __future__ import annotations

from vgpu_embed import CUresult, KernelLaunch, Policy

policy = Policy()


@policy.kernel("store", parameters="P")
def store(launch: KernelLaunch, to: int) -> CUresult | None:
    if to % 4:
        return CUresult.ERROR_MISALIGNED_ADDRESS
    launch.array(to, "I", 1)[0] = 1
    return None


@policy.kernel("trap")
def trap(launch: KernelLaunch, *parameters: bytes) -> CUresult:
    return CUresult.ERROR_LAUNCH_FAILED


@policy.kernel("read_texture", parameters="PQ")
def read_texture(launch: KernelLaunch, to: int, handle: int) -> None:
    launch.array(to, "f", 1)[0] = launch.texture(handle).elements[0, 0]


@policy.kernel("read_surface", parameters="PQ")
def read_surface(launch: KernelLaunch, to: int, handle: int) -> None:
    launch.array(to, "f", 1)[0] = launch.surface(handle)[0, 0]
