"""A program that several copies of take turns in running: costs.py tells each when, and how many calls."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

Loop = Callable[[int], None]


def serve(device: str, loops: Mapping[str, Loop], warm_up: Mapping[str, int]) -> None:
    """Runs each loop once, prints what the device says it is, then runs a loop for each line `NAME CALLS` of stdin.

    A line of nanoseconds a call answers each; some calls before those that count give it the card. The main thread
    stays on the processor that argv names: all copies on the same one, so that it is no difference between them.
    Threads made until then go where they like.
    """
    for name, calls in warm_up.items():
        loops[name](calls)
    os.sched_setaffinity(0, {int(sys.argv[1])})
    print(device, flush=True)
    for line in sys.stdin:
        name, number = line.split()
        loops[name](max(1, int(number) // 10))
        begin = time.perf_counter_ns()
        loops[name](int(number))
        print((time.perf_counter_ns() - begin) / int(number), flush=True)
