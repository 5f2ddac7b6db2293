"""A Python program that calls the driver through ctypes, in the ways that Python programs do.

    python_host.py plain|threads|libraries|fork|spawn|forkserver|subprocess|callback

Prints results only, so that a run with the library can be compared with one without it. Runs on
Python 3.7 and later; needs nothing, and in "libraries" loads its own cffi, psutil and numpy where
they are installed.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import subprocess
import sys
import threading
from typing import Any

COMPUTE_MAJOR, COMPUTE_MINOR = 75, 76
THREADS = 8
ROUNDS = 50


def answers() -> list[str]:
    """What the driver says about its version and its devices, as lines."""
    driver = ctypes.CDLL("libcuda.so.1")
    value = ctypes.c_int(-1)
    lines = [f"cuInit = {driver.cuInit(0)}"]
    result = driver.cuDriverGetVersion(ctypes.byref(value))
    lines.append(f"cuDriverGetVersion = {result} {value.value}")
    count = ctypes.c_int(0)
    result = driver.cuDeviceGetCount(ctypes.byref(count))
    lines.append(f"cuDeviceGetCount = {result} {count.value}")
    for index in range(count.value):
        name = ctypes.create_string_buffer(128)
        result = driver.cuDeviceGetName(name, len(name), index)
        lines.append(f"cuDeviceGetName({index}) = {result} {name.value.decode()}")
        for attribute in (COMPUTE_MAJOR, COMPUTE_MINOR):
            result = driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, index)
            lines.append(f"cuDeviceGetAttribute({attribute}, {index}) = {result} {value.value}")
        total = ctypes.c_size_t(0)
        result = driver.cuDeviceTotalMem_v2(ctypes.byref(total), index)
        lines.append(f"cuDeviceTotalMem_v2({index}) = {result} {total.value}")
    return lines


def plain() -> None:
    """One thread."""
    print("\n".join(answers()))


def threads() -> None:
    """Many calls from threads at once, with Python's own switching between them."""
    sys.setswitchinterval(1e-5)
    expected = answers()
    same: list[bool] = []
    together = threading.Barrier(THREADS)

    def run() -> None:
        together.wait()
        for _ in range(ROUNDS):
            same.append(answers() == expected)

    running = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print("\n".join(expected))
    print(f"{sum(same)} of {THREADS * ROUNDS} calls agree")


def libraries() -> None:
    """The program's own extension modules, some of which a policy's interpreter has as well."""
    before = answers()
    for name in ("_cffi_backend", "cffi", "psutil", "numpy", "ssl", "sqlite3", "decimal"):
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed")
    try:
        import cffi

        ffi = cffi.FFI()
        ffi.cdef("int abs(int);")
        c_library: Any = ffi.dlopen(None)
        print(f"cffi: {c_library.abs(-5)}")
    except ImportError:
        pass
    try:
        numpy: Any = importlib.import_module("numpy")
        square = numpy.arange(10000.0).reshape(100, 100)
        print(f"numpy: {int(square.dot(square)[0, 0])}")
    except ImportError:
        pass
    print("\n".join(before))
    print(f"the same afterwards: {answers() == before}")


def send_answers(queue: Any) -> None:
    """In a child: put the answers where the parent finds them."""
    queue.put(answers())


def children(method: str, count: int = 3) -> None:
    """multiprocessing, by one of its start methods, while a thread of the parent keeps calling."""
    context: Any = multiprocessing.get_context(method)
    expected = answers()
    done = threading.Event()

    def keep_calling() -> None:
        while not done.is_set():
            answers()

    busy = threading.Thread(target=keep_calling)
    busy.start()
    same = 0
    try:
        for _ in range(count):
            queue = context.Queue()
            child = context.Process(target=send_answers, args=(queue,))
            child.start()
            same += queue.get(timeout=60) == expected
            child.join(60)
    finally:
        done.set()
        busy.join()
    print("\n".join(expected))
    print(f"{same} of {count} children agree")


def run_program() -> None:
    """subprocess: another Python, started by vfork or posix_spawn."""
    expected = answers()
    command = [sys.executable, __file__, "plain"]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120).stdout
    print("\n".join(expected))
    print(f"the child agrees: {output.decode().splitlines() == expected}")


def callback_calls() -> None:
    """Calls from a Python callback that the driver runs (cuLaunchHostFunc), at once or later."""
    driver = ctypes.CDLL("libcuda.so.1")
    callback_type: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    said: list[str] = []
    ran = threading.Event()

    def callback(_: object) -> None:
        said.extend(answers())
        ran.set()

    if not hasattr(driver, "cuLaunchHostFunc"):
        print("cuLaunchHostFunc: not found")
        return
    kept = callback_type(callback)
    result = driver.cuLaunchHostFunc(None, kept, None)
    print(f"cuLaunchHostFunc = {result}")
    if result == 0:
        ran.wait(10)
    print(f"callback agrees: {said == answers()}")


MODES = {
    "plain": plain,
    "threads": threads,
    "libraries": libraries,
    "fork": lambda: children("fork"),
    "spawn": lambda: children("spawn"),
    "forkserver": lambda: children("forkserver"),
    "subprocess": run_program,
    "callback": callback_calls,
}


def main() -> int:
    """Run one mode; without a driver, say so and return 1."""
    try:
        MODES[sys.argv[1] if len(sys.argv) > 1 else "plain"]()
    except OSError as error:
        print(f"no driver: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
