"""Which programs come to call the driver in which ways, and the page that shows it (docs/compatibility.md)."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pythons
from support import TESTS, built, fake_driver

DOCUMENT = TESTS.parent / "docs/compatibility.md"
TEST = "tests/compat/test_matrix.py::test_a_program_keeps_its_run"
SCRIPTS = TESTS / "hosts"

Command = list[str | Path]

OLDEST_PYTHON = 8
"""The oldest minor version of Python 3 that is a host."""


def program(name: str) -> Path:
    """A program of tests/hosts."""
    return built(TESTS / "hosts") / name


class Host:
    """A row: what a program is written in, and how it finds the driver's functions.

    command  runs it; the way is the last argument
    itself   the program of tests/hosts that is about this host alone; without it, the way "main"
    passed   nothing that is preloaded can stand in for what it finds. It asks by dlsym as well, first.
    """

    def __init__(
        self, title: str, command: Sequence[str | Path], itself: Sequence[str | Path] = (), passed: bool = False
    ) -> None:
        self.title = title
        self._command = command
        self._itself = itself
        self.passed = passed

    def command(self, way: str) -> Command:
        """What is run for a way."""
        if way == "itself" and self._itself:
            return list(self._itself)
        if way.startswith("multiprocessing_"):
            return [*self._command[:-1], SCRIPTS / "python_host.py", way.removeprefix("multiprocessing_")]
        return self.taking(WAYS[way].argument)

    def taking(self, argument: str) -> Command:
        """What is run for something that libways.so calls so."""
        return [*self._command, argument]


class Way:
    """A column.

    argument     what libways.so calls it
    environment  variables for the fake driver
    """

    def __init__(self, title: str, argument: str = "main", environment: dict[str, str] | None = None) -> None:
        self.title = title
        self.argument = argument
        self.environment = environment or {}


CALLS_BACK = "dlsym,dlopen,cuInit,getexporttable,getprocaddress,fork"

WAYS = {
    "itself": Way("what only this host does"),
    "constructor": Way("first entry from a library's constructor", "constructor"),
    "eight_threads": Way("first entry from eight threads at once", "eight_threads"),
    "small_stack": Way("first entry on a stack of 16 KiB", "small_stack"),
    "blocked_signals": Way("first entry with all signals blocked", "blocked_signals"),
    "driver_constructor": Way("from the driver's constructor", environment={"FAKE_CUDA_CONSTRUCTOR": CALLS_BACK}),
    "driver_init": Way("from the driver's cuInit", environment={"FAKE_CUDA_CUINIT": CALLS_BACK + ",thread"}),
    "thread_data": Way("first entry from a destructor of thread-specific data", "thread_data"),
    "at_exit": Way("first entry from an atexit function", "at_exit"),
    "importing": Way("a library's constructor while a hook on another thread imports", "importing"),
    "callback": Way("from a driver's callback (cuLaunchHostFunc)", "callback"),
    "closed": Way("after dlclose of the driver", "closed"),
    "fork": Way("children of fork with a thread in Python", "fork"),
    "vfork": Way("vfork and exec", "vfork"),
    "spawn": Way("posix_spawn", "spawn"),
    "keys": Way("400 pthread keys before, 400 after", "keys"),
    "ended_threads": Way("2048 threads that end", "ended_threads"),
    "multiprocessing_fork": Way("multiprocessing: fork"),
    "multiprocessing_spawn": Way("multiprocessing: spawn"),
    "multiprocessing_forkserver": Way("multiprocessing: forkserver"),
}


@functools.cache
def python(version: str) -> str | None:
    """A Python of this version that can be a host: one with ctypes."""
    for place in pythons.candidates(version):
        try:
            subprocess.run([place, "-c", "import ctypes"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return place
    return None


def c(binding: str, *arguments: str | Path) -> Command:
    """The C program that finds the driver's functions in one way."""
    return [program("ways_c"), binding, *arguments]


@functools.cache
def hosts() -> dict[str, Host]:
    """The rows; Pythons that this machine does not have are missing."""
    driver = fake_driver() / "libcuda.so.580.159.04"
    linked = program("ways_linked")
    rows = {
        "c_linked": Host("C, linked", [linked, "link"], [program("direct_link")]),
        "c_dlsym": Host("C, dlopen and dlsym", c("dlsym"), [program("lookup")]),
        "c_getproc": Host("C, cuGetProcAddress", c("getproc"), [program("get_proc_address")]),
        "c_path": Host("C, absolute path", c("path", driver), [program("by_path"), driver]),
        "c_next": Host("C, RTLD_NEXT", [linked, "next"], [program("rtld_next")]),
        "c_default": Host("C, RTLD_DEFAULT", c("default"), [program("rtld_default")]),
        "c_deepbind": Host("C, driver opened with RTLD_DEEPBIND", c("deepbind")),
        "c_deep_library": Host("C, linked library opened with RTLD_DEEPBIND", c("deep_library"), passed=True),
        "c_dlmopen": Host("C, dlmopen", c("dlmopen"), passed=True),
        "cpp": Host("C++", [program("ways_cpp")], [program("static_object")]),
        "go": Host("Go", [program("ways_go")], [program("goroutines")]),
        "node": Host("Node", ["node", SCRIPTS / "ways_node.mjs"], ["node", SCRIPTS / "node_host.mjs"]),
    }
    for minor in range(OLDEST_PYTHON, pythons.NEWEST + 1):
        place = python(f"3.{minor}")
        if place:
            rows[f"python3_{minor}"] = python_host(f"Python 3.{minor}", place, "threads")
    rows["python_libraries"] = python_host(
        "Python with its own cffi, psutil and numpy, the embedded version", sys.executable, "libraries"
    )
    return rows


def python_host(title: str, place: str, itself: str) -> Host:
    """A Python; newer ones warn of fork in a process with threads, with our threads or without."""
    command = [place, "-W", "ignore"]
    return Host(title, [*command, SCRIPTS / "ways_python.py"], [*command, SCRIPTS / "python_host.py", itself])


def cannot_occur(host: str, way: str) -> str:
    """Why there is no such cell; "" if there is."""
    if way.startswith("multiprocessing_") and not host.startswith("python"):
        return "multiprocessing is Python's"
    if way == "closed" and host in ("c_linked", "c_next"):
        return "what a program is linked to is never unloaded"
    return ""


def cells() -> list[tuple[str, str]]:
    """Host and way of every cell that is a test."""
    return [(host, way) for host in hosts() for way in WAYS if not cannot_occur(host, way)]


def complete() -> bool:
    """Whether every version of Python is there that the page has a row for."""
    return all(f"python3_{minor}" in hosts() for minor in range(OLDEST_PYTHON, pythons.NEWEST + 1))


HEAD = f"""# Compatibility

Programs in which the library is preloaded, with a policy that changes one answer; each is compared with its own run
without the library. Standard output, standard error and exit status are the same but for that answer.

Written by the tests of a run in which each cell passed. A cell is the test's id, without
`{TEST}` before it, or the reason why there is none. Without the library
(`VGPU_TEST_WITHOUT_LIBRARY=1 pytest tests/compat`) every one of them fails.

Two rows are of functions that nothing preloaded can stand in for: what `dlmopen` loads, and what a library is linked to
that was opened with `RTLD_DEEPBIND`. No policy reaches those calls. The tests show that they go on as before in a
process whose other calls, by `dlsym`, the policy answers.

What does differ: a driver that the program closes stays loaded, because the library keeps it open; and a driver that
was loaded by `dlmopen` finds the library's functions where it asks `dlopen(NULL)` for its own.
"""

GROUPS = {"C": ("c_",), "Other languages": ("cpp", "go", "node"), "Python": ("python",)}
"""How the ids of a table's rows begin."""


def document() -> str:
    """The page: a table a group of hosts, hosts across and ways down."""
    text = HEAD
    for group, beginnings in GROUPS.items():
        rows = {name: host for name, host in hosts().items() if name.startswith(beginnings)}
        text += f"\n## {group}\n\n| way in | " + " | ".join(host.title for host in rows.values()) + " |\n"
        text += "|---" * (len(rows) + 1) + "|\n"
        for way, column in WAYS.items():
            line = [column.title]
            for host in rows:
                reason = cannot_occur(host, way)
                line.append(f"cannot occur: {reason}" if reason else f"`[{host}-{way}]`")
            text += "| " + " | ".join(line) + " |\n"
    return text
