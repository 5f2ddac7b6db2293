"""What the Python programs share: lines that say what was right, equal in every run."""

from __future__ import annotations

import sys


def say_if_preloaded() -> None:
    """On stderr, so that cases.py knows that what it compares did differ in that."""
    with open("/proc/self/maps") as maps:
        preloaded = any("/libvgpu-cuda.so" in line for line in maps)
    print(f"preloaded: {'yes' if preloaded else 'no'}", file=sys.stderr, flush=True)


def expect(right: object, what: str) -> None:
    """Prints that something is right, or that it is not and ends the program."""
    print(f"{what}: {'right' if right else 'WRONG'}", flush=True)
    if not right:
        sys.exit(1)
