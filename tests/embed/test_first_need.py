"""Python is loaded on first need: by nobody who does not use CUDA."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Completed, run_preloaded

from .conftest import ANSWER, ANSWERS, DRIVER, attributes, host

LIBRARY, PYTHON = "libvgpu-cuda.so", "libpython"


def loaded(folder: Path, program: str | Path, **env: str | Path) -> tuple[Completed, set[str]]:
    """Runs a program under the loader's own log; with the names of all files that it loaded."""
    variables = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": folder / "loader", **env}
    done = run_preloaded([program], env=variables)
    text = "".join(path.read_text() for path in folder.glob("loader.*"))
    names = {line.split("file=")[1].split()[0] for line in text.splitlines() if "file=" in line}
    return done, {Path(name).name for name in names}


def has_python(names: set[str]) -> bool:
    """Whether an interpreter, or the library that stands before it, was loaded."""
    assert LIBRARY in names
    return any(name.startswith((PYTHON, "_core", "libvgpu-gate")) for name in names)


@pytest.mark.parametrize("asked", [{}, {"VGPU_GPU": "h100"}, {"VGPU_POLICY": "policy.py"}])
@pytest.mark.parametrize("program", ["/bin/true", "runpath"])
def test_a_program_without_cuda_never_loads_python(tmp_path: Path, asked: dict[str, str], program: str) -> None:
    """runpath opens libraries and looks names up, but none of CUDA's."""
    policy = tmp_path / "policy.py"
    policy.write_text("raise SystemError")
    if "VGPU_POLICY" in asked:
        asked = {"VGPU_POLICY": str(policy)}
    path = program if program.startswith("/") else host(program)
    done, names = loaded(tmp_path, path, **asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert not has_python(names)


def test_bin_true_loads_nothing_but_the_library(tmp_path: Path) -> None:
    _, names = loaded(tmp_path, "/bin/true", VGPU_POLICY="policy.py")
    assert {name.split(".so")[0] for name in names} <= {"libvgpu-cuda", "libc", "ld-linux-x86-64"}


@pytest.mark.every_python
def test_the_first_need_loads_it(tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(ANSWERS)
    done, names = loaded(tmp_path, host("lookup"), VGPU_POLICY=policy)
    assert has_python(names)
    assert attributes(done) == {ANSWER}


def test_where_nothing_is_asked_for_cuda_does_not_load_it(tmp_path: Path) -> None:
    done, names = loaded(tmp_path, host("lookup"))
    assert not has_python(names)
    assert DRIVER in attributes(done)


def test_the_off_switch_is_off_whatever_is_asked_for(tmp_path: Path) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(ANSWERS)
    done, names = loaded(tmp_path, host("lookup"), VGPU_POLICY=policy, VGPU_DISABLE="1", VGPU_LOG="debug")
    assert not has_python(names)
    assert DRIVER in attributes(done)
    assert done.stderr == ""
