"""What an ELF file says of itself, and whether a program can be preloaded at all."""

from __future__ import annotations

import os
import platform
import re
import stat
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

MACHINES = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}
SCRIPT_DEPTH = 4  # as many interpreters of interpreters as the kernel follows


class NotElf(ValueError):
    """The file is not a readable ELF file."""


class Elf:
    """The few facts of an ELF file that matter to the loader.

    Attributes:
        machine: pyelftools' name of the machine, such as `EM_X86_64`.
        bits: 32 or 64.
        interpreter: the program loader it asks for, or None (a library, or statically linked).
        dynamic: whether it has a dynamic section.
        soname: its DT_SONAME, or None.
        needed: its DT_NEEDED, in order.
    """

    __slots__ = ("bits", "dynamic", "interpreter", "machine", "needed", "soname")

    def __init__(self, path: str) -> None:
        """Reads the file; NotElf if that is not what it is, OSError if it cannot be read."""
        self.interpreter: str | None = None
        self.dynamic = False
        self.soname: str | None = None
        self.needed: list[str] = []
        with open(path, "rb") as file:
            try:
                self._read(ELFFile(file))
            except (ELFError, ValueError, UnicodeDecodeError) as error:
                raise NotElf(f"{path} is not an ELF file") from error

    def _read(self, elf: ELFFile) -> None:
        self.machine: str = elf["e_machine"]
        self.bits: int = elf.elfclass
        tag: Any  # pyelftools gives tags their attributes at run time
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                self.interpreter = segment.get_interp_name()
            elif isinstance(segment, DynamicSegment):
                self.dynamic = True
                for tag in segment.iter_tags():
                    if tag.entry.d_tag == "DT_SONAME":
                        self.soname = tag.soname
                    elif tag.entry.d_tag == "DT_NEEDED":
                        self.needed.append(tag.needed)

    @property
    def native(self) -> bool:
        """Whether it is made for the machine that this runs on."""
        return self.bits == 64 and self.machine == MACHINES.get(platform.machine())


def glibc_needed(path: str) -> tuple[int, int]:
    """The oldest glibc that has all the versioned functions that a library needs; (2, 0) where it needs none.

    Raises NotElf or OSError.
    """
    oldest = (2, 0)
    with open(path, "rb") as file:
        try:
            section: Any = ELFFile(file).get_section_by_name(".gnu.version_r")
            for _, versions in section.iter_versions() if section else ():
                for version in versions:
                    match = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", version.name)
                    oldest = max(oldest, (int(match[1]), int(match[2]))) if match else oldest
        except (ELFError, ValueError, UnicodeDecodeError) as error:
            raise NotElf(f"{path} is not an ELF file") from error
    return oldest


def script_interpreter(path: str) -> str | None:
    """The program that a `#!` line names, or None where there is no such line."""
    with open(path, "rb") as file:
        line = file.readline(256)
    words = line[2:].split() if line.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else None


def preload_refusal(path: str, user: int | None = None) -> str | None:
    """Why the loader would not preload a library into that program, or None if it would.

    A script is judged by its interpreter. What cannot be read is not judged.

    Args:
        path: of the program.
        user: who runs it; without, it is who asks.
    """
    try:
        for _ in range(SCRIPT_DEPTH):
            interpreter = script_interpreter(path)
            if interpreter is None:
                break
            path = interpreter
        return _refusal(path, Elf(path), os.getuid() if user is None else user)
    except (OSError, NotElf):
        return None


def _refusal(path: str, elf: Elf, user: int) -> str | None:
    if not elf.native:
        return f"{path} is made for another machine ({elf.machine}, {elf.bits} bits)"
    if elf.interpreter is None:
        return f"{path} is statically linked"
    if "ld-musl" in elf.interpreter:
        return f"{path} is linked against musl, not glibc"
    if user == 0:
        return None
    status = os.stat(path)
    if status.st_mode & stat.S_ISUID and status.st_uid != user:
        return f"{path} is setuid"
    if status.st_mode & stat.S_ISGID and status.st_gid != os.getgid():
        return f"{path} is setgid"
    if "security.capability" in os.listxattr(path):
        return f"{path} has file capabilities"
    return None
