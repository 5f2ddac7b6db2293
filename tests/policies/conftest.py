"""A program that calls the driver, for the built-in policies."""

from __future__ import annotations

import sys
import textwrap

BEGIN = """
import ctypes, os, sys, threading, time
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p
cuda = ctypes.CDLL("libcuda.so.1")
cuda.cuInit(0)
context, pointer = c_void_p(), c_uint64()
cuda.cuDevicePrimaryCtxRetain(byref(context), 0)
cuda.cuCtxSetCurrent(context)
def allocate(size=4096):
    return cuda.cuMemAlloc_v2(byref(pointer), c_size_t(size))
"""


def python(code: str) -> list[str]:
    """A Python program over the driver: `cuda`, a current context, `allocate(size)` that leaves `pointer`."""
    return [sys.executable, "-c", BEGIN + textwrap.dedent(code)]
