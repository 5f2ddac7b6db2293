"""What could keep a policy from being in force, one link of the chain after the other, each with its remedy.

Each module's `check` yields findings about one part; none of them changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from vgpu_embed.inspect.unit import Unit

OK, NOTE, FAULT = "ok", "note", "fault"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        check: the name of what was looked at, or of what is wrong.
        state: "ok"; "note": worth knowing; "fault": it stands in the way.
        what: what is so, in a sentence without a full stop.
        remedy: what to do, "" where nothing is to be done.
    """

    check: str
    state: str
    what: str
    remedy: str = ""


class Subject(NamedTuple):
    """What is looked into.

    Attributes:
        environment: of the program, with what is preloaded.
        program: the path of its executable, or None.
        user: the number of the user that runs it.
        service: the unit that runs it, or None.
        log: what the program, or our library in it, has printed; None where that is not known.
        root: the root of the system.
    """

    environment: Mapping[str, str]
    program: str | None = None
    user: int = 0
    service: Unit | None = None
    log: str | None = None
    root: Path = Path("/")


def examine(subject: Subject) -> Iterator[Finding]:
    """All findings, in the order of the chain."""
    from vgpu_embed.doctor import installation, log, ollama, program, service, system

    for part in (installation, system, program, service, ollama, log):
        yield from part.check(subject)
