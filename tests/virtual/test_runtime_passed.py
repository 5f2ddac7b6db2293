"""Functions of the runtime that are the driver's under another name."""

from __future__ import annotations

import pytest

from vgpu_embed import tables
from vgpu_embed.testing import FakeDriver
from vgpu_embed.virtual.runtime import passed

EVERY = [*passed.rows(passed.TABLE), *passed.rows(passed.WITHOUT_CONTEXT)]
NARROWED = {"value", "flags"}
"""Numbers that one side has more bits for; a memset's value is a byte."""


@pytest.mark.parametrize(("function", "driver", "given"), EVERY, ids=[row[0] for row in EVERY])
def test_arguments_are_of_the_same_kind(function: str, driver: str, given: list[str]) -> None:
    own = {p.attribute: p for p in tables.function(function).parameters or ()}
    wanted = tables.function(driver).parameters
    assert wanted is not None
    for name, parameter in zip(given or own, wanted, strict=True):
        if not name.isdigit():
            assert own[name].size <= 8
            assert own[name].size == parameter.size or name in NARROWED
            if parameter.ctype != "CUdeviceptr":
                assert (own[name].kind == "pointer") == (parameter.kind == "pointer")


def test_a_context_is_there_at_first_use_and_after_a_reset() -> None:
    driver = FakeDriver(gpu="2xh100", initialised=False)
    assert driver.cudaSetDevice(device=1).result == 0
    assert driver.cuCtxGetDevice().device == 1
    before = driver.cudaMemGetInfo().free
    stream = driver.cudaStreamCreate().pStream
    assert driver.cudaMalloc(size=1 << 30).result == 0
    assert driver.cudaMemGetInfo().free == before - (1 << 30)
    assert driver.cudaDeviceReset().result == 0
    assert driver.cudaStreamSynchronize(stream=stream).result == 400
    assert driver.cudaPeekAtLastError().result == driver.cudaGetLastError().result == 400
    assert driver.cudaGetLastError().result == 0


def test_a_stream_is_captured_and_its_graph_launched() -> None:
    driver = FakeDriver()
    stream = driver.cudaStreamCreateWithFlags(flags=1).pStream
    assert driver.cudaStreamBeginCapture(stream=stream, mode=2).result == 0
    assert driver.cudaStreamIsCapturing(stream=stream).pCaptureStatus == 1
    event = driver.cudaEventCreateWithFlags(flags=2).event
    assert driver.cudaEventRecord(event=event, stream=stream).result == 0
    graph = driver.cudaStreamEndCapture(stream=stream).pGraph
    executable = driver.cudaGraphInstantiate(graph=graph).pGraphExec
    assert driver.cudaGraphLaunch(graphExec=executable, stream=stream).result == 0
    assert driver.cudaGraphExecDestroy(graphExec=executable).result == 0
    assert driver.cudaGraphDestroy(graph=graph).result == 0
    assert driver.cudaStreamDestroy(stream=stream).result == 0


def test_entry_points_are_the_drivers() -> None:
    driver = FakeDriver()
    [wanted, missing] = [driver.cudaGetDriverEntryPoint(symbol=name) for name in ("cuMemAlloc", "cuNothing")]
    assert int(wanted.funcPtr) == int(driver.cuGetProcAddress_v2(symbol="cuMemAlloc", cudaVersion=13000).pfn)
    assert int(missing.funcPtr) == 0
    assert missing.driverStatus == 1
