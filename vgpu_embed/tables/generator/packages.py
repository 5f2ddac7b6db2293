"""Where the headers come from: pinned PyPI packages, unpacked into a cache folder."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

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


def exported(cache: Path, toolkit: str, library: str) -> set[str]:
    """The functions that `toolkit`'s library ("cudart", "cublas", "cublasLt") exports; none where no package is pinned.

    Raises HeadersMissing where a package of the runtime was unpacked without them.
    """
    files = list(cache.glob(f"nvidia-*-{toolkit}.*/lib{library}.so.*.symbols"))
    if not files and library == "cudart":
        raise HeadersMissing(f"{cache}: no exported names of lib{library}; remove the folder and run again")
    return {name for file in files for name in file.read_text(encoding="utf-8").split()}


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
    """Keeps the headers and the names that libraries export: some wheels hold more than half a gigabyte."""
    part = folder.with_name(folder.name + ".part")
    part.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory(dir=part.parent) as temporary:
        for member in archive.namelist():
            if "/include/" in member:
                archive.extract(member, part)
            elif re.search(r"/lib(cudart|cublas|cublasLt)\.so\.", member):
                library = Path(archive.extract(member, temporary))
                names = "\n".join(sorted(_exports(library)))
                (part / f"{library.name}.symbols").write_text(names, encoding="utf-8")
                library.unlink()
    part.rename(folder)
    wheel.unlink()


def _exports(library: Path) -> set[str]:
    with library.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".dynsym")
        assert isinstance(section, SymbolTableSection)
        return {
            symbol.name
            for symbol in section.iter_symbols()
            if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["type"] == "STT_FUNC"
        }
