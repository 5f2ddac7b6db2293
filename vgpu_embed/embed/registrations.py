"""What CUDA code in this process has registered, as csrc/registrations.c has it."""

from __future__ import annotations

from vgpu_embed._core import ffi, lib
from vgpu_embed.virtual import registration
from vgpu_embed.virtual.registration import Registration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Registrations(registration.Registrations):
    """See registration.Registrations."""

    def gone(self) -> int:
        """See registration.Registrations."""
        return int(lib.host_registrations_gone())

    def find(self, host: int) -> Registration | None:
        """See registration.Registrations."""
        found = ffi.new("struct vgpu_registration *")
        return _of(found) if lib.host_registered(host, found) else None

    def of(self, binary: int) -> list[Registration]:
        """See registration.Registrations."""
        found = ffi.new("struct vgpu_registration *")
        all_of_it: list[Registration] = []
        while lib.host_registration(binary, len(all_of_it), found):
            all_of_it.append(_of(found))
        return all_of_it


def _of(found: Any) -> Registration:
    name = ffi.string(found.name).decode(errors="replace")
    return Registration(found.binary, found.wrapper, found.kind, found.host, name, found.size)
