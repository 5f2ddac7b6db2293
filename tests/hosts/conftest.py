from __future__ import annotations

from pathlib import Path

import programs
import pytest


@pytest.fixture(scope="session")
def hosts() -> Path:
    """The folder of built programs."""
    return programs.build()


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder with the real libggml-cuda.so."""
    return programs.real_libraries()


@pytest.fixture(scope="session")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program ollama and its lib/ollama."""
    return programs.ollama_tree(tmp_path_factory.mktemp("ollama") / "usr")
