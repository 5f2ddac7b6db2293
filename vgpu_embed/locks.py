"""Record locks (fcntl): which process has one. The kernel releases them however a process ends."""

from __future__ import annotations

import fcntl


def lock_holder(fd: int, byte: int, length: int = 1) -> int | None:
    """The process, not this one, that has a lock in a range; None if there is none. 0 where it cannot be named."""
    # struct flock of 64-bit Linux: short type, short whence, 4 bytes, long start, long length, int pid, 4 bytes
    asked = b"".join(number.to_bytes(8, "little") for number in (fcntl.F_WRLCK, byte, length, 0))
    told = fcntl.fcntl(fd, fcntl.F_GETLK, asked)
    return None if told[0] == fcntl.F_UNLCK else int.from_bytes(told[24:28], "little")
