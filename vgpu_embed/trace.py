"""Traces as columns, for Arrow and pandas. Times are nanoseconds of CLOCK_MONOTONIC.

    trace = vgpu_embed.read_trace("train.trace")
    trace.to_pandas().groupby("function").duration.sum()
    trace.calls("cuMemAlloc_v2").to_pandas().bytesize.max()

Needs pyarrow, and pandas for what its name says: `pip install "vgpu_embed[trace]"`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from vgpu_embed import tables
from vgpu_embed.events import MARK_SLOT
from vgpu_embed.inspect.recording import MARK, RECORD, VERDICTS, Chunk, Recording

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Numbers = NDArray[Any]

HEAD_WORDS = RECORD.size // 8
"""8-byte words of an event before its arguments."""


def read_trace(path: str | os.PathLike[str], *, wall_clock: bool = False) -> Trace:
    """Reads what `--trace FILE` has recorded; the program may still be running.

    Args:
        path: the file.
        wall_clock: adds a column `time`, when the call began, as a timestamp in UTC.

    Raises:
        vgpu_embed.inspect.recording.NotARecording: the file is no trace, or damaged; the message says what is wrong.
        OSError: it cannot be read.
        ImportError: pyarrow is not installed.
    """
    try:
        import numpy  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError('read_trace needs pyarrow: pip install "vgpu_embed[trace]"') from error
    with Recording(path) as recording:
        return Trace(recording, wall_clock)


class Trace:
    """A trace in memory.

    Attributes:
        path: the file.
        info: where it comes from: program, policies with their SHA-256, options, seed, driver. docs/traces.md has the
            keys. Also in the metadata of the table's schema, under `vgpu_embed`, so that it stays with what is saved.
        dropped: calls that found no room in the file.
        table: a pyarrow.Table, a row a call, in order of `start`.
    """

    def __init__(self, recording: Recording, wall_clock: bool = False) -> None:
        self.path = recording.path
        self.info = recording.info
        self.dropped = recording.dropped
        self._events = _Events(recording)
        self.table = self._events.table(recording, wall_clock)
        origin = json.dumps({"info": self.info, "dropped": self.dropped})
        self.table = self.table.replace_schema_metadata({"vgpu_embed": origin})

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"<Trace {self.path}: {len(self)} calls of {self.info.get('program', '?')}, {self.dropped} dropped>"

    def to_pandas(self) -> Any:
        """The table as a pandas.DataFrame. Raises ImportError where pandas is not installed."""
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise ImportError('to_pandas() needs pandas: pip install "vgpu_embed[trace]"') from error
        return self.table.to_pandas()

    @property
    def functions(self) -> list[str]:
        """The functions that were called, by name."""
        return sorted(self.table["function"].unique().to_pylist())

    def rows(self, function: str) -> Numbers:
        """Which rows of the table are calls of a function."""
        return self._events.rows(function)

    def calls(self, function: str) -> Any:
        """The calls of one function as a pyarrow.Table: without `words`, with a column for each parameter.

        A parameter's column has the header's name, and `_` after it where another column has that name. Integers and
        floats have the header's size; pointers and handles are uint64, structs bytes.

        Raises tables.UnknownFunction.
        """
        row = tables.function(function)
        rows = self._events.rows(function)
        table = self.table.drop_columns(["function", "words"]).take(rows)
        for parameter in row.parameters or ():
            name = parameter.name + "_" * (parameter.name in self.table.column_names)
            table = table.append_column(name, self._events.argument(row, parameter, rows))
        return table


class _Events:
    """The events of a recording as arrays, in order of their start."""

    def __init__(self, recording: Recording) -> None:
        import numpy as np

        chunks = [chunk for chunk in recording.chunks() if chunk.records]
        data = np.frombuffer(b"".join(chunk.records for chunk in chunks), "<u8")
        ends = np.cumsum([len(chunk.records) // 8 for chunk in chunks], dtype=np.int64)
        begins = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(chunks)]
        places = _places(recording, chunks, data, begins, ends)
        heads = data[places]
        is_mark = heads >> 16 & 0xFFFF == MARK_SLOT
        marks, places, heads = places[is_mark], places[~is_mark], heads[~is_mark]
        order = np.argsort(data[places + 1], kind="stable")
        places, heads = places[order], heads[order]
        self.process, self.thread = _owners(chunks, begins, data, marks, places)
        self.slot = (heads >> 16 & 0xFFFF).astype(np.int64)
        self.caller = heads >> 32 & 0xFFFF
        self.registers = (heads >> 48 & 0xFF).astype(np.int64)
        self.verdict = (heads >> 56).astype(np.int8)
        self.start, self.end, self.result = (data[places + number].view(np.int64) for number in (1, 2, 3))
        self.names = recording.names
        self.counts = (heads & 0xFFFF).astype(np.int64) // 8 - HEAD_WORDS
        self.offsets = np.concatenate([[0], np.cumsum(self.counts)])
        first = np.repeat(places + HEAD_WORDS - self.offsets[:-1], self.counts)
        self.words = data[first + np.arange(len(first))]

    def table(self, recording: Recording, wall_clock: bool) -> pa.Table:
        """The columns that every function has."""
        import numpy as np
        import pyarrow as pa

        callers = dict(enumerate(recording.callers()))
        verdicts = pa.array(VERDICTS)
        columns = {
            "function": _dictionary(self.slot, self.names.__getitem__),
            "caller": _dictionary(self.caller, lambda number: callers.get(number, "?")),
            "process": self.process,
            "thread": self.thread,
            "start": self.start,
            "end": self.end,
            "duration": self.end - self.start,
            "result": self._results(),
            "verdict": pa.DictionaryArray.from_arrays(pa.array(self.verdict), verdicts),
            "words": pa.ListArray.from_arrays(pa.array(self.offsets.astype(np.int32)), pa.array(self.words)),
        }
        if wall_clock:
            columns["time"] = pa.array(self.start + recording.realtime_offset, pa.timestamp("ns", "UTC"))
        return pa.table(columns)

    def _results(self) -> pa.Array:
        """What was returned, in as many bits as the function's type has; null for functions that return nothing."""
        import numpy as np
        import pyarrow as pa

        shift = np.zeros(len(self.names), np.int64)
        signed, void = np.ones(len(self.names), bool), np.zeros(len(self.names), bool)
        for slot in np.unique(self.slot):
            if tables.index(self.names[slot]) is not None:
                row = tables.function(self.names[slot])
                void[slot] = row.result_kind in ("void", "struct")
                shift[slot] = 0 if void[slot] else 64 - 8 * row.result_size
                signed[slot] = row.result_kind == "int" or row.result_size == 8
        raised = self.result << shift[self.slot]
        unsigned = (raised.view(np.uint64) >> shift[self.slot].view(np.uint64)).view(np.int64)
        return pa.array(
            np.where(signed[self.slot], raised >> shift[self.slot], unsigned), mask=void[self.slot], type=pa.int64()
        )

    def rows(self, function: str) -> Numbers:
        """The rows of a function's calls."""
        import numpy as np

        slot = self.names.index(function) if function in self.names else -1
        return np.flatnonzero(self.slot == slot)

    def argument(self, row: tables.Function, parameter: tables.Parameter, rows: Numbers) -> pa.Array:
        """The values of a parameter in these rows, null where it was not recorded."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        kind, place = parameter.location
        floats = tables.words(row)[1]
        registers, counts = self.registers[rows], self.counts[rows]
        first = {"gp": 0, "fp": registers, "stack": registers + floats}[kind] + place
        length = (parameter.size + 7) // 8
        known = first + length <= counts
        index = np.where(known, self.offsets[rows] + first, 0)
        words = self.words if len(self.words) else np.zeros(1, np.uint64)
        if parameter.kind == "struct":
            parts = np.stack([words[np.where(known, index + number, 0)] for number in range(length)], axis=1)
            content = np.ascontiguousarray(parts.view(np.uint8)[:, : parameter.size])
            values = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(parameter.size), len(rows), [None, pa.py_buffer(content)]
            )
            return pc.if_else(pa.array(known), values, None)
        letter = {"int": "i", "uint": "u", "pointer": "u"}.get(parameter.kind, "f")
        narrow = words[index].astype(f"u{parameter.size}").view(f"{letter}{parameter.size}")
        return pa.array(narrow, mask=~known)


def _places(recording: Recording, chunks: list[Chunk], data: Words, begins: Numbers, ends: Numbers) -> Numbers:
    """Where each record begins: found for all chunks at once, the first of each, then the second, and so on."""
    import numpy as np

    at, end = begins, ends
    found = [at]
    while len(at):
        head = data[at]
        size, slot, verdict = (head & 0xFFFF).astype(np.int64), head >> 16 & 0xFFFF, head >> 56
        following = at + size // 8
        smallest = np.where(slot == MARK_SLOT, MARK.size, RECORD.size)
        known = (slot == MARK_SLOT) | (slot < len(recording.names))
        wrong = (size % 8 != 0) | (size < smallest) | (following > end) | ~known | (verdict >= len(VERDICTS))
        if wrong.any():
            raise _damaged(recording, chunks, int(at[wrong][0]))
        at, end = following[following < end], end[following < end]
        found.append(at)
    return np.sort(np.concatenate(found))


def _damaged(recording: Recording, chunks: list[Chunk], place: int) -> Exception:
    """The error for the record that begins at this word of all chunks' records."""
    byte = 8 * place
    for chunk in chunks:
        if byte < len(chunk.records):
            break
        byte -= len(chunk.records)
    return recording.damaged_record(chunk, byte)


def _owners(
    chunks: list[Chunk], begins: Numbers, data: Words, marks: Numbers, places: Numbers
) -> tuple[Numbers, Numbers]:
    """Process and thread of each event: those of its chunk, or of the last mark before it."""
    import numpy as np

    said = data[marks + 1]
    process = np.array([*(chunk.process for chunk in chunks), *(said >> 32)], np.int32)
    thread = np.array([*(chunk.thread for chunk in chunks), *(said & 0xFFFFFFFF)], np.int32)
    where = np.concatenate([begins, marks])
    order = np.argsort(where, kind="stable")
    which = order[np.searchsorted(where[order], places, "right") - 1]
    return process[which], thread[which]


def _dictionary(codes: Numbers, name_of: Any) -> pa.DictionaryArray:
    """A column of names, each kept once."""
    import numpy as np
    import pyarrow as pa

    used, indices = np.unique(codes, return_inverse=True)
    names = pa.array([name_of(int(code)) for code in used], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), names)
