"""Another process that asks the driver what this one tells it to: `Other`. Run by itself, that process.

Each call is a line of JSON over a socket, and what it has written comes back. Descriptors go beside a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from typing import Any

from misuses.session import ByValue, Session, SetupError, argument

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def bytes_of(value: ctypes.Array[Any] | ctypes.Structure) -> str:
    return bytes(memoryview(value)).hex()


class Other(Session):
    """A session whose calls another process makes, started by exec. Its answers are noted here."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.path, lambda label, value: session.note(f"other {label}", value))
        self._channel, theirs = socket.socketpair()
        command = [sys.executable, "-m", "misuses.other", session.path, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(command, cwd=FOLDER, pass_fds=[theirs.fileno()], stdout=sys.stderr)
        self._lines = self._channel.makefile("r", encoding="utf-8")
        self.must("cuInit", 0)

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *about: object) -> None:
        self._channel.close()
        self._lines.close()
        self._process.wait()

    def retain(self, device: int = 0) -> int:
        """A device's primary context, which becomes current."""
        context = self.make("cuDevicePrimaryCtxRetain", device)
        self.must("cuCtxSetCurrent", context)
        return context

    def call(self, name: str, *arguments: object) -> int:
        """See `Session.call`. Addresses are the other process's; rooms and structures are copied there and back."""
        given: list[object] = []
        for value in arguments:
            if isinstance(value, ByValue):
                given.append({"value": bytes_of(value.structure)})
            elif isinstance(value, ctypes.Structure | ctypes.Array):
                given.append({"room": bytes_of(value)})
            else:
                given.append({"text": value.hex()} if isinstance(value, bytes) else value)
        self._channel.sendall((json.dumps([name, given]) + "\n").encode())
        result, rooms = self._answer(name)
        for value, room in zip(arguments, rooms, strict=True):
            if room is not None:
                memoryview(value).cast("B")[:] = bytes.fromhex(room)  # type: ignore[arg-type]
        return int(result)

    def send(self, descriptor: int) -> int:
        """The number that a descriptor of this process gets there."""
        socket.send_fds(self._channel, [b"\n"], [descriptor])
        return int(self._answer("send"))

    def _answer(self, name: str) -> Any:
        line = self._lines.readline()
        if not line:
            raise SetupError(f"{name}: the other process has ended with {self._process.wait()}")
        return json.loads(line)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def passed(given: Any) -> tuple[object, Any]:
    """An argument as ctypes takes it, and the room that it is in, if it is one."""
    if not isinstance(given, dict):
        return argument(given), None
    [(kind, text)] = given.items()
    content = bytes.fromhex(text)
    if kind == "text":
        return argument(content), None
    room = (ctypes.c_uint8 * len(content)).from_buffer_copy(content)
    if kind == "room":
        return ctypes.byref(room), room
    by_value = type("ByValue", (ctypes.Structure,), {"_fields_": [("bytes", type(room))]})
    return by_value(room), None


def serve(path: str, channel: socket.socket) -> None:
    """Makes calls until nobody asks for one."""
    driver, buffered = ctypes.CDLL(path), b""
    while True:
        content, descriptors, _flags, _address = socket.recv_fds(channel, 1 << 16, 1)
        if not content:
            return
        buffered += content
        if not buffered.endswith(b"\n"):
            continue
        answer: object = descriptors[0] if descriptors else None
        if not descriptors:
            name, given = json.loads(buffered)
            arguments = [passed(one) for one in given]
            result = int(getattr(driver, name)(*(one for one, _room in arguments)))
            answer = result, [None if room is None else bytes_of(room) for _one, room in arguments]
        buffered = b""
        channel.sendall((json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
    # Destructors of the driver have nothing to say here.
    os._exit(0)
