"""A plugin for the pytest that runs under a mutation: programs do not hang for long, and outcomes go to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import support

LIMIT, FILE = "MUTATION_LIMIT", "MUTATION_OUTCOMES"

_original = support.run
_outcomes: dict[str, str] = {}


def _limited(program: Any, *, timeout: float = 60, **rest: Any) -> support.Completed:
    return _original(program, timeout=min(timeout, float(os.environ[LIMIT])), **rest)


support.run = _limited


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes "passed", or why not."""
    node = report.nodeid.removeprefix("tests/")
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        _outcomes[node] = f"{report.when}: {crash.message if crash else report.longreprtext}"
    elif report.when == "call" or report.skipped:
        _outcomes.setdefault(node, report.outcome)


def pytest_sessionfinish() -> None:
    """Writes what was noted."""
    Path(os.environ[FILE]).write_text(json.dumps(_outcomes))
