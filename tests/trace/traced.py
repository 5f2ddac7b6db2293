"""A program that is traced over the fake driver: the same calls each time, by three threads one after the other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from support import run_preloaded

PROGRAM = """
import ctypes, threading
cuda = ctypes.CDLL("libcuda.so.1")
context, value = ctypes.c_void_p(), ctypes.c_int()
cuda.cuInit(0)
cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
for number in (75, 76, 75, 10):
    cuda.cuDeviceGetAttribute(ctypes.byref(value), number, 0)
cuda.cuDeviceGetName(ctypes.create_string_buffer(64), 64, 0)
def work(sizes):
    cuda.cuCtxSetCurrent(context)
    for size in sizes:
        pointer = ctypes.c_uint64()
        if cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size)) == 0:
            cuda.cuMemcpyHtoD_v2(pointer, bytes(size), ctypes.c_size_t(size))
            cuda.cuMemFree_v2(pointer)
work(range(1000, 1030))
for first in (2000, 3000):
    thread = threading.Thread(target=work, args=(range(first, first + 30),))
    thread.start()
    thread.join()
cuda.cuModuleGetFunction(ctypes.byref(context), None, b"saxpy")
"""


def run_traced(path: Path, *, program: str = PROGRAM, **arguments: Any) -> Path:
    """Runs the program; `arguments` are those of `run_preloaded`."""
    done = run_preloaded([sys.executable, "-c", program], env={"VGPU_TRACE": path}, **arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return path
