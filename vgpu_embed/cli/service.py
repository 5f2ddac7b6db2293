"""Asks a process that has the library in it, through its socket."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from vgpu_embed.cli.failure import NOTHING, Failure
from vgpu_embed.cli.status import by_pid

PATIENCE = 10.0  # seconds


def ask(pid: int, request: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
    """What the process answers to a request (docs/traces.md has them).

    Raises:
        Failure: there is no such process, it may not be asked, it does not answer in time, or it says what is wrong.
    """
    recording = by_pid(pid).recording
    if not recording:
        raise Failure(f"process {pid} has not used CUDA under a policy yet, so there is nobody to ask", NOTHING)
    try:
        line = _exchange(recording.removesuffix("proc") + "sock", json.dumps(request).encode() + b"\n", patience)
    except FileNotFoundError:
        raise Failure(f"process {pid} runs no policy of a file, so there is nobody to ask", NOTHING) from None
    except TimeoutError:
        raise Failure(
            f"process {pid} did not answer within {patience:g} s: it hangs, or its policy is busy; "
            f"`vgpu-embed status {pid}` does not need an answer",
            NOTHING,
        ) from None
    except OSError as error:
        raise Failure(f"process {pid} cannot be asked: {error.strerror}", NOTHING) from error
    try:
        answer = json.loads(line)
    except ValueError:
        raise Failure(f"process {pid} ended, or refused, before it had answered", NOTHING) from None
    if "error" in answer:
        raise Failure(str(answer["error"]), NOTHING)
    return dict(answer)


def _exchange(path: str, line: bytes, patience: float) -> bytes:
    """Sends a line, returns what comes back until the other side closes."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(patience)
            # Relative to a descriptor: the path of a socket may have no more than 107 bytes.
            connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
            connection.sendall(line)
            return b"".join(iter(lambda: connection.recv(65536), b""))
    finally:
        os.close(folder)
