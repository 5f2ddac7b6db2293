"""A trace in the Trace Event Format, which Perfetto's and Chrome's viewers load.

The format is that of the document "Trace Event Format" (Chrome): times are microseconds, `X` is an event with a
duration, `M` names processes and threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from vgpu_embed import tables
from vgpu_embed.analysis.results import shown
from vgpu_embed.trace import Trace

COMMON = ("caller", "process", "thread", "start", "end", "duration", "result", "verdict")


def events(trace: Trace) -> Iterator[dict[str, Any]]:
    """Names of processes and threads, then the calls, function by function."""
    seen = {(process, thread) for process, thread in zip(*_owners(trace), strict=True)}
    program = trace.info.get("program", "?")
    for process in sorted({process for process, _ in seen}):
        yield {"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": {"name": program}}
    for process, thread in sorted(seen):
        name = program if process == thread else f"thread {thread}"
        yield {"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": {"name": name}}
    for function in trace.functions:
        library = tables.function(function).library if tables.index(function) is not None else "?"
        for call in trace.calls(function).to_pylist():
            yield _event(function, library, call)


def _owners(trace: Trace) -> tuple[list[int], list[int]]:
    return trace.table["process"].to_pylist(), trace.table["thread"].to_pylist()


def _event(function: str, library: str, call: dict[str, Any]) -> dict[str, Any]:
    result = shown(function, call["result"])
    arguments = {name: _plain(value) for name, value in call.items() if name not in COMMON}
    return {
        "ph": "X",
        "name": function,
        "cat": library,
        "ts": call["start"] / 1000,
        "dur": call["duration"] / 1000,
        "pid": call["process"],
        "tid": call["thread"],
        "args": {"result": result, "caller": call["caller"], "verdict": call["verdict"], **arguments},
    }


def _plain(value: Any) -> Any:
    """A value as JSON holds it: structs, and numbers that look like addresses, in hex."""
    if isinstance(value, bytes):
        return value.hex()
    return hex(value) if isinstance(value, int) and value >= 1 << 32 else value


def write(traces: Sequence[Trace], file: IO[str], advance: Callable[[], None] = lambda: None) -> None:
    """Writes a timeline of all traces. `advance` is called after each event."""
    origin = [{"path": trace.path, "info": trace.info, "dropped": trace.dropped} for trace in traces]
    file.write('{"displayTimeUnit": "ns",\n"otherData": ' + json.dumps({"vgpu_embed": origin}) + ',\n"traceEvents": [')
    separator = "\n"
    for trace in traces:
        for event in events(trace):
            file.write(separator + json.dumps(event))
            separator = ",\n"
            advance()
    file.write("\n]}\n")
