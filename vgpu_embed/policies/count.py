"""Counts calls by function, and how long they take.

    vgpu-embed run --policy count -- PROGRAM

Writes a table to the log when the process ends; `vgpu-embed command PID counts` shows it meanwhile. Calls are observed:
they are counted soon after they were made, on a thread of ours, and take a fraction of a microsecond longer. See
docs/policy-count.md.
"""

from __future__ import annotations

import atexit
import os

from vgpu_embed.policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

policy = Policy()
counted = policy.option("counted", "cu[A-Z]*", help="functions to count: names and patterns, joined by commas")


class Count:
    """The calls of one function; times in nanoseconds."""

    def __init__(self) -> None:
        self.calls = self.failed = self.total = self.longest = 0


by_function: dict[str, Count] = {}
dropped = 0
"""Calls that were lost: they came faster than they could be counted."""


@policy.configure
def observe_counted() -> None:
    """Observes what is to be counted."""
    names = [name.strip() for name in counted.value.split(",") if name.strip()]
    if names:
        policy.observe(*names)(add)


def add(events: Any) -> None:
    """Counts a batch."""
    global dropped
    dropped += events.dropped
    for event in events:
        count = by_function.get(event.function)
        if count is None:
            count = by_function[event.function] = Count()
        took = event.end - event.start
        count.calls += 1
        count.total += took
        if event.result:
            count.failed += 1
        if took > count.longest:
            count.longest = took


@policy.command
def counts() -> dict[str, Any]:
    """The functions, the most called first, times in seconds; and how many calls are missing."""
    functions = {
        function: {
            "calls": count.calls,
            "failed": count.failed,
            "seconds": count.total / 1e9,
            "longest": count.longest / 1e9,
        }
        for function, count in sorted(by_function.items(), key=lambda item: (-item[1].calls, item[0]))
    }
    return {"functions": functions, "dropped": dropped}


def write_table() -> None:
    """Writes the table to the log, a line a function."""
    if not by_function:
        return
    write = policy.log.error  # shown unless the log is off: whoever counts wants to see it
    write(f"{'calls':>10} {'failed':>8} {'total ms':>10} {'mean µs':>9} {'max µs':>9}  function")
    for function, row in counts()["functions"].items():
        mean = row["seconds"] / row["calls"]
        write(
            f"{row['calls']:>10} {row['failed']:>8} {row['seconds'] * 1e3:>10.3f} {mean * 1e6:>9.3f} "
            f"{row['longest'] * 1e6:>9.3f}  {function}"
        )
    if dropped:
        write(f"{dropped} calls are missing: they came faster than they could be counted")


def forget() -> None:
    """A child of fork begins anew."""
    global dropped
    by_function.clear()
    dropped = 0


atexit.register(write_table)
os.register_at_fork(after_in_child=forget)
