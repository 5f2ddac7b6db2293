"""`vgpu-embed status`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import click
import psutil

from vgpu_embed.cli import complete
from vgpu_embed.cli.failure import NOTHING, Failure, warn
from vgpu_embed.cli.output import size, table
from vgpu_embed.inspect import leftovers, maps
from vgpu_embed.inspect.maps import Preloaded
from vgpu_embed.inspect.state import State

HEADERS = ("PID", "NAME", "USER", "MODE", "DEVICES", "POLICIES", "GENERATION", "CALLS", "FAILURES", "LIBRARY")


@click.command()
@click.argument("process", metavar="[PID|NAME]", required=False, shell_complete=complete.processes)
@click.option("--watch", is_flag=True, help="Goes on until Ctrl-C, with calls a second.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=1.0,
    help="Seconds between two looks of --watch.  [default: 1]",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts; with --watch a line a look.")
@click.option("--prometheus", metavar="FILE", help="Writes metrics to a text file, - for standard output.")
def status(process: str | None, watch: bool, interval: float, as_json: bool, prometheus: str | None) -> None:
    """Lists the processes that have the library in them.

    \b
    vgpu-embed status                 all that you may look into
    vgpu-embed status ollama          those of that name, with calls, errors, memory
    vgpu-embed status --watch 4711    one, live
    vgpu-embed status 4711 --json     one, for a script
    vgpu-embed status --prometheus /var/lib/prometheus/node-exporter/vgpu.prom

    Only files are read, so a process may hang, or be in a container. Mode, devices and policies are those in force, or
    those that a process was started with that has made no CUDA call yet. GENERATION counts how often the policies were
    loaded. The exit code is 1 if the process that was asked for is not among them.
    """
    leftovers.remove()
    if watch:
        from vgpu_embed.cli.watch import follow

        follow(process, interval, as_json, prometheus)
        return
    states, unreadable = look(process)
    if prometheus is not None:
        from vgpu_embed.cli.metrics import write

        write(states, unreadable, prometheus)
    elif as_json:
        click.echo(json.dumps(described(states, unreadable), indent=2))
    else:
        show(states, process is not None)
        if unreadable:
            warn(f"processes that you may not look into: {unreadable}")
    if process is not None and not states:
        raise Failure(f"no process named {process} has {maps.LIBRARY} in it", NOTHING)
    if not states and not as_json and prometheus is None:
        warn(f"no process has {maps.LIBRARY} in it")


def look(process: str | None) -> tuple[list[State], int]:
    """The processes that have the library in them, and how many could not be looked into.

    A process id that is not among them is a Failure, a name is none.
    """
    unreadable: list[int] = []
    if process is not None and process.isdecimal():
        found = [by_pid(int(process))]
    else:
        found = [one for one in maps.scan(unreadable) if one.pid != os.getpid()]
        if process is not None:
            found = [one for one in found if one.name == process]
    return [State(one) for one in found], len(unreadable)


def described(states: list[State], unreadable: int) -> dict[str, Any]:
    """What `--json` says."""
    return {"processes": [state.as_dict() for state in states], "unreadable": unreadable}


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


def show(states: list[State], in_full: bool) -> None:
    """Prints a row a process; of a process that was asked for, its calls and everything else, too."""
    if states:
        table(HEADERS, [row(state) for state in states])
    for state in states if in_full else ():
        calls = sorted(state.calls.items(), key=lambda item: (-item[1].calls, item[0]))
        if calls:
            table(("", "FUNCTION", "CALLS", "ASKED", "ANSWERED"), [("calls", name, *map(str, n)) for name, n in calls])
        if rest := list(details(state)):
            table(("", "WHAT", "HOW"), rest)
    for state in states:
        if error := state.info.get("reload_error"):
            alarm(f"process {state.process.pid} still runs the last good policy, the new one does not load: {error}")
        if state.problem:
            warn(f"process {state.process.pid}: {state.problem}")


def row(state: State) -> list[str]:
    """The cells of a process, in the order of HEADERS."""
    shown = state.as_dict()
    return [
        str(shown["pid"]),
        shown["name"],
        shown["user"],
        shown["mode"],
        ";".join(shown["devices"]) or "-",
        ";".join(shown["policies"]) or "-",
        str(shown["generation"] or "-"),
        str(sum(count.calls for count in state.calls.values())),
        str(shown["failures"]),
        shown["library"],
    ]


def details(state: State) -> Iterator[tuple[str, str, str]]:
    """A row for each thing there is to say of a process besides its calls."""
    shown = state.as_dict()
    for path, digest in shown["sha256"].items():
        yield "policy", path, f"SHA-256 {digest}"
    version, path = shown["driver"]["version"], shown["driver"]["path"]
    if path:
        yield "driver", f"CUDA {version // 1000}.{version % 1000 // 10}" if version else "-", path
    for name, value in shown["options"].items():
        yield "option", f"{name}={value}", ""
    for one in state.memory:
        limit = f" of {size(one['limit'])}" if one["limit"] else ""
        yield "memory", f"device {one['device']}, process {one['pid']}", size(one["held"]) + limit
    if state.dropped:
        yield "dropped", f"{state.dropped} events", "they found no room, and are only counted"
    for name, count in shown["skipped"].items():
        yield "skipped", name, f"launched {count} times and not computed"
    for one in shown["disabled"]:
        yield "disabled", one["hook"], one["reason"]
    for error in shown["errors"]:
        yield "error", error, ""


def alarm(sentence: str) -> None:
    """Says something on stderr, in red where that is a terminal."""
    click.secho(f"vgpu-embed: {sentence}", fg="red", err=True, color=False if "NO_COLOR" in os.environ else None)
