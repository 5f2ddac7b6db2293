"""The library, its Python, the namespace, the policy: does it start here at all?"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from vgpu_embed import options, record
from vgpu_embed.bundle import MANIFEST, Bundle
from vgpu_embed.doctor import FAULT, NOTE, OK, Finding, Subject
from vgpu_embed.inspect.elf import Elf, NotElf

LIBRARY = "libvgpu-cuda.so"
TIME_LIMIT = 30  # seconds

ASK = "import ctypes; ctypes.CDLL('libcuda.so.1').cuInit(0)"


class Probe:
    """A child process that has opened the driver under the library.

    Attributes:
        error: what it printed on stderr, the loader's complaints among it.
        code: how it ended, as subprocess has it.
        log: what the library has logged at level info.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Starts one and waits for its end."""
        with tempfile.TemporaryDirectory(prefix="vgpu-embed-") as folder:
            log = os.path.join(folder, "log")
            env = {**environment, "VGPU_LOG": "info", "VGPU_LOG_FILE": log}
            command = [sys.executable, "-I", "-S", "-c", ASK]
            done = subprocess.run(
                command, env=env, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT
            )
            self.error, self.code = done.stderr, done.returncode
            self.log = Path(log).read_text("utf-8", "replace") if os.path.exists(log) else ""

    @property
    def ready(self) -> bool:
        """Whether policies were in force."""
        return "[libvgpu-cuda] ready: " in self.log

    @property
    def failure(self) -> str:
        """What the library says of its failure, or ""."""
        match = re.search(r"\[libvgpu-cuda\] (.*; the policy is not in force)", self.log)
        return match[1] if match else ""


def library(environment: Mapping[str, str]) -> Path | None:
    """The library that an environment preloads, or None."""
    for path in re.split("[ :]+", environment.get("LD_PRELOAD", "")):
        if os.path.basename(path) == LIBRARY:
            return Path(path)
    return None


def inside(subject: Subject, path: Path) -> Path:
    """A path of the subject's system, from here."""
    return subject.root / str(path).lstrip("/") if subject.root != Path("/") else path


def check(subject: Subject) -> Iterator[Finding]:
    """From the preloaded file to a namespace that has started, and the policies."""
    if subject.environment.get("VGPU_DISABLE", "") not in ("", "0"):
        yield Finding("disabled", FAULT, "VGPU_DISABLE is set, so the library does nothing", "unset VGPU_DISABLE")
    named = library(subject.environment)
    if named is None:
        yield Finding(
            "preload",
            FAULT,
            "LD_PRELOAD does not name libvgpu-cuda.so, so no program has it in it",
            'start the program with `vgpu-embed run`, or eval "$(vgpu-embed env …)", or `vgpu-embed install SERVICE`',
        )
        return
    found = list(_library(subject, inside(subject, named)))
    yield from found
    yield from _log(subject)
    if all(finding.state != FAULT for finding in found) and subject.root == Path("/"):
        yield from _namespace(subject)
        yield from _policies(subject)


def _library(subject: Subject, path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding(
            "library", FAULT, f"{path} is preloaded, but there is no such file", "install again, or set LD_PRELOAD anew"
        )
        return
    closed = [one for one in (*reversed(path.parents), path) if not may_read(one, subject.user)]
    if closed:
        remedy = f"chmod o+rX {closed[0]}, or use `vgpu-embed bundle` or `install`, which put it where all may read"
        yield Finding("library-closed", FAULT, f"user {subject.user} may not read {closed[0]}", remedy)
        return
    try:
        fits = Elf(str(path)).native
    except NotElf:
        fits = False
    if not fits:
        yield Finding("library", FAULT, f"{path} is no library for this machine", "install again on this machine")
        return
    yield Finding("library", OK, f"{path} is there")
    yield from _python(path)


def may_read(path: Path, user: int) -> bool:
    """Whether a user who is in no group of the file's may read it, or pass the folder."""
    status = path.stat()
    wanted = 0o1 if stat.S_ISDIR(status.st_mode) else 0o4
    return user == 0 or bool(status.st_mode & (wanted << 6 if status.st_uid == user else wanted))


def _python(library: Path) -> Iterator[Finding]:
    prefix = library.parents[4] if len(library.parents) > 4 else library.parent
    if (prefix / MANIFEST).exists():
        bundle = Bundle(prefix)
        yield Finding("python", OK, f"the bundle {prefix} has its own Python {bundle.python}")
        here = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[-1]
        if _numbers(bundle.glibc) > _numbers(here):
            what = f"the bundle needs glibc {bundle.glibc}, here is {here}"
            yield Finding("glibc", FAULT, what, "make the bundle on a system as old as this one")
        return
    noted = library.with_name(record.RECORD.name)
    lines = dict(line.split("=", 1) for line in noted.read_text().splitlines() if "=" in line) if noted.exists() else {}
    python = lines.get("libpython") or record.libpython()
    if python is None or not os.path.exists(python):
        version = "{}.{}".format(*sys.version_info)
        what = f"libpython{version}.so.1.0, which the library embeds, is not there"
        remedy = f"apt install libpython{version}; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}"
        yield Finding("python", FAULT, what, remedy)
    else:
        yield Finding("python", OK, f"{python} is there")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _namespace(subject: Subject) -> Iterator[Finding]:
    """Starts an interpreter in a child, under a virtual GPU and no policy."""
    drop = {option.variable for option in options.OPTIONS}
    environment = {name: value for name, value in subject.environment.items() if name not in drop}
    probe = Probe({**environment, "VGPU_GPU": "h100", "VGPU_MODE": "virtual"})
    refused = re.search(
        r"ERROR: ld\.so: object '([^']*libvgpu-cuda\.so)' from LD_PRELOAD cannot be preloaded", probe.error
    )
    if refused:
        yield Finding("library", FAULT, f"the loader cannot preload {refused[1]}", "install again on this machine")
    elif not probe.ready:
        what = probe.failure or f"a child process ended with {probe.code}: {probe.error.strip()[-200:]}"
        yield Finding("namespace", FAULT, f"no interpreter starts: {what}", "see the message; docs/architecture.md")
    else:
        yield Finding("namespace", OK, "an interpreter starts in a namespace of its own")


def _policies(subject: Subject) -> Iterator[Finding]:
    from vgpu_embed.cli import validation
    from vgpu_embed.cli.failure import Failure

    names, environment = options.values("policy", subject.environment), subject.environment
    try:
        validation.policies(names, options.values("set", environment))
        validation.gpus(options.values("gpu", environment))
    except Failure as error:
        yield Finding("policy", FAULT, str(error), "correct it; `vgpu-embed check POLICY` says the same")
        return
    for name in names:
        yield Finding("policy", OK, f"{name} loads")
    if not names and not options.values("gpu", environment):
        what = "neither VGPU_POLICY nor VGPU_GPU is set, so the library has nothing to do"
        yield Finding("policy", FAULT, what, "give --policy or --gpu")


def _log(subject: Subject) -> Iterator[Finding]:
    socket = inside(subject, Path("/run/systemd/journal/socket"))
    if subject.environment.get("VGPU_LOG_FILE") == options.JOURNAL and not socket.exists():
        what = f"log lines go to the journal, but there is none here ({socket})"
        yield Finding("journal", FAULT, what, "in a container mount that socket, or give --log-file FILE")
    if subject.environment.get("VGPU_LOG", "error") in ("error", "off"):
        what = "the log has errors only: no line about dlsym or calls"
        yield Finding("log-level", NOTE, what, "give --log info (VGPU_LOG=info) to see lookups and calls")
