"""A program that makes the driver calls that it is told on standard input, a line each, and prints what came of them.

    cuMemAlloc_v2 >a 1024      prints "0 …": the result, and what was written through each pointer
    cuMemFree_v2 a             a number, or the name of what was written before
    cuMemCreate >h 4096 x:01000000… 0    x: a pointer to these bytes
    all 1024 8                 allocates that much from so many threads until it is refused; prints how often it was not
    churn 1024 0.5             allocates and frees for so many seconds; prints how often it was not refused
    fork, _Fork                the child goes on, its parent waits for it; prints the child's process id
    close                      closes all descriptors but the first three
    reopen FILE                opens and closes a file, which drops this process's locks on it

Each call is made through ctypes, with arguments of 64 bits. A context is current from the start.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable

driver = ctypes.CDLL("libcuda.so.1")
written: dict[str, ctypes.c_uint64] = {}


def call(function: str, *words: str) -> str:
    """Makes one call."""
    arguments: list[object] = []
    for word in words:
        if word.startswith(">"):
            written[word[1:]] = ctypes.c_uint64()
            arguments.append(ctypes.byref(written[word[1:]]))
        elif word.startswith("x:"):
            arguments.append(ctypes.create_string_buffer(bytes.fromhex(word[2:])))
        else:
            arguments.append(written[word] if word in written else ctypes.c_uint64(int(word)))
    result = getattr(driver, function)(*arguments)
    return " ".join(map(str, [result, *(written[word[1:]].value for word in words if word.startswith(">"))]))


def allocated(size: int) -> int:
    """The address of new memory, or 0."""
    pointer = ctypes.c_uint64()
    return 0 if driver.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_uint64(size)) else pointer.value


def take_all(size: str, threads: str) -> str:
    """Allocates until it is refused."""
    counts: list[int] = []

    def run() -> None:
        driver.cuCtxSetCurrent(written["context"])
        count = 0
        while allocated(int(size)):
            count += 1
        counts.append(count)

    running = [threading.Thread(target=run) for _ in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return str(sum(counts))


def churn(size: str, seconds: str) -> str:
    """Allocates and frees."""
    end, count = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        address = allocated(int(size))
        if address:
            count += 1
            driver.cuMemFree_v2(ctypes.c_uint64(address))
    return str(count)


def fork(how: str) -> str:
    """Lets a child go on in this process's place."""
    child = ctypes.CDLL(None)._Fork() if how == "_Fork" else os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return str(os.getpid())


def close() -> str:
    """As a daemon does."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    return "closed"


def reopen(path: str) -> str:
    """What any look into a file does."""
    os.close(os.open(path, os.O_RDONLY))
    return "reopened"


OWN: dict[str, Callable[..., str]] = {"all": take_all, "churn": churn, "close": close, "reopen": reopen}

if __name__ == "__main__":
    call("cuInit", "0")
    call("cuDevicePrimaryCtxRetain", ">context", "0")
    call("cuCtxSetCurrent", "context")
    for line in sys.stdin:
        name, *rest = line.split()
        if name in ("fork", "_Fork"):
            print(fork(name), flush=True)
        else:
            print(OWN[name](*rest) if name in OWN else call(name, *rest), flush=True)
