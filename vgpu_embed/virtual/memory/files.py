"""Memory of this process in a file, from the start: physical memory and pools that other processes can be given."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.locations import LOCATION_HOST, is_node
from vgpu_embed.virtual.memory.arena import PAGE, Arena
from vgpu_embed.virtual.memory.space import DROPS, MANAGED, PRIVATE
from vgpu_embed.virtual.peers import HOST
from vgpu_embed.virtual.sharing import made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.sharing import File

INVALID_VALUE, OUT_OF_MEMORY = 1, 2
"""CUDA_ERROR_…."""


def host_of(location: Any) -> int:
    """HOST, for a CUmemLocation of the host or of a node that it has; refuses others."""
    if location.type == LOCATION_HOST or is_node(location):
        return HOST
    raise Refused(INVALID_VALUE)


def number_of(machine: Machine, device: int) -> int:
    """What the machine counts a device as; the host is the same everywhere."""
    return device if device == HOST else machine.number(device)


def ordinal_of(machine: Machine, number: int, refusal: int) -> int:
    """The device that the machine counts so; refuses one that is not visible here with that result."""
    if number == HOST:
        return HOST
    device = next((n for n in range(len(machine.visible)) if machine.number(n) == number), None)
    if device is None:
        raise Refused(refusal)
    return device


def drops(machine: Machine, device: int) -> int:
    """DROPS for a device whose bytes are forgotten."""
    return DROPS if device != HOST and machine.visible[device].backing == "discard" else 0


def adopted(machine: Machine, file: File, size: int, kind: int) -> int:
    """The address of a new region of a file of this process; refuses where the kernel has no addresses."""
    address = int(machine.space.lib.space_adopt(machine.space.handle, file.descriptor, 0, size, PAGE, kind))
    if not address:
        raise Refused(OUT_OF_MEMORY)
    return address


class HostArena(Arena):
    """The addresses of a pool of the host's memory, or of managed memory, which the program uses too."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.space, machine.visible[0])
        self.kind = MANAGED


class FileArena(Arena):
    """The addresses of a pool that lies in a file.

    Attributes:
        file: where it lies.
        base: the address of its first byte.
    """

    def __init__(self, machine: Machine, device: int, size: int, kind: int) -> None:
        super().__init__(machine.space, machine.visible[max(device, 0)])
        size = -(-size // PAGE) * PAGE
        self.file = made(machine, kind, number_of(machine, device), size)
        self.file.count()
        self.base = adopted(machine, self.file, size, PRIVATE | drops(machine, device))
        self._next, self._end = self.base, self.base + size
        self._machine = machine
        self._is_open = True

    def give(self, address: int, size: int) -> None:
        """See `Arena.give`: what others reach is not given out again before they have left it."""
        self._machine.sharing.kept(self.file, address - self.base, size, lambda: self._left(address, size))

    def _left(self, address: int, size: int) -> None:
        if self._is_open:
            super().give(address, size)

    def close(self) -> None:
        """Nothing of it is used any more."""
        self._is_open = False
        self.space.lib.space_return(self.space.handle, self.base)

    def _reserve(self, size: int) -> None:
        """It has the addresses that it has."""
        raise Refused(OUT_OF_MEMORY)
