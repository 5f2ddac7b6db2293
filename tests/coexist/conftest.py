"""What these tests share with those of the embedded interpreter: programs, policies, and how they meet."""

from __future__ import annotations

import shutil
from pathlib import Path

from embed.conftest import preloaded as preloaded  # a fixture
from support import TESTS, Completed, built

from coexist import debs


def own(name: str) -> Path:
    """A program of this folder."""
    return built(TESTS / "coexist") / name


def package_file(packages: tuple[str, ...], pattern: str) -> Path:
    """A library of Debian packages; where they cannot be had, the test fails and says so."""
    try:
        return debs.library(packages, pattern)
    except debs.FetchError as error:
        raise AssertionError(str(error)) from None


def tool(name: str, package: str) -> str:
    """A program of this machine's; where it is missing, the test fails and names the package."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: apt-get install {package}"
    return found


def last(done: Completed, count: int = 1) -> list[str]:
    """The last lines that a program printed that went well."""
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()[-count:]
