"""Processes that hold memory of a virtual GPU while others look."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import support

HOLDER = """
import ctypes, os, sys
cuda = ctypes.CDLL("libcuda.so.1")
context = ctypes.c_void_p()
assert cuda.cuInit(0) == cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
if os.fork() == 0:
    os._exit(cuda.cuInit(0))
os.wait()
print(os.getpid(), flush=True)
sys.stdin.read()
"""
"""A process with a context on device 0, and a child of fork that has none."""

CONTEXT = 85017493504 - 84465090560
"""What a context takes of an H100 (tests/devices/data/h100.json)."""


@contextmanager
def holding(gpu: str = "2xh100") -> Iterator[subprocess.Popen[str]]:
    """A process that holds memory of the first device, until it is ended."""
    variables = support.preloading(mode="virtual", gpu=gpu)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**support.clean_environment(), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().strip() == str(process.pid)
    try:
        yield process
    finally:
        process.communicate()
