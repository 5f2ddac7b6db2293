"""A Python program that uses the driver through ctypes, from two threads."""

from __future__ import annotations

import ctypes
import threading

from checks import expect, say_if_preloaded

MAJOR, MINOR = 75, 76
SIZE = 1 << 20

driver = ctypes.CDLL("libcuda.so.1")


def call(name: str, *arguments: object) -> None:
    """Calls a function of the driver; RuntimeError if it fails."""
    result = getattr(driver, name)(*arguments)
    if result:
        raise RuntimeError(f"{name} failed: {result}")


def attribute(number: int) -> int:
    """An attribute of device 0."""
    value = ctypes.c_int()
    call("cuDeviceGetAttribute", ctypes.byref(value), number, 0)
    return value.value


def round_trip(context: ctypes.c_void_p, seed: int) -> bool:
    """Copies bytes to the device and back, ten times."""
    sent = bytes((seed + i) & 255 for i in range(SIZE))
    memory = ctypes.c_uint64()
    call("cuCtxSetCurrent", context)
    for _ in range(10):
        received = ctypes.create_string_buffer(SIZE)
        call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(SIZE))
        call("cuMemcpyHtoD_v2", memory, sent, ctypes.c_size_t(SIZE))
        call("cuMemcpyDtoH_v2", received, memory, ctypes.c_size_t(SIZE))
        call("cuMemFree_v2", memory)
        if received.raw != sent:
            return False
    return True


def main() -> None:
    say_if_preloaded()
    name = ctypes.create_string_buffer(256)
    context = ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDeviceGetName", name, len(name), 0)
    print(f"{name.value.decode()}, compute capability {attribute(MAJOR)}.{attribute(MINOR)}")
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    right: list[bool] = []
    threads = [threading.Thread(target=lambda seed=seed: right.append(round_trip(context, seed))) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(right == [True, True], "copies to the device and back, in two threads")
    call("cuDevicePrimaryCtxRelease_v2", 0)


main()
