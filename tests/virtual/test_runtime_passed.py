"""Functions of the runtime that are the driver's under another name."""

from __future__ import annotations

import pytest

from vgpu_embed import tables
from vgpu_embed.testing import FakeDriver, ffi
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


def test_a_copy_of_rows_between_devices() -> None:
    driver = FakeDriver(gpu="2xh100")
    first = int(driver.cudaMalloc(size=64).devPtr)
    driver.cudaMemset(devPtr=first, value=ord("x"), count=64)
    driver.cudaSetDevice(device=1)
    second = int(driver.cudaMalloc(size=64).devPtr)
    parameters = ffi.new("struct cudaMemcpy3DPeerParms *")
    parameters.srcPtr = {"ptr": ffi.cast("void *", first), "pitch": 8, "xsize": 8, "ysize": 2}
    parameters.dstPtr = {"ptr": ffi.cast("void *", second), "pitch": 4, "xsize": 4, "ysize": 2}
    parameters.dstDevice, parameters.extent = 1, (3, 2, 1)
    assert driver.cudaMemcpy3DPeer(p=parameters).result == 0
    seen = ffi.new("char[]", 8)
    assert driver.cudaMemcpy(dst=seen, src=second, count=8, kind=2).result == 0
    assert ffi.buffer(seen)[:] == b"xxx\0xxx\0"
    assert driver.cudaMemcpy3DPeerAsync(p=parameters).result == 0
    parameters.dstDevice = 9
    assert driver.cudaMemcpy3DPeer(p=parameters).result == 101
    assert driver.cudaMemcpy3DPeer(p=None).result == 1
