"""The machine's memory as addresses of this process: what C does (csrc/memory.c), and what it is granted."""

from __future__ import annotations

from functools import partial

from vgpu_embed._frames import Short
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.memory import room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

INVALID_VALUE, OUT_OF_MEMORY = 1, 2
"""CUDA_ERROR_… of cuda.h."""

ADDRESSES, PRIVATE, SHARED, MANAGED, HOST = range(5)
DROPS = 8
"""SPACE_… of memory.cdef: what a region's pages are."""
READ: int = 1
WRITE: int = 2
READ_WRITE: int = READ | WRITE
"""What may be done with a range."""
TARGET_ANY, SOURCE_ANY = 1, 2
"""Which side of a copy may be memory that the space does not know."""
TAKES_LONG, WANTS_ROOM = 0x7FFFFFFE, 0x7FFFFFFF
"""SPACE_… of memory.cdef: what its functions say that is no CUresult."""

SHORT = 16 << 10
"""Bytes that are copied within moments: C keeps its lock meanwhile, too."""
GRANT = 64 << 20
"""Bytes that may be written before the host is looked at again, or a sixteenth of what it has if that is less."""
ATTEMPTS = range(16)


class Space:
    """What is valid where."""

    def __init__(self, ffi: Any, lib: Any) -> None:
        self.ffi = ffi
        self.lib = lib
        self.handle = ffi.gc(lib.space_new(), lib.space_delete)
        """What C's functions take first."""
        self.insert_now = self._short("insert")
        self.remove_now = self._short("try_remove")
        self._copy_now = self._short("copy")
        self.empty_now = self._short("try_empty")
        self._find_now = self._short("find", 8)

    def _short(self, name: str, size: int = 4) -> Callable[..., int]:
        """One of C's functions that take moments, and whose result has that many bytes."""
        if getattr(self.lib, "is_python", False):
            return partial(getattr(self.lib, f"space_{name}"), self.handle)
        address = self.ffi.cast("uintptr_t", self.ffi.addressof(self.lib, f"space_{name}"))
        return Short(int(address), size, int(self.ffi.cast("uintptr_t", self.handle)))

    def reserve(self, size: int, kind: int, alignment: int = 0, hint: int = 0) -> int:
        """The address of a new region; refuses where the kernel has no addresses."""
        address: int = self.lib.space_reserve(self.handle, size, alignment, hint, kind)
        if not address:
            raise Refused(OUT_OF_MEMORY)
        return address

    def insert(self, address: int, size: int, backing: int, access: int = READ_WRITE) -> None:
        """Makes addresses valid, whose bytes are at `backing` in a region; refuses where others are."""
        if result := self.insert_now(address, size, backing, access):
            raise Refused(result)

    def remove(self, address: int) -> None:
        """Makes them invalid, once nobody copies there any more."""
        if self.remove_now(address) == TAKES_LONG:
            self.lib.space_remove(self.handle, address)

    def empty(self, address: int, size: int) -> None:
        """Gives the pages of addresses back: they are zero again."""
        self.lib.space_empty(self.handle, address, size)

    def base(self, address: int) -> int:
        """Where the range begins that an address lies in; 0 if there is none."""
        return self._find_now(address, 0)

    def copy(self, target: int, source: int, size: int, roles: int) -> None:
        """Copies bytes; refuses addresses that are not valid, and what the host has no memory for."""
        if size <= SHORT:
            result = self._copy_now(target, source, size, roles)
        else:
            result = self.lib.space_copy(self.handle, target, source, size, roles)
        if result:
            self._again(result, ((target, size, WRITE), (source, size, READ)), "copy", target, source, size, roles)

    def copy_box(self, box: Any, roles: int) -> None:
        """Copies a `struct vgpu_box`; refuses as `copy` does."""
        if result := self.lib.space_copy_box(self.handle, box, roles):
            ends = ((box.height - 1) * box.target_pitch, (box.height - 1) * box.source_pitch)
            target_size = box.width + ends[0] + (box.depth - 1) * box.target_slice
            source_size = box.width + ends[1] + (box.depth - 1) * box.source_slice
            self._again(
                result, ((box.target, target_size, WRITE), (box.source, source_size, READ)), "copy_box", box, roles
            )

    def fill(self, target: int, pitch: int, value: int, element: int, width: int, height: int) -> None:
        """Sets `height` rows of `width` elements of that many bytes; refuses as `copy` does."""
        if result := self.lib.space_fill(self.handle, target, pitch, value, element, width, height):
            sides = ((target, (height - 1) * pitch + width * element, WRITE),)
            self._again(result, sides, "fill", target, pitch, value, element, width, height)

    def commit(self, address: int, size: int) -> None:
        """Makes the pages of device memory that somebody is about to write by himself; refuses as `copy` does."""
        if result := self.lib.space_commit(self.handle, address, size):
            self._again(result, ((address, size, WRITE),), "commit", address, size)

    def check(self, address: int, size: int, access: int, foreign: bool = False) -> None:
        """Refuses addresses that are not valid for an access, unless they are `foreign` and may be."""
        if result := self.lib.space_check(self.handle, address, size, access, foreign):
            raise Refused(result)

    def _again(self, result: int, sides: tuple[tuple[int, int, int], ...], deed: str, *arguments: Any) -> None:
        """Does again what has lacked a grant. Other threads use up grants too, so that one may not be enough."""
        function = getattr(self.lib, f"space_{deed}")
        for _ in ATTEMPTS:
            if result != WANTS_ROOM:
                break
            need = sum(self.lib.space_missing(self.handle, *side) for side in sides)
            left = room.available() - self.lib.space_pending(self.handle)
            if need > left:
                break
            self.lib.space_grant(self.handle, max(need, min(GRANT, left // 16)))
            result = function(self.handle, *arguments)
        if result:
            raise Refused(OUT_OF_MEMORY if result == WANTS_ROOM else result)
