"""Which processes have the library in them, and what they were told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase

import psutil

from vgpu_embed import options

LIBRARY = "libvgpu-cuda.so"
ALIAS = "/vgpu_embed/virtual/lib/libcuda.so.1"


class Unreadable(PermissionError):
    """A process whose maps this user may not read."""


class Preloaded:
    """A process that has the library mapped.

    Attributes:
        pid, name, user: of the process.
        library: the mapped file, which may have been replaced since.
        mode: "native", "virtual" or "disabled".
        devices: its VGPU_GPU.
        policies: its VGPU_POLICY.
        recording: the file in which it counts, "" where it has none (yet).
    """

    __slots__ = ("pid", "name", "user", "mode", "devices", "policies", "library", "recording")  # noqa: RUF023

    def __init__(self, process: psutil.Process, mapped: list[str], library: str) -> None:
        environment = _environment(process)
        self.pid = process.pid
        self.name = process.name()
        self.user = process.username()
        self.library = library
        self.mode = _mode(environment, mapped)
        self.devices = options.values("gpu", environment)
        self.policies = options.values("policy", environment)
        self.recording = ""
        own = f"{_own_pid(process.pid)}-*.proc"  # a child of fork has its parent's mapped, too
        for path in mapped:
            if fnmatchcase(os.path.basename(path), own):
                self.recording = reachable(process.pid, path)


def mapped_files(pid: int) -> list[str]:
    """The files that a process has mapped, each once, in the order of their addresses.

    Raises:
        Unreadable: the process belongs to somebody else.
        ProcessLookupError: there is no such process.
    """
    try:
        return [mapping.path for mapping in psutil.Process(pid).memory_maps()]
    except psutil.AccessDenied as error:
        raise Unreadable(pid) from error
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error


def mentions_library(pid: int) -> bool:
    """Whether the library's name is anywhere in a process's maps. Raises as `mapped_files`."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            return LIBRARY.encode() in file.read()
    except PermissionError as error:
        raise Unreadable(pid) from error
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(pid) from error


def reachable(pid: int, path: str) -> str:
    """A path that a process has mapped, as it can be opened from here: a container has folders of its own."""
    inside = f"/proc/{pid}/root{path}"
    try:
        return path if os.path.samefile(path, inside) else inside
    except OSError:
        return inside


def _own_pid(pid: int) -> int:
    """The process id that the process itself sees: the innermost of its process-id namespaces."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = [line for line in file if line.startswith("NSpid:")]
    except OSError as error:
        raise ProcessLookupError(pid) from error
    return int(found[0].split()[-1])


def preloaded(pid: int) -> Preloaded | None:
    """The process, if it has the library mapped.

    Raises:
        Unreadable: the process belongs to somebody else.
        ProcessLookupError: there is no such process, or no longer.
    """
    if not mentions_library(pid):  # psutil reads smaps, which takes the kernel ten times as long
        return None
    mapped = mapped_files(pid)
    for path in mapped:
        if os.path.basename(path) == LIBRARY:
            try:
                return Preloaded(psutil.Process(pid), mapped, path)
            except psutil.Error as error:
                raise ProcessLookupError(pid) from error
    return None


def scan(unreadable: list[int]) -> Iterator[Preloaded]:
    """Every process that has the library mapped, by process id.

    Args:
        unreadable: takes up the process ids that could not be looked into.
    """
    for pid in sorted(psutil.pids()):
        try:
            process = preloaded(pid)
        except Unreadable:
            unreadable.append(pid)
        except ProcessLookupError:
            continue
        else:
            if process is not None:
                yield process


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}


def _mode(environment: dict[str, str], mapped: list[str]) -> str:
    if environment.get("VGPU_DISABLE", "") not in ("", "0"):
        return "disabled"
    said = options.values("mode", environment)
    if said:
        return said[0]
    return "virtual" if any(path.endswith(ALIAS) for path in mapped) else "native"
