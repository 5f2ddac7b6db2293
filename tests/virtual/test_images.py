"""Images of kernels as NVIDIA's compiler writes them, against what its assembler says and what pyelftools reads."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support import TESTS, built

from vgpu_embed.inspect.fatbinary import CUBIN, HEADER, PTX, Code, size_of
from vgpu_embed.virtual import cubin, fatbinary, ptx
from vgpu_embed.virtual.image import Image, Unreadable

VECTOR_ADD, MIXED = "_Z10vector_addIfEvPKT_S2_PS0_i", "_ZN5space5mixedEcd4pairsPf"
SAID = re.compile(
    r"entry function '(?P<name>\w+)'.*?(?P<frame>\d+) bytes stack frame.*?Used (?P<registers>\d+) registers"
    r"(?P<rest>[^\n]*)",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def images() -> Path:
    """The folder of images."""
    return built(TESTS / "cuda")


@pytest.mark.parametrize("architecture", [80, 90])
class TestCubins:
    def test_what_the_assembler_says(self, images: Path, architecture: int) -> None:
        image = cubin.read((images / f"sm_{architecture}.cubin").read_bytes())
        said = list(SAID.finditer((images / f"sm_{architecture}.cubin.txt").read_text()))
        assert image.architecture == image.virtual_architecture == architecture
        assert {one["name"] for one in said} == set(image.entries)
        for one in said:
            entry = image.entries[one["name"]]
            shared = re.search(r"(\d+) bytes smem", one["rest"])
            assert (entry.registers, entry.local, entry.shared) == (
                int(one["registers"]),
                int(one["frame"]),
                int(shared[1]) if shared else 0,
            )

    def test_the_section_table(self, images: Path, architecture: int) -> None:
        """The same kernels, parameters' bytes and variables as pyelftools finds."""
        data = (images / f"sm_{architecture}.cubin").read_bytes()
        image, elf = cubin.read(data), ELFFile(io.BytesIO(data))
        sections = {section.name: section for section in elf.iter_sections()}
        assert {name[6:] for name in sections if name.startswith(".text.")} == set(image.entries)
        table: Any = sections[".symtab"]
        symbols = [one for one in table.iter_symbols() if one["st_info"]["type"] == "STT_OBJECT"]
        assert {one.name: one["st_size"] for one in symbols if one["st_size"] and one.name[0] != "."} == {
            name: variable.size for name, variable in image.variables.items()
        }
        assert cubin.size_of(data[:64]) == len(data)

    def test_what_the_source_says(self, images: Path, architecture: int) -> None:
        of_source(cubin.read((images / f"sm_{architecture}.cubin").read_bytes()))


@pytest.mark.parametrize(
    ("abi", "flags", "code"),
    [(7, 0x5A055A, "sm_90"), (7, 0x5A0D5A, "sm_90a"), (8, 0x6006402, "sm_100"), (8, 0x600640A, "sm_100a")],
)
def test_what_a_header_of_cuda_12_says(images: Path, abi: int, flags: int, code: str) -> None:
    """The numbers are what ptxas 12.9 writes."""
    data = bytearray((images / "sm_90.cubin").read_bytes())
    data[8], data[48:52] = abi, flags.to_bytes(4, "little")
    assert str(cubin.code_of(bytes(data))) == code


def of_source(image: Image) -> None:
    """What kernels.cu says of its kernels, whatever form it has been compiled to."""
    entries = image.entries
    assert entries[VECTOR_ADD].parameters == [(0, 8), (8, 8), (16, 8), (24, 4)]
    assert entries[MIXED].parameters == [(0, 1), (8, 8), (16, 8), (24, 2), (32, 8)]
    assert entries["nothing"].parameters == []
    assert (entries[MIXED].most_threads, entries[VECTOR_ADD].most_threads) == (128, 0)
    assert entries[MIXED].shared == 2048
    assert entries[MIXED].constant == 16
    if image.architecture >= 90:
        assert entries["clustered"].cluster == (2, 1, 1)
    assert image.variables["counter"].data == bytes([7, 0, 0, 0])
    assert image.variables["scale"].data.hex() == "0000803f000000400000404000008040"
    assert (image.variables["zeroed"].size, image.variables["zeroed"].data) == (400, b"")


class TestPtx:
    def test_what_the_source_says(self, images: Path) -> None:
        of_source(ptx.read((images / "sm_90.ptx").read_bytes()))

    def test_what_people_write(self) -> None:
        image = ptx.read(
            b".version 7.0 // .entry not_this(\n.target sm_70, texmode_independent .address_size 64\n"
            b"/* .entry nor_this() */ .shared .align 16 .b8 both[64];\n"
            b".global .attribute(.managed) .f64 half = 0d3FE0000000000000;\n"
            b".const .u16 two[2] = {0x10, 513}; .extern .shared .align 4 .b8 dynamic[];\n"
            b".visible .entry k(.param .u64 .ptr .global .align 4 p, .param .align 8 .b8 s[24])\n"
            b".reqntid 8, 4\n{ .reg .pred %p<4>; .reg .b32 %r<11>; .reg .f64 %d; mov.u32 %r1, both; ret; }\n"
            b".func f() { ret; }\n.weak .entry bare { ret; }"
        )
        assert list(image.entries) == ["k", "bare"]
        entry = image.entries["k"]
        assert entry.parameters == [(0, 8), (8, 24)]
        assert entry.required_threads == (8, 4, 1)
        assert (entry.registers, entry.shared, image.entries["bare"].shared) == (12, 64, 0)
        assert image.variables["half"].data.hex() == "000000000000e03f"
        assert image.variables["two"].data == bytes([16, 0, 1, 2])
        assert [name for name, one in image.variables.items() if one.is_managed] == ["half"]

    def test_an_estimate_fails_no_launch(self) -> None:
        text = b".version 7.0\n.target sm_70\n.entry k() %s { .reg .b32 %%r<900>; ret; }"
        assert ptx.read(text % b"").entries["k"].registers == 64
        assert ptx.read(text % b".maxntid 256").entries["k"].registers == 255


class TestFatbinaries:
    @pytest.mark.parametrize("name", ["plain", "zstd", "lz4"])
    def test_every_compression(self, images: Path, name: str) -> None:
        data = (images / f"{name}.fatbin").read_bytes()
        parts = fatbinary.parts(memoryview(data))
        assert size_of(memoryview(data)[: HEADER.size]) == len(data)
        assert {str(part.code) for part in parts} == {"sm_80", "compute_80"}
        for part in parts:
            of_source((cubin if part.code.kind == CUBIN else ptx).read(part.content()))

    def test_what_the_compiler_was_told(self, images: Path) -> None:
        """Which architectures, by the entries, and by the cubins and the PTX themselves; a cubin says of no family."""
        parts = fatbinary.parts(memoryview((images / "suffixes.fatbin").read_bytes()))
        said = {str(part.code) for part in parts}
        assert said == {"sm_90", "sm_90a", "sm_100f", "sm_103", "compute_90", "compute_90a", "compute_100f"}
        for part in parts:
            read = cubin.code_of if part.code.kind == CUBIN else ptx.target_of
            assert str(read(part.content())) == str(part.code).replace("sm_100f", "sm_100")

    def test_what_a_device_gets(self) -> None:
        codes = [Code(CUBIN, architecture) for architecture in (75, 80, 86)] + [Code(CUBIN, 90, "a")]
        codes += [Code(CUBIN, 100, "f"), Code(PTX, 80), Code(PTX, 89), Code(PTX, 120, "f")]
        parts = [fatbinary.Part(code, memoryview(b"")) for code in codes]
        capabilities = (70, 75, 80, 86, 89, 90, 91, 100, 103, 110, 120, 121)
        chosen = {capability: fatbinary.chosen(parts, capability) for capability in capabilities}
        assert {capability: part and str(part.code) for capability, part in chosen.items()} == {
            70: None,
            75: "sm_75",
            80: "sm_80",
            86: "sm_86",
            89: "sm_86",
            90: "sm_90a",
            91: "compute_89",
            100: "sm_100f",
            103: "sm_100f",
            110: "compute_89",
            120: "compute_120f",
            121: "compute_120f",
        }

    def test_damage_is_found(self, images: Path) -> None:
        data = (images / "zstd.fatbin").read_bytes()
        with pytest.raises(Unreadable):
            fatbinary.parts(memoryview(data[:-100]))
        changed = bytearray(data.replace(b"\x28\xb5\x2f\xfd", bytes(4)))  # how a frame of Zstandard begins
        for part in fatbinary.parts(memoryview(changed)):
            with pytest.raises(Unreadable):
                part.content()
        with pytest.raises(Unreadable):
            cubin.read((images / "sm_90.cubin").read_bytes()[:3000])

    def test_a_library_that_is_not_installed(self, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fatbinary.libraries, "_zstd", None)
        part = fatbinary.parts(memoryview((images / "zstd.fatbin").read_bytes()))[0]
        with pytest.raises(fatbinary.Missing, match=r"libzstd\.so\.1"):
            part.content()
