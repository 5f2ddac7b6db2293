"""What the virtual machine needs of the process that it is in, where the library is preloaded.

Threads are made by the program's libc, and whoever waits, or calls a function of the program's, is not in Python
meanwhile.
"""

from __future__ import annotations

from itertools import count

from vgpu_embed import tables
from vgpu_embed._core import ffi, lib
from vgpu_embed.embed import service
from vgpu_embed.virtual import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FOREVER = 0xFFFFFFFFFFFFFFFF
NO_STACK = tables.function("cuLaunchHostFunc").index
"""The slot of a function whose arguments all lie in registers."""


def call_out(function: Any, *arguments: int) -> int:
    """Calls a C function, not in Python, with up to six numbers or pointers; what it returns, as 64 bits."""
    frame = ffi.new("struct vgpu_frame *")
    frame.slot = NO_STACK
    frame.target = function
    for place, argument in enumerate(arguments):
        frame.gp[place] = argument
    return int(lib.host_call(frame))


class Bell(host.Bell):
    """See `host.Bell`."""

    def __init__(self) -> None:
        self._word = ffi.new("uint32_t *")
        self._address = int(ffi.cast("uintptr_t", self._word))

    @property
    def rung(self) -> int:
        """A number that is another one after it has rung."""
        return int(self._word[0])

    def ring(self) -> None:
        """Something has changed."""
        lib.host_ring(self._word)

    def wait(self, seen: int, seconds: float | None = None) -> None:
        """Returns once it has rung since `rung` was `seen`, or when the time is over, or a little early."""
        call_out(lib.host_await(), self._address, seen, FOREVER if seconds is None else int(seconds * 1e9))


_work: dict[int, Callable[[], None]] = {}
_numbers = count(1)


class Host(host.Host):
    """See `host.Host`."""

    def bell(self) -> host.Bell:
        """A new one."""
        return Bell()

    def start(self, work: Callable[[], None]) -> None:
        """Does this work on a thread of its own. Raises OSError where none can be made."""
        number = next(_numbers)
        _work[number] = work
        if problem := lib.host_start_work(number):
            del _work[number]
            raise OSError(problem, "no thread can be made")

    def call(self, function: int, *arguments: int) -> int:
        """Calls a function of the program's by its address, with pointers or numbers; what it returns, as 64 bits."""
        return call_out(ffi.cast("void *", function), *arguments)

    def memory(self) -> tuple[Any, Any]:
        """cffi's types and the functions of memory.cdef, which the core holds."""
        return ffi, lib


@ffi.def_extern(onerror=service.report)
def vgpu_work(number: int) -> None:
    """Does the work of that number: the thread ends with it."""
    _work.pop(number)()
