"""Where the headers come from: pinned PyPI packages, unpacked into a cache folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

PINS = Path(__file__).parent.parent / "headers.txt"

TOOLKITS = ("11", "12", "13")
"""CUDA versions whose headers are read, oldest first; a package's version begins with its own."""


class HeadersMissing(Exception):
    """A pinned package could not be obtained."""


def pins() -> list[str]:
    """The requirement lines of headers.txt."""
    lines = (line.strip() for line in PINS.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def fetch(cache: Path) -> dict[str, list[Path]]:
    """Download and unpack what is not in `cache` yet.

    Returns the include folders of each toolkit of TOOLKITS, most specific first; the folders of
    packages that only exist for the newest toolkit serve the older ones too.
    """
    folders: dict[str, list[Path]] = {toolkit: [] for toolkit in TOOLKITS}
    shared: list[Path] = []
    for pin in pins():
        name, _, version = pin.partition("==")
        folder = cache / f"{name}-{version}"
        if not folder.is_dir():
            _unpack(_download(pin, cache), folder)
        includes = sorted(folder.glob("nvidia/*/include"))
        if not includes:
            raise HeadersMissing(f"{folder}: no include folder; remove the folder and run again")
        if name in ("nvidia-cuda-crt", "nvidia-nvml-dev"):
            shared += includes
        else:
            folders[version.partition(".")[0]] += includes
    return {toolkit: own + shared for toolkit, own in folders.items()}


def runtime_library(cache: Path, toolkit: str) -> Path:
    """The libcudart.so of `toolkit` that lies in the same package as its headers."""
    (library,) = cache.glob(f"nvidia-cuda-runtime*-{toolkit}.*/nvidia/*/lib/libcudart.so.*")
    return library


def _download(pin: str, cache: Path) -> Path:
    wheels = cache / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    name, _, version = pin.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(wheels.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        if subprocess.run([*command, "--dest", str(wheels), pin], check=False).returncode:
            raise HeadersMissing(f"{PINS}: pip could not download {pin}; see its message above")
    return next(wheels.glob(pattern))


def _unpack(wheel: Path, folder: Path) -> None:
    part = folder.with_name(folder.name + ".part")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if "/include/" in member or "/libcudart.so." in member:
                archive.extract(member, part)
    part.rename(folder)
