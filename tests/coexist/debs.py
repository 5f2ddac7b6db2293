"""Debian packages that tests load libraries from or run programs of, unpacked beside the virtual environment.

    python tests/coexist/debs.py        fetches all of them, and prints where they are

Nothing is installed. apt-get fetches them from where this machine's packages come from, and checks their hashes.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

DESTINATION = Path(__file__).resolve().parents[2] / ".venv/debs"

JEMALLOC = ("libjemalloc2",)
FAKETIME = ("libfaketime",)
CLANG = (
    *("clang-14", "libclang-common-14-dev", "libclang-rt-14-dev", "libclang-cpp14", "libllvm14"),
    *("libbsd0", "libedit2", "libffi8", "libicu72", "liblzma5", "libmd0", "libtinfo6", "libxml2", "libz3-4"),
)
"""clang with libFuzzer, and what it needs beyond gcc's headers and libraries."""

BROWSER = "chromium-headless-shell"

SYSTEMD = ("systemd", "libsystemd-shared", "libseccomp2", "libapparmor1", "libkmod2", "libip4tc2", "libcap2")
"""systemd and those of its libraries that a small installation may lack."""

TIME_LIMIT = 300  # seconds, for 100 MB


class FetchError(Exception):
    """A package cannot be had; the text says why and what to do, in one sentence."""


def unpacked(packages: tuple[str, ...], destination: Path = DESTINATION) -> Path:
    """The folder that holds these packages' files, which are fetched where that is not done.

    It is named after the first of them and appears whole or not at all. Raises FetchError.
    """
    final = destination / packages[0]
    destination.mkdir(parents=True, exist_ok=True)
    with open(destination / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination) as name:
            folder = Path(name)
            _download(folder, packages)
            archives = sorted(folder.glob("*.deb"))
            if len(archives) != len(packages):
                raise FetchError(f"apt-get fetched {len(archives)} of {len(packages)} packages: {' '.join(packages)}")
            for archive in archives:
                _run(["dpkg-deb", "-x", str(archive), "root"], folder, packages)
            (folder / "root").rename(final)
    return final


def with_dependencies(package: str, destination: Path = DESTINATION) -> Path:
    """The folder that holds a package's files, and those of what it needs and this machine lacks. Raises FetchError."""
    final = destination / package
    destination.mkdir(parents=True, exist_ok=True)
    with open(destination / f"lock-{package}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination) as name:
            folder = Path(name)
            (folder / "partial").mkdir()
            options = ["-qy", "--no-install-recommends", "-o", f"Dir::Cache::archives={folder}"]
            _apt(["install", "--download-only", *options, "-o", "Debug::NoLocking=true", package], folder, (package,))
            for archive in sorted(folder.glob("*.deb")):
                _run(["dpkg-deb", "-x", str(archive), "root"], folder, (package,))
            (folder / "root").rename(final)
    return final


def _download(folder: Path, packages: tuple[str, ...]) -> None:
    _apt(["download", "-q", *packages], folder, packages)


def _apt(command: list[str], folder: Path, packages: tuple[str, ...]) -> None:
    """With the machine's package lists, or, where they are missing or old, with ones fetched for the purpose."""
    options = ["-o", "APT::Sandbox::User=root"]
    try:
        _run(["apt-get", *command, *options], folder, packages)
    except FetchError:
        (folder / "lists/partial").mkdir(parents=True)
        options += ["-o", f"Dir::State::Lists={folder}/lists", "-o", "Dir::Cache::pkgcache="]
        options += ["-o", "Dir::Cache::srcpkgcache="]
        _run(["apt-get", "update", "-q", *options], folder, packages)
        _run(["apt-get", *command, *options], folder, packages)


def _run(command: list[str], folder: Path, packages: tuple[str, ...]) -> None:
    wanted = " ".join(packages)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise FetchError(f"{command[0]} is missing, which fetches {wanted}: use Debian or Ubuntu") from None
    except subprocess.TimeoutExpired:
        raise FetchError(f"{command[0]} did not fetch {wanted} within {TIME_LIMIT} s: try again") from None
    if done.returncode:
        said = " ".join(done.stderr.split())[:300]
        raise FetchError(f"{command[0]} cannot get {wanted} ({said}): run apt-get update, and see whether it is known")


def library(packages: tuple[str, ...], pattern: str) -> Path:
    """The one file of these packages that a pattern matches. Raises FetchError."""
    found = sorted(unpacked(packages).rglob(pattern))
    if len(found) != 1:
        raise FetchError(f"{packages[0]} has {len(found)} files {pattern}: another version than these tests know")
    return found[0]


def main() -> int:
    """Prints the folders; one sentence and 1 where a package cannot be had."""
    try:
        for packages in (JEMALLOC, FAKETIME, CLANG, SYSTEMD):
            print(unpacked(packages))
        print(with_dependencies(BROWSER))
    except FetchError as error:
        print(f"debs.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
