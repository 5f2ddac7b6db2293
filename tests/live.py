"""A real process to look into, a program that allocates, preloaded, over the fake driver; and a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import support

ALLOCATES = """
import ctypes, os, sys
pointer, context = ctypes.c_uint64(), ctypes.c_void_p()
print("waits", flush=True)
for line in sys.stdin:
    if context.value is None:
        cuda = ctypes.CDLL("libcuda.so.1")
        cuda.cuInit(0)
        cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
        cuda.cuCtxSetCurrent(context)
        if sys.argv[1:]:
            os.setuid(int(sys.argv[1]))
    print(cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(int(line))), flush=True)
"""


class Running:
    """A process; `line` is the first that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid
        self.line = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def allocate(self, size: int) -> int:
        """Has ALLOCATES call cuMemAlloc_v2; what that returned."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{size}\n")
        self.process.stdin.flush()
        return int(self._line())


@contextlib.contextmanager
def running(
    *,
    wrapper: Sequence[str] = (),
    program: str = ALLOCATES,
    user: int | None = None,
    mode: str = "native",
    policy: Path | str | None = None,
    gpu: str | None = None,
) -> Iterator[Running]:
    """A Python program, preloaded, until the end of the block.

    wrapper  what starts it
    user     whose ALLOCATES becomes, once it has used CUDA
    """
    variables = support.preloading(mode=mode, policy=policy, gpu=gpu)
    given = [f"{name}={value}" for name, value in variables.items()]
    with subprocess.Popen(
        [*wrapper, "env", *given, sys.executable, "-c", program, *([str(user)] if user else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=support.clean_environment(),
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def on_terminal(arguments: list[str], environment: dict[str, str]) -> str:
    """What the program prints on a terminal, with its control sequences."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "vgpu_embed.cli", *arguments]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is at the other end
        while data := os.read(ours, 4096):
            text += data
    os.close(ours)
    assert process.wait() == 0
    return text.decode()
