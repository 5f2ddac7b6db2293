"""Tables: drawn on a terminal, tab-separated lines where the output is piped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows under headers; piped, only the rows, tab-separated, for cut and awk."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        drawn.add_column(header, overflow="fold", style=None if number else "cyan")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)
