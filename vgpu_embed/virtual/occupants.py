"""Who holds memory of a virtual machine's devices: this process, and others of the user on the same machine.

A process publishes what it holds in its own recording (csrc/record.c), so that it can be read without it: a store a
change, no call to anybody. Processes are on one machine if their devices are equal, and VGPU_MACHINE.
"""

from __future__ import annotations

import os
import stat
from time import monotonic

from vgpu_embed.locks import lock_holder
from vgpu_embed.places import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FRESH = 0.02
"""Seconds."""

MAGIC = b"VGPUREC1"
MACHINE = slice(1024, 1040)
HELD = slice(1040, 1040 + 8 * 255)
"""Where a recording has the machine's identity, and the bytes held of each device; docs/traces.md has the format."""


class Occupants:
    """The processes of a machine, by what they hold of its devices.

    Attributes:
        held: bytes that this process holds, contexts included, by the device's number in the machine.
    """

    def __init__(
        self, devices: int, identity: bytes = b"", publish: Callable[[int, int], object] | None = None
    ) -> None:
        """
        Args:
            devices: how many the machine has.
            identity: of the machine, 16 bytes; without it there are no others.
            publish: makes known to others what is held of a device.
        """
        self.held = [0] * devices
        self._identity = identity
        self._publish = publish
        self._pid = os.getpid()
        self._others = [0] * devices
        self._stale = 0.0
        """From when on it has to be looked anew what others hold."""

    def take(self, device: int, size: int, most: int) -> bool:
        """Says that this process holds so many more bytes, unless all would hold more than `most`; whether it does."""
        used = self.held[device] + size
        if self._identity and monotonic() > self._stale:
            self._look()
        if used + self._others[device] > most:
            return False
        self.held[device] = used
        if self._publish:
            self._publish(device, used)
        return True

    def give(self, device: int, size: int) -> None:
        """Says that it holds so many less."""
        self.held[device] = used = self.held[device] - size
        if self._publish:
            self._publish(device, used)

    def all(self) -> dict[int, list[int]]:
        """What each living process holds of the devices, by process id; those that hold nothing are left out."""
        if self._pid != os.getpid():  # CUDA does not survive fork
            self._pid, self.held = os.getpid(), [0] * len(self.held)
        found = {self._pid: self.held} if any(self.held) else {}
        for path in recordings() if self._identity else ():
            try:
                found.update(read(path, self._identity, len(self.held)))
            except OSError:
                continue  # it has just ended
        return found

    def used(self, device: int) -> int:
        """Bytes of a device that processes hold."""
        return sum(held[device] for held in self.all().values())

    def _look(self) -> None:
        """Looks what others hold: often enough, and no more often than allocations can afford."""
        totals = map(sum, zip(*self.all().values(), [0] * len(self.held), strict=True))
        self._others = [total - own for total, own in zip(totals, self.held, strict=True)]
        self._stale = monotonic() + FRESH


def recordings() -> list[str]:
    """The files of the user's other processes, where csrc/record.c makes them."""
    found = []
    for folder in folders():
        try:
            is_ours = os.lstat(folder).st_uid == os.geteuid()
            names = os.listdir(folder) if is_ours else []
        except OSError:
            continue
        # Closing a descriptor of one's own file would drop the lock that says that its owner lives.
        own = f"{os.getpid()}-"
        found += [f"{folder}/{name}" for name in names if name.endswith(".proc") and not name.startswith(own)]
    return found


def read(path: str, identity: bytes, devices: int) -> dict[int, list[int]]:
    """What a file says: process id and bytes by device; empty if it is of another machine, or its process has ended.

    Raises OSError.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        head = os.pread(file, HELD.stop, 0) if stat.S_ISREG(os.fstat(file).st_mode) else b""
        if not head.startswith(MAGIC) or head[MACHINE] != identity:
            return {}
        held = list(memoryview(head[HELD].ljust(8 * 255, b"\0")).cast("Q")[:devices])
        pid = lock_holder(file, 0) if any(held) else None  # None: it has ended; 0: it cannot be named from here
        return {} if pid is None else {pid or int(os.path.basename(path).partition("-")[0]): held}
    finally:
        os.close(file)
