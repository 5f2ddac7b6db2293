"""Which programs the loader would not preload anything into."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vgpu_embed.inspect.elf import Elf, NotElf, preload_refusal

Compile = Callable[..., Path]

START = "void _start(void) { for (;;) { } }"


def test_an_ordinary_program_can_be_preloaded() -> None:
    assert preload_refusal("/bin/true") is None
    assert preload_refusal(sys.executable) is None


def test_a_static_program_cannot(compile_c: Compile, tmp_path: Path) -> None:
    program = compile_c(tmp_path / "static", START, "-static", "-nostdlib")
    assert preload_refusal(str(program)) == f"{program} is statically linked"


def test_a_static_position_independent_program_cannot(compile_c: Compile, tmp_path: Path) -> None:
    program = compile_c(tmp_path / "static", START, "-static-pie", "-nostdlib")
    assert preload_refusal(str(program)) == f"{program} is statically linked"


def test_a_program_of_another_machine_cannot(tmp_path: Path) -> None:
    program = tmp_path / "other"
    image = bytearray(Path("/bin/true").read_bytes())
    image[18:20] = (0xF3).to_bytes(2, "little")  # e_machine: RISC-V
    program.write_bytes(image)
    refusal = preload_refusal(str(program))
    assert refusal == f"{program} is made for another machine (EM_RISCV, 64 bits)"


def test_a_musl_program_cannot(compile_c: Compile, tmp_path: Path) -> None:
    flags = ("-nostdlib", "-pie", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
    program = compile_c(tmp_path / "musl", START, *flags)
    assert preload_refusal(str(program)) == f"{program} is linked against musl, not glibc"


@pytest.mark.parametrize(
    ("bit", "word"), [(stat.S_ISUID, "setuid"), (stat.S_ISGID, "setgid")], ids=["setuid", "setgid"]
)
def test_a_program_that_gains_rights_cannot(
    bit: int, word: str, compile_c: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compile_c(tmp_path / "program", "int main(void) { return 0; }")
    program.chmod(0o755 | bit)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr(os, "getgid", lambda: 12345)
    assert preload_refusal(str(program)) == f"{program} is {word}"


def test_a_script_is_judged_by_its_interpreter(compile_c: Compile, tmp_path: Path) -> None:
    interpreter = compile_c(tmp_path / "static", START, "-static", "-nostdlib")
    script = tmp_path / "script"
    script.write_text(f"#! {interpreter} -x\n")
    assert preload_refusal(str(script)) == f"{interpreter} is statically linked"


def test_what_cannot_be_read_is_not_judged(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.write_text(f"#!{loop}\n")
    assert preload_refusal(str(loop)) is None
    assert preload_refusal(str(tmp_path / "missing")) is None


@pytest.mark.parametrize("length", [0, 3, 4, 17, 64, 200, 3000])
def test_a_truncated_file_is_no_elf_file(length: int, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(Path("/bin/true").read_bytes()[:length])
    try:
        elf = Elf(str(broken))
    except NotElf:
        return
    assert length >= 64
    assert elf.native


def test_soname_and_needed_are_read(compile_c: Compile, tmp_path: Path) -> None:
    library = compile_c(tmp_path / "libone.so", "int one;", "-shared", "-Wl,-soname,libone.so.1", "-nostdlib")
    flags = ("-shared", "-nostdlib", "-Wl,--no-as-needed", str(library))
    user = Elf(str(compile_c(tmp_path / "libtwo.so", "int two;", *flags)))
    assert Elf(str(library)).soname == "libone.so.1"
    assert user.soname is None
    assert user.needed == ["libone.so.1"]
