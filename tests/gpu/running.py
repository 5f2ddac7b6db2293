"""Runs programs at the same time, each with what it prints kept apart."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Command = Sequence[str | Path]
Environment = dict[str, str]
Jobs = Mapping[str, tuple[Command, Environment]]


class Result:
    """How a program ended.

    Attributes:
        code: the exit code, negative for a signal, None if it was killed because it took too long.
        lines: what it printed on stdout.
        errors: the same of stderr.
        seconds: how long it ran.
    """

    def __init__(self, code: int | None, out: str, error: str, seconds: float) -> None:
        self.code = code
        self.lines = out.splitlines()
        self.errors = error.splitlines()
        self.seconds = seconds

    @property
    def ending(self) -> str:
        """The exit code in words."""
        if self.code is None:
            return f"not ended after {self.seconds:.0f} s"
        return f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


def environment(caches: Path) -> Environment:
    """This process's environment without what is under test; compilers of kernels find nothing of an earlier run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VGPU_", "LD_PRELOAD"))}
    folders = ("CUDA_CACHE_PATH", "CUPY_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    kept.update({name: str(caches / name.lower()) for name in folders})
    kept.update(PYTHONUNBUFFERED="1", XLA_PYTHON_CLIENT_PREALLOCATE="false", CUBLAS_WORKSPACE_CONFIG=":4096:8")
    return kept


def kill_group(leader: int) -> None:
    """Ends a program and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def run(command: Command, variables: Environment, seconds: float) -> Result:
    """Runs a program until it ends or the time is up; what it has started and left does not outlive it."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as error:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=error,
            start_new_session=True,
        )
        code: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(max(seconds, 1))
        took = time.monotonic() - started
        kill_group(process.pid)
        process.wait()
        out.seek(0)
        error.seek(0)
        return Result(code, out.read(), error.read(), took)


def run_together(jobs: Jobs, seconds: float) -> dict[str, Result]:
    """Starts all of them at once; returns how each ended."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = {name: pool.submit(run, *job, seconds) for name, job in jobs.items()}
    return {name: future.result() for name, future in running.items()}
