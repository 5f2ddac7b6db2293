"""What the tests of the embedded interpreter share: programs, policies, and how they meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support import TESTS, Completed, built, run_preloaded

ANSWER = 4242
"""What only a policy says; the fake driver says DRIVER."""
DRIVER = 8

ANSWERS = f"""
from vgpu_embed import Policy
policy = Policy()
@policy.hook("cuDeviceGetAttribute")
def attribute(call):
    return call.reply(pi={ANSWER})
"""
"""The smallest policy whose being in force can be seen."""

Preloaded = Callable[..., Completed]


def own(name: str) -> Path:
    """A program or library of this folder."""
    return built(TESTS / "embed") / name


def host(name: str) -> Path:
    """A program or library of tests/hosts."""
    return built(TESTS / "hosts") / name


def hooking(body: str, top: str = "", on_error: str = "forward") -> str:
    """A policy whose hook of cuDeviceGetAttribute has this body."""
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return (
        f"{top}\nfrom vgpu_embed import Policy\npolicy = Policy(on_error={on_error!r})\n"
        f'@policy.hook("cuDeviceGetAttribute")\ndef attribute(call):\n{lines}\n'
    )


def lines(done: Completed) -> list[str]:
    """What a program printed that went well and about which nothing had to be said."""
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def said(done: Completed) -> list[str]:
    """The library's own lines, without prefix and process id."""
    own_lines = [line for line in done.stderr.splitlines() if line.startswith("[libvgpu-cuda] ")]
    return [line.removeprefix("[libvgpu-cuda] ").rpartition(" (pid=")[0] for line in own_lines]


def attributes(done: Completed) -> set[int]:
    """The values of attributes that a program of tests/hosts printed."""
    found = {line.split()[-1] for line in done.stdout.splitlines() if "GetAttribute" in line}
    return {int(value) for value in found}


@pytest.fixture
def preloaded(tmp_path: Path) -> Preloaded:
    """Runs a program over the fake driver with the library and the text of a policy."""

    def run(
        program: str | Path,
        *arguments: str | Path,
        policy: str = ANSWERS,
        env: Mapping[str, str | Path] | None = None,
        log: str | None = None,
        driver: Path | None = None,
        timeout: float = 60,
    ) -> Completed:
        file = tmp_path / "policy.py"
        file.write_text(policy)
        return run_preloaded(
            [program, *arguments],
            policy=file,
            env=env,
            log=log,
            driver=driver,
            timeout=timeout,
        )

    return run
