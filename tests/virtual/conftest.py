"""Virtual machines of the built-in GPUs, and what a real one answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import devices
from vgpu_embed.devices import Profile
from vgpu_embed.policy import Policy
from virtual.device import Device
from virtual.harness import Program, VirtualMode

Machine = Callable[..., Program]


@pytest.fixture(scope="session")
def real() -> dict[str, Any]:
    """What a real H100 and its libraries answered (data/read_queries.py)."""
    answers: dict[str, Any] = json.loads((Path(__file__).parent / "data/h100-queries.json").read_text("utf-8"))
    return answers


@pytest.fixture
def environment() -> dict[str, str]:
    """The program's environment."""
    return {}


@pytest.fixture
def machine(environment: dict[str, str]) -> Machine:
    """Makes programs on a machine with GPUs, "2xh100" or profiles, below a user's policies."""

    def make(gpus: str | Iterable[Profile], *user: Policy) -> Program:
        profiles = devices.parse_spec(gpus) if isinstance(gpus, str) else list(gpus)
        return Program(VirtualMode(user, gpu=profiles, environment=environment))

    return make


@pytest.fixture
def h100(machine: Machine) -> Program:
    """A program on the machine whose answers are in `real`: its card sits at 0000:00:06.0."""
    return machine([devices.load("h100", pci="0000:00:06.0")])


@pytest.fixture
def ready(h100: Program) -> Program:
    """The same after cuInit."""
    assert h100.call("cuInit", 0) == 0
    return h100


@pytest.fixture
def device(ready: Program) -> Device:
    """A program with a context of its own."""
    made = Device(ready)
    made.made("cuCtxCreate_v2", 0, 0, ctype="CUcontext")
    return made
