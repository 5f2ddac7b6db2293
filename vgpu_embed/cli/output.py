"""Tables, drawn on a terminal, tab-separated lines where the output is piped; units; progress."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows under headers; piped, only the rows, tab-separated, for cut and awk."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich.console import Console

    Console().print(drawn(headers, rows))


def drawn(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Any:
    """The same as a table of rich."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        made.add_column(header, overflow="fold", style=None if number else "cyan")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """Shows how far something is, on stderr where that is a terminal; gives what is to be called after each step.

    Without a total it only shows that something is being done.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        done, drawn_at = 0, time.monotonic()

        def advance() -> None:  # rich takes ten times as long as what most steps take
            nonlocal done, drawn_at
            done += 1
            if time.monotonic() - drawn_at > 0.1:
                drawn_at = time.monotonic()
                shown.update(task, completed=done)

        yield advance


def size(count: float) -> str:
    """A number of bytes, to be read."""
    return f"{count / 2**30:.2f} GiB" if count >= 1 << 30 else f"{count / 2**20:.2f} MiB"


def duration(nanoseconds: float) -> str:
    """A time, to be read."""
    for unit, length in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= length:
            return f"{nanoseconds / length:.2f} {unit}"
    return f"{nanoseconds:.0f} ns"
