"""`vgpu-embed status --watch`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from vgpu_embed.cli.failure import USAGE, Failure
from vgpu_embed.cli.metrics import write
from vgpu_embed.cli.output import drawn, size
from vgpu_embed.cli.status import described, look
from vgpu_embed.inspect.state import State

HEADERS = ("PID", "NAME", "USER", "MODE", "DEVICES", "POLICIES", "CALLS", "CALLS/S", "MEMORY", "FAILURES")
FUNCTIONS = ("FUNCTION", "CALLS", "CALLS/S", "ASKED", "ANSWERED")
MOST = 20
"""Functions of a process."""


def follow(process: str | None, interval: float, as_json: bool, prometheus: str | None) -> None:
    """Looks again and again, until Ctrl-C, or until a process that was asked for by its id has ended."""
    if not as_json and prometheus is None and not sys.stdout.isatty():
        raise Failure("--watch draws on a terminal only; add --json for a line a look", USAGE)
    with contextlib.suppress(KeyboardInterrupt):
        if as_json or prometheus is not None:
            for states, unreadable in _looks(process, interval):
                if prometheus is not None:
                    write(states, unreadable, prometheus)
                else:
                    click.echo(json.dumps(described(states, unreadable)))
        else:
            _draw(process, interval)


def _looks(process: str | None, interval: float) -> Iterator[tuple[list[State], int]]:
    while True:
        yield look(process)
        time.sleep(interval)


def _draw(process: str | None, interval: float) -> None:
    before: dict[tuple[int, str], State] = {}
    then = time.monotonic()
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        for states, unreadable in _looks(process, interval):
            now = time.monotonic()
            counts = {_key(state): state for state in states}
            shown = [Rates(state, before.get(_key(state)), now - then) for state in states]
            live.update(picture(shown, unreadable, process is not None), refresh=True)
            before, then = counts, now


def _key(state: State) -> tuple[int, str]:
    """A process, its program: another one has another recording."""
    return state.process.pid, state.process.recording


class Rates:
    """A process, and how often it calls."""

    def __init__(self, state: State, before: State | None, seconds: float) -> None:
        self.state = state
        self._before = before
        self._seconds = seconds

    def of(self, function: str) -> str:
        """Calls a second since the last look; "-" at the first one."""
        return self._rate([function])

    @property
    def total(self) -> str:
        """Of all functions."""
        return self._rate(list(self.state.calls))

    def _rate(self, functions: list[str]) -> str:
        if self._before is None:
            return "-"
        then, now = (
            sum(one.calls[name].calls for name in functions if name in one.calls) for one in (self._before, self.state)
        )
        return f"{(now - then) / self._seconds:.0f}"


def picture(shown: list[Rates], unreadable: int, in_full: bool) -> Any:
    """What is drawn: a row a process, and of those that were asked for their functions."""
    parts = [drawn(HEADERS, [_row(one) for one in shown])]
    for one in shown if in_full else ():
        calls = sorted(one.state.calls.items(), key=lambda item: (-item[1].calls, item[0]))[:MOST]
        rows = [(name, str(n.calls), one.of(name), str(n.asked), str(n.answered)) for name, n in calls]
        parts.append(drawn(FUNCTIONS, rows))
    problems = [(one.state.process.pid, one.state.problem or one.state.info.get("reload_error")) for one in shown]
    parts += [Text(f"process {pid}: {problem}", style="red") for pid, problem in problems if problem]
    if unreadable:
        parts.append(Text(f"processes that you may not look into: {unreadable}", style="dim"))
    return Group(*parts)


def _row(one: Rates) -> list[str]:
    shown = one.state.as_dict()
    held = sum(memory["held"] for memory in one.state.memory if memory["pid"] == shown["pid"])
    return [
        *(str(shown[name]) for name in ("pid", "name", "user", "mode")),
        *(";".join(shown[name]) or "-" for name in ("devices", "policies")),
        str(sum(count.calls for count in one.state.calls.values())),
        one.total,
        size(held) if one.state.memory else "-",
        str(shown["failures"]),
    ]
