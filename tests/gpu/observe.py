"""The policy of the observed case: gets every call of the driver, does nothing with it but count."""

import atexit
import os

from vgpu_embed import Policy
from vgpu_embed.events import Events

policy = Policy()
seen = policy.option("seen", "observed.seen", help="file that the number of calls and of those lost goes to")
observing = policy.option("observe", True, help="whether calls are observed")
counts = [0, 0]


def count(events: Events) -> None:
    counts[0] += len(events)
    counts[1] += events.dropped


@policy.configure
def configure() -> None:
    if observing.value:
        policy.observe("cu*")(count)


@atexit.register
def write() -> None:
    file = os.open(seen.value, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    os.write(file, f"{counts[0]} {counts[1]}\n".encode())
    os.close(file)
