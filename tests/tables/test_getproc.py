"""getproc.resolve against everything that a real driver was asked."""

import functools
import json
from bisect import bisect
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import tables
from vgpu_embed.tables import getproc

TRANSCRIPT: dict[str, Any] = json.loads(
    (Path(tables.__file__).parent / "data/cuGetProcAddress-580.159.04.json").read_text()
)
VERSIONS = [*range(1000, 13060, 10)]


@functools.cache
def meant(answer: str) -> tuple[int, str | None, int | None]:
    """What the transcript's shorthand says."""
    if not answer.startswith("rc"):
        return 0, answer, 0
    result, status = answer.removeprefix("rc").split("/status")
    # The sweep put -1 where the driver was to write the status: with an error it wrote none.
    return int(result), None, None if status == "-1" else int(status)


@pytest.mark.parametrize("flags", [0, 1, 2])
def test_whole_transcript(flags: int) -> None:
    compared = 0
    for symbol, steps in TRANSCRIPT["names"].items():
        if isinstance(steps, dict):
            steps = steps["per_thread" if flags == 2 else "default,legacy"]
        since = [version for version, _ in steps]
        recorded = [meant(steps[bisect(since, version) - 1][1]) for version in VERSIONS]
        assert [getproc.resolve(symbol, version, flags) for version in VERSIONS] == recorded
        compared += len(recorded)
    assert compared == 707 * len(VERSIONS)


def test_edge_cases() -> None:
    edge = TRANSCRIPT["edge"]
    assert edge["empty symbol, version 0"] == list(getproc.resolve("", 0, 0))
    assert edge["version 0"] == list(getproc.resolve("cuInit", 0, 0))
    assert edge["unknown symbol"] == list(getproc.resolve("cuNoSuchFunction", 12000, 0))
    assert edge["symbol newer than version"] == list(getproc.resolve("cuCtxGetId", 11000, 0))
    # 57005 and -7 are what the caller had put there: nothing was written.
    assert edge["flags 99"] == [1, 57005, -7]
    assert getproc.resolve("cuInit", 12000, 99) == (1, None, None)
    assert edge["flags 3"] == [0, "fn", 0]
    assert getproc.resolve("cuInit", 12000, 3) == (0, "cuInit", 0)


def test_above_the_drivers_own_version() -> None:
    assert getproc.resolve("cuInit", 13000, 0) == (0, "cuInit", 0)
    assert getproc.resolve("cuInit", 13001, 0) == (1, None, None)
    assert getproc.resolve("cuNoSuchFunction", 13010, 0) == (1, None, None)


def test_every_function_given_is_in_the_list() -> None:
    for symbol in getproc.symbols():
        for version in VERSIONS:
            for flags in (0, 2):
                export = getproc.resolve(symbol, version, flags)[1]
                assert export is None or "580.159.04" in tables.function(export).sources
