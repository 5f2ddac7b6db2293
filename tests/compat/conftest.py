"""Writes docs/compatibility.md when every cell of the table was tested and passed."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from . import table

PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Iterator[Path]:
    """Where each process of a test run notes the cells that passed; the last one to end has them all."""
    base = tmp_path_factory.getbasetemp()
    file = (base.parent if worker else base) / "compatible"
    yield file
    if os.environ.get("VGPU_TEST_WITHOUT_LIBRARY") or not file.exists() or not table.complete():
        return
    passed = set(file.read_text().split())
    if passed == {f"{host}-{way}" for host, way in table.cells()}:
        table.DOCUMENT.write_text(table.document())


@pytest.fixture(scope="session")
def worker() -> str:
    """Which process of pytest-xdist's this is."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture
def noted(record: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Notes the test if it passes."""
    yield
    if request.node.stash.get(PASSED, False):
        with open(record, "a") as file:
            file.write(request.node.callspec.id + "\n")
