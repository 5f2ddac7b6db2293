"""Programs under policies for these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.live import Program, started, write_policy

Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program under the text of a policy, kept in `policy.py`; ends it with the test."""
    with ExitStack() as stack:

        def begin(body: str | None = None, arguments: str = "", **more: Any) -> Program:
            if body is not None:
                more["policy"] = write_policy(tmp_path / "policy.py", body, arguments)
            return stack.enter_context(started(tmp_path, **more))

        yield begin
