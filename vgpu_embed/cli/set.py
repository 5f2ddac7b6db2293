"""`vgpu-embed set`."""

from __future__ import annotations

import click

from vgpu_embed.cli import complete
from vgpu_embed.cli.failure import USAGE, Failure
from vgpu_embed.cli.service import ask


@click.command("set")
@click.argument("pid", type=int, shell_complete=complete.pids)
@click.argument("setting", metavar="option=value", shell_complete=complete.settings_in_force)
def set_(pid: int, setting: str) -> None:
    """Changes an option of the policies of a process while it runs, and prints its new value.

    \b
    vgpu-embed set 4711 limit=8GiB

    `vgpu-embed status 4711` shows the options there are. The process has to be yours, unless you are root.
    """
    name, equals, _ = setting.partition("=")
    if not name or not equals:
        raise Failure(f"{setting}: write option=value, as in: vgpu-embed set {pid} limit=8GiB", USAGE)
    click.echo(f"{name}={ask(pid, {'set': setting})['options'][name]}")
