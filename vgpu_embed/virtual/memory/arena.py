"""The addresses of a device's memory."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.memory.space import DROPS, PRIVATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.memory.space import Space

PAGE = 2 << 20
"""What a device's memory is given out in."""


class Arena:
    """The addresses of a device's memory, in pages of 2 MiB: more of them than the device has, since they get into
    pieces. The kernel gives them memory when it is written. Where a process may not have so many addresses, some are
    reserved when they are needed."""

    SPARE = (4, 2, 1)
    """How many times the device's memory is reserved."""

    def __init__(self, space: Space, profile: Profile) -> None:
        self.space = space
        self.kind = PRIVATE | (DROPS if profile.backing == "discard" else 0)
        self._size = -(-profile.memory // PAGE) * PAGE
        self._next = self._end = 0
        """What has not been given out so far."""
        self.free: dict[int, list[int]] = {}
        """Addresses of free pieces, by size. C takes them and gives them back, too."""
        self._empty_now = space.empty_now
        self._regions: set[int] = set()
        """Where regions begin: a piece lies in one of them."""

    def take(self, size: int) -> int:
        """Addresses for that many bytes, a multiple of 2 MiB; refuses where there are none."""
        pieces = self.free.get(size)
        if pieces:
            return pieces.pop()
        if self._end - self._next < size and not self._join(size):
            self._reserve(size)
        address = self._next
        self._next += size
        return address

    def give(self, address: int, size: int) -> None:
        """Gives them back, and the memory that is there."""
        if self._empty_now(address, size):
            self.space.empty(address, size)
        pieces = self.free.get(size)
        if pieces is None:
            self.free[size] = [address]
        else:
            pieces.append(address)

    def _reserve(self, size: int) -> None:
        """Goes on in new addresses; what is left of the old ones is a free piece."""
        lengths = [size] if self._end else [*(times * self._size for times in self.SPARE), size]
        for length in lengths:
            try:
                address = self.space.reserve(length, self.kind, PAGE)
            except Refused:
                if length == size:
                    raise
                continue
            if self._end > self._next:
                self.free.setdefault(self._end - self._next, []).append(self._next)
            self._next, self._end = address, address + length
            self._regions.add(address)
            return

    def _join(self, size: int) -> bool:
        """Joins free pieces that lie side by side, and goes on in one that is large enough, if there is one."""
        pieces = [(address, length) for length, found in self.free.items() for address in found]
        if self._next < self._end:
            pieces.append((self._next, self._end - self._next))
        joined: list[list[int]] = []
        for address, length in sorted(pieces):
            if joined and sum(joined[-1]) == address and address not in self._regions:
                joined[-1][1] += length
            else:
                joined.append([address, length])
        chosen = next((piece for piece in joined if piece[1] >= size), None)
        self.free.clear()
        for piece in joined:
            if piece is not chosen:
                self.free.setdefault(piece[1], []).append(piece[0])
        self._next, self._end = (chosen[0], sum(chosen)) if chosen else (self._end, self._end)
        return chosen is not None
