"""`vgpu-embed command`."""

from __future__ import annotations

import json

import click

from vgpu_embed.cli import complete
from vgpu_embed.cli.failure import USAGE, Failure
from vgpu_embed.cli.service import PATIENCE, ask


@click.command()
@click.argument("pid", type=int, shell_complete=complete.pids)
@click.argument("name")
@click.argument("arguments", metavar="[KEY=VALUE]…", nargs=-1)
@click.option("--timeout", type=float, default=PATIENCE, help=f"Seconds to wait.  [default: {PATIENCE:g}]")
def command(pid: int, name: str, arguments: tuple[str, ...], timeout: float) -> None:
    """Calls a command of the policies of a process, and prints what it returns as JSON.

    A command is a function of a policy that @policy.command decorates.

    \b
    vgpu-embed command 4711 counts
    vgpu-embed command 4711 fail function=cuMemAlloc_v2 times=3
    """
    given = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise Failure(f"{argument}: write key=value, as in: vgpu-embed command {pid} {name} key=value", USAGE)
        given[key] = value
    answer = ask(pid, {"command": name, "arguments": given}, timeout)
    click.echo(json.dumps(answer["value"], indent=2, ensure_ascii=False))
