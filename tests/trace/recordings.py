"""Writes recordings as csrc/record.c does, from a description: for what a real process would take long to make."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vgpu_embed import tables

HEADER_SIZE = 1 << 18
CHUNK_SIZE = 65536
CALLERS = ("?", "libcudart.so.12", "program")
INFO = {"library": "0.1.0", "program": "program", "pid": 4711, "driver": {"version": None, "path": None}}
NAMES = [name for library in tables.LIBRARIES for name in tables.names(library)]


def record(
    function: str,
    start: int,
    end: int,
    result: int,
    words: Sequence[int],
    *,
    caller: int = 1,
    gp: int | None = None,
    verdict: int = 0,
) -> bytes:
    """The bytes of one event."""
    size = 32 + 8 * len(words)
    registers = len(words) if gp is None else gp
    head = struct.pack("<HHHBB", size, NAMES.index(function), caller, registers, verdict)
    return head + struct.pack(f"<3Q{len(words)}Q", start, end, result, *words)


def mark(process: int, thread: int) -> bytes:
    """The bytes that say whose the records are that follow."""
    return struct.pack("<HHIII", 16, 0xFFFF, 0, thread, process)


def chunk(thread: int, records: Iterable[bytes], *, process: int = 4711, sequence: int = 0, state: int = 2) -> bytes:
    """The bytes of a chunk."""
    body = b"".join(records)
    return struct.pack("<IIQII", state, thread, sequence, 64 + len(body), process).ljust(64, b"\0") + body


def write(
    path: Path,
    chunks: Sequence[bytes] = (),
    *,
    counts: Sequence[Mapping[str, tuple[int, int, int]]] = (),
    info: Mapping[str, Any] | None = None,
    callers: Sequence[str] = CALLERS,
    dropped: int = 0,
    recycled: int = 0,
    monotonic: int = 1_000,
    realtime: int = 1_700_000_000_000_001_000,
) -> Path:
    """Writes a file: `counts` is a mapping a block of counters, `chunks` what `chunk` made."""
    head = bytearray(HEADER_SIZE)
    sections = [json.dumps(INFO if info is None else info), *("\n".join([*lines, ""]) for lines in (NAMES, callers))]
    place = 4096
    for number, text in enumerate(sections):
        data = text.encode()
        struct.pack_into("<II", head, 56 + 8 * number, place, len(data))
        head[place : place + len(data)] = data
        place += len(data) + 64
    assert place <= HEADER_SIZE
    block_size = (24 * len(NAMES) + 4095) // 4096 * 4096
    counters = bytearray(block_size * len(counts))
    for number, block in enumerate(counts):
        for name, three in block.items():
            struct.pack_into("<3Q", counters, number * block_size + 24 * NAMES.index(name), *three)
    struct.pack_into("<8sIIII", head, 0, b"VGPUREC1", HEADER_SIZE, CHUNK_SIZE, 4711, len(NAMES))
    struct.pack_into("<4Q", head, 24, len(chunks), dropped, monotonic, realtime)
    struct.pack_into("<QIIQI", head, 80, HEADER_SIZE, block_size, len(counts), HEADER_SIZE + len(counters), recycled)
    path.write_bytes(bytes(head + counters) + b"".join(one.ljust(CHUNK_SIZE, b"\0") for one in chunks))
    return path
