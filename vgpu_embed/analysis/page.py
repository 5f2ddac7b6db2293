"""A page with charts and tables of traces: one file, which loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import plotly.graph_objects as go
import plotly.offline

from vgpu_embed import __version__
from vgpu_embed.analysis import summary
from vgpu_embed.analysis.results import shown
from vgpu_embed.cli.output import duration, size
from vgpu_embed.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

MOST = 8
"""Functions, callers or threads that a chart tells apart; the rest are one."""
REST = "all others"
BINS = 200
"""Pieces that the time of a trace is cut into."""
POINTS = 2000
"""Of a line."""
DIRECTIONS = {
    "allocated": r"cu(da)?(Mem(Alloc|HostAlloc|Create)|Malloc|HostAlloc)",
    "host to device": r"cu(da)?Memcpy\w*HtoD",
    "device to host": r"cu(da)?Memcpy\w*DtoH",
    "other copies": r"cu(da)?Memcpy(?!\w*(?:HtoD|DtoH))",
    "set": r"cu(da)?Memset",
}


def page(traces: Sequence[Trace]) -> str:
    """The page's text."""
    calls = summary.calls(traces)
    charts = [chart for draw in CHARTS if (chart := draw(calls)) is not None] if len(calls) else []
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(duration=duration, size=size)
    return environment.get_template("page.html").render(
        traces=traces,
        version=__version__,
        calls=len(calls),
        functions=calls["function"].nunique(),
        threads=len(calls[["process", "thread"]].drop_duplicates()),
        errors=_errors(calls),
        span=_span(calls),
        tables=[(by, summary.statistics(calls, [by])) for by in summary.BY],
        charts=[chart.to_html(full_html=False, include_plotlyjs=False, config=CONFIG) for chart in charts],
        script=plotly.offline.get_plotlyjs() if charts else "",
    )


CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""}
"""Without plotly's button that uploads a chart."""
LAYOUT: dict[str, Any] = {
    "template": "plotly_white",
    "height": 380,
    "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
    "font": {"family": "system-ui, sans-serif"},
}


def _figure(title: str, traces: Sequence[Any], **layout: Any) -> go.Figure:
    return go.Figure(list(traces), {**LAYOUT, "title": {"text": title}, **layout})


def _span(calls: pd.DataFrame) -> int:
    """Nanoseconds from the first call's start to the last end."""
    return int(calls["end"].max() - calls["start"].min()) if len(calls) else 0


def _errors(calls: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Function, result and how often, the most frequent first."""
    failed = calls[calls["failed"]]
    counts = failed.groupby(["function", "result"], observed=True).size().sort_values(ascending=False)
    return [(function, shown(function, int(result)), int(count)) for (function, result), count in counts.items()]


def _ranked(calls: pd.DataFrame) -> pd.Series[str]:
    """The function of each call, those with the longest totals by name."""
    totals = calls.groupby("function", observed=True)["duration"].sum().sort_values(ascending=False)
    names = calls["function"].astype(object)
    return names.where(names.isin(totals.index[:MOST]), REST)


def _seconds(calls: pd.DataFrame, column: str = "start") -> pd.Series[float]:
    """When calls began, from the first on."""
    return (calls[column] - calls["start"].min()) / 1e9


def time_by_function(calls: pd.DataFrame) -> go.Figure:
    """Where the time went."""
    rows = summary.statistics(calls, ["function"])[: 2 * MOST][::-1]
    bars = go.Bar(
        x=[row["total"] / 1e6 for row in rows],
        y=[row["function"] for row in rows],
        orientation="h",
        customdata=[[row["calls"], duration(row["mean"]), duration(row["p99"])] for row in rows],
        hovertemplate="%{x:.3f} ms in %{customdata[0]} calls<br>mean %{customdata[1]}, p99 %{customdata[2]}",
        name="",
    )
    return _figure("Time by function", [bars], xaxis={"title": "ms"}, yaxis={"automargin": True})


def calls_over_time(calls: pd.DataFrame) -> go.Figure:
    """When what was called."""
    import numpy as np

    starts, names = _seconds(calls), _ranked(calls)
    edges = np.linspace(0, max(starts.max(), 1e-9), BINS + 1)
    lines = []
    for name in names.value_counts().index:
        counts, _ = np.histogram(starts[names == name], edges)
        lines.append(
            go.Scatter(x=edges[:-1].tolist(), y=counts.tolist(), name=name, stackgroup="calls", line={"shape": "hv"})
        )
    return _figure("Calls over time", lines, xaxis={"title": "s"}, yaxis={"title": f"calls in 1/{BINS} of the time"})


def durations(calls: pd.DataFrame) -> go.Figure:
    """How long calls took: counts over durations, both logarithmic."""
    import numpy as np

    names = _ranked(calls)
    longest = max(int(calls["duration"].max()), 10)
    edges = np.geomspace(10, 2 * longest, 60)
    lines = []
    for name in names.value_counts().index:
        counts, _ = np.histogram(calls["duration"][names == name].clip(lower=10), edges)
        lines.append(go.Scatter(x=(edges[:-1] / 1e3).tolist(), y=counts.tolist(), name=name, line={"shape": "hvh"}))
    axes = {"xaxis": {"title": "µs", "type": "log"}, "yaxis": {"title": "calls", "type": "log"}}
    return _figure("How long calls took", lines, **axes)


def bytes_over_time(calls: pd.DataFrame) -> go.Figure | None:
    """What was allocated, copied and set by then; None where no call says how much."""
    about = calls[(calls["bytes"] > 0) & ~calls["failed"]]
    lines = []
    for name, pattern in DIRECTIONS.items():
        chosen = about[about["function"].astype(str).str.match(pattern)].sort_values("end")
        if len(chosen):
            ends = (chosen["end"] - calls["start"].min()) / 1e9
            total = chosen["bytes"].cumsum() / 2**20
            step = -(-len(chosen) // POINTS)
            kept = [*range(0, len(chosen) - 1, step), len(chosen) - 1]
            lines.append(
                go.Scatter(x=ends.iloc[kept].tolist(), y=total.iloc[kept].tolist(), name=name, line={"shape": "hv"})
            )
    if not lines:
        return None
    return _figure("Bytes, added up", lines, xaxis={"title": "s"}, yaxis={"title": "MiB"})


def threads(calls: pd.DataFrame) -> go.Figure:
    """How much of its time each thread has spent in calls."""
    import numpy as np

    busiest = summary.statistics(calls, ["process", "thread"])[: 4 * MOST][::-1]
    edges = np.linspace(0, max(_seconds(calls, "end").max(), 1e-9), BINS + 1)
    rows = []
    for row in busiest:
        own = calls[(calls["process"] == row["process"]) & (calls["thread"] == row["thread"])]
        weights = own["duration"].to_numpy() / 1e9
        spent, _ = np.histogram((own["start"] - calls["start"].min()) / 1e9, edges, weights=weights)
        rows.append(np.minimum(100 * spent / (edges[1] - edges[0]), 100).tolist())
    names = [f"{row['process']}/{row['thread']}" for row in busiest]
    heat = go.Heatmap(z=rows, x=edges[:-1].tolist(), y=names, colorscale="Blues", zmin=0, zmax=100)
    heat.update(colorbar={"title": "%"}, hovertemplate="%{z:.1f} % of the time from %{x:.3f} s on", name="")
    return _figure(
        "Time that threads spend in calls",
        [heat],
        xaxis={"title": "s"},
        yaxis={"type": "category", "automargin": True},
        height=max(260, 24 * len(rows) + 120),
    )


CHARTS = (time_by_function, calls_over_time, durations, bytes_over_time, threads)
