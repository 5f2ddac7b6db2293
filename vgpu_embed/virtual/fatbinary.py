"""What of a fatbinary a virtual GPU loads: one program for several architectures, as PTX and as cubins.

Compressed entries are Zstandard frames (CUDA 13, and 12.8 with `-compress-mode`) or LZ4 blocks (before), which the
system's libzstd.so.1 and liblz4.so.1 read: Python has the first from 3.14 on, and the other not at all.
"""

from __future__ import annotations

from struct import Struct

import _cffi_backend

from vgpu_embed.inspect.fatbinary import CUBIN, LZ4, PTX, ZSTD, Code, Damaged, entries
from vgpu_embed.virtual.image import Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

backend: Any = _cffi_backend

WRAPPER_MAGIC = 0x466243B1
WRAPPER = Struct("<IIQQ")
"""`__fatBinC_Wrapper_t`: magic, version, where the fatbinary is, a file name."""


class Missing(Exception):
    """A library that a compressed entry is read with is not installed; the text names it."""


class Part:
    """One entry: PTX, or a cubin."""

    __slots__ = ("_flags", "_packed", "_size", "code")

    def __init__(self, code: Code, packed: memoryview, flags: int = 0, size: int = 0) -> None:
        self.code = code
        self._flags = flags
        self._packed = packed
        self._size = size

    def content(self) -> bytes:
        """The PTX or the cubin. Raises Unreadable, or Missing."""
        packed = bytes(self._packed)
        if self._flags & ZSTD:
            return libraries.zstd(packed, self._size)
        return libraries.lz4(packed, self._size) if self._flags & LZ4 else packed


def parts(data: memoryview) -> list[Part]:
    """The entries of a fatbinary. Raises Unreadable."""
    try:
        return [
            Part(code, data[start : start + stored], flags, size)
            for code, flags, start, stored, size in entries(data, 0, len(data))
        ]
    except Damaged as why:
        raise Unreadable(str(why)) from None


def chosen(found: Iterable[Part], capability: int) -> Part | None:
    """What a driver loads on a device of a compute capability (90): the best cubin, else the newest PTX."""
    fitting = [part for part in found if part.code.runs_on(capability)]
    cubins = [part for part in fitting if part.code.kind == CUBIN]
    texts = [part for part in fitting if part.code.kind == PTX]
    return max(cubins or texts, key=lambda part: part.code.architecture, default=None)


class _Libraries:
    """The system's decompressors. They have to be opened where the loader may be used: at the start, not in a hook."""

    def __init__(self) -> None:
        void, number = backend.new_pointer_type(backend.new_void_type()), backend.new_primitive_type("size_t")
        integer = backend.new_primitive_type("int")
        self._bytes = backend.new_array_type(backend.new_pointer_type(backend.new_primitive_type("char")), None)
        self._opened: list[Any] = []
        self._zstd = self._function("libzstd.so.1", "ZSTD_decompress", number, void, number, void, number)
        self._lz4 = self._function("liblz4.so.1", "LZ4_decompress_safe", integer, void, void, integer, integer)

    def _function(self, library: str, name: str, result: Any, *parameters: Any) -> Any:
        """A function of a library, or None where the library is not installed."""
        try:
            self._opened.append(backend.load_library(library, 0))  # it is closed with its object
            return self._opened[-1].load_function(backend.new_function_type(parameters, result, False), name)
        except (OSError, AttributeError):
            return None

    def zstd(self, packed: bytes, size: int) -> bytes:
        """A Zstandard frame's content. Raises Unreadable, or Missing."""
        return self._run("libzstd.so.1", self._zstd, size, lambda to: self._zstd(to, size, packed, len(packed)))

    def lz4(self, packed: bytes, size: int) -> bytes:
        """An LZ4 block's content. Raises Unreadable, or Missing."""
        return self._run("liblz4.so.1", self._lz4, size, lambda to: self._lz4(packed, to, len(packed), size))

    def _run(self, library: str, function: Any, size: int, run: Callable[[Any], int]) -> bytes:
        if function is None:
            raise Missing(f"it is compressed, and {library}, which would decompress it, is not installed")
        to = backend.newp(self._bytes, size)
        if run(to) != size:
            raise Unreadable("it is compressed, and damaged")
        return bytes(backend.buffer(to, size))


libraries = _Libraries()
