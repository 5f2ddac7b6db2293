"""`vgpu-embed scan`: of real libraries, and of small ones that want something by each route."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nvidia.cu13
import programs
import pytest
from click.testing import CliRunner, Result
from live import on_terminal

from vgpu_embed.cli import main
from vgpu_embed.inspect import fatbinary
from vgpu_embed.inspect.cuda import ASKED, LINKED, LOOKED_UP, Binary
from vgpu_embed.inspect.fatbinary import CUBIN, PTX, Code

Compile = Callable[..., Path]

WHEELS = Path(next(iter(nvidia.cu13.__path__))) / "lib"
"""libcudart.so.13, libcudart_static.a, and libnvjpeg.so.13, which has the latter linked in."""

LINKS = (
    "int cuInit(unsigned); int cudaMalloc(void **, unsigned long); int f(void) { return cuInit(0) + cudaMalloc(0, 1); }"
)
LOOKS_UP = """
#include <dlfcn.h>
static const char *names[] = {"cuDeviceGet", "nvmlInit_v2", "cuNoSuchFunction", "notcuInit"};
void *look(void *h, int n) { return dlsym(h, names[n]); }
"""
ASKS = 'int cuGetProcAddress_v2(const char *s, ...); int f(void) { return cuGetProcAddress_v2("cuMemAlloc"); }'
POLICY = """
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cuInit", "cudaMalloc")
def ask(call):
    return None
"""


def scan(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["scan", *map(str, arguments)])


def files(*arguments: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(scan("--json", *arguments).stdout)["files"]
    return found


def ggml() -> Path:
    return programs.real_libraries() / "libggml-cuda.so"


def how(file: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["how"] for one in file["functions"]}


# ---- real libraries --------------------------------------------------------------------------------------------------


def test_ggml_links_what_nm_finds_and_has_code_for_seven_architectures() -> None:
    nm = subprocess.run(["nm", "-D", "--undefined-only", ggml()], capture_output=True, text=True, check=True).stdout
    wanted = {line.split()[-1].partition("@")[0] for line in nm.splitlines()}
    [file] = files(ggml())
    assert {one["name"] for one in file["functions"]} == {n for n in wanted if re.match(r"(__)?cu(da|blas)?[A-Z]", n)}
    assert {one["route"] for one in file["functions"]} == {LINKED}
    assert len(file["functions"]) == 82
    assert file["code"] == ["compute_75", "compute_80", "sm_86", "sm_89", "compute_90", "sm_120a", "sm_121a"]
    assert (file["cuda"], file["static_runtime"], file["problems"]) == ("13.1", False, [])
    assert file["needed"] == ["libcudart.so.13", "libcublas.so.13", "libcuda.so.1"]


def test_libcudart_asks_cuGetProcAddress() -> None:
    [file] = files(WHEELS / "libcudart.so.13")
    assert file["provides"]["runtime"] > 400
    assert {one["route"] for one in file["functions"]} == {ASKED}
    assert {"cuMemAlloc", "cuLaunchKernel", "cuGetProcAddress"} <= how(file).keys()
    assert len(file["functions"]) > 450


def test_a_library_with_a_static_libcudart() -> None:
    [file] = files(WHEELS / "libnvjpeg.so.13")
    assert (file["cuda"], file["static_runtime"], file["needed"]) == ("13.4", True, [])
    assert {"sm_75", "sm_90", "sm_100", "compute_121"} <= set(file["code"])
    assert {one["route"] for one in file["functions"]} == {ASKED}
    result = scan("--gpu", "h100", WHEELS / "libnvjpeg.so.13")
    assert result.exit_code == 1
    first, *_ = result.stdout.splitlines()
    assert first.split("\t")[2] == "libcudart is linked statically, and starts over a real driver only"
    assert scan(WHEELS / "libnvjpeg.so.13").exit_code == 0


def test_a_program_that_links_a_static_libcudart(compile_c: Compile, tmp_path: Path) -> None:
    source = "int cudaGetDeviceCount(int *); int main(void) { int n; return cudaGetDeviceCount(&n); }"
    flags = [str(WHEELS / "libcudart_static.a"), "-ldl", "-lpthread", "-lrt", "-lm"]
    binary = Binary(str(compile_c(tmp_path / "program", source, *flags)))
    assert binary.static_runtime
    assert set(binary.names.values()) == {ASKED}


# ---- routes ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(compile_c: Compile, tmp_path: Path) -> Path:
    """An installation: three libraries, one of them under two names, and what is none."""
    made = tmp_path / "installation"
    compile_c(made / "lib/liblinks.so", LINKS, "-shared", "-fPIC", "-nostdlib")
    compile_c(made / "lib/liblooks.so", LOOKS_UP, "-shared", "-fPIC")
    compile_c(made / "lib/libasks.so", ASKS + LOOKS_UP, "-shared", "-fPIC")
    (made / "lib/liblinks.so.1").symlink_to("liblinks.so")
    os.link(made / "lib/liblooks.so", made / "lib/again.so")
    (made / "lib/text.so").write_text("INPUT(libcuda.so)\n" * 10)
    (made / "lib/empty.so").touch()
    shutil.copy("/bin/true", made)
    return made


def test_each_route(folder: Path) -> None:
    routes = {Path(one["path"]).name: {f["name"]: f["route"] for f in one["functions"]} for one in files(folder)}
    assert routes == {
        "again.so": {"cuDeviceGet": LOOKED_UP, "nvmlInit_v2": LOOKED_UP},
        "libasks.so": {
            "cuDeviceGet": ASKED,
            "cuGetProcAddress_v2": LINKED,
            "cuMemAlloc": ASKED,
            "nvmlInit_v2": LOOKED_UP,
        },
        "liblinks.so": {"cuInit": LINKED, "cudaMalloc": LINKED},
    }


def test_strings_of_a_library_that_looks_nothing_up_are_no_wish(compile_c: Compile, tmp_path: Path) -> None:
    source = 'const char *name(void) { return "cuInit"; }'
    result = scan(compile_c(tmp_path / "lib.so", source, "-shared", "-fPIC", "-nostdlib"))
    assert (result.exit_code, result.stderr) == (1, f"vgpu-embed: nothing in {tmp_path}/lib.so has to do with CUDA\n")


def test_to_be_read_and_piped(folder: Path) -> None:
    lines = [line.split("\t") for line in scan(folder).stdout.splitlines()]
    assert [line[:1] + line[2:] for line in lines] == [
        ["file", "-", "-", "0", "2", "0", "-"],
        ["file", "-", "-", "1", "1", "2", "-"],
        ["file", "-", "-", "2", "0", "0", "-"],
    ]
    lines = [line.split("\t") for line in scan(folder / "lib/liblinks.so").stdout.splitlines()]
    assert lines[1:] == [
        ["function", "cuInit", LINKED, "forwarded to the driver"],
        ["function", "cudaMalloc", LINKED, "its own library's, whose calls to the driver pass us"],
    ]
    assert len(scan("--names", folder).stdout.splitlines()) == 3 + 2 + 4 + 2


def test_a_terminal_sees_progress_and_tables(folder: Path, clean_environment: dict[str, str]) -> None:
    drawn = on_terminal(["scan", str(folder)], {**clean_environment, "TERM": "xterm", "COLUMNS": "200"})
    assert "scanning" in drawn
    assert "CUGETPROCADDRESS" in drawn


# ---- a process -------------------------------------------------------------------------------------------------------

OPENS = """
import ctypes, mmap, sys
file = open(sys.argv[1], "rb")
held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_stopped(folder: Path) -> None:
    command = [sys.executable, "-c", OPENS, str(folder / "lib/liblinks.so")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        [file] = files(str(process.pid))
        process.kill()
    assert file["path"] == str(folder / "lib/liblinks.so")
    assert how(file).keys() == {"cuInit", "cudaMalloc"}


def test_processes_files_and_folders_that_are_not_there(tmp_path: Path) -> None:
    sentences = {
        "4194305": "there is no process 4194305",
        str(tmp_path / "missing"): f"there is no file {tmp_path / 'missing'}",
        str(tmp_path): f"nothing in {tmp_path} has to do with CUDA",
        __file__: f"{__file__} is not an ELF file",
    }
    for target, sentence in sentences.items():
        result = scan(target)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"vgpu-embed: {sentence}\n")


# ---- what we do ------------------------------------------------------------------------------------------------------


def test_what_a_virtual_gpu_cannot_serve_comes_first(compile_c: Compile, tmp_path: Path) -> None:
    source = (
        "int cuInit(), cuVDPAUGetDevice(), cuXNew(); int f(void) { return cuInit() + cuVDPAUGetDevice() + cuXNew(); }"
    )
    library = compile_c(tmp_path / "lib.so", source, "-shared", "-fPIC", "-nostdlib")
    result = scan("--gpu", "t4", library)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [line[0] for line in lines] == ["problem", "problem", "file", "function", "function", "function"]
    assert [line[2] for line in lines[:2]] == [
        "returns not supported (linked): cuVDPAUGetDevice",
        "missing: the program cannot be loaded (linked): cuXNew",
    ]
    assert [line[1] for line in lines[3:]] == ["cuVDPAUGetDevice", "cuXNew", "cuInit"]
    assert lines[-1][3] == "answered by the virtual GPU"
    assert scan("--gpu", "t4", WHEELS.parent / "lib/libcudart.so.13").exit_code == 1


def test_a_gpu_that_there_is_no_code_for() -> None:
    [file] = files("--gpu", "2xt4:compute_capability=7.0", "--gpu", "h100", ggml())
    assert file["problems"][0] == (
        "has no code for t4 (compute capability 7.0), only compute_75 compute_80 sm_86 sm_89 compute_90 sm_120a sm_121a"
    )


def test_libraries_that_virtual_mode_does_not_stand_in_for(compile_c: Compile, tmp_path: Path) -> None:
    fft = compile_c(tmp_path / "libcufft.so.12", "int x;", "-shared", "-nostdlib", "-Wl,-soname,libcufft.so.12")
    library = compile_c(tmp_path / "lib.so", LINKS, "-shared", "-fPIC", "-nostdlib", "-Wl,--no-as-needed", str(fft))
    assert "needs libcufft.so.12, which virtual mode does not stand in for" in scan("--gpu", "h100", library).stdout
    assert "libcufft.so.12" in files(library)[0]["needed"]


def test_names_of_libcufile_are_not_the_driver_s(compile_c: Compile, tmp_path: Path) -> None:
    source = "int cuFileDriverOpen(void), cuInit(unsigned); int f(void) { return cuFileDriverOpen() + cuInit(0); }"
    library = compile_c(tmp_path / "lib.so", source, "-shared", "-fPIC", "-nostdlib")
    assert [name["name"] for name in files(library)[0]["functions"]] == ["cuInit"]


def test_what_a_policy_is_asked_and_what_it_misses(folder: Path, tmp_path: Path) -> None:
    policy = tmp_path / "ask.py"
    policy.write_text(POLICY)
    library = folder / "lib/liblinks.so"
    result = scan("--policy", policy, library)
    assert result.exit_code == 1
    [file] = files("--policy", policy, library)
    assert how(file) == {
        "cudaMalloc": f"does not pass us over a real driver, asks the policy, {policy}:4",
        "cuInit": f"asks the policy, {policy}:4",
    }
    [file] = files("--policy", policy, "--gpu", "h100", library)
    assert how(file)["cudaMalloc"] == f"asks the policy, {policy}:4"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--gpu", "h1000"), "--gpu h1000: "),
        (("--policy", "missing.py"), "policy missing.py: the file does not exist"),
        (("--mode", "virtual"), "--mode virtual needs a GPU"),
        (("--mode", "real"), "--mode real is not one of native, virtual"),
        (("--modes", "real"), "No such option"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], sentence: str) -> None:
    result = scan(*arguments, WHEELS)
    assert (result.exit_code, result.stdout) == (125, "")
    assert result.stderr.startswith(f"vgpu-embed: {sentence}")


# ---- fatbinaries -----------------------------------------------------------------------------------------------------


def entry(kind: int, architecture: int, flags: int = 0x11, isa: tuple[int, int] = (9, 1), content: int = 24) -> bytes:
    head = struct.pack("<HHIQIIHHIIIQ", kind, 0x101, 64, content, 0, 0, isa[1], isa[0], architecture, 0, 0, flags)
    return head.ljust(64, b"\0") + b"\xaa" * content


def container(*entries: bytes) -> bytes:
    content = b"".join(entries)
    return struct.pack("<IHHQ", fatbinary.MAGIC, 1, 16, len(content)) + content


def test_entries_of_several_fatbinaries() -> None:
    entries = entry(PTX, 75), entry(CUBIN, 86), entry(CUBIN, 100, 0x1000011)
    data = b"x" * 8 + container(*entries) + bytes(24) + container(entry(CUBIN, 120, 1 << 20))
    assert list(fatbinary.code(data, 8, len(data))) == [
        Code(PTX, 75, "", (9, 1)),
        Code(CUBIN, 86),
        Code(CUBIN, 100),
        Code(CUBIN, 120, "a"),
    ]


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_a_fatbinary_that_was_cut_off(cut: int) -> None:
    data = container(entry(PTX, 75), entry(CUBIN, 86))
    with pytest.raises(fatbinary.Damaged, match="ends at byte"):
        list(fatbinary.code(data, 0, len(data) - cut))


def test_an_entry_that_is_larger_than_its_fatbinary() -> None:
    data = bytearray(container(entry(PTX, 75)))
    struct.pack_into("<Q", data, 16 + 8, 1 << 40)
    with pytest.raises(fatbinary.Damaged, match="the entry at byte 16"):
        list(fatbinary.code(bytes(data), 0, len(data)))


@pytest.mark.parametrize(
    ("code", "runs", "fails"),
    [
        (Code(CUBIN, 86), [86, 89], [80, 90, 75]),
        (Code(PTX, 75), [75, 80, 120], [70]),
        (Code(CUBIN, 90, "a"), [90], [91, 100]),
        (Code(CUBIN, 120, "a"), [120], [121, 90]),
        (Code(CUBIN, 100, "f"), [100, 103], [120, 90]),
        (Code(PTX, 90, "a"), [90], [100, 89]),
        (Code(PTX, 100, "f"), [103], [120]),
    ],
)
def test_where_code_runs(code: Code, runs: list[int], fails: list[int]) -> None:
    assert [one for one in runs + fails if code.runs_on(one)] == runs
