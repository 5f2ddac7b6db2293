"""From source to a wheel to another environment, and what a build says that cannot be made."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from support import PACKAGE, TESTS, clean_environment, run, run_preloaded

from .conftest import ANSWER, hooking, lines, own

VERSION = f"3.{sys.version_info[1]}"
BUILDS = ("pip", "setuptools", "wheel", "packaging", "cffi", "pycparser", "tomli")
RUNS = ("pip", "cffi", "pycparser", "psutil", "pyelftools")

needs_wheel = pytest.mark.xdist_group("wheel")


def environment(folder: Path, distributions: tuple[str, ...]) -> Path:
    """A virtual environment with copies of what is installed in this one; returns its Python."""
    venv.create(folder, symlinks=True)
    site = folder / f"lib/python{VERSION}/site-packages"
    for name in distributions:
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            assert name == "tomli", f"{name} is not installed"
            continue
        for file in files:
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.suffix != ".pyc" and source.exists():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, site / file)
    return folder / "bin/python"


def source_tree(folder: Path) -> Path:
    """A copy of the source that has what a clone of the project would."""
    root = folder / "source"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=TESTS.parent, capture_output=True, text=True, check=True).stdout.split("\0")
    for source in (TESTS.parent / file for file in filter(None, files)):
        if source.exists():
            target = root / source.relative_to(TESTS.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return root


@functools.cache
def wheel(base: Path) -> Path:
    """A wheel of a clean copy, built in an environment that is gone; in pytest's folder of this run."""
    folder = base / "wheel"
    folder.mkdir()
    python = environment(folder / "a", BUILDS)
    options = ["--no-build-isolation", "--no-deps", "--no-index", "-w", str(folder)]
    source = source_tree(folder)
    done = run([python, "-m", "pip", "wheel", *options, source], timeout=150)
    assert done.returncode == 0, done
    shutil.rmtree(folder / "a")
    shutil.rmtree(source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """Another environment with that wheel, its folder."""
    python = environment(tmp_path / "b", RUNS)
    done = run([python, "-m", "pip", "install", "--no-deps", "--no-index", wheel(tmp_path_factory.getbasetemp())])
    assert done.returncode == 0, done
    return tmp_path / "b"


def asked(folder: Path, policy: Path) -> list[str]:
    """What a program prints under a bare LD_PRELOAD of that environment's library."""
    policy.write_text(
        hooking(
            top="import os, psutil, vgpu_embed\nplace = os.path.abspath(vgpu_embed.__file__)",
            body=f"return call.reply(pi={ANSWER} if place.startswith({str(folder)!r}) else 1)",
        )
    )
    library = folder / f"lib/python{VERSION}/site-packages/vgpu_embed/libvgpu-cuda.so"
    assert not library.with_name("libvgpu-cuda.python").exists()
    return lines(run_preloaded([own("first")], policy=policy, env={"LD_PRELOAD": library}))


@needs_wheel
def test_a_wheel_works_in_another_environment(installed: Path, tmp_path: Path) -> None:
    assert asked(installed, tmp_path / "policy.py") == [f"main: {ANSWER}"]


@needs_wheel
def test_an_environment_may_be_moved(installed: Path, tmp_path: Path) -> None:
    moved = installed.rename(tmp_path / "moved")
    assert asked(moved, tmp_path / "policy.py") == [f"main: {ANSWER}"]


@pytest.mark.every_python
def test_the_library_needs_libc_only_and_the_core_no_libpython() -> None:
    needed = {}
    for file in (PACKAGE / "libvgpu-cuda.so", *PACKAGE.glob("_core.*.so")):
        with file.open("rb") as stream:
            dynamic: Any = ELFFile(stream).get_section_by_name(".dynamic")
            tags = [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]
        needed[file.name.split(".")[0]] = tags
    assert needed == {"libvgpu-cuda": ["libc.so.6"], "_core": ["libc.so.6"]}


def refused(folder: Path, **env: str | Path) -> str:
    """What a build that ends says; one line of ours, no traceback."""
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "-b", folder / "lib", "-t", folder / "temp"],
        cwd=source_tree(folder),
        env={**clean_environment(), **{name: str(value) for name, value in env.items()}},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("vgpu_embed: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def pretending(folder: Path, text: str) -> dict[str, str]:
    """An environment whose Python runs this text at its start."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys, sysconfig\n{text}\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


def test_a_build_without_a_compiler_names_the_remedy(tmp_path: Path) -> None:
    assert refused(tmp_path, CC=tmp_path / "nowhere/cc") == (
        f"vgpu_embed: no C compiler: {tmp_path}/nowhere/cc cannot be run; "
        "install gcc (Debian, Ubuntu: apt install gcc) or set CC"
    )


def test_a_build_without_headers_names_the_remedy(tmp_path: Path) -> None:
    env = pretending(tmp_path / "start", f"sysconfig.get_path = lambda *_, **__: {str(tmp_path)!r}")
    assert refused(tmp_path, **env) == (
        f"vgpu_embed: Python {VERSION} has no headers at {tmp_path}; "
        f"install them (Debian, Ubuntu: apt install python{VERSION}-dev)"
    )


def test_a_build_without_a_shared_libpython_names_the_remedy(tmp_path: Path) -> None:
    text = f"""
found = sysconfig.get_config_var
sysconfig.get_config_var = lambda name: None if name == "LIBDIR" else found(name)
sys.base_prefix = {str(tmp_path)!r}
"""
    assert refused(tmp_path, **pretending(tmp_path / "start", text)) == (
        f"vgpu_embed: Python {VERSION} at {tmp_path} has no shared libpython{VERSION}.so.1.0; "
        f"install it (Debian, Ubuntu: apt install libpython{VERSION}; pyenv: "
        f"PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {VERSION})"
    )
