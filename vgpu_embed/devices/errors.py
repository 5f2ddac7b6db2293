"""What goes wrong with a profile, and how it is said: one sentence."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class ProfileError(ValueError):
    """A profile, or a change to one, that no GPU could have."""


class UnknownProfile(LookupError):
    """There is no built-in profile of that name."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the known names that resemble it, else all if they are few."""
    import difflib

    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there is {', '.join(names)}" if 0 < len(names) <= 12 else ""
