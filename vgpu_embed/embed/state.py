"""What `vgpu-embed status` and a trace say of this process: written where it is read without us."""

from __future__ import annotations

import os
import time

from vgpu_embed import policy as policies
from vgpu_embed._core import ffi, lib
from vgpu_embed.embed import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.embed.session import Session

MOST_ERRORS = 10
ROOM_FOR_KERNELS = 32 << 10
"""Bytes of the state that names of kernels may take, of 60 KiB."""
OTHER_KERNELS = "others"

errors: list[str] = []
failures = 0
"""How often a handler has failed."""
generation = 1
"""How many sets of policies there were."""
reload_error: str | None = None
_session: Session | None = None
_published = 0.0


def failed() -> None:
    """Counts a failure of a handler. Published at most once a second, unless something is said."""
    global failures
    failures += 1
    if time.monotonic() - _published > 1:
        publish()


def error(text: str) -> None:
    """A line about something of ours that went wrong, in the log and in the state.

    Raises MemoryError only where nothing was said.
    """
    log.write(log.ERROR, text)
    try:
        errors.append(text)
        del errors[:-MOST_ERRORS]
        publish()
    except MemoryError:
        pass


def publish(session: Session | None = None) -> None:
    """Writes the state anew; with a session, from now on that session's."""
    global _session, _published
    _published = time.monotonic()
    _session = session or _session
    try:
        state = {**common(), **described(_session)} if _session else {**common(), "errors": errors}
        lib.host_publish(ffi.new("char[]", dumped(state).encode("ascii")))
    except MemoryError:  # what was written before stays
        pass


def common() -> dict[str, Any]:
    """What is known before any policy."""
    import vgpu_embed

    program = ffi.string(lib.host_info().program).decode(errors="replace")
    driver = ffi.string(lib.host_driver()).decode(errors="replace")
    return {"library": vgpu_embed.__version__, "program": program, "pid": os.getpid(), "driver_path": driver}


def described(session: Session) -> dict[str, Any]:
    """The state, as JSON will have it."""
    options = {name: option.value for policy in session.user for name, option in policy.options.items()}
    handlers = [handler for policy in session.user for handler in (*policy.handlers, *policy.observers)]
    return {
        "mode": "virtual" if session.is_virtual else "native",
        "devices": [profile.id for profile in session.profiles],
        "policies": [{"path": policy.path, "sha256": policy.sha256} for policy in session.user],
        "options": options,
        "seed": options.get("seed"),
        "generation": generation,
        "errors": errors,
        "failures": failures,
        "disabled": [{"hook": handler.name, "reason": handler.disabled} for handler in handlers if handler.disabled],
        "reload_error": reload_error,
        "skipped": skipped(session),
    }


def skipped(session: Session) -> dict[str, int]:
    """Kernels that were launched and not computed, and how often: as many as there is room for, then all others."""
    counts: dict[str, int] = {}
    room = ROOM_FOR_KERNELS
    for policy in session.built_in:
        for name, count in sorted(policy.skipped.items(), key=lambda item: -item[1]):
            room -= len(name) + 10
            shown = name if room > 0 else OTHER_KERNELS
            counts[shown] = counts.get(shown, 0) + count
    return counts


def dumped(value: Any) -> str:
    """JSON in ASCII; module json costs a start some milliseconds."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(name))}: {dumped(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dumped, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float) and value - value == 0:
        return repr(value)
    return _text(str(value))


def _text(text: str) -> str:
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    plain = [chr(u) if 31 < u < 127 and u not in (34, 92) else f"\\u{u:04x}" for u in units]
    return '"' + "".join(plain) + '"'


policies.state_changed = publish
