"""The driver's log: what is written there, who is told, and how it is read. An H200's answers are compared as well."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from support import run_preloaded

from vgpu_embed.testing import FakeDriver, ffi

INVALID_VALUE = 1
LINE = r"\[\d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[CUDA\]\[E\] "
FREE = "Returning 1 (CUDA_ERROR_INVALID_VALUE) from cuMemFree_v2"
CALLS = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
tell = Callback(lambda data, level, text, length: print(data, level, text.decode(), len(text) == length, flush=True))
assert cuda.cuLogsRegisterCallback(tell, ctypes.c_void_p(7), None) == 0
cuda.cuMemFree_v2(ctypes.c_void_p(5))
cuda.cuInit(0)
cuda.cuDeviceGet(ctypes.byref(ctypes.c_int()), 9)
cuda.cuDeviceGetNvSciSyncAttributes(None, 0, 0)
cuda.cuDeviceGetNvSciSyncAttributes(None, 0, 0)
"""
TOLD = """\
7 0 Returning 3 (CUDA_ERROR_NOT_INITIALIZED) from cuMemFree_v2 True
7 0 Parameter ordinal must be between 0 and 1 True
7 0 Returning 101 (CUDA_ERROR_INVALID_DEVICE) from cuDeviceGet True
7 0 cuDeviceGetNvSciSyncAttributes is not implemented by virtual GPUs True
7 0 Returning 801 (CUDA_ERROR_NOT_SUPPORTED) from cuDeviceGetNvSciSyncAttributes True
"""


class Logged:
    """A program whose calls fail."""

    def __init__(self) -> None:
        self.driver = FakeDriver()
        self.driver.cuCtxCreate_v2(dev=0)

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.driver.call(function, *arguments).result)

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.result("cuMemFree_v2", 12345) == INVALID_VALUE

    def dump(self, size: int, iterator: Any = None) -> tuple[int, str]:
        """The result and the text, of a buffer with nothing written behind it."""
        room, length = ffi.new("char[]", b"w" * (size + 64)), ffi.new("size_t *", size)
        result = self.result("cuLogsDumpToMemory", iterator, room, length, 0)
        assert ffi.buffer(room)[size:] == b"w" * 64 + b"\0"
        return result, ffi.buffer(room, length[0])[:].decode()


@pytest.fixture
def logged() -> Logged:
    return Logged()


def messages(text: str) -> list[str]:
    return re.sub(f"(?m)^{LINE}", "", text).splitlines()


def test_lines_from_a_place_on(logged: Logged) -> None:
    place = ffi.new("CUlogIterator *")
    logged.fail()
    assert re.fullmatch(LINE + re.escape(FREE) + "\n", logged.dump(1000)[1])
    assert (logged.dump(1000, place)[0], place[0]) == (0, 1)
    assert logged.dump(1000, place) == (0, "")
    assert logged.result("cuMemAlloc_v2", ffi.new("CUdeviceptr *"), 0) == INVALID_VALUE
    said = ["Requested 0 byte allocation", FREE.replace("Free", "Alloc")]
    assert (messages(logged.dump(1000, place)[1]), place[0]) == (said, 3)
    assert messages(logged.dump(1000)[1]) == [FREE, *said]
    end = ffi.new("CUlogIterator *")
    assert (logged.result("cuLogsCurrent", end, 0), end[0]) == (0, 3)
    place[0] = 4
    assert (logged.dump(1000, place), place[0]) == ((INVALID_VALUE, ""), 4)


def test_what_is_no_failure_is_not_there(logged: Logged) -> None:
    logged.result("cuStreamQuery", None)
    assert logged.result("cudaFree", ffi.cast("void *", 5)) == INVALID_VALUE
    logged.driver.cublasCreate_v2()
    assert messages(logged.dump(1000)[1]) == [FREE]


def test_too_little_room(logged: Logged) -> None:
    logged.fail(3)
    one = len(logged.dump(1000)[1]) // 3
    note = "The provided buffer is not large enough to hold all messages. Some messages will be missing"
    assert messages(logged.dump(3 * one + 1)[1]) == 3 * [FREE]
    assert messages(logged.dump(3 * one)[1]) == [note, *2 * [FREE]]
    assert logged.dump(len(note) + 1 + one) == (INVALID_VALUE, "")
    last = FREE.replace("cuMemFree_v2", "cuLogsDumpToMemory")
    assert messages(logged.dump(len(note) + 2 + one + len(last) - len(FREE))[1]) == [note, last]


def test_old_lines_are_lost(logged: Logged, tmp_path: Path) -> None:
    place = ffi.new("CUlogIterator *")
    logged.fail(150)
    note, *lines = messages(logged.dump(25600)[1])
    assert note == "Log buffer has rolled over since the previous dump. The oldest messages will be missing"
    assert lines == 100 * [FREE]
    place[0] = 140
    path = tmp_path / "log"
    assert logged.result("cuLogsDumpToFile", place, str(path).encode(), 0) == 0
    assert (messages(path.read_text()), place[0]) == (10 * [FREE], 150)
    place[0] = 151
    assert logged.result("cuLogsDumpToFile", place, str(path).encode(), 0) == INVALID_VALUE
    assert logged.result("cuLogsDumpToFile", None, str(tmp_path).encode(), 0) == INVALID_VALUE


def test_programs_are_told() -> None:
    """As it happens, before cuInit too; of what is not there once."""
    done = run_preloaded([sys.executable, "-c", CALLS], mode="virtual", gpu="2xh100")
    assert (done.stdout, done.returncode) == (TOLD, 0), done.stderr
