"""What the tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live import Running, running

import vgpu_embed

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """The environment without what a developer's shell may preload or set for us."""
    drop = ("VGPU_", "LD_PRELOAD", "LD_LIBRARY_PATH", "NO_COLOR", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    return {**kept, "PYTHONPATH": str(Path(vgpu_embed.__path__[0]).parent)}


@pytest.fixture
def cli(clean_environment: dict[str, str]) -> Cli:
    """Runs `vgpu-embed` as a user would; keyword arguments are variables to set."""

    def run(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vgpu_embed.cli", *arguments],
            env={**clean_environment, **variables},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def compile_c(tmp_path: Path) -> Callable[..., Path]:
    """Compiles C source text to a file, with further flags of the compiler."""

    def build(target: Path, source: str, *flags: str) -> Path:
        text = tmp_path / "source.c"
        text.write_text(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-o", str(target), str(text), *flags], check=True)
        return target

    return build


@pytest.fixture
def policy(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The POLICY of the test's module, as a file."""
    path = tmp_path / "limit.py"
    path.write_text(request.module.POLICY)
    return path


@pytest.fixture
def program(policy: Path) -> Iterator[Running]:
    """A program under a policy that refuses allocations of more than 1 GiB, after two small ones and one refused."""
    with running(policy=policy) as one:
        assert [one.allocate(4096), one.allocate(2 << 30), one.allocate(4096)] == [0, 2, 0]
        yield one
