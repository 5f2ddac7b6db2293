"""Who holds memory of a virtual machine's devices: this process, and others of the user on the same machine.

A process publishes what it holds in its own recording (csrc/record.c), so that it can be read without it: a store a
change, no call to anybody. Processes are on one machine if their devices are equal, and VGPU_MACHINE.
"""

from __future__ import annotations

import os
import stat

from vgpu_embed._frames import Held, Short
from vgpu_embed.locks import lock_holder
from vgpu_embed.places import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FRESH = 0.02
"""Seconds: often enough to look what others hold, and no more often than allocations can afford."""

MAGIC = b"VGPUREC1"
MACHINE = slice(1024, 1040)
HELD = slice(1040, 1040 + 8 * 255)
"""Where a recording has the machine's identity, and the bytes held of each device; docs/traces.md has the format."""


class Occupants(Held):
    """The processes of a machine, by what they hold of its devices.

    Attributes:
        identity: of the machine, 16 bytes; empty without others.
        settle: looks what is shared with other processes, if anything is; called before what is held is summed up.
    """

    settle: Callable[[], object] | None = None

    def __init__(self, devices: int, identity: bytes = b"", publish: Short | None = None) -> None:
        """
        Args:
            devices: how many the machine has.
            identity: of the machine, 16 bytes; without it there are no others.
            publish: makes known to others what is held of a device.
        """
        super().__init__(devices, *(publish,) if publish else ())
        self.identity = identity
        self._pid = os.getpid()

    def take(self, device: int, size: int, most: int) -> bool:
        """Says that this process holds so many more bytes, unless all would hold more than `most`; whether it does."""
        while (taken := self.take_now(device, size, most)) is None:
            self._look()
        return taken

    def all(self) -> dict[int, list[int]]:
        """What each living process holds of the devices, by process id; those that hold nothing are left out."""
        if self._pid != os.getpid():  # CUDA does not survive fork
            self._pid = os.getpid()
            self.forget()
        if self.settle:
            self.settle()
        own = self.held
        found = {self._pid: own} if any(own) else {}
        for path in recordings() if self.identity else ():
            try:
                found.update(read(path, self.identity, len(own)))
            except OSError:
                continue  # it has just ended
        return found

    def used(self, device: int) -> int:
        """Bytes of a device that processes hold."""
        return sum(held[device] for held in self.all().values())

    def _look(self) -> None:
        """Looks what others hold."""
        everyone = self.all()
        everyone.pop(self._pid, None)
        others = [sum(held) for held in zip(*everyone.values(), [0] * len(self.held), strict=True)]
        self.saw(others, FRESH)


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
