"""The driver's linker: kernels and variables of several inputs become those of one cubin, which has no machine code.

Inputs are PTX, cubins, fatbinaries, host objects and archives of these; of the last two what counts is the fatbinaries
in them. Names have to be there, and once. Results are those of driver 580.159.04 on an H200
(tests/virtual/data/h200-misuse.json), else those of CUDA's manual.
"""

from __future__ import annotations

from os.path import isdir

import _cffi_backend

from vgpu_embed.inspect.fatbinary import CUBIN as MACHINE_CODE
from vgpu_embed.inspect.fatbinary import HEADER, MAGIC, size_of
from vgpu_embed.virtual import code, cubin, fatbinary, jit, ptx
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.functions import INVALID_HANDLE
from vgpu_embed.virtual.image import Entry, Image, Unreadable
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.modules import capability, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.image import Linkage
    from vgpu_embed.virtual.machine import Machine

OUT_OF_MEMORY, INVALID_SOURCE = 2, 300
UNKNOWN = 999
"""CUDA_ERROR_…; the last is what a driver says where its linker fails."""
CUBIN, PTX, FATBINARY, OBJECT, LIBRARY, NVVM = range(6)
"""CU_JIT_INPUT_…"""
ARCHIVE, MAGIC_BYTES = b"!<arch>\n", MAGIC.to_bytes(4, "little")
"""What an archive and a fatbinary begin with."""
SHORTEST = 16
"""Bytes of an input below which the linker is not asked."""
NOT_FOR_INPUTS = (jit.WALL_TIME, jit.INFO_LOG, jit.ERROR_LOG, jit.FROM_CONTEXT, jit.TARGET)
"""Options that count for all of them together."""
ARCHITECTURE = 0xFFFF
"""The part of a CUjit_target that is the compute capability."""

backend: Any = _cffi_backend
characters: Any = backend.new_array_type(backend.new_pointer_type(backend.new_primitive_type("char")), None)
answers = Answers(ready=initialised)


class Link:
    """What was given to be linked.

    capability  the compute capability that it is for, 90 for 9.0
    """

    def __init__(self, capability: int, options: jit.Options) -> None:
        self.capability = capability
        self.options = options
        self.image = Image(capability, capability)
        self._architectures: set[int] = set()
        self._constant = 0
        self._functions: set[str] = set()
        self._weak: set[str] = set()
        self._wanted: set[str] = set()
        self._error = 0
        """What the linker has refused something with."""
        self._is_complete = False
        self._output: Any = None
        """What the program was given; it stays as long as this."""

    def add(self, kind: int, data: bytes) -> None:
        """Takes an input. Raises Refused.

        Whatever has no device code is no object's business. What the linker itself refuses it goes on to refuse.
        """
        if self._is_complete:
            raise Refused(INVALID_VALUE)
        if kind == OBJECT and (self._error or not (is_cubin(data) or MAGIC_BYTES in data)):
            return
        if kind == LIBRARY and (len(data) <= len(ARCHIVE) or not data.startswith(ARCHIVE)):
            raise Refused(code.INVALID_IMAGE if len(data) <= len(ARCHIVE) else UNKNOWN)
        if kind in (CUBIN, FATBINARY, NVVM) and len(data) < SHORTEST:
            raise Refused(code.INVALID_IMAGE)
        if self._error:
            raise Refused(self._error)
        try:
            for image, linkage in list(self._read(kind, data)):
                self._take(image, linkage)
        except code.NotCompiled:
            raise
        except Refused as refused:
            self._error = refused.result
            raise
        except Unreadable:
            self._error = code.INVALID_IMAGE
            raise Refused(self._error) from None
        except fatbinary.Missing:
            raise Refused(NOT_SUPPORTED) from None

    def _read(self, kind: int, data: bytes) -> Iterator[tuple[Image, Linkage]]:
        if kind == PTX:
            if data[-1] and len(data) > 1:
                raise Refused(INVALID_SOURCE)
            if text := data[:-1].partition(b"\0")[0]:
                yield self._text(text)
        elif kind == CUBIN or (kind == OBJECT and is_cubin(data)):
            yield self._cubin(data)
        elif kind == NVVM or (kind == FATBINARY and not data.startswith(MAGIC_BYTES)):
            raise Refused(code.INVALID_IMAGE)
        else:
            for one in fatbinaries(data):
                yield self._fatbinary(one)

    def _text(self, text: bytes) -> tuple[Image, Linkage]:
        """A function of a text is one of what is linked."""
        code.check(text, self.capability)
        image, linkage = ptx.read(text), ptx.linkage(text)
        for name in linkage.functions:
            image.entries.setdefault(name, Entry(name))
        return image, linkage

    def _cubin(self, data: bytes) -> tuple[Image, Linkage]:
        """One that was linked is not for a linker."""
        if not cubin.code_of(data).runs_on(self.capability) or not cubin.is_relocatable(data):
            raise Refused(code.NO_BINARY_FOR_GPU)
        return cubin.read(data), cubin.linkage(data)

    def _fatbinary(self, data: memoryview) -> tuple[Image, Linkage]:
        part = fatbinary.chosen(fatbinary.parts(data), self.capability)
        if part is None:
            raise Refused(code.NO_BINARY_FOR_GPU)
        return self._cubin(part.content()) if part.code.kind == MACHINE_CODE else self._text(part.content())

    def _take(self, image: Image, linkage: Linkage) -> None:
        own, names = self.image, {*linkage.functions, *image.entries}
        if twice := sorted((names & self._functions) - (linkage.weak & self._weak)):
            self.fail(f"Multiple definition of '{twice[0]}'")
        for entry in image.entries.values():
            own.entries.setdefault(entry.name, entry)
        for variable in image.variables.values():
            own.variables.setdefault(variable.name, variable)
        self._constant += max((entry.constant for entry in image.entries.values()), default=0)
        self._architectures.add(image.virtual_architecture)
        self._functions |= names
        self._weak |= linkage.weak
        self._wanted |= linkage.wanted

    def fail(self, why: str) -> NoReturn:
        """Says why it cannot be linked, nor later."""
        self._error = UNKNOWN
        self.options.log(b"error   : " + why.encode())
        raise Refused(UNKNOWN)

    def complete(self) -> tuple[int, int]:
        """Address and size of the cubin, once. Raises Refused."""
        if self._error or self._is_complete:
            raise Refused(self._error or INVALID_HANDLE)
        self._is_complete = True
        if missing := sorted(self._wanted - self._functions - {*self.image.variables}):
            self.fail(f"Undefined reference to '{missing[0]}'")
        for entry in self.image.entries.values():
            entry.constant = self._constant
        self.image.virtual_architecture = max(self._architectures, default=self.capability)
        written = cubin.write(self.image)
        self._output = backend.newp(characters, written)
        return int(backend.cast(backend.new_primitive_type("uintptr_t"), self._output)), len(written)


def is_cubin(data: bytes) -> bool:
    """Whether it is one, and no host object."""
    return cubin.is_cubin(data) and int.from_bytes(data[18:20], "little") == cubin.MACHINE


def fatbinaries(data: bytes) -> Iterator[memoryview]:
    """Those in an object or an archive. Raises Unreadable for one that does not end in it."""
    place = data.find(MAGIC_BYTES)
    while 0 <= place <= len(data) - HEADER.size:
        end = place + size_of(data[place : place + HEADER.size])
        yield memoryview(data)[place:end]
        place = data.find(MAGIC_BYTES, end)


def link_of(machine: Machine, handle: int) -> Link:
    """What is being linked. Raises Refused."""
    return known(machine.programs.links, handle, INVALID_HANDLE)


def checked_options(call: AnyCall) -> jit.Options:
    """The options of a call: the size of a log wants the log. Raises Refused."""
    options = jit.Options(call)
    given = options.given
    if call.numOptions and (not given or any(number >= jit.NUMBER for number in given)):
        raise Refused(INVALID_VALUE)
    if any(size in given and log not in given for log, size in jit.LOGS):
        raise Refused(INVALID_VALUE)
    return options


@answers("cuLinkCreate", "cuLinkCreate_v2")
def create(machine: Machine, call: AnyCall) -> int:
    context = machine.current()
    if not call.number("stateOut"):
        return INVALID_VALUE
    options = checked_options(call)
    target = options.given.get(jit.TARGET, 0) & ARCHITECTURE
    handle = machine.handle()
    machine.programs.links[handle] = Link(target or capability(context), options)
    return call.reply(stateOut=handle)


@answers("cuLinkAddData", "cuLinkAddData_v2")
def add_data(machine: Machine, call: AnyCall) -> int:
    link, address = link_of(machine, call.number("state")), call.number("data")
    if not address or not call.size:
        return INVALID_VALUE
    return _add(call, link, bytes(code.memory(address, call.size)))


@answers("cuLinkAddFile", "cuLinkAddFile_v2")
def add_file(machine: Machine, call: AnyCall) -> int:
    """A file that is empty is none of any type, and a driver has no memory for a folder."""
    link = link_of(machine, call.number("state"))
    if call.path and isdir(call.path):
        return OUT_OF_MEMORY
    data = read_bytes(call.path)
    return _add(call, link, data + b"\0" if call.number("type") == PTX else data) if data else code.INVALID_IMAGE


def _add(call: AnyCall, link: Link, data: bytes) -> int:
    kind, options = call.number("type"), checked_options(call)
    if kind > NVVM or any(number in NOT_FOR_INPUTS for number in options.given):
        return INVALID_VALUE
    try:
        link.add(kind, data)
    except code.NotCompiled as refused:
        link.options.log(refused.log)
        raise
    return 0


@answers("cuLinkComplete")
def complete(machine: Machine, call: AnyCall) -> int:
    """The size may be left out."""
    link = link_of(machine, call.number("state"))
    if not call.number("cubinOut"):
        return INVALID_VALUE
    address, size = link.complete()
    return call.reply(cubinOut=address, **({"sizeOut": size} if call.number("sizeOut") else {}))


@answers("cuLinkDestroy")
def destroy(machine: Machine, call: AnyCall) -> int:
    link_of(machine, call.number("state"))
    del machine.programs.links[call.number("state")]
    return 0
