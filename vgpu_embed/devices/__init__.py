"""The GPUs that a program can be shown: profiles, and how they are named and changed.

    from vgpu_embed import devices

    devices.names()                             # ["a100", "h100", …]
    devices.load("h100", memory="40GiB")        # one profile, changed in places
    devices.parse_spec("2xh100;a100:memory=40GiB")
    devices.visible(profiles, os.environ.get("CUDA_VISIBLE_DEVICES"))

The built-in profiles are the TOML files of this folder, one a GPU, checked and compiled by the
build (schema.py, compile.py). Each figure in them names what it rests on.
"""

from __future__ import annotations

from .catalogue import load, names
from .errors import ProfileError, UnknownProfile
from .machine import distinct
from .profile import Profile
from .spec import parse_spec
from .visible import visible

__all__ = [
    "Profile",
    "ProfileError",
    "UnknownProfile",
    "distinct",
    "load",
    "names",
    "parse_spec",
    "source",
    "visible",
]


def source(name: str) -> str:
    """The text of a built-in profile's TOML file: a pattern for one's own.

    Raises:
        UnknownProfile: there is no built-in profile of that name.
    """
    from . import schema
    from .errors import suggestion

    files = schema.built_in_files()
    if name not in files:
        raise UnknownProfile(f"there is no GPU {name}{suggestion(name, files)}")
    with open(files[name], encoding="utf-8") as file:
        return file.read()
