"""`vgpu-embed status --watch`."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live import Running, running

from vgpu_embed.cli.watch import Rates, picture
from vgpu_embed.inspect import maps
from vgpu_embed.inspect.state import State

POLICY = """
from vgpu_embed import Policy
policy = Policy()

@policy.hook("cuMemAlloc_v2", where="bytesize > 1 << 40")
def allocate(call):
    return None
"""
COMMAND = [sys.executable, "-m", "vgpu_embed.cli", "status", "--watch", "--interval", "0.1"]


@pytest.fixture
def program(policy: Path) -> Iterator[Running]:
    with running(policy=policy) as one:
        assert one.allocate(4096) == 0
        yield one


class Watching:
    """The program on a terminal of 200 columns."""

    def __init__(self, screen: int, process: subprocess.Popen[bytes]) -> None:
        self._screen = screen
        self.process = process
        self.text = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Reads on until it has drawn something like that; escape sequences left out."""
        end = time.monotonic() + 30
        while not (match := re.search(pattern, self.text)):
            assert time.monotonic() < end, self.text[-3000:]
            if select.select([self._screen], [], [], 0.1)[0]:
                data = os.read(self._screen, 65536).decode(errors="replace")
                self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data)
        self.text = self.text[match.end() :]
        return match


@contextmanager
def watching(environment: dict[str, str], *arguments: str) -> Iterator[Watching]:
    ours, theirs = pty.openpty()
    size = {"TERM": "xterm", "COLUMNS": "250", "LINES": "50"}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=theirs, env={**environment, **size})
    os.close(theirs)
    try:
        yield Watching(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_live_table_until_ctrl_c(program: Running, clean_environment: dict[str, str]) -> None:
    with watching(clean_environment) as watch:
        watch.until(r"CALLS/S")
        watch.until(rf"{program.pid} +python\S* +root +native .* 1 +0 ")
        for size in range(5):
            program.allocate(4096 + size)
        watch.until(rf"{program.pid} +python\S* +root +native .* 6 ")
        watch.process.send_signal(signal.SIGINT)
        assert watch.process.wait(10) == 0


def test_functions_of_one_process_and_its_end(program: Running, clean_environment: dict[str, str]) -> None:
    with watching(clean_environment, str(program.pid)) as watch:
        watch.until(r"FUNCTION +CALLS +CALLS/S +ASKED +ANSWERED")
        watch.until(r"cuMemAlloc_v2 +1 ")
        program.process.kill()
        program.process.wait()
        watch.until(rf"vgpu-embed: there is no process {program.pid}")
        assert watch.process.wait(10) == 1


def test_a_process_that_is_stopped(program: Running, clean_environment: dict[str, str]) -> None:
    os.kill(program.pid, signal.SIGSTOP)
    with watching(clean_environment, str(program.pid)) as watch:
        for _ in range(2):
            watch.until(r"cuMemAlloc_v2 +1 +[0-]")


def test_a_line_of_json_a_look(program: Running, clean_environment: dict[str, str]) -> None:
    command = [*COMMAND, "--json", str(program.pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment, text=True) as process:
        assert process.stdout is not None
        looks = [json.loads(process.stdout.readline())["processes"][0]["calls"]["cuMemAlloc_v2"]["calls"]]
        program.allocate(4096)
        while looks[-1] != 2:
            looks.append(json.loads(process.stdout.readline())["processes"][0]["calls"]["cuMemAlloc_v2"]["calls"])
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert looks[0] == 1


def test_without_a_terminal_it_says_so(clean_environment: dict[str, str]) -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, env=clean_environment)
    sentence = "vgpu-embed: --watch draws on a terminal only; add --json for a line a look\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_calls_a_second_are_those_between_two_looks(program: Running) -> None:
    def state() -> State:
        found = maps.preloaded(program.pid)
        assert found is not None
        return State(found)

    first = state()
    for _ in range(10):
        program.allocate(4096)
    rates = Rates(state(), first, 2.0)
    assert (rates.of("cuMemAlloc_v2"), rates.of("cuMemFree_v2"), rates.total) == ("5", "0", "5")
    assert Rates(first, None, 2.0).total == "-"
    first.problem = "its recording is damaged"
    assert str(picture([Rates(first, None, 2.0)], 3, False).renderables[-2]).endswith(": its recording is damaged")
