from __future__ import annotations

import io
import tarfile
from pathlib import Path

import fetch
import pytest

# printf hello | openssl dgst -sha512 -binary | base64
HELLO = "sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw=="


def archive(folder: Path, *names: str) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as members:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            members.addfile(member, io.BytesIO(name.encode()))
    return path


def test_the_real_libraries_are_fetched_once() -> None:
    folder = fetch.fetch()
    assert (folder / "libggml-cuda.so").stat().st_size > 100_000_000
    before = (folder / "libggml-cuda.so").stat().st_mtime_ns
    assert fetch.fetch() == folder
    assert (folder / "libggml-cuda.so").stat().st_mtime_ns == before


def test_what_is_there_needs_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "linux-x64-cuda-3.22.1").mkdir()
    assert fetch.fetch(tmp_path).parts[-2:] == ("bins", "linux-x64-cuda")


def test_without_npm_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(fetch.FetchError, match=r"npm.* is not on PATH: install it"):
        fetch.fetch(tmp_path)


def test_what_npm_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no such\nversion' >&2\nexit 3\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    destination = tmp_path / "real"
    with pytest.raises(fetch.FetchError, match=r"\(exit status 3\): no such version"):
        fetch.fetch(destination)
    assert list(destination.iterdir()) == []


def test_another_package_under_the_same_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    # the arguments are pack --prefer-offline --loglevel=error --pack-destination FOLDER PACKAGE
    npm.write_text('#!/bin/sh\necho forged > "$5/package.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    destination = tmp_path / "real"
    with pytest.raises(fetch.FetchError, match=r"integrity sha512-.*, expected sha512-8rQC"):
        fetch.fetch(destination)
    assert list(destination.iterdir()) == []


def test_integrity_is_that_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    fetch.check_integrity(file, HELLO)
    file.write_bytes(b"hullo")
    with pytest.raises(fetch.FetchError):
        fetch.check_integrity(file, HELLO)


def test_only_what_is_wanted_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path, "package/a.so", "package/b.v1.so", "package/huge.bin")
    fetch.unpack(path, tmp_path / "out", ("package/a.so", "package/b.*.so"))
    assert sorted(file.name for file in (tmp_path / "out" / "package").iterdir()) == [
        "a.so",
        "b.v1.so",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path, "package/a.so")
    with pytest.raises(fetch.FetchError, match=r"lacks package/b\.so"):
        fetch.unpack(path, tmp_path / "out", ("package/a.so", "package/b.so"))


def test_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path, "package/a.so", "package/b.so")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(fetch.FetchError, match=r"package\.tgz is not a whole \.tgz file"):
        fetch.unpack(path, tmp_path / "out", ("package/*",))
