"""Which mutations are tried, and the page that says what came of all of them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from support import TESTS

from .mutations import MUTATIONS, Mutation

PAGE = TESTS.parent / "docs/mutations.md"

HEAD = """\
# Safeguards and their tests

Written by `pytest tests/loader --all-mutations`: each safeguard of the preloaded library was taken out of its source,
the library was built anew, and the tests that are named here failed; with the safeguard in place they pass.
`tests/loader/mutations.py` has the changes.

| safeguard | in | red without it |
|---|---|---|
"""

_red: set[str] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option."""
    parser.addoption("--all-mutations", action="store_true", help="try every mutation; write docs/mutations.md")


def _tried(config: pytest.Config) -> tuple[Mutation, ...]:
    """All, or the quick ones; of those that matter to one Python only, this one's."""
    if config.getoption("--all-mutations", default=False):
        return MUTATIONS
    return tuple(m for m in MUTATIONS if m.quick and m.python in (None, sys.version_info[1]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each mutation."""
    if "mutation" in metafunc.fixturenames:
        metafunc.parametrize("mutation", [pytest.param(m, id=m.name) for m in _tried(metafunc.config)])


@pytest.fixture
def tried(pytestconfig: pytest.Config) -> tuple[Mutation, ...]:
    """The mutations of this run."""
    return _tried(pytestconfig)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes whose tests went red; with several workers, where they report to."""
    test, _, name = report.nodeid.rpartition("::")[2].partition("[")
    if report.when == "call" and report.passed and test == "test_a_mutation_turns_its_tests_red":
        _red.add(name.rstrip("]"))


def _row(mutation: Mutation) -> str:
    files: dict[str, list[str]] = {}
    for test in mutation.red:
        file, _, name = test.partition("::")
        function = name.partition("[")[0]
        if function not in files.setdefault(file, []):
            files[file].append(function)
    red = "; ".join(f"{file}: " + ", ".join(f"`{name}`" for name in names) for file, names in files.items())
    python = f" (Python 3.{mutation.python})" if mutation.python else ""
    return f"| {mutation.safeguard}{python} | `csrc/{mutation.file}` | {red} |\n"


def pytest_sessionfinish(session: Any) -> None:
    """The page is written by a run in which every mutation was tried and was red."""
    if not hasattr(session.config, "workerinput") and _red == {mutation.name for mutation in MUTATIONS}:
        PAGE.write_text(HEAD + "".join(map(_row, MUTATIONS)))
