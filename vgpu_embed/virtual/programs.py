"""What programs have loaded onto the virtual GPUs, and what becomes of the launches of their kernels."""

from __future__ import annotations

from time import monotonic

from vgpu_embed import policy
from vgpu_embed.policy import Policy
from vgpu_embed.virtual.registration import Loaded, Registrations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vgpu_embed.policy import CallLog
    from vgpu_embed.virtual.functions import Function
    from vgpu_embed.virtual.linking import Link
    from vgpu_embed.virtual.modules import Kernel, Library, Module

PAUSE = 0.25
"""Seconds that `status` may be behind with how often kernels were skipped."""


class Programs:
    """Modules, libraries, functions and what is being linked, by handle.

    Attributes:
        fails: whether a launch that nobody computes is an error (`--kernels fail`).
        registrations: what code in the process has registered; loaded: what the runtime has made of it.
        policy: the virtual GPU's own, which knows the policies beside it.
    """

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.registrations = Registrations()
        self.loaded = Loaded()
        self.policy = Policy()
        self.modules: dict[int, Module] = {}
        self.functions: dict[int, Function] = {}
        self.libraries: dict[int, Library] = {}
        self.kernels: dict[int, Kernel] = {}
        self.links: dict[int, Link] = {}
        self._shown = 0.0
        self._said: set[str] = set()

    @property
    def log(self) -> CallLog:
        """Log lines about kernels."""
        return policy.log_of("kernels")

    def say(self, about: str, text: str) -> None:
        """A line in the log, the first time that there is something to say about this."""
        if about not in self._said:
            self._said.add(about)
            self.log.error(text)

    def skip(self, name: str, count: int = 1) -> None:
        """Counts launches of a kernel that were not computed."""
        skipped = self.policy.skipped
        if name in skipped:
            skipped[name] += count
        else:
            skipped[name] = count
            self._shown = 0.0
            if len(skipped) == 1:
                self._begin(name)
        now = monotonic()
        if now > self._shown:
            self._shown = now + PAUSE
            policy.state_changed()

    def tally(self, names: Iterable[str]) -> Callable[[], None]:
        """What counts one launch of each of these."""
        counts: dict[str, int] = {}
        for name in names:
            counts[name] = counts.get(name, 0) + 1

        def count() -> None:
            for name, launched in counts.items():
                self.skip(name, launched)

        return count

    def _begin(self, name: str) -> None:
        import atexit

        self.say(
            "skip",
            f"{name} is launched and not computed, like every kernel for which no policy has a body; "
            "vgpu-embed status counts them",
        )
        atexit.register(policy.state_changed)
