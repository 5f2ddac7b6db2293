"""Reads what the library records: the counters, events and state of a process, and traces.

csrc/record.c writes these files; docs/traces.md has their format. A file may belong to a process that runs, hangs or
was killed; nothing here waits for it. Numbers are little-endian, times nanoseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from vgpu_embed.events import CHUNK_HEADER, FREE, MARK_SLOT
from vgpu_embed.locks import lock_holder

MAGIC = b"VGPUREC1"
HEADER = struct.Struct("<8s4I4Q6IQ2IQ2I")
CHUNK = struct.Struct("<IIQII")
RECORD = struct.Struct("<HHHBBQQQ")
MARK = struct.Struct("<HHIII")  # from here on the records are of another thread: its id and its process's
ATTEMPTS, PAUSE = 20, 0.005  # a process writes its state anew in much less than these 100 ms

VERDICTS = ("forwarded", "remembered", "answered")
"""What became of a call: the driver made it, C repeated what a policy had answered, a policy answered it."""


class NotARecording(ValueError):
    """The file is no recording, or is truncated or damaged; the message names it and says what is wrong."""


class Header(NamedTuple):
    """The fields at the beginning of a file."""

    magic: bytes
    header_size: int
    chunk_size: int
    pid: int
    slots: int
    chunks: int
    dropped: int
    monotonic: int
    realtime: int
    info_offset: int
    info_size: int
    names_offset: int
    names_size: int
    callers_offset: int
    callers_size: int
    counters_offset: int
    block_size: int
    blocks: int
    chunks_offset: int
    recycled: int
    driver: int


class Counts(NamedTuple):
    """How often a function was called, a policy was asked about it, and it was answered instead of forwarded."""

    calls: int
    asked: int
    answered: int


class Event(NamedTuple):
    """One call.

    `result` is the register rax. `words` are the arguments as they were passed: first as many general registers as
    `registers` says, then floating-point registers, then the stack. `verdict` is an index of VERDICTS.
    """

    function: str
    caller: str
    process: int
    thread: int
    start: int
    end: int
    result: int
    verdict: int
    registers: int
    words: tuple[int, ...]


class Chunk(NamedTuple):
    """Records, one after the other: of this thread up to the first mark. `place` is the chunk's number in the file."""

    place: int
    process: int
    thread: int
    records: bytes


class Recording:
    """A recording, open for reading; close it, or use it in a `with` block.

    What changes in the file of a running process is read when it is asked for.

    Attributes:
        path: the file.
        pid: the process that made it, as that process saw its number.
        names: the functions, in slot order.
        realtime_offset: what has to be added to an event's times to get nanoseconds since 1970.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens a file.

        Raises:
            NotARecording: it is not one.
            OSError: it cannot be read.
        """
        self.path = os.fspath(path)
        self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        try:
            header = self._header()
            self.pid = header.pid
            self.realtime_offset = header.realtime - header.monotonic
            self.names = self._text(header.names_offset, header.names_size, "names").splitlines()
            if len(self.names) != header.slots:
                raise self.damaged(f"it has {len(self.names)} names for {header.slots} functions")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; nothing more can be read."""
        self._file.close()

    def damaged(self, what: str) -> NotARecording:
        """The error that says what is wrong with this file."""
        return NotARecording(f"{self.path} is damaged: {what}")

    def _read(self, offset: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)

    def _header(self) -> Header:
        head = self._read(0, HEADER.size)
        if not head.startswith(MAGIC):
            if head.startswith(MAGIC[:-1]):
                raise NotARecording(f"{self.path} was recorded by another version of vgpu_embed; read it with that one")
            raise NotARecording(f"{self.path} is not a recording of vgpu_embed")
        if len(head) < HEADER.size:
            raise self._truncated("its header", HEADER.size)
        return Header._make(HEADER.unpack(head))

    def _truncated(self, what: str, end: int) -> NotARecording:
        size = os.fstat(self._file.fileno()).st_size
        return NotARecording(f"{self.path} is truncated: it has {size} bytes, and {what} ends at byte {end}")

    def _section(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > os.fstat(self._file.fileno()).st_size:  # before room is made for it
            raise self._truncated(what, offset + size)
        return self._read(offset, size)

    def _text(self, offset: int, size: int, what: str) -> str:
        return self._section(offset, size, f"its section of {what}").decode(errors="surrogateescape")

    @property
    def alive(self) -> bool:
        """Whether the process still is: it holds a record lock on the first byte until it ends, however it ends."""
        return has_owner(self._file.fileno())

    @property
    def dropped(self) -> int:
        """Events that found no room."""
        return self._header().dropped

    @property
    def info(self) -> dict[str, Any]:
        """What the process says of itself: program, policies with their hash, options, driver, errors (JSON).

        Empty where a process was killed, or hangs, while it was writing that.
        """
        for _ in range(ATTEMPTS):
            header = self._header()
            text = self._text(header.info_offset, header.info_size, "information")
            try:
                info: dict[str, Any] = json.loads(text)
            except ValueError:
                time.sleep(PAUSE)
            else:
                path = info.pop("driver_path", None) or None
                return {**info, "driver": {"version": header.driver or None, "path": path}}
        if text:
            raise self.damaged("its section of information is not JSON")
        return {}

    def counts(self) -> dict[str, Counts]:
        """How often each function was called; those that were not are left out."""
        header = self._header()
        size = 24 * header.slots
        if header.blocks and size > header.block_size:
            raise self.damaged(f"counters of {header.slots} functions do not fit into {header.block_size} bytes")
        totals, zeros = [0] * (3 * header.slots), bytes(size)
        for number in range(header.blocks):
            block = self._section(header.counters_offset + number * header.block_size, size, "its section of counters")
            if block != zeros:
                totals = list(map(int.__add__, totals, struct.unpack(f"<{3 * header.slots}Q", block)))
        counts = map(Counts._make, zip(totals[::3], totals[1::3], totals[2::3], strict=True))
        return {name: one for name, one in zip(self.names, counts, strict=True) if any(one)}

    def callers(self) -> list[str]:
        """File names of the libraries that made the calls, by the number in a record."""
        header = self._header()
        return self._text(header.callers_offset, header.callers_size, "callers").splitlines()

    def chunks(self) -> Iterator[Chunk]:
        """What has been recorded, in the order of the file."""
        header = self._header()
        for place in range(self._present(header)):
            offset = header.chunks_offset + place * header.chunk_size
            head = self._section(offset, CHUNK.size, f"chunk {place}")
            state, thread, sequence, used, process = CHUNK.unpack(head)
            if state == FREE or not used:
                continue
            if not CHUNK_HEADER <= used <= header.chunk_size or used % 8:
                raise self.damaged(f"chunk {place} says that {used} of its {header.chunk_size} bytes are used")
            records = self._section(offset + CHUNK_HEADER, used - CHUNK_HEADER, f"chunk {place}")
            if header.recycled and CHUNK.unpack(self._read(offset, CHUNK.size))[2] != sequence:
                continue  # it was handed in and taken again meanwhile
            yield Chunk(place, process, thread, records)

    def _present(self, header: Header) -> int:
        """How many chunks there are. More may have been asked for: each that found no room has cost an event."""
        for _ in range(ATTEMPTS):
            room = os.fstat(self._file.fileno()).st_size - header.chunks_offset
            present = room // header.chunk_size
            if header.chunks <= present:
                return header.chunks
            if room % header.chunk_size == 0 and header.chunks <= present + header.dropped:
                return present
            time.sleep(PAUSE)  # a thread may be about to make room, or to find none
            header = self._header()
        end = header.chunks_offset + header.chunks * header.chunk_size
        raise self._truncated(f"its last of {header.chunks} chunks", end)

    def events(self) -> list[Event]:
        """Every event, in order of their start."""
        found = []
        for chunk in self.chunks():
            process, thread = chunk.process, chunk.thread
            for place, size, slot in self._places(chunk):
                if slot == MARK_SLOT:
                    thread, process = MARK.unpack_from(chunk.records, place)[3:]
                else:
                    found.append((process, thread, chunk.records[place : place + size]))
        callers = dict(enumerate(self.callers()))
        return sorted((self._event(*one, callers) for one in found), key=lambda event: event.start)

    def _event(self, process: int, thread: int, record: bytes, callers: dict[int, str]) -> Event:
        _, slot, caller, registers, verdict, start, end, result = RECORD.unpack_from(record)
        words = struct.unpack_from(f"<{(len(record) - RECORD.size) // 8}Q", record, RECORD.size)
        name = callers.get(caller, "?")
        return Event(self.names[slot], name, process, thread, start, end, result, verdict, registers, words)

    def _places(self, chunk: Chunk) -> Iterator[tuple[int, int, int]]:
        """Where each record of a chunk begins, its size and slot."""
        data, place = chunk.records, 0
        while place < len(data):
            size, slot, verdict = struct.unpack_from("<HH3xB", data, place)
            smallest = MARK.size if slot == MARK_SLOT else RECORD.size
            known = slot == MARK_SLOT or slot < len(self.names)
            if size < smallest or size % 8 or place + size > len(data) or not known or verdict >= len(VERDICTS):
                raise self.damaged_record(chunk, place)
            yield place, size, slot
            place += size

    def damaged_record(self, chunk: Chunk, place: int) -> NotARecording:
        """The error for a record at that byte of a chunk's records."""
        return self.damaged(f"what lies at byte {CHUNK_HEADER + place} of chunk {chunk.place} is no event")


def has_owner(file: int) -> bool:
    """Whether a process holds the lock on the first byte of an open file."""
    return lock_holder(file, 0) is not None
