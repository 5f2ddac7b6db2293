"""Tracing: a line a call, with what went in, what came out and who called."""

from __future__ import annotations

import re

import pytest
import support

from policies.conftest import python
from vgpu_embed.testing import FakeDriver

TAIL = r", [\d.]+ µs, by [\w.-]+, thread \d+"


def line(driver: FakeDriver) -> str:
    """The only line, without time and caller."""
    (one,) = driver.log
    driver.log.clear()
    shown, found = re.subn(TAIL + "$", "", one)
    assert found == 1
    return shown


@pytest.fixture
def driver() -> FakeDriver:
    """A driver whose every call is traced."""
    return FakeDriver("trace", options={"functions": "cu*"})


def test_numbers_and_addresses(driver: FakeDriver) -> None:
    made = driver.cuMemAlloc_v2(bytesize=5 << 30)
    assert line(driver) == f"cuMemAlloc_v2: (bytesize=5368709120) -> CUDA_SUCCESS (dptr={made.dptr:#x})"
    driver.cuMemFree_v2(dptr=made.dptr)
    assert line(driver) == f"cuMemFree_v2: (dptr={made.dptr:#x}) -> CUDA_SUCCESS"


def test_enums_by_name(driver: FakeDriver) -> None:
    driver.cuDeviceGetAttribute(attrib=75, dev=0)
    assert line(driver) == "cuDeviceGetAttribute: (attrib=COMPUTE_CAPABILITY_MAJOR, dev=0) -> CUDA_SUCCESS (pi=9)"
    driver.cuDeviceGetAttribute(attrib=9999, dev=0)
    assert line(driver) == "cuDeviceGetAttribute: (attrib=9999, dev=0) -> CUDA_ERROR_INVALID_VALUE"


def test_text(driver: FakeDriver) -> None:
    driver.cuDeviceGetName(len=40, dev=0)
    assert line(driver) == "cuDeviceGetName: (len=40, dev=0) -> CUDA_SUCCESS (name='NVIDIA H100 80GB HBM3')"
    driver.cuModuleGetFunction(hmod=16, name="add")
    assert line(driver).startswith("cuModuleGetFunction: (hmod=0x10, name='add') -> ")


def test_nothing_is_shown_of_outputs_that_were_not_written(driver: FakeDriver) -> None:
    driver.cuMemAlloc_v2(bytesize=1 << 60)
    assert line(driver) == f"cuMemAlloc_v2: (bytesize={1 << 60}) -> CUDA_ERROR_OUT_OF_MEMORY"
    driver.cuDeviceGetCount(count=None)
    assert line(driver) == "cuDeviceGetCount: () -> CUDA_ERROR_INVALID_VALUE"


def test_structs_and_floats(driver: FakeDriver) -> None:
    driver.cuDeviceGetUuid_v2(dev=0)
    assert line(driver) == "cuDeviceGetUuid_v2: (dev=0) -> CUDA_SUCCESS (uuid={…})"
    driver.cuTexRefSetMaxAnisotropy(hTexRef=None, maxAniso=4)
    assert "(hTexRef=0x0, maxAniso=4)" in line(driver)


def test_the_result_is_the_one_below() -> None:
    rules = {"faults": "cuMemAlloc*:error=OUT_OF_MEMORY", "functions": "cuMemAlloc*"}
    driver = FakeDriver(["trace", "faults"], options=rules)
    assert driver.cuMemAlloc_v2(bytesize=1).result == 2
    assert any("-> CUDA_ERROR_OUT_OF_MEMORY" in one for one in driver.log)


def test_only_what_is_asked_for_has_lines() -> None:
    driver = FakeDriver("trace", options={"functions": "cuMemAlloc*"})
    driver.cuMemAlloc_v2(bytesize=1)
    driver.cuMemFree_v2(dptr=0)
    assert [one.split(":")[0] for one in driver.log] == ["cuMemAlloc_v2"]
    driver.set("functions", "cuMemFree*")
    driver.log.clear()
    driver.cuMemAlloc_v2(bytesize=1)
    driver.cuMemFree_v2(dptr=0)
    assert [one.split(":")[0] for one in driver.log] == ["cuMemFree_v2"]


@pytest.mark.every_python
def test_a_program_is_traced() -> None:
    done = support.run_preloaded(python("print(allocate())"), policy="trace", log="info")
    assert done.stdout == "0\n"
    (shown,) = [one for one in done.stderr.splitlines() if "cuMemAlloc_v2: (" in one]
    assert re.search(
        r"cuMemAlloc_v2: \(bytesize=4096\) -> CUDA_SUCCESS \(dptr=0x[0-9a-f]+\), [\d.]+ µs, by \S+, thread \d+", shown
    )


@pytest.mark.parametrize("functions", ["cuMem*", "cuDeviceGet*", "cuGet*", "cuCtx*"])
def test_results_do_not_change(functions: str) -> None:
    """Over whatever the fake driver's test program calls."""
    program = [support.fake_driver() / "discover"]
    bare = support.run_bare(program)
    traced = support.run_preloaded(program, policy="trace", options=f"functions={functions}", log="info")
    assert traced.stdout == bare.stdout
    assert "CUDA_SUCCESS" in traced.stderr
    assert "a defect" not in traced.stderr
