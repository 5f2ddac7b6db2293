"""`vgpu-embed status`."""

from __future__ import annotations

import json
import os

import click
import psutil

from vgpu_embed.cli.failure import NOTHING, Failure, warn
from vgpu_embed.cli.output import table
from vgpu_embed.inspect import maps
from vgpu_embed.inspect.maps import Preloaded

HEADERS = ("PID", "NAME", "USER", "MODE", "DEVICES", "POLICIES", "LIBRARY")


@click.command()
@click.argument("process", metavar="[PID|NAME]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts.")
def status(process: str | None, as_json: bool) -> None:
    """Lists the processes that have the library in them.

    \b
    vgpu-embed status                 all that you may look into
    vgpu-embed status ollama          those of that name
    vgpu-embed status 4711 --json     one, for a script

    Mode, devices and policies are those the process was started with. The exit code is 1 if the
    process that was asked for is not among them.
    """
    unreadable: list[int] = []
    if process is not None and process.isdecimal():
        found = [by_pid(int(process))]
    else:
        found = [one for one in maps.scan(unreadable) if one.pid != os.getpid()]
        if process is not None:
            found = [one for one in found if one.name == process]
    if as_json:
        rows = [one.as_dict() for one in found]
        click.echo(json.dumps({"processes": rows, "unreadable": len(unreadable)}, indent=2))
    elif found:
        table(HEADERS, [row(one) for one in found])
    if unreadable and not as_json:
        warn(f"processes that you may not look into: {len(unreadable)}")
    if process is not None and not found:
        raise Failure(f"no process named {process} has {maps.LIBRARY} in it", NOTHING)
    if not found and not as_json:
        warn(f"no process has {maps.LIBRARY} in it")


def by_pid(pid: int) -> Preloaded:
    """That process; Failure if there is none, or it is somebody else's, or not preloaded."""
    try:
        found = maps.preloaded(pid)
        if found is None:
            name = psutil.Process(pid).name()
            raise Failure(f"process {pid} ({name}) has no {maps.LIBRARY} in it", NOTHING)
    except maps.Unreadable:
        raise Failure(f"process {pid} cannot be read: you may not look into it", NOTHING) from None
    except (ProcessLookupError, psutil.Error):
        raise Failure(f"there is no process {pid}", NOTHING) from None
    return found


def row(process: Preloaded) -> list[str]:
    """The cells of a process, in the order of HEADERS."""
    return [
        str(process.pid),
        process.name,
        process.user,
        process.mode,
        ";".join(process.devices) or "-",
        ";".join(process.policies) or "-",
        process.library,
    ]
