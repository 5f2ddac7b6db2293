"""Where the data lies, and profiles fresh from their TOML files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed.devices import catalogue, compile
from vgpu_embed.devices.profile import Profile

DATA = Path(__file__).parent / "data"
GPUS = ("a100", "h100", "h200", "l40s", "rtx-4090", "t4")


@pytest.fixture(scope="session", autouse=True)
def compiled() -> dict[str, dict[str, Any]]:
    """What the build would write, from the TOML files as they are now; `load` takes it too."""
    text = compile.text()
    catalogue._texts.update(catalogue.profile_lines(text))
    profiles: dict[str, dict[str, Any]] = json.loads(text)
    return profiles


@pytest.fixture(params=GPUS)
def profile(request: pytest.FixtureRequest, compiled: dict[str, dict[str, Any]]) -> Profile:
    """Each built-in profile in turn."""
    return Profile(request.param, compiled[request.param])


def measured(name: str) -> dict[str, Any]:
    """What a real card answered."""
    answers: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return answers
