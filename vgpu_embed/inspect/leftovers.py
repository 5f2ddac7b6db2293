"""Removes what killed processes have left: their recordings and sockets."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import stat
import time
from collections.abc import Iterator

from vgpu_embed.inspect import maps
from vgpu_embed.inspect.recording import has_owner

NAME = re.compile(r"(\d+)-[0-9a-f]{8}\.proc")
SETTLED = 5  # seconds: a process takes the lock of its file a moment after it made it


def folders() -> list[str]:
    """Where processes of this user keep their files, as csrc/record.c chooses; for root, those of all users."""
    user = os.geteuid()
    whose = str(user) if user else "*"
    runtime = [os.environ["XDG_RUNTIME_DIR"]] if "XDG_RUNTIME_DIR" in os.environ else []
    patterns = [f"/dev/shm/vgpu_embed-{whose}", f"/tmp/vgpu_embed-{whose}"]
    patterns += [f"{glob.escape(folder)}/vgpu_embed" for folder in runtime] + ["/run/user/*/vgpu_embed"] * (not user)
    return sorted({folder for pattern in patterns for folder in glob.glob(pattern)})


def remove() -> None:
    """Removes the files of dead owners, and leaves what it may not look into."""
    for folder in folders():
        with contextlib.suppress(OSError), _opened(folder, os.O_DIRECTORY) as descriptor:
            for name in os.listdir(descriptor):
                with contextlib.suppress(OSError):
                    _judge(name, descriptor)


@contextlib.contextmanager
def _opened(name: str, flags: int, within: int | None = None) -> Iterator[int]:
    """A descriptor. Never through a symbolic link: a folder in /tmp may be somebody else's work."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | flags, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _judge(name: str, folder: int) -> None:
    match = NAME.fullmatch(name)
    if not match:
        return
    with _opened(name, 0, folder) as file:
        status = os.fstat(file)
        young = status.st_mtime + SETTLED > time.time()
        if not stat.S_ISREG(status.st_mode) or young or has_owner(file) or _is_mapped(int(match[1]), name):
            return
    os.unlink(name, dir_fd=folder)
    os.unlink(name.removesuffix("proc") + "sock", dir_fd=folder)


def _is_mapped(pid: int, name: str) -> bool:
    """Whether the process of that number has the file: one that closed all descriptors has lost its lock."""
    try:
        return any(os.path.basename(path) == name for path in maps.mapped_files(pid))
    except ProcessLookupError:
        return False
