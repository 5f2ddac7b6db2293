"""The addresses of a device's memory."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.memory.space import DROPS, OUT_OF_MEMORY, PRIVATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.memory.space import Space

PAGE = 2 << 20
"""What a device's memory is given out in."""


class Arena:
    """The addresses of a device's memory, in pages of 2 MiB: more of them than the device has, since they get into
    pieces. The kernel gives them memory when it is written."""

    SPARE = (4, 2, 1)
    """How many times the device's memory is reserved, if the process may have so many addresses."""

    def __init__(self, space: Space, profile: Profile) -> None:
        self.space = space
        self.kind = PRIVATE | (DROPS if profile.backing == "discard" else 0)
        self._size = -(-profile.memory // PAGE) * PAGE
        self._next = self._end = 0
        self._free: dict[int, list[int]] = {}
        """Addresses of free pieces, by size."""

    def take(self, size: int) -> int:
        """Addresses for that many bytes, a multiple of 2 MiB; refuses where there are none."""
        pieces = self._free.get(size)
        if pieces:
            return pieces.pop()
        if self._end - self._next < size and not self._make_room(size):
            raise Refused(OUT_OF_MEMORY)
        address = self._next
        self._next += size
        return address

    def give(self, address: int, size: int) -> None:
        """Gives them back, and the memory that is there."""
        self.space.lib.space_empty(self.space.handle, address, size)
        pieces = self._free.get(size)
        if pieces is None:
            self._free[size] = [address]
        else:
            pieces.append(address)

    def _make_room(self, size: int) -> bool:
        """Reserves the addresses at first use, and later looks for a piece that is large enough."""
        if not self._end:
            for times in self.SPARE:
                try:
                    self._next = self.space.reserve(times * self._size, self.kind, PAGE)
                except Refused:
                    continue
                self._end = self._next + times * self._size
                return size <= times * self._size
        return bool(self._end) and self._join(size)

    def _join(self, size: int) -> bool:
        """Joins free pieces that lie side by side, and goes on in the first that is large enough."""
        pieces = sorted((address, length) for length, found in self._free.items() for address in found)
        if self._next < self._end:
            pieces.append((self._next, self._end - self._next))
        joined: list[list[int]] = []
        for address, length in pieces:
            if joined and sum(joined[-1]) == address:
                joined[-1][1] += length
            else:
                joined.append([address, length])
        chosen = next((piece for piece in joined if piece[1] >= size), None)
        self._free = {}
        self._next = self._end = self._next or self._end
        for address, length in joined:
            if chosen and address == chosen[0]:
                self._next, self._end = address, address + length
            else:
                self._free.setdefault(length, []).append(address)
        return chosen is not None
