"""What a file wants of CUDA: which functions, by which route, of which version, and for which GPUs it has code.

Symbols are read by `struct`: pyelftools takes 50 µs for each, and libtorch_cpu.so has two hundred thousand.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterator
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from vgpu_embed import tables
from vgpu_embed.inspect import fatbinary
from vgpu_embed.inspect.elf import NotElf
from vgpu_embed.inspect.fatbinary import Code

LINKED, LOOKED_UP, ASKED = "linked", "dlsym", "cuGetProcAddress"
"""Routes: an undefined symbol; a name that is a string in a file that calls dlsym; the same in a file that asks
cuGetProcAddress, as libcudart does."""

SYMBOL = struct.Struct("<IBBHQQ")
UNDEFINED = 0
NAME = re.compile(rb"(?:(?:__)?cuda|cublas(?:Lt)?|cu(?!File)|nvml)[A-Z]\w*")
"""Names of functions, by their form; cuFile… are libcufile's."""
STARTS = (b"cu", b"nvml", b"__cuda")
LONGEST = 100
"""Bytes of a name."""
LIBRARIES = re.compile(r"lib(cu(?!rl|ps|rses)\w*|nv\w+|nccl|nvidia-\w+)\.so[\d.]*")
"""What NVIDIA's libraries are called."""
DLSYM = {b"dlsym", b"dlvsym"}
ENTRY_POINTS = re.compile(rb"cuGetProcAddress(_v2)?|cudaGetDriverEntryPoint\w*")
STATIC_RUNTIME = b"CUDA driver version is insufficient for CUDA runtime version\0"
"""A message that every libcudart has."""
RELEASES = {(6, 5): "10.2", (8, 5): "12.5", (8, 6): "12.7", (8, 7): "12.8", (8, 8): "12.9"}
"""CUDA versions whose PTX has another number than 4 less (PTX ISA manual, release notes)."""


class Binary:
    """An ELF file.

    Attributes:
        path: the file.
        needed: NVIDIA's libraries among its DT_NEEDED.
        names: the functions that it wants, and by which route.
        provides: how many functions of the one list it has itself, by library; libcudart.so.13 has the runtime's.
        static_runtime: whether libcudart is linked into it.
        code: what its fatbinaries have, in the order of architectures.
        problem: what could not be read, or "".
    """

    def __init__(self, path: str) -> None:
        """Reads the file. Raises NotElf; OSError where it cannot be read."""
        self.path = path
        self.needed: list[str] = []
        self.names: dict[str, str] = {}
        self.provides: dict[str, int] = {}
        self.static_runtime = False
        self.code: list[Code] = []
        self.problem = ""
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < 64:
                raise NotElf(f"{path} is not an ELF file")
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                try:
                    self._read(ELFFile(file), data)
                except (ELFError, ValueError, UnicodeDecodeError, struct.error) as error:
                    raise NotElf(f"{path} is not a readable ELF file") from error

    def __bool__(self) -> bool:
        """Whether it has anything to do with CUDA."""
        return bool(self.needed or self.names or self.provides or self.code)

    @property
    def version(self) -> str | None:
        """The CUDA version that it was made with or for, as far as it says: of its libcudart, or of its PTX."""
        newest = max((one.isa for one in self.code), default=(0, 0))
        if newest > (0, 0):
            return RELEASES.get(newest) or f"{newest[0] + 4}.{newest[1]}"
        for name in self.needed:
            if match := re.match(r"lib(?:cudart|cublas|cublasLt)\.so\.(\d+)", name):
                return match[1]
        return None

    def _read(self, elf: ELFFile, data: mmap.mmap) -> None:
        if not elf.little_endian or elf.elfclass != 64:
            return
        undefined: set[bytes] = set()
        strings: list[tuple[int, int]] = []
        for section in elf.iter_sections():
            start, size = section["sh_offset"], section["sh_size"]
            if isinstance(section, DynamicSection):
                tags: Iterator[Any] = section.iter_tags("DT_NEEDED")  # they get their attributes at run time
                self.needed = [tag.needed for tag in tags if LIBRARIES.fullmatch(tag.needed)]
            elif section["sh_type"] == "SHT_DYNSYM":
                names = elf.get_section(section["sh_link"])
                undefined = self._symbols(data[start : start + size], data, names["sh_offset"])
            elif section["sh_type"] == "SHT_PROGBITS" and section.name.startswith(".rodata"):
                strings.append((start, start + size))
            elif section.name in (".nv_fatbin", "__nv_relfatbin"):
                self._fatbinaries(data, start, start + size)
        self._strings(data, strings, undefined)

    def _symbols(self, table: bytes, data: mmap.mmap, names: int) -> set[bytes]:
        """Takes up what is linked and what is provided; the undefined symbols that matter here."""
        found = set()
        for name, _, _, section, _, _ in SYMBOL.iter_unpack(table):
            place = names + name
            head = data[place : place + 6]
            if not head.startswith((b"cu", b"nvml", b"__cuda", b"dl")):
                continue
            text = data[place : data.find(b"\0", place)]
            if section == UNDEFINED:
                found.add(text)
                if NAME.fullmatch(text):
                    self.names[text.decode()] = LINKED
            elif tables.index(text.decode()) is not None and head[:2] != b"dl":
                library = tables.function(text.decode()).library
                self.provides[library] = self.provides.get(library, 0) + 1
        return found

    def _fatbinaries(self, data: mmap.mmap, start: int, end: int) -> None:
        found = set(self.code)
        try:
            found.update(fatbinary.code(data, start, end))
        except fatbinary.Damaged as error:
            self.problem = str(error)
        self.code = sorted(found, key=lambda one: one.key)

    def _strings(self, data: mmap.mmap, sections: list[tuple[int, int]], undefined: set[bytes]) -> None:
        """Takes up the names that it can look up by itself."""
        has_message = any(data.find(STATIC_RUNTIME, *section) >= 0 for section in sections)
        self.static_runtime = has_message and "runtime" not in self.provides
        if not (undefined & DLSYM or has_message):
            return
        found = {name for section in sections for name in strings(data, *section)}
        asks = has_message or any(ENTRY_POINTS.fullmatch(name) for name in found | undefined)
        for text in (name.decode() for name in found):
            if tables.index(text) is None or tables.function(text).variable:
                continue
            library = tables.function(text).library
            if not (has_message and library == "runtime"):  # a libcudart's table of its own functions is no wish
                self.names.setdefault(text, ASKED if asks and library == "driver" else LOOKED_UP)


def strings(data: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    """The strings between two offsets that are names of CUDA functions, by their form."""
    for head in STARTS:
        place = start if data[start : start + len(head)] == head else data.find(b"\0" + head, start, end) + 1
        while place:
            match = NAME.match(data, place, min(place + LONGEST, end))
            if match and data[match.end() : match.end() + 1] == b"\0":
                yield match[0]
            place = data.find(b"\0" + head, place, end) + 1
