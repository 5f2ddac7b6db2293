"""Who holds how much device memory: a file that the processes of a group share.

The file is read and written by system calls, never mapped: one that was cut short or removed, or a program that closed
all its descriptors, gives an error here and no SIGBUS there. Its pages are allocated before they are written to.

    header, 4096 bytes    0 magic; 64 UUIDs of devices, 16 bytes each; 1024 process ids of slots, 8 bytes each
    device n, 4096 bytes  at 4096 * (n + 1), by slot: bytes held, limit (0: none), the process's number of it plus 1

A slot belongs to the process that has a POSIX record lock on byte 1 + slot. The kernel releases it however the process
ends, so that what was held needs nobody's goodbye. Byte 0 is locked while more than the own slot is read or written.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import resource
import stat
from time import monotonic, sleep

from vgpu_embed.locks import lock_holder
from vgpu_embed.places import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vgpu_embed.holdings import Device

MAGIC = b"VGPUQTA1"
PREFIX, SUFFIX = "vgpu_embed-quota-", ".ledger"
PAGE = 4096
SLOTS = 128
DEVICES = 60
UUIDS, PIDS = 64, 1024
HELD, LIMIT, NUMBER = 0, 8 * SLOTS, 16 * SLOTS
"""Where a device's page has what."""
PATIENCE = 2.0
"""Seconds to wait for byte 0, which is locked for microseconds at a time."""
RETRY = 10.0
"""Seconds after which a ledger that could not be used is tried again."""
OUT_OF_THE_WAY = 200
"""Descriptors of ours begin here: a program may rely on getting the lowest ones, such as 1 for its output."""


class LedgerError(Exception):
    """Why a ledger cannot be used, in one sentence."""


# ---- locks ---------------------------------------------------------------------------------------------------------


def lock(fd: int, byte: int) -> bool:
    """Locks a byte for this process, unless another one has it.

    Never by waiting: the kernel would count that as waiting for whoever has the byte, and see deadlocks with locks of
    the program's own.
    """
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


class Exclusive:
    """Byte 0 of a ledger, as a context manager. Excludes other processes, not other threads. Raises LedgerError."""

    def __init__(self, fd: int, path: str) -> None:
        self.fd = fd
        self.path = path

    def __enter__(self) -> None:
        if not lock(self.fd, 0):
            self._wait()

    def _wait(self) -> None:
        end, pause = monotonic() + PATIENCE, 2e-5
        while not lock(self.fd, 0):
            if monotonic() > end:
                raise LedgerError(f"process {lock_holder(self.fd, 0)} keeps {self.path} locked, let it go on or end it")
            sleep(pause)
            pause = min(2 * pause, 1e-3)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, 0)


# ---- files ---------------------------------------------------------------------------------------------------------


def is_private(folder: str) -> bool:
    """Makes a folder of ours, where need be; nobody else may look in, or put something there for us."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    status = os.lstat(folder)
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return owned and os.access(folder, os.W_OK)


def path_of(group: str) -> str:
    """The ledger of a group; of a process of its own for "". Raises LedgerError."""
    if "/" in group or "\0" in group or group.startswith("~") or len(os.fsencode(group)) > 100:
        raise LedgerError(f"{group!r} is no name of a group: it has no / and no ~ in front, and at most 100 bytes")
    name = group or f"~{os.getpid()}-{os.urandom(4).hex()}"
    for folder in folders():
        if is_private(folder):
            return f"{folder}/{PREFIX}{name}{SUFFIX}"
    raise LedgerError(f"none of {', '.join(folders())} is a folder that only this user can use")


def ledgers() -> list[str]:
    """All ledgers of this user."""
    found = []
    for folder in folders():
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        found += [f"{folder}/{name}" for name in names if name.startswith(PREFIX) and name.endswith(SUFFIX)]
    return found


def open_file(path: str) -> int:
    """A descriptor that is out of the program's way."""
    low = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY)
    except OSError:  # RLIMIT_NOFILE is lower
        return low
    os.close(low)
    return high


def allocate(fd: int, size: int) -> None:
    """Gives a file its pages. Raises OSError; the kernel's signal for a file over the limit would end the program."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if 0 <= limit < size:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    os.posix_fallocate(fd, 0, size)


def known_devices(header: bytes) -> list[bytes]:
    """The UUIDs in a header, in the order of their pages."""
    found = [header[place : place + 16] for place in range(UUIDS, UUIDS + 16 * DEVICES, 16)]
    return found[: found.index(bytes(16))] if bytes(16) in found else found


def pids(header: bytes) -> list[int]:
    """The process of each slot, 0 for none."""
    return [int.from_bytes(header[place : place + 8], "little") for place in range(PIDS, PIDS + 8 * SLOTS, 8)]


def page(number: int) -> int:
    """Where the page of a device begins."""
    return PAGE * (1 + number)


class Ledger:
    """An open ledger with a slot of this process. One thread at a time. Methods raise OSError and LedgerError.

    Attributes:
        note: what a user should know about how it was opened, a sentence; or "".
    """

    def __init__(self, path: str, is_shared: bool = True) -> None:
        self.path = path
        self.is_shared = is_shared
        self.pid = os.getpid()
        self.note = ""
        self._check = 0.0
        self._pages: dict[bytes, int] = {}
        self._shown: dict[int, tuple[int, int]] = {}
        while not self._opened():
            pass

    def _opened(self) -> bool:
        """Opens the file and takes a slot; False where it has been removed meanwhile."""
        self.fd = fd = open_file(self.path)
        try:
            self.exclusive = Exclusive(fd, self.path)
            with self.exclusive:
                status = os.fstat(fd)
                self.identity = status.st_dev, status.st_ino
                if status.st_nlink and self._is_ledger():
                    self.slot = self._take_slot()
                    _opened.append(self)
                    return True
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return False

    def _is_ledger(self) -> bool:
        """Whether the file is one, or empty and made one now. One that is broken is removed."""
        header = os.pread(self.fd, PAGE, 0)
        if not any(header):  # new, or its maker was killed before it was done
            allocate(self.fd, PAGE)
            os.pwrite(self.fd, MAGIC, 0)
        elif not header.startswith(MAGIC) or len(header) < PAGE:
            if lock_holder(self.fd, 1, SLOTS) is not None:
                raise LedgerError(f"{self.path} is of another version of vgpu_embed, and in use")
            self.note = f"{self.path} was broken or of another version, and is made anew"
            os.unlink(self.path)
            return False
        return True

    def _take_slot(self) -> int:
        for slot in range(SLOTS):
            if lock(self.fd, 1 + slot):
                self._clear(slot)
                self._put(PIDS + 8 * slot, self.pid)
                return slot
        raise LedgerError(f"{self.path} has room for {SLOTS} processes, which are there")

    def _put(self, place: int, value: int) -> None:
        os.pwrite(self.fd, value.to_bytes(8, "little"), place)

    def _clear(self, slot: int) -> None:
        """Empties a slot; the process last, so that what is only half emptied is found again."""
        for number in range(len(known_devices(os.pread(self.fd, PAGE, 0)))):
            for kind in (HELD, LIMIT, NUMBER):
                self._put(page(number) + kind + 8 * slot, 0)
        self._put(PIDS + 8 * slot, 0)

    def is_usable(self) -> bool:
        """Whether the descriptor is still ours, the file still the group's and the slot still this process's.

        A program may have closed the descriptor. It may have closed another one of the same file, which drops the
        locks: that is looked for once a second.
        """
        try:
            status = os.fstat(self.fd)
            if (status.st_dev, status.st_ino) != self.identity or not status.st_nlink:
                return False
            now = monotonic()
            if now < self._check:
                return True
            self._check = now + 1
            return lock(self.fd, 1 + self.slot) and pids(os.pread(self.fd, PAGE, 0))[self.slot] == self.pid
        except OSError:
            return False

    def _page(self, uuid: bytes) -> int:
        """Where the page of a device begins; it is added if it is new."""
        found = self._pages.get(uuid)
        if found is None:
            known = known_devices(os.pread(self.fd, PAGE, 0))
            number = known.index(uuid) if uuid in known else len(known)
            if number == len(known):
                if number == DEVICES:
                    raise LedgerError(f"{self.path} has room for {DEVICES} devices, which are there")
                allocate(self.fd, page(number) + PAGE)
                os.pwrite(self.fd, uuid, UUIDS + 16 * number)
            found = self._pages[uuid] = page(number)
        return found

    def _others(self, page: int) -> int:
        """What the other processes hold."""
        held = memoryview(os.pread(self.fd, 8 * SLOTS, page + HELD)).cast("Q")
        return sum(held) - held[self.slot]

    def _bury(self) -> None:
        """Empties the slots of processes that have ended."""
        for slot, pid in enumerate(pids(os.pread(self.fd, PAGE, 0))):
            if pid and slot != self.slot and lock_holder(self.fd, 1 + slot) is None:
                self._clear(slot)

    def hold(self, device: Device, held: int) -> bool:
        """Has this process hold so many bytes from now on; False, and nothing changes, if that is over the limit."""
        if not self.is_shared:
            self.put(device, held)
            return True
        with self.exclusive:
            page = self._page(device.uuid)
            if device.limit and self._others(page) + held > device.limit:
                self._bury()
                if self._others(page) + held > device.limit:
                    return False
            self._show(page, device, held)
        return True

    def put(self, device: Device, held: int) -> None:
        """Has this process hold so many bytes from now on, whatever the limit."""
        if self.is_shared:
            with self.exclusive:  # who reads meanwhile may see half of a number
                self._show(self._page(device.uuid), device, held)
        else:
            self._show(self._page(device.uuid), device, held)

    def _show(self, page: int, device: Device, held: int) -> None:
        place = page + 8 * self.slot
        self._put(place + HELD, held)
        if self._shown.get(page) != (device.limit, device.number):
            self._put(place + LIMIT, device.limit)
            self._put(place + NUMBER, device.number + 1)
            self._shown[page] = device.limit, device.number

    def others(self, device: Device) -> int:
        """What the other living processes hold of a device."""
        with self.exclusive:
            self._bury()
            return self._others(self._page(device.uuid))

    def relimit(self, limit: Callable[[int], int]) -> None:
        """Shows other limits, by the process's numbers of devices."""
        for page, (_, number) in list(self._shown.items()):
            self._put(page + LIMIT + 8 * self.slot, limit(number))
            self._shown[page] = limit(number), number

    def close(self) -> None:
        """Gives the slot back, and removes the file after the last process."""
        try:
            if self.is_usable():
                with self.exclusive:
                    self._clear(self.slot)
                    if lock_holder(self.fd, 1, SLOTS) is None:
                        os.unlink(self.path)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Closes the descriptor, unless the program has done so and has another file there.

        Whoever needs the room finds that the lock is gone, and empties the slot.
        """
        if self in _opened:
            _opened.remove(self)
        try:
            status = os.fstat(self.fd)
            if (status.st_dev, status.st_ino) == self.identity:
                os.close(self.fd)
        except OSError:
            pass


_opened: list[Ledger] = []
"""Those of this process, and of the parent that it was forked by."""


def opened() -> list[Ledger]:
    """The ledgers that this process has a slot in."""
    pid = os.getpid()
    return [ledger for ledger in _opened if ledger.pid == pid and ledger.is_usable()]


@atexit.register
def close_all() -> None:
    """Gives the slots back."""
    for ledger in opened():
        try:
            ledger.close()
        except (OSError, LedgerError):
            continue  # whoever needs the room empties the slot


def usage(path: str) -> list[dict[str, Any]]:
    """What the living processes of a ledger hold, in bytes: a dict for each device that one has used.

    pid, as seen from here; device, the number that the process knows it by; uuid; held; limit (0: none).
    Raises OSError, and LedgerError where it is no ledger.
    """
    status = os.stat(path)
    for ledger in opened():
        if ledger.identity == (status.st_dev, status.st_ino):  # closing another descriptor would drop the locks
            return read(ledger.fd, path, ledger.slot)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return read(fd, path)
    finally:
        os.close(fd)


def read(fd: int, path: str, own_slot: int = -1) -> list[dict[str, Any]]:
    """See `usage`."""
    header = os.pread(fd, PAGE, 0)
    if not header.startswith(MAGIC) or len(header) < PAGE:
        raise LedgerError(f"{path} is no ledger of this version of vgpu_embed")
    devices = [(uuid, os.pread(fd, PAGE, page(number))) for number, uuid in enumerate(known_devices(header))]
    found = []
    for slot, pid in enumerate(pids(header)):
        holder = os.getpid() if slot == own_slot else lock_holder(fd, 1 + slot) if pid else None
        for uuid, words in devices if holder is not None else ():
            places = (8 * slot + kind for kind in (HELD, LIMIT, NUMBER))
            held, limit, known_as = (int.from_bytes(words[place : place + 8], "little") for place in places)
            if known_as:
                place = {"pid": holder or pid, "device": known_as - 1, "uuid": uuid_text(uuid)}
                found.append({**place, "held": held, "limit": limit})
    return found


def uuid_text(uuid: bytes) -> str:
    """A UUID as nvidia-smi writes it."""
    digits = uuid.hex()
    return "GPU-" + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def remove_left_over() -> None:
    """Removes the ledgers in which no living process has a slot."""
    mine = {ledger.path for ledger in opened()}  # closing another descriptor of one would drop the locks
    for path in ledgers():
        if path not in mine:
            try:
                remove_if_left(path)
            except OSError:
                continue  # another process was faster


def remove_if_left(path: str) -> None:
    """Removes a ledger if no living process has a slot in it. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Whoever has byte 0 is about to take a slot, and finds the file removed if we were first.
        if lock(fd, 0) and lock_holder(fd, 1, SLOTS) is None and os.fstat(fd).st_nlink:
            os.unlink(path)
    finally:
        os.close(fd)
