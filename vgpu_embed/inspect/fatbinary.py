"""Fatbinaries: what is in them, and on which GPUs that runs, for `scan` and for virtual GPUs.

A fatbinary is a header (magic 0xBA55ED50, version, its own size, size of what follows) and entries, each a header and
machine code of one architecture (a cubin) or text that a driver compiles for newer ones (PTX). The layout is in no
manual; it is what `fatbinary` of CUDA 11 to 13 writes, and flags are what it sets for `sm_90a`, `sm_100f` and `sm_100`.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

MAGIC = 0xBA55ED50
HEADER = Struct("<IHHQ")
"""Magic, version, size of this, bytes that follow it."""
ENTRY = Struct("<HHIQI4xHHI8xQ8xQ")
"""Kind, version, size of this (the linker's options may follow), bytes that follow it, of these the compressed ones,
PTX's minor and major version, architecture, flags, bytes of the content itself."""
PTX, CUBIN = 1, 2
LZ4, ZSTD = 0x2000, 0x8000
"""Flags: how an entry is compressed."""
ONLY, FAMILY = 1 << 20, 1 << 21
"""Flags: it is for `sm_90a`, for `sm_100f`."""


class Code:
    """Code for an architecture, which is 10 times its compute capability: 90 for 9.0.

    kind    PTX or CUBIN
    suffix  "a" for code that runs on this architecture only, "f" on its family, else ""
    isa     of PTX in a fatbinary, its version; else (0, 0)
    """

    __slots__ = ("architecture", "isa", "kind", "suffix")

    def __init__(self, kind: int, architecture: int, suffix: str = "", isa: tuple[int, int] = (0, 0)) -> None:
        self.kind = kind
        self.architecture = architecture
        self.suffix = suffix
        self.isa = isa

    @property
    def key(self) -> tuple[int, str, int, tuple[int, int]]:
        """In whose order they are listed."""
        return self.architecture, self.suffix, self.kind, self.isa

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"{'compute' if self.kind == PTX else 'sm'}_{self.architecture}{self.suffix}"

    def runs_on(self, capability: int) -> bool:
        """Whether a GPU of this compute capability (90) can load it.

        PTX on all later ones, machine code on its major version from its minor one on, as does either for a family;
        what is for one architecture on no other (CUDA C++ Programming Guide, "Feature Set Compiler Targets").
        """
        if self.suffix == "a":
            return self.architecture == capability
        if self.kind != PTX or self.suffix:
            return self.architecture // 10 == capability // 10 and self.architecture <= capability
        return self.architecture <= capability


class Damaged(ValueError):
    """A fatbinary's sizes contradict each other; the message says where."""


def size_of(header: bytes | memoryview) -> int:
    """Bytes of the fatbinary whose first HEADER.size bytes these are."""
    _, _, own, following = HEADER.unpack(header)
    return int(own + following)


def entries(data: mmap | bytes | memoryview, place: int, end: int) -> Iterator[tuple[Code, int, int, int, int]]:
    """What a fatbinary that begins at `place` holds: code, flags, where its content is, bytes there, bytes unpacked.

    Only headers are read. Raises Damaged where it does not end before `end`.
    """
    if place + HEADER.size > end:
        raise Damaged(f"the fatbinary at byte {place} ends within its header")
    _, _, own, following = HEADER.unpack_from(data, place)
    last = place + own + following
    if last > end:
        raise Damaged(f"the fatbinary at byte {place} ends at byte {last}, what holds it at byte {end}")
    place += own
    while place + ENTRY.size <= last:
        kind, _, own, room, packed, minor, major, architecture, flags, size = ENTRY.unpack_from(data, place)
        stored = packed if flags & (LZ4 | ZSTD) else room
        if own < ENTRY.size or stored > room or place + own + room > last:
            raise Damaged(f"the entry at byte {place} of a fatbinary does not fit into it")
        suffix = "a" if flags & ONLY else "f" if flags & FAMILY else ""
        found = Code(kind, architecture, suffix, (major, minor) if kind == PTX else (0, 0))
        yield found, flags, place + own, stored, size
        place += own + room


def code(data: mmap | bytes, start: int, end: int) -> Iterator[Code]:
    """The code in all fatbinaries between two offsets. Raises Damaged."""
    magic = MAGIC.to_bytes(4, "little")
    while 0 <= (start := data.find(magic, start, end)) <= end - HEADER.size:
        for one, *_ in entries(data, start, end):
            yield one
        start += size_of(data[start : start + HEADER.size])
