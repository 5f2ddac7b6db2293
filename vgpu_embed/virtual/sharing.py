"""What processes of a machine share: memory in files without a name, found by handles or by descriptors.

A file holds the bytes and, behind them, a page that says what they are. Locks say who has it: who can read the bytes
has a lock on those that it can reach, and who counts them as used has one on as many behind them. The kernel releases
both however a process ends, and the file ends with the last one who has it.
"""

from __future__ import annotations

import fcntl
import os
from time import sleep

from vgpu_embed import policy
from vgpu_embed.locks import is_locked, set_lock
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.order import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vgpu_embed.virtual.machine import Machine

INVALID_VALUE, OUT_OF_MEMORY, INVALID_HANDLE = 1, 2, 400
OPERATING_SYSTEM, UNKNOWN, NOT_SUPPORTED = 304, 999, 801
"""CUDA_ERROR_… of cuda.h."""

MEMORY, PHYSICAL, POOL, EVENT = range(1, 5)
"""What a file holds."""
MAGIC = b"VGPUIPC1"
PAGE = 4096
LATEST = 64
"""Where the page behind has the number of what is under way."""
PAUSE = 0.05
"""Seconds between two looks whether others still have what has been given back."""
MOMENT = 20e-6
"""Seconds between two tries to get a lock that others hold for moments."""
HIGH = 100
"""Descriptors begin here: programs may rely on getting the lowest ones."""


class File:
    """A file that processes share.

    Attributes:
        kind: what it holds.
        size: bytes of that, whole pages.
        device: the number in the machine of the device whose memory it is; -1: of the host.
        number: what no other file of the system has.
    """

    def __init__(self, descriptor: int, kind: int, device: int, size: int) -> None:
        self.descriptor = descriptor
        self.kind = kind
        self.device = device
        self.size = size
        self.number = os.fstat(descriptor).st_ino
        self._process = os.getpid()

    def __del__(self) -> None:
        os.close(self.descriptor)

    def lock(self, first: int, length: int, alone: bool = False) -> bool:
        """Locks bytes, for oneself alone or beside others; whether nobody is in the way."""
        return set_lock(self.descriptor, fcntl.F_WRLCK if alone else fcntl.F_RDLCK, first, length)

    def unlock(self, first: int, length: int) -> None:
        """Takes back what `lock` did. A child of fork has the same descriptor and leaves its parent's locks alone."""
        if os.getpid() == self._process:
            set_lock(self.descriptor, fcntl.F_UNLCK, first, length)

    def count(self, first: int = 0, length: int = 0) -> bool:
        """Says that from now on it is this one who counts the bytes as used, or those; whether nobody else does."""
        return self.lock(self.size + first, length or self.size, alone=True)

    def is_reached(self, first: int = 0, length: int = 0) -> bool:
        """Whether somebody else has a lock on these bytes; without a length, on any of those that it holds."""
        return is_locked(self.descriptor, first, length or self.size)

    def reopened(self) -> File:
        """The same one with locks of its own, which end with the last copy of its descriptor."""
        return File(_opened(f"/proc/self/fd/{self.descriptor}"), self.kind, self.device, self.size)

    def begin(self) -> int:
        """Counts one thing more that is under way, whose byte is locked until it is done: its number, from 1."""
        while not self.lock(0, 1, alone=True):
            sleep(MOMENT)
        number = self.latest + 1
        self.lock(number, 1, alone=True)
        os.pwrite(self.descriptor, number.to_bytes(8, "little"), self.size + LATEST)
        self.unlock(0, 1)
        return number

    @property
    def latest(self) -> int:
        """The number of the last thing that has begun; 0: none has."""
        return int.from_bytes(os.pread(self.descriptor, 8, self.size + LATEST), "little")

    def given(self, locked: bool) -> int:
        """A descriptor for the program to send to others; with a lock on all bytes, until its last copy is closed."""
        descriptor = _opened(f"/proc/self/fd/{self.descriptor}", 0)
        if locked:
            set_lock(descriptor, fcntl.F_RDLCK, 0, self.size)
        return descriptor

    def handle(self, offset: int = 0, size: int = 0) -> bytes:
        """64 bytes by which other processes find it, and some of its bytes."""
        words = os.getpid(), self.descriptor, self.number, offset, size, self.kind
        return b"".join([MAGIC, *(word.to_bytes(8, "little") for word in words)]).ljust(64, b"\0")


def made(machine: Machine, kind: int, device: int, size: int) -> File:
    """A new one; refuses where the system has none."""
    descriptor = machine.space.lib.space_file(size + PAGE)
    if descriptor < 0:
        raise Refused(OUT_OF_MEMORY)
    words = kind, device + 1, size
    about = b"".join([MAGIC, *(word.to_bytes(8, "little") for word in words), machine.identity])
    os.pwrite(descriptor, about, size)
    return File(descriptor, kind, device, size)


def found(machine: Machine, path: str, kind: int) -> File:
    """The file at a path in /proc.

    Refuses what is no such file with CUDA_ERROR_UNKNOWN, and what is one of another kind or another machine's with
    CUDA_ERROR_NOT_SUPPORTED. Raises OSError.
    """
    descriptor = _opened(path)
    size = os.fstat(descriptor).st_size - PAGE
    about = os.pread(descriptor, 48, size) if size >= 0 else b""
    words = [int.from_bytes(about[place : place + 8], "little") for place in (8, 16, 24)]
    given = File(descriptor, words[0], words[1] - 1, size)
    if not about.startswith(MAGIC) or words[2] != size:
        raise Refused(UNKNOWN)
    if given.kind != kind or about[32:] != machine.identity:
        raise Refused(NOT_SUPPORTED)
    return given


def received(machine: Machine, descriptor: int, kind: int) -> File:
    """The file of a descriptor that the program got from somewhere; refuses as `found` does."""
    try:
        return found(machine, f"/proc/self/fd/{descriptor & 0xFFFFFFFF}", kind)
    except OSError:
        raise Refused(UNKNOWN) from None


def _opened(path: str, lowest: int = HIGH) -> int:
    """A descriptor for reading and writing, out of the program's way. Raises OSError."""
    low = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, lowest)
    finally:
        os.close(low)


class Handle:
    """What `File.handle` made, somewhere. Refuses what is none of that kind with that result."""

    def __init__(self, handle: bytes, kind: int, refusal: int) -> None:
        words = [int.from_bytes(handle[place : place + 8], "little") for place in range(8, 56, 8)]
        if not handle.startswith(MAGIC) or words[5] != kind:
            raise Refused(refusal)
        self.process, self._descriptor, self.number, self.offset, self.size, self.kind = words

    @property
    def is_own(self) -> bool:
        """Whether this process has made it."""
        return self.process == os.getpid()

    def file(self, machine: Machine) -> File:
        """The file that it is of; refuses what is not there any more, or out of reach."""
        folder = f"/proc/{self.process}"
        try:
            file = found(machine, f"{folder}/fd/{self._descriptor}", self.kind)
        except OSError as error:
            if not os.path.isdir(folder):
                raise Refused(INVALID_HANDLE) from None
            if isinstance(error, FileNotFoundError):
                raise Refused(INVALID_VALUE) from None
            machine.sharing.say(
                self.process,
                f"what process {self.process} shares is out of reach ({error.strerror}): both have to be processes of "
                "one user in one PID namespace, and /proc has to show them",
            )
            raise Refused(OPERATING_SYSTEM) from None
        if file.number != self.number or self.offset + self.size > file.size:
            raise Refused(INVALID_VALUE)
        return file


class Sharing:
    """What a process shares, and who counts it.

    That is looked at anew whenever it is asked how much of a device is used, and by a thread as long as others have
    what this process has given back: no process is told by another one.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._watched: list[Callable[[], bool]] = []
        self._said: set[int] = set()
        self._kept = 0
        self._looker = Worker(machine.order.host, self._look)

    def say(self, process: int, text: str) -> None:
        """A line in the log, the first time that there is something to say about a process."""
        if process not in self._said:
            self._said.add(process)
            policy.log_of("memory").error(text)

    def watch(self, look: Callable[[], bool]) -> None:
        """Calls this whenever it matters what is used, until it returns True."""
        self._watched.append(look)
        self._machine.occupants.settle = self.settle

    def settle(self) -> None:
        """Looks who uses what."""
        with self._machine.lock:
            watched, self._watched = self._watched, []
            self._watched += [look for look in watched if not look()]

    def hold(self, device: int, size: int) -> None:
        """Counts bytes of a device, by its number in the machine, that were there before: however many there are."""
        self.release(device, -size % (1 << 64))

    def release(self, device: int, size: int) -> None:
        """Counts them no more. The host's are not counted."""
        if device >= 0:
            self._machine.occupants.give(device, size)

    def kept(self, file: File, first: int = 0, length: int = 0, then: Callable[[], object] | None = None) -> None:
        """Goes on counting bytes of a device that this process has given back, for as long as others reach them.

        Calls `then` when they do not any more, which may be at once.
        """
        size = length or file.size
        if not file.is_reached(first, size):
            if then:
                then()
            return
        self.hold(file.device, size)
        self._kept += 1

        def look() -> bool:
            if file.is_reached(first, size):
                return False
            self.release(file.device, size)
            self._kept -= 1
            if then:
                then()
            return True

        self.watch(look)
        self._looker.wake()

    def _look(self) -> float | None:
        """Looks again, as long as there is something to wait for."""
        self.settle()
        return PAUSE if self._kept else None


class Adopted:
    """Another process's bytes, mapped here.

    Attributes:
        address: where they begin.
        users: how many allocations are there.
    """

    def __init__(self, machine: Machine, file: File, kind: int, offset: int = 0, size: int = 0) -> None:
        """
        Args:
            kind: what a region's pages are, of memory/space.py.
            offset, size: which bytes, from a multiple of 2 MiB; all without a size.
        """
        self.machine = machine
        self.file = file
        self.users = 0
        self._offset = offset
        self._size = size or file.size
        if not file.lock(offset, self._size):
            raise Refused(INVALID_VALUE)
        space = machine.space
        self.address = int(space.lib.space_adopt(space.handle, file.descriptor, offset, self._size, 2 << 20, kind))
        if not self.address:
            raise Refused(OUT_OF_MEMORY)
        self._is_counted = self._is_left = False
        machine.sharing.watch(self._look)

    def _look(self) -> bool:
        """Counts them as used, once nobody else does: who shared them has ended."""
        if not (self._is_left or self._is_counted) and self.file.count(self._offset, self._size):
            self._is_counted = True
            self.machine.sharing.hold(self.file.device, self._size)
        return self._is_left or self._is_counted

    def leave(self) -> None:
        """They are not used here any more."""
        self._is_left = True
        self.machine.space.lib.space_return(self.machine.space.handle, self.address)
        if self._is_counted:
            self.machine.sharing.release(self.file.device, self._size)
        del self.file
