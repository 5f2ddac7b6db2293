"""Where the real driver is looked for, and what does not count as one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vgpu_embed.inspect import driver

Compile = Callable[..., Path]

FLAGS = ("-shared", "-nostdlib")


@pytest.fixture(autouse=True)
def only_given_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(driver, "DRIVER_FOLDERS", ())
    monkeypatch.setattr(driver, "cached", lambda name: iter(()))


@pytest.fixture
def real(compile_c: Compile, tmp_path: Path) -> Path:
    flags = (*FLAGS, "-Wl,-soname,libcuda.so.1")
    return compile_c(tmp_path / "real/libcuda.so.1", "int cuInit;", *flags)


def find(*folders: Path | str) -> str | None:
    return driver.find({"LD_LIBRARY_PATH": ":".join(map(str, folders))})


def test_none_is_found_where_there_is_none(tmp_path: Path) -> None:
    assert find(tmp_path) is None


def test_the_library_path_comes_before_the_cache(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other/libcuda.so.1"
    other.parent.mkdir()
    shutil.copy(real, other)
    monkeypatch.setattr(driver, "cached", lambda name: iter([str(other)]))
    assert find(tmp_path, real.parent) == str(real)
    assert find() == str(other)


def test_an_empty_part_of_the_library_path_is_the_working_directory(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(real.parent)
    assert find("/nonexistent", "") == str(real)
    assert find() is None


def test_folders_that_containers_use_come_last(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "DRIVER_FOLDERS", (str(real.parent),))
    assert find() == str(real)


def test_our_own_alias_is_not_the_driver(compile_c: Compile, tmp_path: Path) -> None:
    package = tmp_path / "vgpu_embed"
    compile_c(package / "libvgpu-cuda.so", "int x;", *FLAGS)
    alias = compile_c(package / "virtual/lib/libcuda.so.1", "int x;", *FLAGS)
    assert find(alias.parent) is None


def test_a_copy_of_our_alias_is_not_the_driver(compile_c: Compile, tmp_path: Path) -> None:
    soname = "-Wl,-soname,libvgpu-cuda.so"
    library = compile_c(tmp_path / "libvgpu-cuda.so", "int x;", *FLAGS, soname)
    needed = ("-Wl,--no-as-needed", str(library))
    alias = compile_c(tmp_path / "elsewhere/libcuda.so.1", "int x;", *FLAGS, *needed)
    assert find(alias.parent) is None


def test_a_link_to_our_alias_is_not_the_driver(compile_c: Compile, tmp_path: Path) -> None:
    package = tmp_path / "vgpu_embed"
    compile_c(package / "libvgpu-cuda.so", "int x;", *FLAGS)
    alias = compile_c(package / "virtual/lib/libcuda.so.1", "int x;", *FLAGS)
    link = tmp_path / "lib/libcuda.so.1"
    link.parent.mkdir()
    link.symlink_to(alias)
    assert find(link.parent) is None


def test_the_link_time_stub_is_not_the_driver(real: Path, tmp_path: Path) -> None:
    stub = tmp_path / "lib64/stubs/libcuda.so.1"
    stub.parent.mkdir(parents=True)
    shutil.copy(real, stub)
    assert find(stub.parent) is None
    assert find(stub.parent, real.parent) == str(real)


def test_an_empty_file_is_not_the_driver(tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").touch()
    assert find(tmp_path) is None


def test_a_dangling_link_is_not_the_driver(tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").symlink_to(tmp_path / "libcuda.so.580.159.04")
    assert find(tmp_path) is None


def test_this_machine_s_cache_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    [libc] = {Path(path).resolve() for path in driver.cached("libc.so.6") if "x86_64" in path}
    assert any(str(libc) in line for line in Path("/proc/self/maps").read_text().splitlines())


def test_without_ldconfig_the_cache_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(driver, "LDCONFIG_FOLDERS", "/nonexistent")
    assert list(driver.cached("libc.so.6")) == []
