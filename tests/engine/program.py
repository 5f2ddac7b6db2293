"""A program over the driver that does what it is told: a line of JSON each, Python that it runs; answers in repr.

What stands here is there for it to use.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys  # noqa: F401
import threading
import time  # noqa: F401
import traceback
from collections.abc import Callable
from ctypes import byref, c_int, c_uint64  # noqa: F401
from typing import Any

LINES, ANSWERS = os.dup(0), os.dup(1)  # 3 and 4: nobody else has a descriptor yet
HERE = os.path.dirname(os.path.abspath(__file__))
cuda = ctypes.CDLL("libcuda.so.1")


def library(name: str) -> Any:
    """One of this folder's: its code calls in its own name."""
    return ctypes.CDLL(os.path.join(HERE, "build", name))


def words(*arguments: int | ctypes.Array[Any]) -> Any:
    """Twelve arguments of 64 bits."""
    given = [ctypes.addressof(a) if isinstance(a, ctypes.Array) else a for a in arguments]
    return (c_uint64 * 12)(*(number & 0xFFFFFFFFFFFFFFFF for number in given))


def call(function: str, *arguments: int | ctypes.Array[Any], by: str = "libcalls.so") -> int:
    """A call by a library's code; results are 32 bits."""
    return int(library(by).call(function.encode(), words(*arguments))) & 0xFFFFFFFF


def attribute(number: int, device: int = 0, by: str = "libcalls.so") -> int:
    """What cuDeviceGetAttribute gives, or minus its result."""
    value = (c_int * 1)(-1)
    result = call("cuDeviceGetAttribute", value, number, device, by=by)
    return -result or value[0]


def device_count() -> int:
    """What cuDeviceGetCount gives."""
    value = (c_int * 1)(-1)
    call("cuDeviceGetCount", value)
    return value[0]


def thread_names() -> list[str]:
    """Of this process."""
    return [open(f"/proc/self/task/{thread}/comm").read() for thread in os.listdir("/proc/self/task")]


def own_recording() -> str:
    """The path of the recording that this process has open."""
    with open("/proc/self/maps") as maps:
        return next((line.split()[-1] for line in maps if f"/{os.getpid()}-" in line), "")


def close_all() -> None:
    """Closes every descriptor but those that this program talks through."""
    os.closerange(5, os.sysconf("SC_OPEN_MAX"))


def room(size: int) -> ctypes.Array[ctypes.c_char]:
    """A buffer of "w" that a function may write to; `size` bytes of it are looked at."""
    return ctypes.create_string_buffer(b"w" * size, size)


def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function on a new thread, which then ends; what it returned."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    thread.join()
    return results[0]


def in_child(function: Callable[..., Any], *arguments: Any, fork: Callable[[], int] = os.fork) -> Any:
    """Calls a function in a child of fork; what it returned, or how the child ended."""
    read, write = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.write(write, repr(function(*arguments)).encode())
        except BaseException:
            os.write(write, repr(traceback.format_exc()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    return eval(text) if text else f"ended with status {status}"


def main() -> None:
    """Reads and carries out."""
    names: dict[str, Any] = dict(globals())
    lines = os.fdopen(LINES)
    answers = os.fdopen(ANSWERS, "w")
    for line in lines:
        source = json.loads(line)
        try:
            try:
                answer = eval(source, names)
            except SyntaxError:
                exec(source, names)
                answer = None
        except BaseException:
            answer = traceback.format_exc()
        print(repr(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
