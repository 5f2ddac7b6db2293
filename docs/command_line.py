"""Writes docs/command-line.md from the commands themselves and the one options table. Not committed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from vgpu_embed import options
from vgpu_embed.cli import main

HEAD = """# Command line

What `vgpu-embed --help` and `vgpu-embed COMMAND --help` say.

- A mistake is one sentence on stderr. Exit codes: 0; 1 where what was asked for is not there, or differs; 2 wrong
  usage; of `run`, `env`, `scan` and `install` 125, 126 and 127 as of env(1) and timeout(1).
- Tables are drawn on a terminal. Piped, they are lines without headers whose cells are separated by tabs.
- Colour is on terminals only, and not where `NO_COLOR` is set. What takes longer shows how far it is, on stderr and on
  terminals only.
- `vgpu-embed completion bash|zsh|fish` makes the shell complete commands, options, GPUs, policies, functions, processes
  and options that a process can be asked to change.

## Options of a run

`run`, `env`, `install` and `doctor` take all of them, other commands some. What is not given is taken from the
variable, which a bare `LD_PRELOAD` reads as well. A repeatable option's values are joined by `;` there.

| option | variable | |
|---|---|---|
"""


def table() -> Iterator[str]:
    """A row for each option of the table."""
    for one in options.OPTIONS:
        flag = f"`{one.flag} {one.metavar}`" if one.flag else ""
        more = " May be repeated." * one.repeatable + (f" Default: {one.default}." if one.default else "")
        yield f"| {flag.replace('|', chr(92) + '|')} | `{one.variable}` | {one.help}{more} |"


def section(path: list[str], command: click.Command) -> Iterator[str]:
    """A command: how it is used, what it does, examples, its options; then those below it."""
    context = click.Context(command, info_name=" ".join(path))
    yield f"\n## {' '.join(path[1:])}\n"
    yield f"    {' '.join(command.get_usage(context).removeprefix('Usage: ').split())}\n"
    yield from paragraphs(command.help or "")
    records = [p.get_help_record(context) for p in command.get_params(context) if isinstance(p, click.Option)]
    ours = [record for record in records if record and "--help" not in record[0]]
    if ours:
        yield "| option | |\n|---|---|"
        for flag, text in ours:
            shown = re.sub(r"\s*\[default: (.*)\]$", r" Default: \1.", text)
            cells = (cell.replace("|", "\\|") for cell in (f"`{flag}`", shown))
            yield f"| {' | '.join(cells)} |"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from section([*path, name], below)


def paragraphs(text: str) -> Iterator[str]:
    """The text of a help page; what click keeps as it is, is an example."""
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines and lines[0] == "\b":
            yield "```sh\n" + "\n".join(filter(None, lines[1:])) + "\n```\n"
        else:
            yield " ".join(lines).replace("<", "\\<") + "\n"


def page() -> str:
    """The page's text."""
    lines = [HEAD.rstrip(), *table()]
    context = click.Context(main, info_name="vgpu-embed")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        lines += section(["vgpu-embed", name], command)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("command-line.md").write_text(page(), "utf-8")
