"""Build the programs of this folder, and lay out what they need."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import support

HERE = Path(__file__).resolve().parent
FETCH = HERE.parent / "real" / "fetch.py"


def build() -> Path:
    """Make what is not up to date, and return the folder of programs; callers in parallel wait."""
    return support.built(HERE)


def real_libraries() -> Path:
    """Return the folder that holds the real libggml-cuda.so."""
    done = subprocess.run([sys.executable, FETCH], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.strip())


def ollama_tree(destination: Path, variants: Iterable[str] = ("cuda_v13",)) -> tuple[Path, Path]:
    """Lay out ollama as it is installed, with the real libggml-cuda.so in each variant's folder.

    Returns the program bin/ollama and the folder lib/ollama that `ollama discover` wants.
    """
    built, real = build(), real_libraries()
    program = destination / "bin" / "ollama"
    libraries = destination / "lib" / "ollama"
    program.parent.mkdir(parents=True)
    libraries.mkdir(parents=True)
    shutil.copy(built / "ollama", program)
    shutil.copy(built / "llama-server", libraries)
    (registry,) = real.glob("libggml.cuda.*.so")
    for name, target in (
        ("libggml-base.so", real / "libggml-base.so"),
        ("libggml-cpu-x64.so", real / "libggml-cpu-x64.so"),
        ("libggml.so", registry),
    ):
        (libraries / name).symlink_to(target)
    for variant in variants:
        (libraries / variant).mkdir()
        (libraries / variant / "libggml-cuda.so").symlink_to(real / "libggml-cuda.so")
    return program, libraries
