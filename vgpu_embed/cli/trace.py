"""`vgpu-embed trace`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from vgpu_embed.cli import complete
from vgpu_embed.cli.failure import USAGE, Failure, warn
from vgpu_embed.cli.launch import from_table
from vgpu_embed.cli.output import duration, progress, size, table

if TYPE_CHECKING:
    from vgpu_embed.analysis.difference import Divergence, Function
    from vgpu_embed.analysis.replay import Replayed
    from vgpu_embed.trace import Trace

DIFFERENT = 1  # as diff(1)
SHOWN = 20  # so many differences are named, the rest is counted

files = click.argument("files", metavar="FILE…", nargs=-1, required=True, shell_complete=complete.files)
output_option = click.option(
    *("-o", "--output"), metavar="FILE", help="Where it goes instead of standard output.", shell_complete=complete.files
)
as_json = click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts.")


@click.group()
def trace() -> None:
    """Looks into what `vgpu-embed run --trace FILE` has recorded.

    \b
    vgpu-embed run --trace train.trace ./train
    vgpu-embed trace summary train.trace                     what took how long
    vgpu-embed trace timeline -o train.json train.trace      for ui.perfetto.dev
    vgpu-embed trace html -o train.html train.trace          a page with charts
    vgpu-embed trace diff before.trace after.trace           what has changed
    vgpu-embed trace replay --policy quota.py train.trace    what a policy would have said
    """


@trace.command()
@files
@click.option(
    "--by",
    type=click.Choice(["function", "caller", "thread"]),
    multiple=True,
    default=("function",),
    help="What calls are put together by; may be repeated.  [default: function]",
)
@as_json
def summary(files: tuple[str, ...], by: tuple[str, ...], as_json: bool) -> None:
    """Sums up the calls of traces: number, time, bytes, errors; the longest total first.

    BYTES are those that calls allocate, copy or set, as far as their arguments say it. ERRORS are results that are not
    success, cudaErrorNotReady and its like included.

    \b
    vgpu-embed trace summary train.trace
    vgpu-embed trace summary --by thread --by function train.trace
    vgpu-embed trace summary --json *.trace | jq '.rows[] | select(.errors > 0)'
    """
    from vgpu_embed.analysis import summary as figures

    traces = read(files)
    rows = figures.statistics(figures.calls(traces), by)
    if as_json:
        dropped = sum(one.dropped for one in traces)
        click.echo(json.dumps({"rows": rows, "dropped": dropped}, indent=2))
        return
    headers = (*(name.upper() for name in by), "CALLS", "TOTAL", "MEAN", "P99", "BYTES", "ERRORS")
    table(headers, [_cells(row, by) for row in rows])


def _cells(row: dict[str, Any], by: Sequence[str]) -> list[str]:
    times = [duration(row[name]) for name in ("total", "mean", "p99")]
    bytes_ = size(row["bytes"]) if row["bytes"] else "-"
    return [*(str(row[name]) for name in by), str(row["calls"]), *times, bytes_, str(row["errors"])]


@trace.command()
@files
@output_option
def timeline(files: tuple[str, ...], output: str | None) -> None:
    """Writes traces as a timeline that ui.perfetto.dev and chrome://tracing load: a track a thread.

    \b
    vgpu-embed trace timeline -o train.json train.trace
    vgpu-embed trace timeline train.trace | gzip > train.json.gz
    """
    from vgpu_embed.analysis import timeline as lines

    traces = read(files)
    with written(output, "timeline") as file, progress("writing", sum(map(len, traces))) as advance:
        lines.write(traces, file, advance)


@trace.command()
@files
@output_option
def html(files: tuple[str, ...], output: str | None) -> None:
    """Writes a page with charts and tables: one file, which needs no network.

    \b
    vgpu-embed trace html -o train.html train.trace && xdg-open train.html
    """
    with optional("jinja2", "plotly"):
        from vgpu_embed.analysis import page
    traces = read(files)
    with progress("drawing"):
        text = page.page(traces)
    with written(output, "html") as file:
        file.write(text)


@trace.command()
@click.argument("first", metavar="FILE", shell_complete=complete.files)
@click.argument("second", metavar="FILE", shell_complete=complete.files)
@as_json
def diff(first: str, second: str, as_json: bool) -> None:
    """Compares two traces: which functions were called how often, with which results, and how long they took.

    The exit code is 1 if calls, results or verdicts differ; times always do. The first call that the traces do not have
    in common is named: threads are told apart by the order in which they begin.

    \b
    vgpu-embed trace diff before.trace after.trace
    vgpu-embed trace diff before.trace after.trace >/dev/null && echo the same calls
    """
    from vgpu_embed.analysis import difference

    one, other = read((first, second))
    found, where = difference.functions(one, other), difference.divergence(one, other)
    if as_json:
        rows = [{**function._asdict(), "differs": function.differs, "change": function.change} for function in found]
        click.echo(json.dumps({"functions": rows, "divergence": where and where._asdict()}, indent=2))
    else:
        headers = ("FUNCTION", "", "CALLS", "RESULTS AND VERDICTS", "MEAN")
        table(headers, [_compared(function) for function in found])
        if where:
            click.echo(_where(where), err=True)
    if where or any(function.differs for function in found):
        sys.exit(DIFFERENT)


def _compared(function: Function) -> list[str]:
    before, after = (
        ", ".join(f"{count} {name}" for name, count in {**results, **verdicts}.items() if name) or "-"
        for results, verdicts in zip(function.results, function.verdicts, strict=True)
    )
    means = " → ".join(duration(mean) if mean is not None else "-" for mean in function.mean)
    change = "" if function.change is None else f" ({100 * function.change:+.0f} %)"
    outcomes = f"{before} → {after}" if function.differs else before
    calls = f"{function.calls[0]} → {function.calls[1]}" if function.calls[0] != function.calls[1] else ""
    mark = "differs" if function.differs else "same"
    return [function.name, mark, calls or str(function.calls[0]), outcomes, means + change]


def _where(divergence: Divergence) -> str:
    place = f"call {divergence.call + 1} of thread {divergence.thread + 1}"
    return f"vgpu-embed: they part at {place}: {divergence.first} / {divergence.second}"


@trace.command()
@click.argument("file", metavar="FILE", shell_complete=complete.files)
@from_table("policy")
@from_table("set")
@as_json
def replay(file: str, policy: tuple[str, ...], set: tuple[str, ...], as_json: bool) -> None:
    """Makes the calls of a trace again, through policies and without a GPU: what would they have said?

    The driver says what it said then. A call is undecidable if a hook wants to know what the trace does not have: what
    lay in memory, what the driver says to a call of the policy's own, or to one that it was not asked then. Without
    --policy the policies of the trace are asked, which should differ nowhere. The exit code is 1 if a call differs.

    \b
    vgpu-embed trace replay train.trace
    vgpu-embed trace replay --policy limit.py --set limit=4GiB train.trace
    """
    from vgpu_embed.policy import PolicyError

    recorded = _recorded(file)
    names = policy or _policies_of(file, recorded.info)
    rows: dict[str, Counter[str]] = {}
    differing: list[Replayed] = []
    reasons: Counter[str] = Counter()
    try:
        with (
            contextlib.redirect_stdout(sys.stderr),
            progress("replaying", len(recorded.events)) as advance,
        ):
            for one in recorded.run(names, set):
                outcome = "undecidable" if one.after.reason else "different" if one.differs else "same"
                rows.setdefault(one.event.function, Counter())[outcome] += 1
                differing += [one] * one.differs
                reasons[one.after.reason] += 1
                advance()
    except PolicyError as error:
        raise Failure(str(error), USAGE) from error
    del reasons[""]
    if as_json:
        click.echo(json.dumps(_outcomes(rows, differing, reasons), indent=2))
    else:
        _show_outcomes(rows, differing, reasons)
    if differing:
        sys.exit(DIFFERENT)


def _recorded(file: str) -> Any:
    from vgpu_embed.analysis.replay import Recorded
    from vgpu_embed.inspect.recording import NotARecording

    try:
        return Recorded(file)
    except NotARecording as error:
        raise Failure(str(error), USAGE) from error
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}", USAGE) from error


def _policies_of(file: str, info: dict[str, Any]) -> list[str]:
    """The policies that a trace was recorded under, as they are now."""
    from vgpu_embed.policy import PolicyError, load

    names = [one["path"] for one in info.get("policies", ())]
    if not names:
        raise Failure(f"{file} was recorded without a policy: give one, as in: --policy limit.py", USAGE)
    for one in info["policies"]:
        try:
            if load(one["path"]).sha256 != one["sha256"]:
                warn(f"{one['path']} has changed since {file} was recorded")
        except (PolicyError, OSError) as error:
            raise Failure(str(error), USAGE) from error
    if info.get("generation", 1) > 1:
        warn(f"the policies were loaded {info['generation']} times while {file} was recorded; the last ones are asked")
    return names


def _sentence(outcome: Any, function: str) -> str:
    from vgpu_embed.analysis.results import shown

    if outcome.result is None:
        return str(outcome.verdict)
    return f"{outcome.verdict} {shown(function, outcome.result)}"


def _outcomes(rows: dict[str, Counter[str]], differing: list[Replayed], reasons: Counter[str]) -> dict[str, Any]:
    kinds = ("same", "different", "undecidable")
    calls = [
        {
            "function": one.event.function,
            "thread": one.event.thread,
            "start": one.event.start,
            "before": _sentence(one.before, one.event.function),
            "after": _sentence(one.after, one.event.function),
        }
        for one in differing
    ]
    functions = {name: {kind: counts[kind] for kind in kinds} for name, counts in sorted(rows.items())}
    return {"functions": functions, "different": calls, "undecidable": dict(reasons.most_common())}


def _show_outcomes(rows: dict[str, Counter[str]], differing: list[Replayed], reasons: Counter[str]) -> None:
    kinds = ("same", "different", "undecidable")
    ordered = sorted(rows.items(), key=lambda item: (-item[1]["different"], -item[1]["undecidable"], item[0]))
    table(
        ("FUNCTION", "SAME", "DIFFERENT", "UNDECIDABLE"),
        [(name, *(str(counts[kind]) for kind in kinds)) for name, counts in ordered],
    )
    alike = Counter(
        (one.event.function, *(_sentence(outcome, one.event.function) for outcome in (one.before, one.after)))
        for one in differing
    )
    for (function, before, after), count in alike.most_common(SHOWN):
        click.echo(f"different, {count} calls: {function} was {before}, is now {after}", err=True)
    if len(alike) > SHOWN:
        click.echo(f"and {len(alike) - SHOWN} other differences", err=True)
    for reason, count in reasons.most_common():
        click.echo(f"undecidable, {count} calls: {reason}", err=True)


# ---- files -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def optional(*modules: str) -> Iterator[None]:
    """Fails with what to install where one of these is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in modules:
            raise
        raise Failure(f'{error.name} is not installed: pip install "vgpu_embed[trace]"', USAGE) from error


def read(names: Sequence[str]) -> list[Trace]:
    """The traces of these files; says which calls they lack."""
    from vgpu_embed.inspect.recording import NotARecording

    with optional("pyarrow", "numpy", "pandas"):
        import pandas  # noqa: F401
        import pyarrow  # noqa: F401
    from vgpu_embed.trace import read_trace

    found = []
    with progress("reading", len(names)) as advance:
        for name in names:
            try:
                found.append(read_trace(name))
            except NotARecording as error:
                raise Failure(str(error), USAGE) from error
            except OSError as error:
                raise Failure(f"{name} cannot be read: {error.strerror}", USAGE) from error
            advance()
    for one in found:
        if one.dropped:
            warn(f"{one.path} lacks {one.dropped} calls, for which there was no room")
    return found


@contextlib.contextmanager
def written(output: str | None, command: str) -> Iterator[IO[str]]:
    """The file to write to, which appears whole; standard output if none is given, unless that is a terminal."""
    if output is None:
        if sys.stdout.isatty():
            raise Failure(f"give a file, as in: vgpu-embed trace {command} -o FILE …", USAGE)
        yield sys.stdout
        return
    if os.path.exists(output) and not os.path.isfile(output):  # a device, a pipe
        with open(output, "w", encoding="utf-8") as file:
            yield file
        return
    beside = f"{output}.{os.getpid()}"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            yield file
        os.replace(beside, output)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}", USAGE) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
