"""Which GPUs a file has code for: the headers of its fatbinaries.

A fatbinary is a header (magic 0xBA55ED50, version, its own size, size of what follows) and entries, each a header and
machine code of one architecture (a cubin) or text that a driver compiles for newer ones (PTX). The layout is in no
manual; it is what nvcc of CUDA 11 to 13 writes. That bits 20 and 24 of an entry's flags mark `sm_120a` and `sm_100f` is
seen in builds of ggml (120a) and nvJPEG.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\x50\xed\x55\xba"
HEADER = struct.Struct("<4sHHQ")
ENTRY = struct.Struct("<HHIQIIHHI8xQ")
PTX, CUBIN = 1, 2
ONLY, FAMILY = 1 << 20, 1 << 24


class Code(NamedTuple):
    """Code for an architecture, which is 10 times its compute capability.

    suffix: "a" for code that runs on this architecture only, "f" on its family, else "".
    isa: of PTX, its version; (0, 0) of machine code.
    """

    kind: int
    architecture: int
    suffix: str = ""
    isa: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return f"{'compute' if self.kind == PTX else 'sm'}_{self.architecture}{self.suffix}"

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Whether a GPU of this compute capability can load it: machine code within the major version, PTX later on."""
        mine = divmod(self.architecture, 10)
        if self.suffix == "a":
            return mine == capability
        if self.kind == PTX and not self.suffix:
            return mine <= capability
        return mine[0] == capability[0] and mine[1] <= capability[1]


class Damaged(ValueError):
    """A fatbinary's sizes contradict each other; the message says where."""


def code(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[Code]:
    """The entries of all fatbinaries between two offsets. Only headers are read. Raises Damaged."""
    while 0 <= (start := data.find(MAGIC, start, end)) <= end - HEADER.size:
        _, _, size, content = HEADER.unpack_from(data, start)
        place, start = start + size, start + size + content
        if start > end:
            raise Damaged(f"the fatbinary at byte {place - size} ends at byte {start}, its section at byte {end}")
        while place + ENTRY.size <= start:
            kind, _, size, content, _, _, minor, major, architecture, flags = ENTRY.unpack_from(data, place)
            if size < ENTRY.size or place + size + content > start:
                raise Damaged(f"the entry at byte {place} of a fatbinary does not fit into it")
            suffix = "a" if flags & ONLY else "f" if flags & FAMILY else ""
            yield Code(kind, architecture, suffix, (major, minor) if kind == PTX else (0, 0))
            place += size + content
