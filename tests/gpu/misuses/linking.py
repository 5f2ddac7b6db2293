"""The linker: what it takes, what comes out, and how often."""

from __future__ import annotations

import ctypes
import os
import tempfile

from misuses.kernels import KERNELS
from misuses.modules import created
from misuses.session import Session, address, case, number, numbers, out, words

CUBIN, PTX, FATBINARY, OBJECT, LIBRARY, NVVM = range(6)
"""CU_JIT_INPUT_…"""
WALL_TIME, INFO_LOG, INFO_LOG_SIZE, ERROR_LOG, ERROR_LOG_SIZE, FROM_CONTEXT, TARGET = 2, 3, 4, 5, 6, 8, 9
"""CU_JIT_…"""


def add(s: Session, state: int, kernels: str, *options: object) -> None:
    text = KERNELS[kernels]
    s.ask("cuLinkAddData_v2", state, PTX, text, len(text), b"name", *(options or (0, None, None)))


def complete(s: Session, state: int) -> tuple[int, int]:
    """Address and size of what comes out."""
    image, size = out(), words(0)
    s.ask("cuLinkComplete", state, image, size)
    s.say("image", number(image) != 0)
    s.say("size", size[0] > 0)
    return number(image), size[0]


def linked(s: Session, *names: str) -> tuple[int, int, int]:
    """The state, and what came out."""
    state = created(s)
    for name in names:
        add(s, state, name)
    return state, *complete(s, state)


@case("link.resolved")
def resolved(s: Session) -> None:
    """A kernel calls a function of another text."""
    state, image, _ = linked(s, "unresolved", "elsewhere")
    module = s.ask_made("cuModuleLoadData", image)
    s.ask("cuLinkDestroy", state)
    for name in (b"calls", b"other", b"elsewhere", b"called"):
        s.ask("cuModuleGetFunction", out(), module, name)
    place, size = out(), words(0)
    s.ask("cuModuleGetGlobal_v2", place, size, module, b"called")
    s.say("size", size[0])
    s.ask("cuLaunchKernel", s.make("cuModuleGetFunction", module, b"calls"), 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    s.ask("cuCtxSynchronize")
    s.ask("cuModuleUnload", module)


@case("link.output", alone=True)
def output(s: Session) -> None:
    """What comes out is a cubin, which is loaded in other ways, and linked again."""
    state, image, size = linked(s, "common")
    copied = out(size)
    ctypes.memmove(copied, image, size)
    s.say("elf", bytes(copied[:4]) == b"\x7fELF")
    again = created(s)
    s.ask("cuLinkAddData_v2", again, CUBIN, image, size, b"name", 0, None, None)
    s.ask("cuLinkAddData_v2", again, CUBIN, image, size // 2, b"name", 0, None, None)
    s.ask("cuLinkAddData_v2", again, FATBINARY, image, size, b"name", 0, None, None)
    s.ask("cuLinkAddData_v2", again, OBJECT, image, size, b"name", 0, None, None)
    s.ask("cuLinkAddData_v2", again, PTX, image, size, b"name", 0, None, None)
    s.ask("cuLinkDestroy", again)
    s.ask("cuLinkDestroy", state)
    module = s.ask_made("cuModuleLoadData", copied)
    count = numbers(0)
    s.ask("cuModuleGetFunctionCount", count, module)
    s.say("count", count[0])
    for attribute in (0, 1, 2, 3, 5, 6):
        s.ask_value("cuFuncGetAttribute", attribute, s.make("cuModuleGetFunction", module, b"static_40k"))
    s.ask("cuModuleUnload", module)
    library = s.ask_made("cuLibraryLoadData", copied, None, None, 0, None, None, 0)
    s.ask("cuLibraryGetKernel", out(), library, b"empty")
    s.ask("cuLibraryUnload", library)


@case("link.relocatable")
def relocatable(s: Session) -> None:
    """The same text twice, and one that is linked already."""
    state, image, size = linked(s, "common")
    again = created(s)
    s.ask("cuLinkAddData_v2", again, CUBIN, image, size, None, 0, None, None)
    add(s, again, "elsewhere")
    complete(s, again)
    s.ask("cuLinkDestroy", again)
    s.ask("cuLinkDestroy", state)


@case("link.completed", alone=True)
def completed(s: Session) -> None:
    state, image, _ = linked(s, "elsewhere")
    again, _ = complete(s, state)
    s.say("same", again == image)
    add(s, state, "unresolved")
    complete(s, state)
    s.ask("cuModuleLoadData", out(), image)
    s.ask("cuLinkDestroy", state)


@case("link.failed", alone=True)
def failed(s: Session) -> None:
    """After an error."""
    state = created(s)
    add(s, state, "syntax_error")
    add(s, state, "elsewhere")
    complete(s, state)
    s.ask("cuLinkDestroy", state)
    state = created(s)
    add(s, state, "unresolved")
    complete(s, state)
    add(s, state, "elsewhere")
    complete(s, state)
    s.ask("cuLinkDestroy", state)


@case("link.destroyed", alone=True)
def destroyed(s: Session) -> None:
    state = created(s)
    s.must("cuLinkDestroy", state)
    s.ask("cuLinkComplete", state, out(), out())
    add(s, state, "common")
    s.ask("cuLinkDestroy", state)


@case("link.null_outputs", alone=True)
def null_outputs(s: Session) -> None:
    state = created(s)
    add(s, state, "elsewhere")
    s.ask("cuLinkComplete", state, out(), None)
    s.ask("cuLinkDestroy", state)
    s.ask("cuLinkAddData_v2", 0, PTX, KERNELS["common"], len(KERNELS["common"]), b"name", 0, None, None)
    s.ask("cuLinkAddFile_v2", 0, PTX, b"/nonexistent", 0, None, None)
    s.ask("cuLinkCreate_v2", 0, None, None, None)


@case("link.versions")
def versions(s: Session) -> None:
    """Text that is refused, and its log."""
    for kernels in ("newer", "unknown_target", "newer_target", "clusters"):
        log, info = out(512), out(512)
        values = words(address(log), 512, address(info), 512)
        made = out()
        s.ask("cuLinkCreate_v2", 4, numbers(ERROR_LOG, ERROR_LOG_SIZE, INFO_LOG, INFO_LOG_SIZE), values, made)
        add(s, number(made), kernels)
        s.say("errors", bytes(log).strip(b"\0") != b"")
        s.say("info", bytes(info).strip(b"\0") != b"")
        s.say("size", values[1] > 0)
        s.ask("cuLinkDestroy", number(made))


@case("link.options", alone=True)
def options(s: Session) -> None:
    for option, value in ((0, 32), (1, 128), (4, 4), (FROM_CONTEXT, 0), (7, 4), (7, 5), (11, 1), (36, 0), (-1, 0)):
        made = s.ask_made_last("cuLinkCreate_v2", 1, numbers(option & 0xFFFFFFFF), words(value))
        if made:
            s.must("cuLinkDestroy", made)
    for option in (0, 1, WALL_TIME, INFO_LOG, ERROR_LOG, 7, FROM_CONTEXT, TARGET, 99):
        state = created(s)
        add(s, state, "elsewhere", 1, numbers(option), words(64 if option in (0, 1) else 0))
        s.must("cuLinkDestroy", state)


@case("link.files")
def files(s: Session) -> None:
    state = created(s)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernels")
        for content in (KERNELS["common"], KERNELS["elsewhere"][:-1], b"", b"no image", b"!<arch>\n", b"BC\xc0\xde"):
            with open(path, "wb") as file:
                file.write(content)
            for kind in range(7):
                s.ask("cuLinkAddFile_v2", state, kind, path.encode(), 0, None, None)
        s.ask("cuLinkAddFile_v2", state, PTX, folder.encode(), 0, None, None)
    s.ask("cuLinkAddFile_v2", state, PTX, b"", 0, None, None)
    s.ask("cuLinkDestroy", state)


@case("link.data", alone=True)
def data(s: Session) -> None:
    """Sizes of text, and what is given as something else."""
    state, text = created(s), KERNELS["elsewhere"]
    for size in (1, len(text) // 2, len(text) - 1, len(text)):
        s.ask("cuLinkAddData_v2", state, PTX, text, size, None, 0, None, None)
    for kind in (CUBIN, FATBINARY, OBJECT, LIBRARY, NVVM):
        s.ask("cuLinkAddData_v2", state, kind, text, len(text), None, 0, None, None)
    s.ask("cuLinkAddData_v2", state, LIBRARY, b"!<arch>\n", 8, None, 0, None, None)
    s.ask("cuLinkAddData_v2", state, OBJECT, b"\x7fELF" + bytes(60), 64, None, 0, None, None)
    s.ask("cuLinkDestroy", state)
