"""What torch_turns.py does, without PyTorch: for a rehearsal over a driver that computes nothing."""

from __future__ import annotations

import ctypes

from turns import serve

driver = ctypes.CDLL("libcuda.so.1")
context, address, memory = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_size_t()
name = ctypes.create_string_buffer(64)
assert driver.cuInit(0) == 0
assert driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
assert driver.cuCtxSetCurrent(context) == 0
assert driver.cuDeviceGetName(name, 64, 0) == 0
assert driver.cuDeviceTotalMem_v2(ctypes.byref(memory), 0) == 0


def add(calls: int) -> None:
    """A launch's worth of a call."""
    for _ in range(calls):
        driver.cuStreamSynchronize(None)


def train(steps: int) -> None:
    """An allocation, some work, and its end."""
    for _ in range(steps):
        assert driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(1 << 20)) == 0
        add(20)
        driver.cuMemFree_v2(address)


serve(f"{name.value.decode()}, {memory.value >> 20} MiB", {"add": add, "train": train}, {"add": 3000, "train": 50})
