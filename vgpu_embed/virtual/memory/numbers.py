"""Memory that is numbers only: for `vgpu_embed.testing` where the package has not been built.

The functions of memory.cdef, as far as allocation needs them. What would read or write bytes is not supported.
"""

from __future__ import annotations

from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INVALID_VALUE, NOT_SUPPORTED = 1, 801
"""CUDA_ERROR_… of cuda.h."""
FIRST_ADDRESS = 0x7F00_0000_0000
APART = 1 << 40


class Numbers:
    """Stands where C's functions would."""

    is_python = True

    def __init__(self, ffi: Any) -> None:
        self._space = ffi.new("char *")
        self._sizes: dict[int, int] = {}
        self._addresses = count(FIRST_ADDRESS, -APART)
        self.space_copy = self.space_copy_box = self.space_fill = self.space_commit = self.space_check = refused
        self.space_map = self.space_unmap = self.space_return = self.space_set_access = done
        self.space_share = refused
        self.space_empty = self.space_try_empty = done

    def space_new(self) -> Any:
        """One for all."""
        return self._space

    def space_delete(self, space: Any) -> None:
        """It holds nothing."""

    def space_reserve(self, space: Any, size: int, alignment: int, hint: int, kind: int) -> int:
        """Addresses that nothing else has."""
        return next(self._addresses)

    def space_file(self, size: int) -> int:
        """There are no bytes that could be in one."""
        return -1

    def space_insert(self, space: Any, base: int, size: int, backing: int, access: int) -> int:
        """Keeps a range."""
        if any(base < one + length and one < base + size for one, length in self._sizes.items()):
            return INVALID_VALUE
        self._sizes[base] = size
        return 0

    def space_remove(self, space: Any, base: int) -> int:
        """Forgets a range."""
        return 0 if self._sizes.pop(base, None) else INVALID_VALUE

    space_try_remove = space_remove

    def space_find(self, space: Any, address: int, size: Any) -> int:
        """The range that an address lies in."""
        return next((one for one, length in self._sizes.items() if one <= address < one + length), 0)

    def space_is_mapped(self, address: int, size: int) -> int:
        """Whatever a program registers is taken to be there."""
        return 1


def refused(*arguments: Any) -> int:
    """What would need bytes."""
    return NOT_SUPPORTED


def done(*arguments: Any) -> int:
    """What numbers need not do."""
    return 0
