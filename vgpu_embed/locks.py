"""Record locks (fcntl): which process has one. The kernel releases them however a process ends."""

from __future__ import annotations

import fcntl


def _described(kind: int, byte: int, length: int) -> bytes:
    """struct flock of 64-bit Linux: short type, short whence, 4 bytes, long start, long length, int pid, 4 bytes."""
    return b"".join(number.to_bytes(8, "little") for number in (kind, byte, length, 0))


def lock_holder(fd: int, byte: int, length: int = 1) -> int | None:
    """The process, not this one, that has a lock in a range; None if there is none. 0 where it cannot be named."""
    told = fcntl.fcntl(fd, fcntl.F_GETLK, _described(fcntl.F_WRLCK, byte, length))
    return None if told[0] == fcntl.F_UNLCK else int.from_bytes(told[24:28], "little")


def is_locked(fd: int, byte: int, length: int) -> bool:
    """Whether somebody has a lock in a range who has opened the file for himself, in this process or another one."""
    return fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _described(fcntl.F_WRLCK, byte, length))[0] != fcntl.F_UNLCK


def set_lock(fd: int, kind: int, byte: int, length: int) -> bool:
    """Sets F_RDLCK, F_WRLCK or F_UNLCK for those who have this descriptor or copies; whether nobody is in the way."""
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _described(kind, byte, length))
    except OSError:
        return False
    return True
