"""Each safeguard taken out turns its tests red, and nothing else does.

Some are tried in each run; `pytest tests/loader --all-mutations` tries all and writes docs/mutations.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from .mutated import ROOT, Copy, interpreter, mutated
from .mutations import MUTATIONS, Mutation

pytestmark = pytest.mark.timeout(900)

Copies = Callable[[Path], Copy]


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """A copy of the package of each interpreter."""
    return cache(lambda python: Copy(tmp_path_factory.mktemp("mutated"), python))


def by_interpreter(mutations: Iterable[Mutation]) -> dict[Path, list[str]]:
    """The tests of mutations, for each Python that they are tried with."""
    found: dict[Path, list[str]] = {}
    for mutation in mutations:
        tests = found.setdefault(interpreter(mutation), [])
        tests += [test for test in mutation.red if test not in tests]
    return found


def test_names_are_different() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [mutation.name for mutation in MUTATIONS])
def test_what_a_mutation_replaces_is_there(name: str) -> None:
    (mutation,) = [mutation for mutation in MUTATIONS if mutation.name == name]
    text = (ROOT / "csrc" / mutation.file).read_text()
    assert mutated(text, mutation) != text


def test_without_a_mutation_the_tests_pass(copies: Copies, tried: tuple[Mutation, ...]) -> None:
    """What a mutation is compared with: a copy, built as theirs are."""
    for python, tests in by_interpreter(tried).items():
        copy = copies(python)
        copy.build()
        assert copy.outcomes(tests, limit=100) == dict.fromkeys(tests, "passed")


def test_a_mutation_turns_its_tests_red(copies: Copies, mutation: Mutation) -> None:
    copy = copies(interpreter(mutation))
    copy.build(mutation)
    outcomes = copy.outcomes(mutation.red, mutation.limit)
    assert set(outcomes) == set(mutation.red)
    not_red = [test for test, outcome in outcomes.items() if not outcome.startswith("call: ")]
    assert not_red == [], outcomes
