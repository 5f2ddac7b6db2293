"""The transcript of a real driver's cuGetProcAddress, as the table getproc.tsv."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

Steps = list[tuple[int, str]]
"""From which CUDA version on, which exported name."""


def first_versions(path: Path) -> dict[str, int]:
    """For each exported name, the lowest version at which any request gives it."""
    first: dict[str, int] = {}
    for steps, per_thread in _read(path)[0].values():
        for version, export in (*steps, *per_thread):
            first[export] = min(version, first.get(export, version))
    return first


def given(path: Path, symbol: str, version: int, *, per_thread: bool) -> str | None:
    """The exported name that a request gives, or None."""
    names, newest = _read(path)
    steps = names.get(symbol, ([], []))[per_thread]
    fitting = [export for since, export in steps if since <= version <= newest]
    return fitting[-1] if fitting else None


def text(path: Path) -> str:
    """The table's text: names that give something, and from which version on what."""
    names, newest = _read(path)
    lines = [
        "# What cuGetProcAddress_v2 of driver 580.159.04 gives, and from which CUDA version on",
        "# symbol\tdefault and legacy stream\tper-thread default stream, where different",
        f"# newest\t{newest}",
    ]
    for name in sorted(names):
        steps, per_thread = names[name]
        if steps:
            columns = [steps] if steps == per_thread else [steps, per_thread]
            lines.append("\t".join([name, *(_join(column, name) for column in columns)]))
    return "\n".join(lines) + "\n"


def _join(steps: Steps, name: str) -> str:
    """`2000 3020_v2`: an export is written without the symbol that it begins with."""

    def written(export: str) -> str:
        return export.removeprefix(name) if export.startswith(name) else "=" + export

    return " ".join(f"{version}{written(export)}" for version, export in steps)


@cache
def _read(path: Path) -> tuple[dict[str, tuple[Steps, Steps]], int]:
    """Steps of each symbol (default and legacy, per-thread), and the newest version answered."""
    names: dict[str, tuple[Steps, Steps]] = {}
    refused: set[int] = set()
    for name, answer in json.loads(path.read_text(encoding="utf-8"))["names"].items():
        both = answer.values() if isinstance(answer, dict) else (answer, answer)
        default, per_thread = ([tuple(step) for step in steps] for steps in both)
        for steps in (default, per_thread):
            last, outcome = steps.pop()
            refused.add(last)
            first = steps.pop(0) if steps[0][1].startswith("rc") else None
            if outcome != "rc1/status-1" or first is None or first[0] != 1000:
                raise ValueError(f"{path}: {name}: an answer of a kind that no other name has")
            if any("/" in export for _, export in steps):
                raise ValueError(f"{path}: {name}: a gap between versions")
        names[name] = (default, per_thread)
    (refusal,) = refused
    return names, refusal - 10
