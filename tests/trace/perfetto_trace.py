"""A timeline as Perfetto's own trace processor has read it, asked through the perfetto package.

The package would fetch a trace processor; ours is the one of Perfetto's page, see trace_processor.js.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import programs
from perfetto.trace_processor import TraceProcessor

FETCH = programs.FETCH


@contextlib.contextmanager
def opened(timeline: Path, folder: Path) -> Iterator[TraceProcessor]:
    """A trace processor that has read a file; the folder takes its socket."""
    fetched = subprocess.run([sys.executable, FETCH, "trace-processor"], capture_output=True, text=True)
    assert fetched.returncode == 0, fetched.stderr
    socket = folder / "trace-processor"
    script = Path(__file__).with_name("trace_processor.js")
    with subprocess.Popen(
        ["node", script, fetched.stdout.strip(), socket],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n", process.stderr.read().decode()
        processor = TraceProcessor(remote=str(socket))
        _load(processor, timeline.read_bytes())
        yield processor
        processor.close()
        process.communicate()  # it ends with its standard input


def _load(processor: Any, data: bytes) -> None:
    """Sends the file, as a page would; the package itself can only ask."""
    backend = processor.http
    kinds, stream = backend.protos.TraceProcessorRpc, backend.protos.TraceProcessorRpcStream()
    stream.msg.add(request=kinds.TPM_APPEND_TRACE_DATA, append_trace_data=data)
    stream.msg.add(request=kinds.TPM_FINALIZE_TRACE_DATA)
    backend.transport.send(stream.SerializeToString())
    for _ in stream.msg:
        reply = kinds()
        reply.MergeFromString(backend._read_payload())
        assert not reply.append_result.error, reply
        assert not reply.finalize_data_result.error, reply


def rows(processor: TraceProcessor, sql: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return [tuple(row.__dict__.values()) for row in processor.query(sql)]
