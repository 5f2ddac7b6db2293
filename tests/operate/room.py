"""A root folder with a C library and nothing else, which a program is run in: no Python, no package of ours.

Needs root, and a kernel that lets it make mount namespaces.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from support import Completed, run

NOBODY = 65534
LIBRARIES: tuple[str, ...] = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1")
LIBRARIES += ("libstdc++.so.6", "libgomp.so.1")
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
MULTIARCH = Path("/lib/x86_64-linux-gnu")


class Room:
    """Attributes:
    root: the folder that is the program's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("lib64", "lib/x86_64-linux-gnu", "proc", "dev", "opt", "etc", "run/systemd/journal"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").mkdir(exist_ok=True)
        (root / "tmp").chmod(0o1777)
        for place in ("lib64", "lib/x86_64-linux-gnu"):
            shutil.copy(LOADER.resolve(), root / place / LOADER.name)
        for name in LIBRARIES:
            if (MULTIARCH / name).exists():
                shutil.copy((MULTIARCH / name).resolve(), root / "lib/x86_64-linux-gnu" / name)
        self._mounts = [("/proc", "proc"), ("/dev", "dev")]

    def show_at(self, folder: Path, inside: str) -> None:
        """Shows a folder there."""
        self._mounts.append((str(folder), inside))
        (self.root / inside).mkdir(parents=True, exist_ok=True)

    def show(self, folder: Path) -> None:
        """Shows a folder under the path that it has outside."""
        self.show_at(folder, str(folder).lstrip("/"))

    def run(
        self, program: Sequence[str | Path], *, env: Mapping[str, str], user: int = NOBODY, timeout: float = 90
    ) -> Completed:
        """Runs a program in the room as a user, with this environment and no more. It is process 1 there."""
        mounts = [
            shlex.join(["mount", "--rbind", outside, str(self.root / inside)]) for outside, inside in self._mounts
        ]
        enter = [sys.executable, "-c", ENTER, str(self.root), str(user), json.dumps(dict(env)), *map(str, program)]
        script = "; ".join(["set -e", *mounts, f"exec {shlex.join(enter)}"])
        apart = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc"]
        return run([*apart, "sh", "-c", script], timeout=timeout)


ENTER = """
import json, os, sys
root, user, env = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
os.chroot(root)
os.chdir("/")
os.setgroups([])
os.setgid(user)
os.setuid(user)
os.execve(sys.argv[4], sys.argv[4:], env)
"""


class Journal:
    """Stands in for systemd's journal: a datagram socket where it has its own, that notes what it receives.

    Attributes:
        entries: the fields of each datagram, in order, and under "_UID" who sent it.
    """

    def __init__(self, root: Path) -> None:
        self._folder = os.open(root / "run/systemd/journal", os.O_PATH)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"/proc/self/fd/{self._folder}/socket")  # a socket's path may have no more than 107 bytes
        (root / "run/systemd/journal/socket").chmod(0o666)
        self.entries: list[dict[str, str]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            data, ancillary, _, _ = self._socket.recvmsg(1 << 16, 64)
            if data == b"end":
                return
            _, user, _ = struct.unpack("3i", ancillary[0][2])
            self.entries.append({**fields(data), "_UID": str(user)})

    def close(self) -> list[dict[str, str]]:
        """Takes no more; returns what has come."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.connect(self._socket.getsockname())
            last.send(b"end")
        self._thread.join()
        self._socket.close()
        os.close(self._folder)
        return self.entries


def fields(datagram: bytes) -> dict[str, str]:
    """The fields of a datagram of the journal's native protocol."""
    found = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8 : 8 + size], datagram[9 + size :]
        found[name.decode()] = value.decode()
    return found
