"""What is checked before anything starts, each mistake as a careless user makes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vgpu_embed import record
from vgpu_embed.cli import validation
from vgpu_embed.cli.failure import Failure

DRIVER = "/usr/lib/libcuda.so.1"


@pytest.mark.parametrize(
    ("asked", "gpus", "real", "expected"),
    [
        (None, None, DRIVER, "native"),
        (None, "--gpu is given", None, "virtual"),
        ("virtual", "--gpu is given", DRIVER, "virtual"),
        ("native", "--gpu is given", DRIVER, "native"),
        ("native", None, DRIVER, "native"),
        ("native", None, None, "native"),
    ],
)
def test_the_mode_follows_from_what_there_is(
    asked: str | None, gpus: str | None, real: str | None, expected: str
) -> None:
    assert validation.mode(asked, gpus, real) == expected


def test_a_driver_and_a_gpu_want_a_choice() -> None:
    with pytest.raises(Failure) as failure:
        validation.mode(None, "/p.py declares devices", DRIVER)
    sentence = str(failure.value)
    assert sentence.startswith("/p.py declares devices and there is a driver here (" + DRIVER)
    assert "--mode virtual" in sentence
    assert "--mode native" in sentence


def test_neither_driver_nor_gpu_wants_a_choice() -> None:
    with pytest.raises(Failure) as failure:
        validation.mode(None, None, None)
    assert "--gpu h100" in str(failure.value)
    assert "--mode native" in str(failure.value)


def test_virtual_mode_wants_a_gpu() -> None:
    with pytest.raises(Failure, match="--mode virtual needs a GPU, such as --gpu h100"):
        validation.mode("virtual", None, None)


def test_native_mode_without_a_driver_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    validation.mode("native", None, None)
    assert capsys.readouterr().err.startswith("vgpu-embed: --mode native, but no libcuda.so.1")


def test_a_log_file_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert validation.log_file("run-%p.log") == str(tmp_path / "run-%p.log")
    assert validation.log_file("/dev/stderr") == "/dev/stderr"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "missing/a.log",
            "--log-file missing/a.log: there is no folder {0}/missing; make it first",
        ),
        (".", "--log-file . is a folder; give a file in it"),
        ("new/", "--log-file new/ is a folder; give a file in it"),
        ("%p/a", "--log-file %p/a has %p in the folder; it may stand in the file name only"),
        ("file/a", "--log-file file/a: there is no folder {0}/file; make it first"),
    ],
)
def test_a_log_file_that_cannot_be(name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(Failure) as failure:
        validation.log_file(name)
    assert str(failure.value) == sentence.format(tmp_path)


def test_a_log_file_in_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, kind: False)  # root may write everywhere
    with pytest.raises(Failure, match="cannot be written: you have no permission"):
        validation.log_file(str(tmp_path / "t"))


def test_this_machine_will_do() -> None:
    validation.platform()


@pytest.mark.parametrize("libc", ["glibc 2.31", None, ""])
def test_another_c_library_is_one_sentence(libc: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda name: libc)
    with pytest.raises(Failure, match=r"vgpu-embed needs glibc 2\.34 or newer"):
        validation.platform()


def test_a_python_without_a_shared_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "libpython", lambda: None)
    with pytest.raises(Failure, match=r"has no shared libpython3\.\d+.*--enable-shared"):
        validation.platform()


@pytest.mark.parametrize("folder", ["/my programs", "/a:b", "/a;b"])
def test_a_folder_that_cannot_be_preloaded_from(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PACKAGE", Path(folder))
    with pytest.raises(Failure, match="which LD_PRELOAD cannot express"):
        validation.platform()


def test_a_part_that_was_not_built_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PACKAGE", tmp_path)
    with pytest.raises(Failure, match=r"libvgpu-cuda.so is missing; build and install it with"):
        validation.installed("libvgpu-cuda.so")
