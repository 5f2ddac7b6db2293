"""Checks the built-in profiles and writes profiles.json: `python -m vgpu_embed.devices.compile`.

The build runs this (setup.py), because Python 3.10 has no TOML reader of its own and because a
preloaded process has no time for one. profiles.json is not committed.
"""

from __future__ import annotations

import json
import os
import sys

from . import schema
from .catalogue import COMPILED
from .errors import ProfileError


def text() -> str:
    """profiles.json: a line a profile, so that a process can read the one that it wants.

    Raises:
        ProfileError: a profile is wrong; file:line, and what to do.
    """
    profiles = schema.compile_all()
    lines = (f'"{name}": {json.dumps(profiles[name], sort_keys=True)}' for name in sorted(profiles))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(path: str | os.PathLike[str] = COMPILED) -> None:
    """Writes profiles.json, whole or not at all.

    Raises:
        ProfileError: a profile is wrong.
        OSError: the file cannot be written.
    """
    content = text()
    beside = f"{os.fspath(path)}.{os.getpid()}"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(beside, path)


def main() -> int:
    """The command line: where to write it, or nothing for beside the TOML files."""
    try:
        write(*sys.argv[1:2])
    except (ProfileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
