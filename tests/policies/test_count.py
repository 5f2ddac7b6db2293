"""Counting: every call once, in the table at exit and by command."""

from __future__ import annotations

import re
import sys

import pytest
import support

from policies.conftest import python
from vgpu_embed.testing import FakeDriver

ROW = re.compile(r"count: +(\d+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)  (\w+) \(pid=(\d+)\)")


def table(text: str) -> dict[str, tuple[int, int]]:
    """Calls and failures by function, of the table of one process."""
    rows = ROW.findall(text)
    assert len({pid for *_, pid in rows}) <= 1
    return {function: (int(calls), int(failed)) for calls, failed, _, _, _, function, _ in rows}


def test_the_command_shows_what_was_counted() -> None:
    driver = FakeDriver("count", options={"counted": "cuMem*"})
    pointers = [driver.cuMemAlloc_v2(bytesize=4096).dptr for _ in range(3)]
    for pointer in (*pointers[:2], 5):
        driver.cuMemFree_v2(dptr=pointer)
    counted = driver.command("counts")
    assert counted["dropped"] == 0
    assert {function: (row["calls"], row["failed"]) for function, row in counted["functions"].items()} == {
        "cuMemAlloc_v2": (3, 0),
        "cuMemFree_v2": (3, 1),
    }
    assert counted["functions"]["cuMemFree_v2"]["seconds"] >= counted["functions"]["cuMemFree_v2"]["longest"] > 0
    assert driver.command("counts")["functions"]["cuMemAlloc_v2"]["calls"] == 3


@pytest.mark.every_python
def test_each_call_is_counted_once() -> None:
    program = python(
        """
        def work():
            cuda.cuCtxSetCurrent(context)
            for _ in range(300):
                cuda.cuStreamSynchronize(None)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        for number in range(10):
            cuda.cuMemFree_v2(c_uint64(number))
        """
    )
    done = support.run_preloaded(program, policy="count")
    counted = table(done.stderr)
    assert counted["cuStreamSynchronize"] == (1200, 0)
    assert counted["cuMemFree_v2"] == (10, 9)
    assert counted["cuInit"] == (1, 0)
    assert next(iter(counted)) == "cuStreamSynchronize", "the most called comes first"


def test_times_add_up() -> None:
    program = python("print(*[allocate() for _ in range(5)])")
    options = "faults=cuMemAlloc*:nth=2:delay=30ms"
    done = support.run_preloaded(program, policy=["count", "faults"], options=options)
    (row,) = [row for row in ROW.findall(done.stderr) if row[5] == "cuMemAlloc_v2"]
    calls, total, mean, longest = int(row[0]), *map(float, row[2:5])
    assert calls == 5
    assert longest >= 30_000
    assert total * 1000 >= longest
    assert mean == pytest.approx(total * 1000 / 5, rel=0.01)


def test_only_what_is_asked_for_is_counted() -> None:
    program = python("allocate()")
    done = support.run_preloaded(program, policy="count", options="counted=cuMemAlloc*, cuCtx*")
    assert set(table(done.stderr)) == {"cuMemAlloc_v2", "cuCtxSetCurrent"}
    assert "cuMemAlloc_v2" not in support.run_preloaded(program, policy="count", options="counted=").stderr


def test_a_program_that_calls_nothing_has_no_table() -> None:
    code = "import ctypes; ctypes.CDLL('libcuda.so.1')"
    assert "count:" not in support.run_preloaded([sys.executable, "-c", code], policy="count").stderr


def test_a_child_counts_for_itself() -> None:
    program = python(
        """
        allocate()
        if os.fork() == 0:
            cuda.cuMemFree_v2(pointer)
            sys.exit()
        os.wait()
        """
    )
    done = support.run_preloaded(program, policy="count", options="counted=cuMem*")
    by_process: dict[str, list[str]] = {}
    for *_, function, pid in ROW.findall(done.stderr):
        by_process.setdefault(pid, []).append(function)
    assert sorted(by_process.values()) == [["cuMemAlloc_v2"], ["cuMemFree_v2"]]


def test_an_unknown_function_is_a_sentence() -> None:
    done = support.run_preloaded(python("print(allocate())"), policy="count", options="counted=cuMemAloc")
    assert "no list has a function 'cuMemAloc'; did you mean cuMemAlloc" in done.stderr
    assert done.stdout == "0\n"
