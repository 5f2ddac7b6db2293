"""`vgpu-embed env`."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

import click

from vgpu_embed import record
from vgpu_embed.cli.launch import Launch, LaunchCommand, with_options


@click.command(cls=LaunchCommand, options_metavar="[OPTION]…")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["sh", "dotenv", "systemd"]),
    default="sh",
    help="For eval in a shell, for an .env file, or for a unit's drop-in.  [default: sh]",
)
@with_options
def env(format_: str, **flags: Any) -> None:
    """Prints what to export, so that programs started without us meet the same policy.

    \b
    eval "$(vgpu-embed env --gpu h100)"             for the programs of this shell
    vgpu-embed env --gpu h100 --format dotenv > .env
    vgpu-embed env --gpu h100 --format systemd > /etc/systemd/system/ollama.service.d/gpu.conf

    In the sh format, what the shell already preloads is kept; a file is for another environment, so
    the others do not have it.
    """
    launch = Launch(flags, os.environ)
    record.write()
    variables = launch.over(os.environ if format_ == "sh" else {})
    if format_ == "systemd":
        click.echo("[Service]")
    for name, value in variables.items():
        click.echo(LINES[format_](name, value))


def sh_line(name: str, value: str) -> str:
    """A line for eval."""
    return f"export {name}={shlex.quote(value)}"


def dotenv_line(name: str, value: str) -> str:
    """A line of an .env file; without quotes if it can be, as Docker takes them literally."""
    if re.fullmatch(r"[\w@%+=:,./;\[\]-]*", value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'"


def systemd_line(name: str, value: str) -> str:
    """A line of a [Service] section, as systemd.exec(5) and systemd.syntax(7) quote it."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%")):
        value = value.replace(character, escape)
    return f'Environment="{name}={value}"'


LINES = {"sh": sh_line, "dotenv": dotenv_line, "systemd": systemd_line}
