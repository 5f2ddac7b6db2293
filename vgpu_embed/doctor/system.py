"""The machine: driver, library path, container, and who else has a say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vgpu_embed import options
from vgpu_embed.doctor import FAULT, NOTE, OK, Finding, Subject
from vgpu_embed.doctor.installation import inside, library
from vgpu_embed.inspect import driver

ALIAS = "virtual/lib"
UNTRUSTED_LABELS = ("user_home_t", "user_tmp_t", "tmp_t", "default_t", "admin_home_t")


def check(subject: Subject) -> Iterator[Finding]:
    """Everything outside of the program."""
    yield from _driver(subject)
    yield from _library_path(subject)
    yield from _container(subject)
    yield from _security(subject)


def is_virtual(subject: Subject) -> bool:
    """Whether the program meets virtual GPUs."""
    environment = subject.environment
    asked = options.values("mode", environment)
    if asked:
        return asked == ["virtual"]
    if f"{ALIAS}/libcuda.so.1" in environment.get("LD_PRELOAD", ""):
        return True
    return bool(options.values("gpu", environment)) and driver.find(environment) is None


def _driver(subject: Subject) -> Iterator[Finding]:
    found = driver.find(subject.environment) if subject.root == Path("/") else None
    if is_virtual(subject):
        what = f"virtual GPUs; the driver here ({found}) is not used" if found else "virtual GPUs; no driver is needed"
        yield Finding("driver", OK, what)
    elif found is None:
        remedy = "install NVIDIA's driver (in a container: docker run --gpus all), or use virtual GPUs: --gpu h100"
        yield Finding("driver", FAULT, "there is no libcuda.so.1 here, and the mode is native", remedy)
    else:
        yield Finding("driver", OK, f"the driver is {found}")
        if not os.path.exists(inside(subject, Path("/dev/nvidiactl"))) and not _is_wsl(subject):
            what = f"there is a driver ({found}) but no /dev/nvidiactl, so it will find no GPU"
            remedy = "load the kernel module (nvidia-modprobe -u), or in a container: docker run --gpus all"
            yield Finding("device-nodes", NOTE, what, remedy)


def _library_path(subject: Subject) -> Iterator[Finding]:
    """The first libcuda.so.1 of LD_LIBRARY_PATH is what the program would open, if none is preloaded."""
    if is_virtual(subject):
        return
    for folder in filter(None, subject.environment.get("LD_LIBRARY_PATH", "").split(":")):
        path = os.path.join(folder, "libcuda.so.1")
        if not os.path.exists(path):
            continue
        if not driver.is_driver(path):
            what = f"{path} comes first in LD_LIBRARY_PATH, and is no driver"
            ours = "the alias of virtual mode: " if folder.endswith(ALIAS) else "perhaps CUDA's link-time stub: "
            yield Finding("library-path", FAULT, what, f"{ours}take {folder} out of LD_LIBRARY_PATH")
        return


def _read(subject: Subject, path: str) -> str:
    try:
        return inside(subject, Path(path)).read_text("utf-8", "replace")
    except OSError:
        return ""


def _is_wsl(subject: Subject) -> bool:
    return "microsoft" in _read(subject, "/proc/version").lower()


def _container(subject: Subject) -> Iterator[Finding]:
    if _is_wsl(subject):
        what = "this is WSL2: the driver is /usr/lib/wsl/lib/libcuda.so.1, which loads the rest of itself"
        yield Finding("wsl2", NOTE, what, "put /usr/lib/wsl/lib into LD_LIBRARY_PATH if the driver is not found")
    if any(inside(subject, Path(path)).exists() for path in ("/.dockerenv", "/run/.containerenv")):
        what = "this is a container: the library has to be inside it, and LD_PRELOAD set there"
        yield Finding("container", NOTE, what, "mount a bundle: see examples/ollama.compose.yaml")


def _security(subject: Subject) -> Iterator[Finding]:
    named = library(subject.environment)
    if _read(subject, "/sys/fs/selinux/enforce").strip() == "1" and named is not None:
        label = _label(inside(subject, named))
        if any(kind in label for kind in UNTRUSTED_LABELS):
            what = f"SELinux is enforcing, and {named} is labelled {label}, which services may not map"
            yield Finding(
                "selinux", FAULT, what, f"restorecon -R {named.parents[4] if len(named.parents) > 4 else named}"
            )
        else:
            yield Finding("selinux", NOTE, "SELinux is enforcing", "ausearch -m AVC shows what it refuses")
    profiles = _read(subject, "/sys/kernel/security/apparmor/profiles")
    if subject.program and any(line.startswith(f"{subject.program} (enforce") for line in profiles.splitlines()):
        what = f"AppArmor confines {subject.program}"
        remedy = f"let its profile read and map {named.parent if named else 'the library'}/** (mr)"
        yield Finding("apparmor", NOTE, what, remedy)
    if "Seccomp:\t2" in _read(subject, "/proc/self/status"):
        what = "a seccomp filter is in force for this process, and for what it starts"
        yield Finding("seccomp", NOTE, what, "what it refuses shows in the kernel's log; sockets and mmap are needed")


def _label(path: Path) -> str:
    try:
        return os.getxattr(path, "security.selinux").decode().rstrip("\0")
    except OSError:
        return ""
