"""What the calls of traces took, and how many bytes they were about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vgpu_embed import tables
from vgpu_embed.analysis.results import result_enum
from vgpu_embed.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

    from vgpu_embed.trace import Numbers

BY = ("function", "caller", "thread")
"""What calls are put together by."""

ABOUT_MEMORY = re.compile(r"cu(da)?(Mem(AllocHost|Alloc|HostAlloc|Create|cpy|set|Prefetch)|Malloc|HostAlloc)(?!Array)")
FACTORS = frozenset(
    ["bytesize", "ByteCount", "size", "count", "N", "Width", "Height", "WidthInBytes", "width", "height"]
)


def factors(function: tables.Function) -> tuple[list[str], int]:
    """Parameters whose product, times a number, is how many bytes a call allocates, copies or sets; none if unknown.

    Sizes that lie in structs (cuMemcpy3D) or lists (batches) are not in a trace.
    """
    if not ABOUT_MEMORY.match(function.name) or "Batch" in function.name:
        return [], 0
    found = [p.name for p in function.parameters or () if p.name in FACTORS and p.kind == "uint"]
    bits = re.match(r"cuMemset(?:D2)?D(8|16|32)", function.name)
    return found, int(bits[1]) // 8 if bits else 1


def amounts(trace: Trace) -> Numbers:
    """The bytes that each call is about, in the order of the table; 0 where that is not known."""
    import numpy as np

    found = np.zeros(len(trace), np.int64)
    for name in trace.functions:
        parameters, unit = factors(tables.function(name)) if tables.index(name) is not None else ([], 0)
        if parameters:
            table = trace.calls(name)
            columns = [table[one].fill_null(0).to_numpy().astype(np.int64) for one in parameters]
            found[trace.rows(name)] = unit * np.prod(columns, axis=0)
    return found


def calls(traces: Sequence[Trace]) -> pd.DataFrame:
    """A row a call of all traces: the columns of a trace, `bytes`, and `failed` where the result is an error."""
    import pandas as pd

    frames = []
    for trace in traces:
        frame = trace.table.drop_columns(["words"]).to_pandas()
        frame["bytes"] = amounts(trace)
        is_status = frame.function.map(lambda name: result_enum(name) is not None).astype(bool)
        frame["failed"] = is_status & (frame.result != 0)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def statistics(frame: pd.DataFrame, by: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each value of these columns, the longest total first: calls, ns, bytes, results that are errors."""
    import pandas as pd

    groups = frame.groupby(list(by), observed=True)
    durations = groups["duration"]
    columns = {
        "calls": durations.size(),
        "total": durations.sum(),
        "mean": durations.mean().round().astype("int64"),
        "p99": durations.quantile(0.99).round().astype("int64"),
        "bytes": groups["bytes"].sum(),
        "errors": groups["failed"].sum(),
    }
    ordered = pd.DataFrame(columns).sort_values(["total", "calls"], ascending=False, kind="stable")
    rows: list[dict[str, Any]] = ordered.reset_index().to_dict("records")
    return rows
