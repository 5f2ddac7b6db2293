"""The profiles there are: those that come with the package, and a user's own files."""

from __future__ import annotations

import os

from .errors import UnknownProfile, suggestion
from .profile import Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))
COMPILED = os.path.join(FOLDER, "profiles.json")
"""What the build makes of the TOML files beside it; not committed."""


def names() -> list[str]:
    """The names of the built-in profiles."""
    return list(_known())


def load(name_or_path: str, **changes: object) -> Profile:
    """A built-in profile by name, or one of a user's by the path of its TOML file.

    Args:
        name_or_path: `h100`, `RTX_4090`; `./mine.toml`.
        changes: as for `Profile.replace`.

    Raises:
        UnknownProfile: no built-in profile has that name.
        ProfileError: the file, or a change, is wrong; file:line where it is the file.
    """
    if is_path(name_or_path):
        from . import schema

        profile = Profile(schema.stem(name_or_path), schema.compile_file(name_or_path))
    else:
        id = name_or_path.strip().lower().replace("_", "-").replace(" ", "-")
        if id not in _known():
            raise UnknownProfile(f"there is no GPU {name_or_path}{suggestion(id, _known())}")
        profile = Profile(id, _data(id))
    return profile.replace(**changes) if changes else profile


def is_path(name: str) -> bool:
    """Whether it is the path of a user's profile, not the name of a built-in one."""
    return "/" in name or name.endswith(".toml")


_texts: dict[str, str] = {}
_read: dict[str, dict[str, Any]] = {}


def _known() -> dict[str, str]:
    """The JSON of each built-in profile. In a source tree never built, made from the TOML."""
    if not _texts:
        try:
            with open(COMPILED, encoding="utf-8") as file:
                _texts.update(profile_lines(file.read()))
        except FileNotFoundError:
            from . import compile

            _texts.update(profile_lines(compile.text()))
    return _texts


def profile_lines(text: str) -> dict[str, str]:
    """profiles.json taken apart: it has one profile a line, so that none but the wanted is read."""
    parts = (line.partition(": ") for line in text.splitlines())
    return {name.strip('"'): data.rstrip(",") for name, colon, data in parts if colon}


def _data(id: str) -> dict[str, Any]:
    if id not in _read:
        # Numbers, strings, lists and tables only: the JSON is a Python expression too. The json
        # module would bring re and enum along, 9 ms where the whole interpreter takes 20.
        _read[id] = eval(_known()[id], {"__builtins__": {}})
    return _read[id]
