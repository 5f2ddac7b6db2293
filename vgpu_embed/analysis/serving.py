"""What becomes of a CUDA function that a program wants: under which policies, over which GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgpu_embed import tables
from vgpu_embed.embed.redirect import ALIASES, REGISTRATIONS
from vgpu_embed.inspect.cuda import LINKED, Binary

if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.policy import Policy


class Served(NamedTuple):
    """What we do with a function, and whether the program does not get what it wants."""

    how: str
    fails: bool = False


FORWARDED = Served("forwarded to the driver")
PASSED_BY = Served("its own library's, whose calls to the driver pass us")
ANSWERED = Served("answered by the virtual GPU")
NOT_SUPPORTED = Served("returns not supported", True)
MISSING = Served("missing: the program cannot be loaded", True)
NOT_FOUND = Served("missing: the lookup finds nothing", True)
NOT_OURS = Served("not known here, goes to the driver directly")


class Serving:
    """What we do under these policies, over these GPUs; without GPUs over a real driver."""

    def __init__(self, policies: Sequence[Policy], profiles: Sequence[Profile], is_virtual: bool) -> None:
        self.profiles = profiles
        self.is_virtual = is_virtual
        self._asked = {
            name: handler.place
            for policy in reversed(policies)
            for handler in reversed([*policy.handlers, *policy.observers])
            for name in handler.functions
        }
        self._answered: set[str] = set()
        if is_virtual:
            from vgpu_embed import virtual
            from vgpu_embed.virtual.host import Host

            made = virtual.policies(profiles, lambda name: None, lambda slot: slot, Host())
            handlers = [handler for policy in made for handler in policy.handlers]
            self._answered = {name for handler in handlers for name in handler.functions} | {*REGISTRATIONS}

    def of(self, name: str, route: str) -> Served:
        """What we do with a function of that name that is wanted by that route."""
        known = tables.index(name) is not None
        library = tables.function(name).library if known else ""
        reaches_us = known and (self.is_virtual or library == "driver")
        if name in self._asked:
            place = f"asks the policy, {self._asked[name]}"
            return Served(place) if reaches_us else Served(f"does not pass us over a real driver, {place}", True)
        if self.is_virtual:
            if not known:
                return MISSING if route == LINKED else NOT_FOUND
            return ANSWERED if name in self._answered else NOT_SUPPORTED
        if reaches_us:
            return FORWARDED
        return PASSED_BY if known else NOT_OURS

    def problems(self, binary: Binary) -> list[str]:
        """What a file cannot be given, besides functions, each as a sentence."""
        found = [f"it cannot be read whole: {binary.problem}"] if binary.problem else []
        if self.is_virtual:
            if binary.static_runtime:
                found.append("libcudart is linked statically, and starts over a real driver only")
            lacking = [name for name in binary.needed if name not in ALIASES]
            found += [f"needs {name}, which virtual mode does not stand in for" for name in lacking]
        for (major, minor), name in sorted({(one.compute_capability, one.id) for one in self.profiles}):
            if binary.code and not any(one.runs_on(10 * major + minor) for one in binary.code):
                which = f"{name} (compute capability {major}.{minor})"
                found.append(f"has no code for {which}, only {shown_code(binary)}")
        return found


def shown_code(binary: Binary) -> str:
    """The architectures that a file has code for."""
    return " ".join(map(str, binary.code)) or "-"
