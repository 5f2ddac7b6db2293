"""Programs under a policy that do what a test tells them, and what can be asked of them from outside."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from support import TESTS, built, clean_environment, preloading

from vgpu_embed.inspect import maps
from vgpu_embed.inspect.recording import Event, Recording

PROGRAM = TESTS / "engine/program.py"
HEAD = "from vgpu_embed import CUresult, DeviceAttribute, GiB, Policy\npolicy = Policy({arguments})\n"
PATIENCE = 20.0


def policy_text(body: str, arguments: str = "") -> str:
    """A policy: what stands below `policy = Policy(arguments)`."""
    return HEAD.format(arguments=arguments) + textwrap.dedent(body)


def write_policy(path: Path, body: str, arguments: str = "") -> Path:
    """Puts a policy in its place as an editor does: the old one or the new one is there, whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(policy_text(body, arguments))
    os.replace(fresh, path)
    return path


def until(condition: Callable[[], Any], what: str = "") -> Any:
    """Waits until a condition is met; what it then gave."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.01)
    return found


class Program:
    """A running program.py. Calling it runs Python there; what it prints on stderr is in `errors`."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.errors_path = errors

    def __call__(self, source: str) -> Any:
        """The value of an expression there; None of statements."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(textwrap.dedent(source)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}: {self.errors}"
        answer = ast.literal_eval(line)
        assert not (isinstance(answer, str) and answer.startswith("Traceback")), answer
        return answer

    @property
    def pid(self) -> int:
        """Of its process; a wrapper execs it."""
        return self.process.pid

    @property
    def errors(self) -> str:
        """What it has printed on stderr."""
        return self.errors_path.read_text()

    def said(self) -> list[str]:
        """The library's own lines, without prefix and process id."""
        return said(self.errors)

    @property
    def recording(self) -> Path:
        """Its own recording."""
        return recording_of(self.pid)

    def ask(self, **request: Any) -> dict[str, Any]:
        """What it answers to a request."""
        return ask(self.recording, **request)

    def set(self, option: str, value: Any) -> None:
        """Sets an option."""
        answer = self.ask(set=f"{option}={value}")
        assert answer.get("ok"), answer

    def command(self, name: str, **arguments: str) -> Any:
        """What a command returns."""
        answer = self.ask(command=name, arguments=arguments)
        assert answer.get("ok"), answer
        return answer["value"]

    def info(self) -> dict[str, Any]:
        """What it says of itself."""
        with Recording(self.recording) as recording:
            return recording.info

    def counts(self, function: str = "cuDeviceGetAttribute") -> tuple[int, int, int]:
        """Calls, asked, answered."""
        with Recording(self.recording) as recording:
            found = recording.counts().get(function)
        return (found.calls, found.asked, found.answered) if found else (0, 0, 0)

    def end(self) -> int:
        """Lets it end by itself; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def said(errors: str) -> list[str]:
    """The library's own lines, without prefix and process id."""
    own = [line for line in errors.splitlines() if line.startswith("[libvgpu-cuda] ")]
    return [line.removeprefix("[libvgpu-cuda] ").rpartition(" (pid=")[0] for line in own]


def recording_of(pid: int) -> Path:
    """The recording that a process has open."""
    found = maps.preloaded(pid)
    assert found is not None
    assert found.recording, f"process {pid} has no recording"
    return Path(found.recording)


def connected(recording: Path) -> socket.socket:
    """A connection to a process."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(recording.with_suffix(".sock")))
    return connection


def reply_of(connection: socket.socket) -> bytes:
    """Everything that comes back."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(recording: Path, **request: Any) -> dict[str, Any]:
    """What a process answers to a request."""
    with connected(recording) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        return dict(json.loads(reply_of(connection)))


def events_of(path: Path) -> list[Event]:
    """The events in a recording."""
    with Recording(path) as recording:
        return recording.events()


@contextlib.contextmanager
def started(
    folder: Path,
    *,
    policy: Path | Sequence[Path] | None = None,
    wrapper: Sequence[str] = (),
    env: Mapping[str, str | Path] | None = None,
    mode: str = "native",
    gpu: str | None = None,
    options: Sequence[str] = (),
    log: str | None = None,
    driver: Path | None = None,
) -> Iterator[Program]:
    """program.py, preloaded, until the end of the block. `wrapper` starts it, without the library, and execs."""
    built(TESTS / "engine")
    variables = preloading(mode=mode, policy=policy, gpu=gpu, options=options, log=log, driver=driver)
    given = [f"{name}={value}" for name, value in {**variables, **(env or {})}.items()]
    errors = folder / "stderr"
    with (
        errors.open("a") as stderr,
        subprocess.Popen(
            [*wrapper, "env", *given, sys.executable, "-S", "-W", "ignore", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environment(),
        ) as process,
    ):
        try:
            yield Program(process, errors)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # it ends by itself, and removes its files
            process.wait(PATIENCE)
        finally:
            process.kill()
