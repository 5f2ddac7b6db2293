"""What this process runs under: mode, policies, devices, read from the environment once."""

from __future__ import annotations

from vgpu_embed import policy as policies
from vgpu_embed._core import ffi, lib
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
    """The policies in force, in the order in which they are asked, and the devices they show.

    `settings` are the options that were set, to be set again in policies that are loaded later. Virtual mode's own
    policies are those of `before`, which know what the program has done so far.
    """

    def __init__(self, user: list[Policy], profiles: list[Any], settings: list[str], before: Session | None) -> None:
        self.is_virtual = bool(lib.host_info().is_virtual)
        self.program: str = ffi.string(lib.host_info().program).decode(errors="replace")
        self.user = user
        self.settings = settings
        self.profiles: list[Any] = before.profiles if before and self.is_virtual else profiles
        self.built_in: list[Policy] = before.built_in if before and self.is_virtual else self._built_in()

    @property
    def policies(self) -> list[Policy]:
        """All of them."""
        return [*self.user, *self.built_in]

    def _built_in(self) -> list[Policy]:
        if self.is_virtual:
            from vgpu_embed import virtual
            from vgpu_embed.embed.host import Host
            from vgpu_embed.embed.registrations import Registrations

            return virtual.policies(self.profiles, setting, lib.host_thunk, Host(), self._occupants(), Registrations())
        if self.profiles:
            from vgpu_embed.policies import devices

            return [devices.seen(self.profiles)]
        return []

    def _occupants(self) -> Any:
        """Those of the machine that this process is on, which it says of itself from here on."""
        from vgpu_embed._frames import Short
        from vgpu_embed.devices.machine import identity
        from vgpu_embed.virtual.occupants import Occupants

        machine = identity(self.profiles, setting("VGPU_MACHINE") or "")
        lib.host_machine(*(int.from_bytes(half, "little") for half in (machine[:8], machine[8:])))
        hold = Short(int(ffi.cast("uintptr_t", ffi.addressof(lib, "host_hold"))), 0)
        return Occupants(len(self.profiles), machine, hold)


def load(before: Session | None = None) -> Session:
    """Loads what VGPU_POLICY, VGPU_SET and VGPU_GPU name, and with `before` what was set since.

    Raises PolicyError or OSError.
    """
    user = [policies.load(name) for name in _listed("VGPU_POLICY")]
    known = {name for policy in user for name in policy.options}
    settings = _listed("VGPU_SET")
    since = before.settings[len(settings) :] if before else []
    settings += [text for text in since if text.partition("=")[0] in known]
    policies.apply_settings(user, settings)
    return Session(user, policies.profiles_of(user, setting("VGPU_GPU") or ""), settings, before)
