"""What the tests of the library under tools share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from coexist import debs
from coexist.conftest import tool as tool
from embed.conftest import preloaded as preloaded  # a fixture
from support import LIBRARY, TESTS, Completed, built, preloading, run

HERE = TESTS / "tools"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="look for defects for minutes instead of seconds")


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether there is time: `pytest tests/tools --soak`."""
    return bool(request.config.getoption("--soak", default=False))


def instrumented(name: str) -> Path:
    """The library of a package that was built with a sanitizer: "address" (and undefined) or "thread"."""
    return built(HERE) / name / "lib/vgpu_embed/libvgpu-cuda.so"


RUNTIMES = {"address": "asan", "thread": "tsan"}


def run_instrumented(
    name: str, program: list[str | Path], policy: Path, *, log: str | None = None, gpu: str | None = None
) -> Completed:
    """Runs a program over the fake driver with the instrumented library, the sanitizer's own before it.

    Addresses are not randomised: gcc 12's ThreadSanitizer does not know today's ranges.
    """
    asked = subprocess.run(
        ["cc", f"-print-file-name=lib{RUNTIMES[name]}.so"], capture_output=True, text=True, check=True
    )
    variables = preloading(policy=policy, mode="virtual" if gpu else "native", gpu=gpu, log=log)
    replaced = variables["LD_PRELOAD"].replace(str(LIBRARY.parent), str(instrumented(name).parent))
    variables["LD_PRELOAD"] = f"{Path(asked.stdout.strip()).resolve()}:{replaced}"
    settings = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    settings["TSAN_OPTIONS"] = "die_after_fork=0"  # a child of fork makes a service thread of its own
    return run([tool("setarch", "util-linux"), "-R", *program], env={**variables, **settings}, timeout=150)


def fuzzer(name: str) -> Path:
    """A fuzzer, built by Debian's clang."""
    try:
        clang = debs.unpacked(debs.CLANG)
    except debs.FetchError as error:
        raise AssertionError(str(error)) from None
    folder = built(HERE)  # for the lock, and what fuzzers need
    command = ["make", "-s", "-C", str(HERE), f"build/{name}", f"CLANG={clang}/usr/bin/clang-14"]
    command.append(f"CLANG_LIBRARIES={clang}/usr/lib/x86_64-linux-gnu")
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / name
