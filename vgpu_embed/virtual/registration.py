"""What CUDA code in the process has registered of itself: kernels and variables, by addresses of its own."""

from __future__ import annotations

FUNCTION, VARIABLE, MANAGED = range(3)
"""enum vgpu_registered of csrc/vgpu.h."""


class Registration:
    """A kernel or a variable.

    binary   the handle of the fatbinary that it is in
    wrapper  where that is: the address of a `__fatBinC_Wrapper_t`
    kind     FUNCTION, VARIABLE or MANAGED
    host     by what address the program knows it
    name     on the device
    size     of a variable, in bytes
    """

    __slots__ = ("binary", "host", "kind", "name", "size", "wrapper")

    def __init__(self, binary: int, wrapper: int, kind: int, host: int, name: str, size: int) -> None:
        self.binary = binary
        self.wrapper = wrapper
        self.kind = kind
        self.host = host
        self.name = name
        self.size = size


class Registrations:
    """Those of a process where nothing is preloaded: none. `vgpu_embed.embed.registrations` has the other one."""

    def gone(self) -> int:
        """A number that is another one after a fatbinary was taken away, so that addresses may mean something else."""
        return 0

    def find(self, host: int) -> Registration | None:
        """What the program knows by an address."""
        return None

    def of(self, binary: int) -> list[Registration]:
        """All that a fatbinary has."""
        return []


class Loaded:
    """What was made of registrations: numbers of the driver's, by the program's addresses."""

    def __init__(self) -> None:
        self.gone = 0
        self.libraries: dict[int, int] = {}
        """By fatbinary."""
        self.kernels: dict[int, int] = {}
