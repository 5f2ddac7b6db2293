"""Whether a file may decide for a process that runs as root: not if anybody else could have written it."""

from __future__ import annotations

import os

KIND, FOLDER, LINK = 0o170000, 0o040000, 0o120000
STICKY, GROUP_WRITES, OTHERS_WRITE = 0o1000, 0o020, 0o002
ACL = "system.posix_acl_access"
MAX_LINKS = 40  # as many as the kernel follows, path_resolution(7)


def distrust(path: str) -> str:
    """Why a process that runs as root, or setuid, must not load that file: a sentence with the remedy, or "".

    Somebody else may write the file, or a folder or symbolic link on the way to it. A sticky folder such as /tmp is
    no reason: nobody can replace in it what belongs to root. In other processes the answer is always "".

    Raises OSError where the file does not exist.
    """
    user = os.geteuid()
    if user != 0 and user == os.getuid():
        return ""
    reason = _weak_place(path, user)
    if not reason:
        return ""
    who = "runs as root" if user == 0 else "is setuid"
    return f"{path}: {reason}, and this process {who}; put the file where only root may write (chown root, chmod go-w)"


def _weak_place(path: str, user: int) -> str:
    """The first place on the way to a file that somebody else may write, or "". Walks the way as the kernel does."""
    place, links = "/", 0
    rest = os.path.join(os.getcwd(), path).split("/")
    reason = _writable(place, os.stat(place), user)
    while rest and not reason:
        part = rest.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            place = os.path.dirname(place)
            continue
        there = os.path.join(place, part)
        status = os.lstat(there)
        reason = _writable(there, status, user)
        if status.st_mode & KIND != LINK:
            place = there
            continue
        links += 1
        if links > MAX_LINKS:
            return "too many symbolic links lead to it"
        target = os.readlink(there)
        rest = target.split("/") + rest
        place = "/" if target.startswith("/") else place
    return reason


def _writable(place: str, status: os.stat_result, user: int) -> str:
    """How somebody else may write a file, folder or link, or ""."""
    mode = status.st_mode
    if status.st_uid not in (0, user):
        return f"{place} belongs to user {status.st_uid}"
    if mode & KIND == LINK or (mode & KIND == FOLDER and mode & STICKY):
        return ""
    if mode & OTHERS_WRITE:
        return f"everybody may write {place}"
    if mode & GROUP_WRITES and status.st_gid != 0:
        return f"group {status.st_gid} may write {place}"
    if mode & GROUP_WRITES and ACL in os.listxattr(place):  # the group's bits are then the most that the list grants
        return f"users of an access list may write {place}"
    return ""
