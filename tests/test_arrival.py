"""Every driver function of the list: what a program passes is what arrives, whichever way it went.

tests/driver/generate.py gives each parameter a value that no other has, and lets the C compiler
place it by the function's prototype; the fake driver records what it received.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from driver import generate
from support import fake_driver, run_bare, run_preloaded

from vgpu_embed import tables

pytestmark = pytest.mark.every_python

WAYS = ("dlsym", "getproc", "link")

ASKED = ("cuGetProcAddress", "cuGetProcAddress_v2")
"""They have to work, so that functions can be asked for, and cannot be told to fail."""

POLICY = """
import os
from vgpu_embed import Policy, tables
from vgpu_embed._core import ffi

policy = Policy(on_error="deny")
seen = os.open(os.environ["ARRIVAL_SEEN"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def in_memory(parameter, value):
    if isinstance(value, str):
        return value.encode()
    if parameter.kind == "struct":
        return bytes(ffi.buffer(ffi.addressof(value)))
    if parameter.kind == "pointer":
        return int(ffi.cast("uintptr_t", value)).to_bytes(8, "little")
    if parameter.kind == "float":
        return bytes(ffi.buffer(ffi.new("float *", value)))
    return int(value).to_bytes(parameter.size, "little", signed=parameter.kind == "int")


@policy.hook("cu*")
def see(call):
    row = tables.function(call.function)
    before = [in_memory(p, getattr(call, p.attribute)) for p in row.parameters if p.direction != "out"]
    verdict = VERDICT
    if verdict is not None:
        values = [in_memory(p, getattr(call, p.attribute)) for p in row.parameters]
        assert before == [v for v, p in zip(values, row.parameters) if p.direction != "out"]
    else:
        values = [before.pop(0) if p.direction != "out" else b"" for p in row.parameters]
    shown = [value.hex() or "-" for value in values]
    os.write(seen, (" ".join([call.function, call.caller, *shown]) + "\\n").encode())
    return verdict
"""
VERDICTS = {"forward": "call.forward()", "none": "None"}
KINDS = ("bare", "no policy", "unhooked", *VERDICTS)


class Run:
    """One run of tests/driver/caller.c: every function in each of the ways, one after the other.

    "unhooked" has a policy for another function, so that a call may have to wait for Python first.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        record, seen = folder / "record", folder / "seen"
        program: list[str | Path] = [fake_driver() / "caller", *WAYS]
        told = ",".join(f"{name}={result}" for name, result in results().items())
        env: dict[str, str | Path] = {"FAKE_CUDA_LOG": record, "FAKE_CUDA_FAIL": told, "ARRIVAL_SEEN": seen}
        if kind == "bare":
            done = run_bare(program, env=env)
        elif kind == "no policy":
            done = run_preloaded(program, env=env)
        else:
            policy = folder / "policy.py"
            text = POLICY.replace("VERDICT", VERDICTS.get(kind, "None"))
            policy.write_text(text.replace("cu*", "cudaMalloc") if kind == "unhooked" else text)
            done = run_preloaded(program, policy=policy, env=env)
        assert done.stderr == ""
        assert done.returncode == 0
        self.called = [line.split() for line in done.stdout.splitlines()]
        self.arrived = _calls_of_interest(record)
        self.seen = _calls_of_interest(seen) if seen.exists() else []


def _calls_of_interest(record: Path) -> list[list[str]]:
    """Calls as recorded, without those by which the program got its addresses."""
    lines = [line.split() for line in record.read_text().splitlines()]
    flags = 5
    return [x for x in lines if x[0] not in ASKED or x[flags] == arguments()[x[0]][flags - 2]]


@cache
def results() -> dict[str, int]:
    """What each function is told to return; no two the same."""
    return {row.name: 1000 + row.index for row in generate.functions() if row.name not in ASKED}


@cache
def arguments() -> dict[str, list[str]]:
    """What the program passes to each function, by the bytes."""
    return {row.name: generate.arguments(row) for row in generate.functions()}


@cache
def expected() -> list[tuple[str, str]]:
    """The calls that the program makes, in order: way and function."""
    given = generate.requests()
    return [(way, row.name) for way in WAYS for row in generate.functions() if way != "getproc" or row.name in given]


Runs = Callable[[str], Run]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return cache(lambda kind: Run(tmp_path_factory.mktemp(kind.replace(" ", "-")), kind))


every_run = pytest.mark.parametrize("kind", KINDS)
every_hooked_run = pytest.mark.parametrize("kind", list(VERDICTS))


def test_the_values_reveal_a_mix_up() -> None:
    for row in generate.functions():
        values = arguments()[row.name]
        assert len(set(values)) == len(values), row.name
    negative = [
        row.name
        for row in generate.functions()
        for position, parameter in enumerate(row.parameters or ())
        if parameter.kind == "int" and generate.value(row, position)[-1] & 0x80
    ]
    assert len(negative) > 20


@every_run
def test_every_function_is_called_in_every_way(runs: Runs, kind: str) -> None:
    assert [(line[0], line[1]) for line in runs(kind).called] == expected()
    assert len({name for _, name in expected()}) > 700


@every_run
def test_every_argument_arrives(runs: Runs, kind: str) -> None:
    wanted = [[name, *arguments()[name]] for _, name in expected()]
    got = [[line[0], *line[2:]] for line in runs(kind).arrived]
    assert [pair for pair in zip(got, wanted, strict=False) if pair[0] != pair[1]] == []
    assert len(got) == len(wanted)


@every_run
def test_every_result_is_the_drivers(runs: Runs, kind: str) -> None:
    invalid_value = 1
    wrong = [
        (way, name, result)
        for way, name, result, *_ in runs(kind).called
        if int(result) != results().get(name, invalid_value)
    ]
    assert wrong == []


@every_run
def test_errno_is_left_alone(runs: Runs, kind: str) -> None:
    assert {line[3] for line in runs(kind).called} == {"731"}


@every_run
def test_what_is_handed_out_is_the_function_of_that_name(runs: Runs, kind: str) -> None:
    file = "libcuda.so.1" if kind == "bare" else "libvgpu-cuda.so"
    wrong = [line for line in runs(kind).called if line[4:] != [file, line[1]]]
    assert wrong == []


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "forward"])
def test_what_is_not_answered_leaves_by_a_jump(runs: Runs, kind: str) -> None:
    """The driver sees the program as its caller."""
    callers = {line[1] for line in runs(kind).arrived if line[0] not in ASKED}
    assert callers == {"caller"}


def as_python_sees(row: tables.Function, kind: str) -> list[str]:
    """Text instead of a pointer to it; no out-parameter without forward()."""
    values = list(arguments()[row.name])
    for position, parameter in enumerate(row.parameters or ()):
        text = generate.text(row, position)
        if text:
            values[position] = text.encode().hex()
        elif parameter.direction == "out" and kind == "none":
            values[position] = "-"
    return values


@every_hooked_run
def test_python_sees_the_same_arguments(runs: Runs, kind: str) -> None:
    """Out-parameters may be read only after the driver has run."""
    wanted = [
        [name, "caller", *as_python_sees(tables.function(name), kind)]
        for _, name in expected()
        if tables.function(name).parameters is not None
    ]
    got = runs(kind).seen
    assert [pair for pair in zip(got, wanted, strict=False) if pair[0] != pair[1]] == []
    assert len(got) == len(wanted)
