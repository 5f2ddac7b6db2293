"""What the virtual machine needs of the process that it is in, where nothing is preloaded: `vgpu_embed.testing`.

`vgpu_embed.embed.host` is the other one.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Bell:
    """Wakes threads that wait until something has changed."""

    def __init__(self) -> None:
        from threading import Condition

        self._changed = Condition()
        self._rung = 0

    @property
    def rung(self) -> int:
        """A number that is another one after it has rung."""
        return self._rung

    def ring(self) -> None:
        """Something has changed."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float | None = None) -> None:
        """Returns once it has rung since `rung` was `seen`, or when the time is over, or a little early."""
        with self._changed:
            if self._rung == seen:
                self._changed.wait(seconds)


LIBRARY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "libvgpu-memory.so")
_memory: list[Any] = []


class Host:
    """Threads, calls of the program's functions, and memory."""

    def memory(self) -> tuple[Any, Any]:
        """cffi's types and the functions of memory.cdef: those of a library that holds nothing else, if it is built."""
        if not _memory:
            from cffi import FFI

            ffi = FFI()
            with open(os.path.join(os.path.dirname(__file__), "memory.cdef"), encoding="utf-8") as file:
                ffi.cdef(file.read())
            _memory[:] = [ffi, ffi.dlopen(LIBRARY) if os.path.exists(LIBRARY) else None]
        ffi, lib = _memory
        if lib is None:
            from vgpu_embed.virtual.memory.numbers import Numbers

            lib = Numbers(ffi)
        return ffi, lib

    def bell(self) -> Bell:
        """A new one."""
        return Bell()

    def start(self, work: Callable[[], None]) -> None:
        """Does this work on a thread of its own, which does not keep the program from ending."""
        from threading import Thread

        Thread(target=work, daemon=True).start()

    def call(self, function: int, *arguments: int) -> int:
        """Calls a function of the program's by its address, with pointers or numbers; what it returns, as 64 bits."""
        from cffi import FFI

        kind = f"uintptr_t (*)({', '.join(['uintptr_t'] * len(arguments))})"
        return int(FFI().cast(kind, function)(*arguments))
