"""What this process runs under: mode, policies, devices, read from the environment once."""

from __future__ import annotations

import vgpu_embed.options as options
from vgpu_embed import policy as policies
from vgpu_embed._core import ffi, lib
from vgpu_embed.embed import log
from vgpu_embed.policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def setting(name: str) -> str | None:
    """A variable of the program's environment as it was at first use."""
    value = lib.host_setting(name.encode())
    return ffi.string(value).decode(errors="surrogateescape") if value else None


def _listed(name: str) -> list[str]:
    return [item for item in (setting(name) or "").split(";") if item]


class Session:
    """The policies in force, in the order in which they are asked, and the devices they show."""

    def __init__(self, user: list[Policy], profiles: list[Any]) -> None:
        self.is_virtual = bool(lib.host_info().is_virtual)
        self.program: str = ffi.string(lib.host_info().program).decode(errors="replace")
        self.user = user
        self.profiles = profiles
        self.policies = [*user, *self._built_in()]

    def _built_in(self) -> list[Policy]:
        if self.is_virtual:
            from vgpu_embed import virtual

            return virtual.policies(self.profiles, setting, lib.host_thunk)
        if self.profiles:
            from vgpu_embed.policies import devices

            return [devices.seen(self.profiles)]
        return []


def name_what_is_missing() -> None:
    """One line for each variable that is set and that nothing serves so far."""
    for option in options.OPTIONS:
        if option.missing and setting(option.variable):
            log.write(log.ERROR, f"{option.variable} is ignored: {option.missing}")
    if setting("VGPU_LOG_FILE") == options.JOURNAL:
        log.write(log.ERROR, "VGPU_LOG_FILE is ignored: writing to the journal is not implemented yet")


def load() -> Session:
    """Loads what VGPU_POLICY, VGPU_SET and VGPU_GPU name. Raises PolicyError or OSError."""
    name_what_is_missing()
    user = [policies.load(name) for name in _listed("VGPU_POLICY")]
    policies.apply_settings(user, _listed("VGPU_SET"))
    return Session(user, policies.profiles_of(user, setting("VGPU_GPU") or ""))
