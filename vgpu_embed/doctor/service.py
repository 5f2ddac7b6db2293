"""The systemd service: its drop-in, what overrides it, and the processes that run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from vgpu_embed.doctor import FAULT, NOTE, OK, Finding, Subject
from vgpu_embed.doctor.installation import LIBRARY, inside
from vgpu_embed.inspect import maps
from vgpu_embed.inspect.elf import preload_refusal
from vgpu_embed.inspect.unit import Unit, environment

DROPIN = "vgpu-embed.conf"
HIDING = ("RootDirectory", "RootImage", "TemporaryFileSystem", "InaccessiblePaths")


def check(subject: Subject) -> Iterator[Finding]:
    """What the unit's files say, then what its processes have."""
    if subject.service is None:
        return
    unit = subject.service
    mine = [file for file in unit.files if file.name == DROPIN]
    if not mine:
        what = f"{unit.name} has no drop-in of ours, so it runs without the library"
        yield Finding(
            "service", FAULT, what, f"sudo vgpu-embed install {unit.name.removesuffix('.service')} --gpu h100"
        )
        return
    yield Finding("service", OK, f"{unit.name} has {mine[0]}")
    yield from _overridden(subject, unit, mine[0])
    yield from _sandbox(unit)
    if subject.root == Path("/"):
        yield from _processes(unit.name)


def _overridden(subject: Subject, unit: Unit, mine: Path) -> Iterator[Finding]:
    ours = environment([mine])
    for file in unit.files[unit.files.index(mine) + 1 :]:
        taken = [name for name, value in environment([file]).items() if name in ours and value != ours[name]]
        if taken:
            what = f"{file} sets {', '.join(taken)} after our drop-in, which takes ours away"
            yield Finding("override", FAULT, what, f"take it out of {file}; install keeps what the unit preloads")
    for line in unit.values("EnvironmentFile"):
        file = inside(subject, Path(line.lstrip("-")))
        text = file.read_text("utf-8", "replace") if file.is_file() else ""
        taken = [name for name in ours if re.search(rf"^\s*{name}=", text, re.MULTILINE)]
        if taken:
            what = f"{file} (EnvironmentFile=) sets {', '.join(taken)}, which takes ours away"
            yield Finding("override", FAULT, what, f"take the lines out of {file}")


def _sandbox(unit: Unit) -> Iterator[Finding]:
    for key in HIDING:
        if any(value.startswith("/opt") or key.startswith("Root") for value in unit.values(key)):
            what = f"{key}={unit.value(key)} hides /opt/vgpu-embed from the service"
            yield Finding("sandbox", FAULT, what, f"BindReadOnlyPaths=/opt/vgpu-embed in {unit.name}")
    families = unit.value("RestrictAddressFamilies")
    if families and not families.startswith("~") and "AF_UNIX" not in families:
        what = f"RestrictAddressFamilies={families} keeps the service from the journal's socket"
        yield Finding("journal", FAULT, what, "add AF_UNIX to it")


def _processes(name: str) -> Iterator[Finding]:
    """Whether the service's processes have the library: the first, and those that it has started."""
    processes = [one for one in psutil.process_iter() if _is_of(one.pid, name)]
    if not processes:
        yield Finding("running", NOTE, f"{name} does not run", f"systemctl start {name.removesuffix('.service')}")
        return
    yield from children(processes)


def children(processes: list[psutil.Process]) -> Iterator[Finding]:
    """Findings about processes that ought to have the library; the first has started the others."""
    first, *started = processes
    if not _has_library(first.pid):
        what = f"process {first.pid} ({first.name()}) was started before the library was installed"
        yield Finding("not-restarted", FAULT, what, "systemctl restart the service")
        return
    without = [one for one in started if not _has_library(one.pid) and not preload_refusal(f"/proc/{one.pid}/exe")]
    for process in without:
        what = f"process {process.pid} ({process.name()}) did not inherit LD_PRELOAD from process {first.pid}"
        remedy = "who starts it clears the environment: set LD_PRELOAD and VGPU_* there (sudo, su -, env -i, a wrapper)"
        yield Finding("children", FAULT, what, remedy)
    if not without:
        yield Finding("children", OK, f"process {first.pid} and all that it has started have the library")


def _is_of(pid: int, unit: str) -> bool:
    try:
        with open(f"/proc/{pid}/cgroup") as file:
            return any(part.strip().endswith(f"/{unit}") for part in file)
    except OSError:
        return False


def _has_library(pid: int) -> bool:
    try:
        return any(os.path.basename(path) == LIBRARY for path in maps.mapped_files(pid))
    except (maps.Unreadable, ProcessLookupError):
        return True  # not known to lack it
