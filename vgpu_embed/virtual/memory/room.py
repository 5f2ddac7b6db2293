"""How much memory the host can still give: to write more than that would end in the kernel's OOM killer.

Read from the kernel's files and not by psutil, which takes 44 ms to import and, in a process that has started, cannot
be any more. Swap space is not counted, so that a machine does not begin to swap for a model that nobody reads.
"""

from __future__ import annotations

import os

MARGIN = 128 << 20
"""Bytes that are left to the rest of the machine, but never more than an eighth of what there is."""
UNLIMITED = 1 << 60

VERSIONS = {
    2: ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    1: ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Of control groups: where they are mounted, the files of limit and use, and the line of `memory.stat` that says how
much of the use the kernel gives up when it must."""

_groups: dict[str, list[tuple[int, str]]] = {}


def available(root: str = "/") -> int:
    """Bytes that this process may still use, by the machine's memory and by the limits of its control groups.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    numbers = _fields(os.path.join(root, "proc/meminfo"))
    found = [_left(numbers.get("MemTotal", UNLIMITED), numbers.get("MemAvailable", UNLIMITED))]
    if root not in _groups:
        _groups[root] = list(_groups_of(root))
    for version, folder in _groups[root]:
        _, limit_file, use_file, reclaimed = VERSIONS[version]
        limit, use = _number(os.path.join(folder, limit_file)), _number(os.path.join(folder, use_file))
        if limit < UNLIMITED and use < UNLIMITED:
            cache = _fields(os.path.join(folder, "memory.stat")).get(reclaimed, 0)
            found.append(_left(limit, limit - use + cache))
    return max(0, min(found))


def _left(total: int, free: int) -> int:
    return free - min(MARGIN, total // 8)


def _groups_of(root: str) -> list[tuple[int, str]]:
    """The process's control groups and those above them, whose limits count as well."""
    found = []
    for line in _lines(os.path.join(root, "proc/self/cgroup")):
        _, controllers, path = line.rstrip("\n").split(":", 2)
        version = 1 if "memory" in controllers.split(",") else 0 if controllers else 2
        if version:
            mounted = os.path.join(root, VERSIONS[version][0])
            parts = [part for part in path.split("/") if part]
            folders = [os.path.join(mounted, *parts[:count]) for count in range(len(parts), -1, -1)]
            found += [(version, folder) for folder in folders if os.path.isdir(folder)]
    return found


def _fields(path: str) -> dict[str, int]:
    """Lines of name and number; those in kB as bytes."""
    found = {}
    for line in _lines(path):
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdigit():
            found[words[0]] = int(words[1]) << (10 if words[2:] == ["kB"] else 0)
    return found


def _number(path: str) -> int:
    """A file's only number; a very large one for `max`, or where there is no such file."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else UNLIMITED


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:  # another kernel, a container that hides it: no limit is known
        return []
