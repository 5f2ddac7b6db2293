"""The first call of a program, from wherever it comes."""

from __future__ import annotations

import pytest

from .conftest import ANSWER, ANSWERS, Preloaded, hooking, lines, own

EXPECTED = {
    "threads": [f"thread: {ANSWER}"] * 8,
    "stack 16": [f"16 KiB: {ANSWER}"] * 3,
    "signals": [f"blocked: {ANSWER}, kept"],
    "alternate_stack": [f"handler: {ANSWER}"],
}


@pytest.mark.every_python
@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("modules", ["", "import ssl, sqlite3, numpy"])
def test_the_first_call_gets_the_policy_s_answer(preloaded: Preloaded, mode: str, modules: str) -> None:
    done = preloaded(own("first"), *mode.split(), policy=modules + ANSWERS)
    assert lines(done) == [*EXPECTED[mode], f"main: {ANSWER}"]


@pytest.mark.every_python
def test_the_first_call_may_come_from_a_library_s_constructor(preloaded: Preloaded) -> None:
    assert lines(preloaded(own("constructor"))) == [f"constructor: {ANSWER}", f"main: {ANSWER}"]


@pytest.mark.every_python
@pytest.mark.parametrize("mode", ["stack 16", "alternate_stack"])
def test_a_hook_that_logs_and_calls_deeply_has_stack_enough(preloaded: Preloaded, mode: str) -> None:
    policy = hooking(
        top="import json\nnested = '[' * 200 + ']' * 200",
        body=f"""
call.log.debug("asked", nested=len(repr(json.loads(nested))))
return call.reply(pi={ANSWER})
""",
    )
    done = preloaded(own("first"), *mode.split(), policy=policy, log="debug")
    assert done.stdout.splitlines() == [*EXPECTED[mode], f"main: {ANSWER}"]
    calls = len(EXPECTED[mode]) + 1
    assert done.stderr.count("cuDeviceGetAttribute: asked nested=400 ") == calls
    assert done.stderr.count(f"CALLED (attrib=75, dev=0) -> CUDA_SUCCESS (pi={ANSWER})") == calls


@pytest.mark.every_python
@pytest.mark.parametrize("size", [16, 256, 300, 512, 1024, 2048])
@pytest.mark.parametrize(
    "deeply",
    [
        "max([call], key=attribute)",
        "compile('-' * 5000 + '1', 'x', 'eval')",
        "repr(functools.reduce(lambda inner, _: [inner], range(100000), []))",
    ],
)
def test_a_hook_that_recurses_for_ever_ends_with_an_error_on_any_stack(
    preloaded: Preloaded, size: int, deeply: str
) -> None:
    """Through C, where each level takes much of the stack; how deep is up to each Python."""
    policy = hooking(
        top="import functools",
        body=f"try:\n    {deeply}\nexcept Exception:\n    pass\nreturn call.reply(pi={ANSWER})",
    )
    done = preloaded(own("first"), "stack", str(size), policy=policy)
    assert lines(done) == [f"{size} KiB: {ANSWER}"] * 3 + [f"main: {ANSWER}"]
