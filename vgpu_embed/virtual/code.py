"""What programs give to be loaded: PTX, cubins and fatbinaries, in their memory or in files."""

from __future__ import annotations

import _cffi_backend

from vgpu_embed.inspect.fatbinary import CUBIN, HEADER, MAGIC, PTX, size_of
from vgpu_embed.virtual import cubin, fatbinary
from vgpu_embed.virtual.answers import Refused
from vgpu_embed.virtual.fatbinary import Part
from vgpu_embed.virtual.image import Image, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.memory.heap import Allocation

backend: Any = _cffi_backend

INVALID_IMAGE, NO_BINARY_FOR_GPU, INVALID_PTX, UNSUPPORTED_PTX_VERSION = 200, 209, 218, 222
"""CUDA_ERROR_… of cuda.h."""
NEWEST_PTX = 9
"""The major version of PTX that the compiler of CUDA 13's drivers knows."""

LONGEST_TEXT = 1 << 30
"""Bytes that PTX, which ends with a zero, is looked for in."""

_characters = backend.new_pointer_type(backend.new_primitive_type("char"))


def memory(address: int, size: int) -> memoryview:
    """Memory of the program's."""
    return memoryview(backend.buffer(backend.cast(_characters, address), size))


def _text(address: int) -> bytes:
    return bytes(backend.string(backend.cast(_characters, address), LONGEST_TEXT))


class NotCompiled(Refused):
    """PTX that the driver's compiler refuses.

    log  what it says of it
    """

    def __init__(self, result: int, log: str) -> None:
        super().__init__(result)
        self.log = b"ptxas fatal   : " + log.encode()


class Code:
    """What was given: parts, one of which is loaded on a device. Read when that is first needed.

    parts   PTX and cubins
    reason  why what was loaded could not be read, "" if it could
    """

    def __init__(self, parts: list[Part], in_fatbinary: bool) -> None:
        self.parts = parts
        self.reason = ""
        self.managed: dict[str, Allocation] = {}
        """Its managed variables, which are the same in all contexts."""
        self._in_fatbinary = in_fatbinary
        self._images: dict[int, Image] = {}

    def image(self, capability: int) -> Image:
        """What is loaded on a device of this compute capability, 90 for 9.0.

        Where the system lacks what would decompress it, an image that says nothing; `reason` says why. Raises Refused.
        """
        found = self._images.get(capability)
        if found is None:
            found = self._images[capability] = self._read(capability)
        return found

    def _read(self, capability: int) -> Image:
        try:
            part = fatbinary.chosen(self.parts, capability)
            if part is None:
                if not self._in_fatbinary and self.parts[0].code.kind == PTX:
                    check(self.parts[0].content(), capability)
                raise Refused(NO_BINARY_FOR_GPU)
            content = part.content()
            if part.code.kind == CUBIN:
                return cubin.read(content)
            check(content, capability)
            from vgpu_embed.virtual import ptx

            missing = sorted(ptx.linkage(content).wanted) if ptx.EXTERN in content else []
            if missing:
                raise NotCompiled(INVALID_PTX, f"Unresolved extern function '{missing[0]}'")
            image = ptx.read(content)
            image.architecture = capability
            return image
        except fatbinary.Missing as why:
            self.reason = str(why)
            return Image(capability, capability)
        except Unreadable:
            raise Refused(INVALID_IMAGE) from None


def check(text: bytes, capability: int) -> None:
    """Refuses PTX that the driver's compiler refuses."""
    from vgpu_embed.virtual import ptx

    if ptx.version_of(text) > NEWEST_PTX:
        raise NotCompiled(UNSUPPORTED_PTX_VERSION, "this version of PTX is newer than the driver")
    target = ptx.target_of(text)
    if not target.architecture or not target.runs_on(capability):
        raise NotCompiled(INVALID_PTX, "this PTX is not for this device")


def at(address: int, is_preserved: bool = False) -> Code:
    """The code at an address of the program's. It is copied unless it is `preserved`: the program keeps it there.

    Raises Refused with CUDA_ERROR_INVALID_IMAGE for what is none.
    """
    magic = int.from_bytes(memory(address, 4), "little")
    if magic == fatbinary.WRAPPER_MAGIC:
        address = fatbinary.WRAPPER.unpack(memory(address, fatbinary.WRAPPER.size))[2]
        magic = int.from_bytes(memory(address, 4), "little")
    if magic == MAGIC:
        data = memory(address, size_of(memory(address, HEADER.size)))
    elif cubin.is_cubin(memory(address, 4)):
        data = memory(address, cubin.size_of(memory(address, 64)))
    else:
        return of(memoryview(_text(address)))
    return of(data if is_preserved else memoryview(bytes(data)))


def of(data: memoryview) -> Code:
    """The code that bytes are. Raises Refused."""
    try:
        if cubin.is_cubin(data[:4]):
            return Code([Part(cubin.code_of(bytes(data)), data)], False)
        if int.from_bytes(data[:4], "little") == MAGIC:
            return Code(fatbinary.parts(data), True)
    except Unreadable:
        raise Refused(INVALID_IMAGE) from None
    from vgpu_embed.virtual import ptx

    text = bytes(data)
    if not ptx.is_ptx(text):
        raise Refused(INVALID_IMAGE)
    return Code([Part(ptx.target_of(text), data)], False)
