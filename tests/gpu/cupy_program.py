"""CuPy: arrays, kernels that are compiled while it runs, cuBLAS, streams, both memory pools."""

from __future__ import annotations

from typing import Any

import cupy
from checks import expect, say_if_preloaded

COUNT = 100_000
DOUBLE = r"""
extern "C" __global__ void twice(const float *x, float *y, int count)
{
    int i = blockDim.x * blockIdx.x + threadIdx.x;
    if (i < count)
        y[i] = 2 * x[i];
}
"""


def twice(x: Any) -> Any:
    """By a kernel of our own."""
    y = cupy.zeros_like(x)
    cupy.RawKernel(DOUBLE, "twice")(((COUNT + 255) // 256,), (256,), (x, y, cupy.int32(COUNT)))
    return y


def main() -> None:
    say_if_preloaded()
    capability = str(cupy.cuda.Device(0).compute_capability)
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(f"cupy {cupy.__version__}, {name}, compute capability {capability[:-1]}.{capability[-1]}")
    x = cupy.arange(COUNT, dtype=cupy.float32)
    expect(int((cupy.arange(COUNT) ** 2).sum()) == sum(i * i for i in range(COUNT)), "sum of squares")
    expect(bool((twice(x) == x + x).all()), "kernel compiled by NVRTC")
    a = cupy.arange(64 * 64, dtype=cupy.float64).reshape(64, 64)
    expect(bool((a @ cupy.eye(64) == a).all()), "product by cuBLAS")
    expect(bool((cupy.sort(x[::-1]) == x).all()), "sort")
    with cupy.cuda.Stream(non_blocking=True) as stream, cupy.cuda.using_allocator(cupy.cuda.MemoryAsyncPool().malloc):
        total = cupy.ones(COUNT).sum()
        stream.synchronize()
        expect(float(total) == COUNT, "stream with memory of its own")


main()
