"""`2xh100;a100:memory=40GiB`: which GPUs a program is to see, as --gpu and VGPU_GPU say it."""

from __future__ import annotations

from . import values
from .catalogue import load
from .errors import ProfileError
from .machine import MAX_DEVICES, distinct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .profile import Profile


def parse_spec(spec: str | Iterable[str]) -> list[Profile]:
    """The GPUs of `[Nx]NAME[:key=value,…]`, several joined by `;` or as a list of such strings.

    NAME is a built-in profile or the path of a TOML file (it has a `/` or ends in `.toml`); keys
    are those of `Profile.replace`. UUIDs and PCI locations are different and depend only on the
    text, so that each process of a program sees the same devices.

    Raises:
        UnknownProfile: no built-in profile has that name; names what resembles it.
        ProfileError: a part that means nothing, a value that no GPU could have, a file that is
            no profile.
    """
    specs = [spec] if isinstance(spec, str) else list(spec)
    profiles: list[Profile] = []
    for part in (part for one in specs for part in one.split(";")):
        profiles += _part(part.strip())
        if len(profiles) > MAX_DEVICES:
            raise ProfileError(f"{part.strip()} makes too many GPUs; there may be {MAX_DEVICES}")
    return distinct(profiles)


def _part(part: str) -> list[Profile]:
    whole, colon, changes = part.partition(":")
    count, name = _count(whole.strip())
    if not name:
        raise ProfileError(f"{part or 'an empty part'} names no GPU; write NAME, as in 2xh100")
    if colon and not changes.strip():
        raise ProfileError(f"{part} changes nothing after the colon; write {whole}:memory=40GiB")
    profile = load(name, **_changes(changes)) if colon else load(name)
    return [profile] * count


def _count(text: str) -> tuple[int, str]:
    """The number before an `x`, 1 without; and the name."""
    digits, letter, name = text.partition("x")
    if not letter or not values.decimal(digits):
        return 1, text
    if not 1 <= int(digits) <= MAX_DEVICES:
        raise ProfileError(f"{text} asks for {digits} GPUs; write a number from 1 to {MAX_DEVICES}")
    return int(digits), name.strip()


def _changes(text: str) -> dict[str, str]:
    changes: dict[str, str] = {}
    for change in text.split(","):
        key, equals, value = (word.strip() for word in change.partition("="))
        key = key.lower()
        if not equals or not key:
            raise ProfileError(f"{change.strip() or 'nothing'} is no change; write key=value")
        if key in changes:
            raise ProfileError(f"{key} is given twice; give it once")
        changes[key] = value
    return changes
