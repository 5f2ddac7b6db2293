"""Policies of these tests."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

PolicyFile = Callable[..., Path]


@pytest.fixture
def policy_file(tmp_path: Path) -> PolicyFile:
    """Writes a policy: what stands below `policy = Policy(...)`."""

    def write(body: str, arguments: str = "", name: str = "policy.py") -> Path:
        path = tmp_path / name
        start = f"from vgpu_embed import CUresult, DeviceAttribute, GiB, Policy\npolicy = Policy({arguments})\n"
        path.write_text(start + textwrap.dedent(body))
        return path

    return write
