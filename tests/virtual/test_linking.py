"""The driver's linker: what it takes, and what the cubin that comes out says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support import TESTS, built

from vgpu_embed import Policy
from vgpu_embed.testing import FakeDriver, ffi
from vgpu_embed.virtual import cubin

INVALID_VALUE, OUT_OF_MEMORY, INVALID_IMAGE, NO_BINARY, INVALID_PTX = 1, 2, 200, 209, 218
INVALID_SOURCE, FILE_NOT_FOUND = 300, 301
INVALID_HANDLE, NOT_FOUND, UNKNOWN = 400, 500, 999
CUBIN, PTX, FATBINARY, OBJECT, LIBRARY, NVVM = range(6)
KINDS = {"cubin": CUBIN, "ptx": PTX, "fatbin": FATBINARY, "o": OBJECT}
CALLS, OTHER = "_Z5callsPi", "_Z5otherPfi"
HEAD = b".version 7.0\n.target sm_70\n.address_size 64\n"


@pytest.fixture(scope="module")
def images() -> Path:
    """The folder of images."""
    return built(TESTS / "cuda")


class Linker:
    """A linker, on an H100 whose kernels policies compute."""

    def __init__(self, *policies: Policy, gpu: str = "h100", options: dict[int, int] | None = None) -> None:
        self.driver = FakeDriver(policies, gpu=gpu)
        self.driver.cuCtxCreate_v2(dev=0)
        given = options or {}
        self.values = ffi.new("void *[]", [ffi.cast("void *", value) for value in given.values()])
        numbers = ffi.new("CUjit_option[]", list(given))
        made = ffi.new("CUlinkState *")
        assert self.result("cuLinkCreate_v2", len(given), numbers, self.values, made) == 0
        self.state = made[0]

    def result(self, function: str, *arguments: Any) -> int:
        return int(self.driver.call(function, *arguments).result)

    def add(self, kind: int, data: bytes, name: str = "cuLinkAddData_v2") -> int:
        """Text with the zero behind it."""
        given = ffi.new("char[]", data)
        return self.result(name, self.state, kind, given, len(data) + (kind == PTX), b"name", 0, None, None)

    def add_file(self, kind: int, path: Path) -> int:
        return self.result("cuLinkAddFile_v2", self.state, kind, str(path).encode(), 0, None, None)

    def complete(self) -> bytes:
        """What comes out."""
        image, size = ffi.new("void **"), ffi.new("size_t *")
        assert self.result("cuLinkComplete", self.state, image, size) == 0
        return bytes(ffi.buffer(image[0], size[0]))

    @property
    def failure(self) -> int:
        return self.result("cuLinkComplete", self.state, ffi.new("void **"), None)

    def load(self, image: bytes) -> Any:
        made = self.driver.cuModuleLoadData(image=ffi.from_buffer(image))
        assert made.result == 0
        return made.module

    def function(self, module: Any, name: str) -> Any:
        return self.driver.cuModuleGetFunction(hmod=module, name=name)


@pytest.mark.parametrize("form", list(KINDS))
def test_two_files_that_need_each_other(images: Path, form: str) -> None:
    linker = Linker()
    assert linker.add(KINDS[form], (images / f"calls.rdc.{form}").read_bytes()) == 0
    assert linker.add_file(KINDS[form], images / f"elsewhere.rdc.{form}") == 0
    module = linker.load(linker.complete())
    assert linker.result("cuLinkDestroy", linker.state) == 0
    function = linker.function(module, OTHER).hfunc
    attributes = [int(linker.driver.cuFuncGetAttribute(attrib=one, hfunc=function).pi) for one in (0, 1, 2, 5, 6)]
    assert attributes == [128, 512, 64, 90, 90]
    assert [int(linker.driver.cuFuncGetParamInfo(func=function, paramIndex=n).paramOffset) for n in (0, 1)] == [0, 8]
    assert linker.function(module, CALLS).result == 0
    assert linker.function(module, "_Z9elsewherei").result == 0  # as on an H200
    assert linker.function(module, "counted").result == NOT_FOUND
    counted = linker.driver.cuModuleGetGlobal_v2(hmod=module, name="counted")
    value = ffi.new("int *")
    assert linker.result("cuMemcpyDtoH_v2", value, counted.dptr, 4) == 0
    assert (int(counted.bytes), value[0]) == (4, 7)


def test_an_archive(images: Path) -> None:
    linker = Linker()
    assert linker.add_file(PTX, images / "calls.rdc.ptx") == 0
    assert linker.add_file(LIBRARY, images / "libelsewhere.a") == 0
    assert linker.add(LIBRARY, b"no archive") == UNKNOWN
    assert {CALLS, OTHER} < {*cubin.read(linker.complete()).entries}


def test_a_body_computes_a_linked_kernel() -> None:
    computes = Policy()

    @computes.kernel("add", parameters="Pi")
    def add(launch: Any, memory: int, number: int) -> None:
        launch.array(memory, "i", 1)[0] += number + launch.array(launch.variable("start")[0], "i", 1)[0]

    linker = Linker(computes)
    entry = (
        HEAD + b".extern .global .s32 start;\n.visible .entry add(.param .u64 p, .param .s32 n) { ld.u32 %r, [start]; }"
    )
    assert linker.add(PTX, entry) == 0
    assert linker.add(PTX, HEAD + b".visible .global .s32 start = 30;\0and what lies behind it") == 0
    function = linker.function(linker.load(linker.complete()), "add").hfunc
    memory = int(linker.driver.cuMemAlloc_v2(bytesize=4).dptr)
    assert linker.result("cuMemsetD32_v2", memory, 1, 1) == 0
    values = ffi.new("uint64_t *", memory), ffi.new("int *", 11)
    pointers = ffi.new("void *[]", list(values))
    assert linker.result("cuLaunchKernel", ffi.cast("CUfunction", function), *[1] * 6, 0, None, pointers, None) == 0
    seen = ffi.new("int *")
    assert linker.result("cuMemcpyDtoH_v2", seen, memory, 4) == 0
    assert seen[0] == 42


def test_what_is_written_says_what_was_read(images: Path) -> None:
    given = (images / "sm_90.cubin").read_bytes()
    written = cubin.write(cubin.read(given))

    def said(data: bytes) -> list[Any]:
        image = cubin.read(data)
        kernels = [[getattr(one, name) for name in one.__slots__] for one in image.entries.values()]
        variables = [[one.name, one.size, one.data.ljust(one.size, b"\0")] for one in image.variables.values()]
        return [image.architecture, image.virtual_architecture, sorted(kernels, key=str), sorted(variables)]

    assert said(written) == said(given)
    assert cubin.size_of(written[:64]) == len(written)
    table: Any = ELFFile(io.BytesIO(written)).get_section_by_name(".symtab")
    assert {one.name for one in table.iter_symbols() if one.name} == {
        *cubin.read(given).entries,
        *cubin.read(given).variables,
    }


def test_what_was_linked_is_not_linked_again(images: Path) -> None:
    linker = Linker()
    assert linker.add_file(CUBIN, images / "elsewhere.rdc.cubin") == 0
    written = linker.complete()
    assert linker.add(PTX, HEAD) == INVALID_VALUE
    assert linker.failure == INVALID_HANDLE
    for image in (written, (images / "sm_90.cubin").read_bytes()):
        again = Linker()
        assert again.add(CUBIN, image) == NO_BINARY
        assert again.add(PTX, HEAD + b".visible .entry more() { ret; }") == again.failure == NO_BINARY


def test_names_that_are_missing_or_there_twice() -> None:
    log = ffi.new("char[]", 200)
    linker = Linker(options={5: int(ffi.cast("uintptr_t", log)), 6: 200})
    calls = HEAD + b".extern .func elsewhere();\n.visible .entry calls() { call elsewhere; }"
    assert linker.add(PTX, calls) == 0
    assert linker.failure == UNKNOWN
    assert ffi.string(log) == b"error   : Undefined reference to 'elsewhere'"
    assert int(ffi.cast("uintptr_t", linker.values[1])) == len(ffi.string(log)) + 1
    assert linker.add(PTX, HEAD + b".visible .func elsewhere() { ret; }") == INVALID_VALUE
    assert linker.failure == UNKNOWN  # it has failed
    twice = Linker()
    weak = HEAD + b".weak .func elsewhere() { ret; }"
    assert twice.add(PTX, weak) == twice.add(PTX, weak) == twice.add(PTX, calls) == 0
    assert twice.add(PTX, calls) == twice.failure == UNKNOWN
    built_in = Linker()
    assert built_in.add(PTX, HEAD + b".extern .func vprintf();\n.visible .entry k() { call vprintf; }") == 0
    assert built_in.failure == 0


def test_a_text_that_uses_what_is_not_there_is_not_loaded_by_itself() -> None:
    log, image = ffi.new("char[]", 200), ffi.new("void **")
    driver = FakeDriver()
    driver.cuCtxCreate_v2(dev=0)
    values = ffi.new("void *[]", [log, ffi.cast("void *", 200)])
    text = HEAD + b".extern .func elsewhere();\n.visible .entry calls() { call elsewhere; }\0"
    given = 2, ffi.new("CUjit_option[]", [5, 6]), values
    assert driver.call("cuModuleLoadDataEx", image, ffi.from_buffer(text), *given).result == INVALID_PTX
    assert ffi.string(log) == b"ptxas fatal   : Unresolved extern function 'elsewhere'"
    unused = HEAD + b".extern .func elsewhere();\n.visible .entry calls() { ret; }\0"
    assert driver.cuModuleLoadData(image=ffi.from_buffer(unused)).result == 0


def test_for_another_architecture(images: Path) -> None:
    for kind, name, result in (
        (CUBIN, "elsewhere.rdc.cubin", NO_BINARY),
        (FATBINARY, "elsewhere.rdc.fatbin", NO_BINARY),
        (PTX, "sm_90.ptx", INVALID_PTX),
    ):
        assert Linker(options={9: 80}).add_file(kind, images / name) == result
    linker = Linker(options={9: 80})
    assert linker.add(PTX, HEAD + b".visible .entry k() { ret; }") == 0
    assert cubin.read(linker.complete()).architecture == 80


def test_what_is_refused(tmp_path: Path) -> None:
    linker, empty = Linker(), tmp_path / "empty"
    for kind, result in ((CUBIN, INVALID_IMAGE), (PTX, INVALID_PTX), (FATBINARY, INVALID_IMAGE), (OBJECT, 0)):
        assert linker.add(kind, b"no image") == result
    assert linker.add(NVVM, b"BC\xc0\xde") == INVALID_IMAGE
    assert linker.add(6, b"no image") == INVALID_VALUE
    assert linker.add_file(PTX, tmp_path / "none") == FILE_NOT_FOUND
    assert linker.add_file(PTX, tmp_path) == OUT_OF_MEMORY
    empty.touch()
    assert linker.add_file(OBJECT, empty) == INVALID_IMAGE
    nothing = linker.state, PTX, None, 0, None, 0, None, None
    assert linker.result("cuLinkAddData", *nothing) == INVALID_VALUE
    assert linker.result("cuLinkAddFile", linker.state, PTX, None, 0, None, None) == INVALID_VALUE
    target = ffi.new("CUjit_option *", 9), ffi.new("void **")
    text = ffi.from_buffer(HEAD)
    assert linker.result("cuLinkAddData_v2", linker.state, PTX, text, len(HEAD), None, 1, *target) == INVALID_VALUE
    assert linker.result("cuLinkComplete", linker.state, None, None) == INVALID_VALUE
    assert cubin.read(linker.complete()).entries == {}
    unended = Linker()
    whole = HEAD + b".visible .entry k() { ret; }"
    given = unended.state, PTX, ffi.from_buffer(whole), len(whole), None, 0, None, None
    assert unended.result("cuLinkAddData_v2", *given) == INVALID_SOURCE
    assert unended.add(PTX, whole) == unended.failure == INVALID_SOURCE
    assert linker.result("cuLinkDestroy", linker.state) == 0
    assert linker.add(PTX, HEAD) == linker.failure == linker.result("cuLinkDestroy", linker.state) == INVALID_HANDLE
