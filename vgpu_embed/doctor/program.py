"""The program: would the loader preload anything into it?"""

from __future__ import annotations

from collections.abc import Iterator

from vgpu_embed.doctor import FAULT, OK, Finding, Subject
from vgpu_embed.inspect.elf import preload_refusal

KINDS = {
    "statically linked": ("static-program", "use a dynamically linked build of it; nothing is preloaded into this one"),
    "setuid": ("setuid-program", "start it as its owner, or take the bit away: chmod u-s"),
    "setgid": ("setuid-program", "start it as its group, or take the bit away: chmod g-s"),
    "file capabilities": ("setuid-program", "take them away with setcap -r, and grant them by the unit instead"),
    "musl": ("musl-program", "use a build for glibc; the library is one"),
    "another machine": ("program", "use a build for this machine"),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Judges the executable, a script by its interpreter."""
    if subject.program is None:
        return
    refusal = preload_refusal(subject.program, subject.user)
    if refusal is None:
        yield Finding("program", OK, f"{subject.program} can be preloaded")
        return
    for words, (check, remedy) in KINDS.items():
        if words in refusal:
            yield Finding(check, FAULT, f"{refusal}: the loader preloads nothing into it", remedy)
