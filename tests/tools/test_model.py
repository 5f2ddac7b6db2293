"""Random sequences of calls, routes and verdicts, compared with a model of a few lines.

build/libmodel.so is the library's slots, thunks and entry code with a driver and a Python that do as they are told
(model.c).
"""

from __future__ import annotations

import ctypes
import functools
import re
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support import TESTS, built

from vgpu_embed import tables
from vgpu_embed.embed.redirect import ABSENT, WATCHED

FORWARD, ASK, CONSTANT = 0, 1, 16  # enum vgpu_route
WORD = st.integers(0, 2**64 - 1)
ARGUMENTS = st.lists(WORD, min_size=8, max_size=8)
CODES = [name for name in tables.names("driver") if tables.function(name).result == "CUresult"]
SLOTS = st.sampled_from([row.index for row in map(tables.function, [*CODES[:6], CODES[-1]])])
"""Few, so that a sequence comes back to the same one."""


@functools.cache
def loaded() -> ctypes.CDLL:
    library = ctypes.CDLL(str(built(TESTS / "tools") / "libmodel.so"))
    library.model_call.restype = library.model_mix.restype = ctypes.c_uint64
    library.model_call.argtypes = [ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint64)]
    library.model_mix.argtypes = [ctypes.POINTER(ctypes.c_uint64)]
    library.model_route.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_uint64]
    library.model_verdict.argtypes = [ctypes.c_uint32, ctypes.c_bool, ctypes.c_uint64]
    library.model_driver.argtypes = [ctypes.c_uint32, ctypes.c_bool]
    library.model_python.argtypes = [ctypes.c_bool, ctypes.c_bool]
    library.model_listed_library.restype = ctypes.c_void_p
    library.model_listed_library.argtypes = [ctypes.c_char_p]
    return library


def fresh() -> ctypes.CDLL:
    """The library as it is at a program's start."""
    loaded().model_reset()
    return loaded()


def words(values: list[int]) -> ctypes.Array[ctypes.c_uint64]:
    return (ctypes.c_uint64 * len(values))(*values)


class Slots(RuleBasedStateMachine):
    """What a call returns, by whom it was answered, and how often each was asked."""

    @initialize()
    def open(self) -> None:
        self.library = fresh()
        self.routes: dict[int, tuple[int, int]] = {}
        self.verdicts: dict[int, tuple[bool, int]] = {}
        self.driver: set[int] = set()
        self.ready = False
        self.asked = self.reached = 0

    @rule(slot=SLOTS, route=st.sampled_from((FORWARD, ASK, CONSTANT)), constant=WORD)
    def route(self, slot: int, route: int, constant: int) -> None:
        self.library.model_route(slot, route, constant)
        self.routes[slot] = (route, constant)

    @rule(slot=SLOTS, answers=st.booleans(), answer=WORD)
    def decide(self, slot: int, answers: bool, answer: int) -> None:
        self.library.model_verdict(slot, answers, answer)
        self.verdicts[slot] = (answers, answer)

    @rule(ready=st.booleans(), settled=st.booleans())
    def start(self, ready: bool, settled: bool) -> None:
        """Python becomes ready, fails, is tried again; settled: it will stay as it is."""
        self.library.model_python(ready, settled)
        self.ready = ready

    @rule(slot=SLOTS)
    def find(self, slot: int) -> None:
        """The driver is opened, and has this function."""
        self.library.model_driver(slot, True)
        self.driver.add(slot)

    @rule(slot=SLOTS, arguments=ARGUMENTS)
    def call(self, slot: int, arguments: list[int]) -> None:
        result = self.library.model_call(slot, words(arguments))
        assert result == self.expected(slot, arguments)

    def expected(self, slot: int, arguments: list[int]) -> int:
        route, constant = self.routes.get(slot, (FORWARD, 0))
        if route == CONSTANT:
            return constant
        if route == ASK and self.ready:
            self.asked += 1
            answers, answer = self.verdicts.get(slot, (False, 0))
            if answers:
                return answer
        if slot not in self.driver:
            return ABSENT["driver"]
        self.reached += 1
        return int(functools.reduce(lambda total, value: (total * 31 + value) % 2**64, arguments, 0))

    @invariant()
    def each_was_asked_as_often_as_it_should(self) -> None:
        if hasattr(self, "library"):
            assert (self.library.model_asked(), self.library.model_reached()) == (self.asked, self.reached)


@pytest.mark.timeout(900)
def test_calls_follow_the_model(soak: bool) -> None:
    examples, steps = (6000, 100) if soak else (150, 40)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Slots, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=not soak)
    )


def test_routes_change_under_callers(soak: bool) -> None:
    """Four threads call while one routes: each call is answered by what was in force before or after."""
    library, slot, arguments = fresh(), tables.function("cuInit").index, words([1, 2, 3, 4, 5, 6, 7, 8])
    library.model_driver(slot, True)
    library.model_python(True, True)
    library.model_verdict(slot, True, 111)
    allowed = {111, 222, library.model_mix(arguments)}
    seen: set[int] = set()
    running = True

    def call() -> None:
        while running:
            seen.update(library.model_call(slot, arguments) for _ in range(100))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(300_000 if soak else 30_000):
        library.model_route(slot, number % 3, 222)
    running = False
    for thread in threads:
        thread.join()
    assert seen <= allowed
    assert len(seen) > 1, "threads and routes never met"


@functools.cache
def every_name() -> dict[str, int]:
    """The slot of each name whose lookup is our business: not the loader's own functions, nor variables."""
    rows = [tables.function(name) for library in tables.LIBRARIES for name in tables.names(library)]
    return {row.name: row.index for row in rows if row.library != "loader" and not row.variable}


def test_every_name_has_its_slot() -> None:
    assert {name: loaded().model_slot_of(name.encode()) for name in every_name()} == every_name()


NAMES = st.sampled_from(sorted(every_name()))
ANY_NAME = (
    NAMES
    | st.builds(lambda name, cut: name[:cut], NAMES, st.integers(0, 40))
    | st.builds(lambda name, end: name + end, NAMES, st.sampled_from(["_v2", "_v3", "_ptsz", "\x01", " "]))
    | st.builds(str.swapcase, NAMES)
    | st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]))
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_NAME)
def test_a_name_is_found_whole_or_not_at_all(name: str) -> None:
    assert loaded().model_slot_of(name.encode()) == every_name().get(name, -1)


FILES = st.builds(
    lambda folder, name, end: folder + name + end,
    st.sampled_from(["", "/", "./", "/usr/lib/", "libcuda.so/", "//"]),
    st.sampled_from(WATCHED) | st.sampled_from(["libcudnn.so", "libcud.so", "xlibcuda.so", "libcuda", "libcuda.so1"]),
    st.sampled_from(["", ".", ".1", ".12.8.90", ".1.x", "x", ".so", "/", "1"]) | st.text("0123456789./x", max_size=8),
)


@settings(max_examples=500)
@given(FILES | st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"])))
def test_a_watched_library_is_known_by_its_file_name_and_version(path: str) -> None:
    name = path.rpartition("/")[2]
    watched = any(name == watch or re.fullmatch(re.escape(watch) + r"\.[0-9.]*", name) for watch in WATCHED)
    held = path.encode()
    found = loaded().model_listed_library(held)
    assert bool(found) == watched
