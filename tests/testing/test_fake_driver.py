"""FakeDriver: what a test can ask of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support import PACKAGE, clean_environment

from testing.conftest import PolicyFile
from vgpu_embed import CUresult, DeviceAttribute, GiB, MiB, Policy, PolicyError, devices, tables
from vgpu_embed.testing import FakeDriver

pytestmark = pytest.mark.every_python

LIMIT = """
limit = policy.option("limit", 1 * GiB)

@policy.hook("cuMemAlloc_v2")
def allocate(call):
    if call.bytesize > limit.value:
        return CUresult.ERROR_OUT_OF_MEMORY
    result = call.forward()
    if result.ok:
        call.log.info("allocated", address=call.dptr[0], bytes=call.bytesize)
    return result
"""


# ---- policies and options ------------------------------------------------------------------------------------------


def test_a_policy_in_three_lines(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(LIMIT), gpu="h100", options={"limit": "4GiB"})
    assert driver.cuMemAlloc_v2(bytesize=8 << 30).result == CUresult.ERROR_OUT_OF_MEMORY
    assert driver.cuMemAlloc_v2(bytesize=2 << 30).result == CUresult.SUCCESS


def test_policies_are_asked_in_their_order() -> None:
    def says(attribute: int, value: int) -> Policy:
        policy = Policy()
        policy.hook("cuDeviceGetAttribute", where=f"attrib == {attribute}")(lambda call: call.reply(pi=value))
        return policy

    driver = FakeDriver([says(1, 10), says(1, 20), says(2, 30), "count"])
    assert [driver.cuDeviceGetAttribute(attrib=n, dev=0).pi for n in (1, 2, 10)] == [10, 30, 32]


def test_forward_goes_through_the_policies_that_come_after() -> None:
    order: list[str] = []

    def notes(name: str) -> Policy:
        policy = Policy()

        @policy.hook("cuMemAlloc_v2")
        def allocate(call: Any) -> int:
            order.append(name)
            result = call.forward()
            order.append(f"{name} {call.dptr[0]:#x}")
            return int(call.reply(dptr=call.dptr[0] + 1) if result.ok else result)

        return policy

    driver = FakeDriver([notes("first"), notes("second")])
    address = driver.cuMemAlloc_v2(bytesize=1).dptr
    assert driver.log == []
    assert order == ["first", "second", f"second {address - 2:#x}", f"first {address - 1:#x}"]


def test_an_option_changes(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(LIMIT), options={"limit": 1})
    assert driver.cuMemAlloc_v2(bytesize=2).result == CUresult.ERROR_OUT_OF_MEMORY
    driver.set("limit", "2B")
    assert driver.cuMemAlloc_v2(bytesize=2).result == CUresult.SUCCESS


@pytest.mark.parametrize(
    ("change", "sentence"), [(("limit", "much"), "'much' is not a number"), (("lim", "1"), "no policy has an option")]
)
def test_a_wrong_option_changes_nothing(policy_file: PolicyFile, change: tuple[str, str], sentence: str) -> None:
    driver = FakeDriver(policy_file(LIMIT))
    with pytest.raises(PolicyError, match=sentence):
        driver.set(*change)
    assert driver.policies[0].options["limit"].value == GiB
    with pytest.raises(PolicyError, match=sentence):
        FakeDriver(policy_file(LIMIT), options=dict([change]))


def test_a_refused_configuration_changes_nothing(policy_file: PolicyFile) -> None:
    body = """
    from vgpu_embed import PolicyError
    share = policy.option("share", 50)

    @policy.configure
    def declare():
        if share.value > 100:
            raise PolicyError("share is a percentage")

        @policy.hook("cuDeviceTotalMem_v2")
        def total(call):
            return call.reply(bytes=share.value)
    """
    driver = FakeDriver(policy_file(body), options={"share": 40})
    with pytest.raises(PolicyError, match="share is a percentage"):
        driver.set("share", 101)
    assert driver.cuDeviceTotalMem_v2(dev=0).bytes == 40
    driver.set("share", 30)
    assert driver.cuDeviceTotalMem_v2(dev=0).bytes == 30


# ---- calls ---------------------------------------------------------------------------------------------------------


def test_a_misspelt_function_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no list has a function 'cuMemAlok'; did you mean cuMemAlloc"):
        FakeDriver().cuMemAlok()


@pytest.mark.parametrize(
    ("arguments", "inputs", "sentence"),
    [
        ((), {"size": 1}, "cuMemAlloc_v2 has no parameter 'size'; it has dptr, bytesize"),
        ((None, 1, 2), {}, "cuMemAlloc_v2 takes 2 arguments, not 3: dptr, bytesize"),
        ((4096,), {}, "dptr is written, not read: leave it out, or give a pointer or None"),
    ],
)
def test_wrong_arguments_are_errors(arguments: tuple[Any, ...], inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TypeError) as error:
        FakeDriver().cuMemAlloc_v2(*arguments, **inputs)
    assert str(error.value) == sentence


def test_a_function_without_a_prototype_is_an_error() -> None:
    name = "cublasLtCtxInit"
    with pytest.raises(TypeError, match=f"{name}: its parameters are in no CUDA header"):
        FakeDriver().call(name)


def test_every_function_can_be_called() -> None:
    driver = FakeDriver()
    rows = [tables.function(name) for library in tables.LIBRARIES for name in tables.names(library)]
    rows = [row for row in rows if row.parameters is not None and not row.variable]
    assert len(rows) > 1600
    for row in rows:
        called = driver.call(row.name)
        assert repr(called).startswith(f"{row.name}("), row.name
        assert called.forwarded
        for parameter in row.parameters or ():
            getattr(called, parameter.attribute)


def seen(function: str, *names: str, **inputs: Any) -> list[Any]:
    """What a hook sees of a call's inputs."""
    policy = Policy()
    found: list[Any] = []
    policy.hook(function)(lambda call: found.extend(getattr(call, name) for name in names))
    driver = FakeDriver(policy)
    driver.call(function, **inputs)
    assert driver.log == []
    return found


def test_inputs_of_every_kind() -> None:
    """In registers, on the stack, floating-point, by value, behind pointers."""
    grid = {f"gridDim{axis}": number for number, axis in enumerate("XYZ", 1)}
    block = {f"blockDim{axis}": number for number, axis in enumerate("XYZ", 4)}
    names = [*grid, *block, "sharedMemBytes"]
    assert seen("cuLaunchKernel", *names, **grid, **block, sharedMemBytes=7) == [1, 2, 3, 4, 5, 6, 7]
    assert seen("cuTexRefSetMipmapLevelBias", "bias", bias=0.5) == [0.5]
    assert seen("cuModuleGetFunction", "name", name="saxpy") == ["saxpy"]
    assert seen("cuModuleGetFunction", "name", name=None) == [None]
    assert seen("cuDeviceGetAttribute", "attrib", "dev", attrib=DeviceAttribute.WARP_SIZE, dev=-1) == [10, -1]
    [copy] = seen("cuMemcpy2D_v2", "pCopy", pCopy={"WidthInBytes": 3, "Height": 4})
    assert (copy.WidthInBytes, copy.Height) == (3, 4)
    [handle] = seen("cuIpcOpenMemHandle_v2", "handle", handle={"reserved": b"h" * 64})
    assert bytes(FakeDriver().ffi.buffer(handle.reserved)) == b"h" * 64
    [wait] = seen("cuStreamBatchMemOp_v2", "paramArray", paramArray=[{"operation": 1}, {"operation": 2}], count=2)
    assert [wait[0].operation, wait[1].operation] == [1, 2]
    [grid_by_value] = seen("cudaLaunchKernel", "gridDim", gridDim={"x": 1, "y": 2, "z": 3})
    assert [grid_by_value.x, grid_by_value.y, grid_by_value.z] == [1, 2, 3]


def test_inputs_in_the_headers_order() -> None:
    driver = FakeDriver()
    count = driver.ffi.new("int *")
    assert driver.cuDeviceGetCount(count).count == count[0] == 1
    assert driver.cuDeviceGetCount(None).result == CUresult.ERROR_INVALID_VALUE
    address = driver.cuMemAlloc_v2(bytesize=1).dptr
    assert driver.cuMemFree_v2(address).result == CUresult.SUCCESS


def test_outputs_of_every_kind() -> None:
    driver = FakeDriver(gpu="h100")
    assert driver.cuDeviceGetName(dev=0).name == "NVIDIA H100 80GB HBM3"
    assert driver.cuDeviceGetName(len=5, dev=0).name == "NVID"
    assert driver.cuGetErrorName(error=2).pStr == "CUDA_ERROR_OUT_OF_MEMORY"
    assert driver.cuGetErrorName(error=12345).pStr is None
    assert driver.cudaGetErrorString(error=2).result == "out of memory"
    assert driver.cuDeviceGetProperties(dev=0).prop.clockRate == 1980000
    assert driver.cuStreamCreate().phStream != driver.cuStreamCreate().phStream
    assert driver.cuMemAlloc_v2(None, 1).dptr is None
    assert driver.cuEventElapsedTime().pMilliseconds == 0.0
    status = driver.cuStreamIsCapturing().captureStatus
    assert repr(status) == "<CUstreamCaptureStatus.NONE: 0>"


def test_outputs_with_a_length_that_goes_in_and_comes_out() -> None:
    driver = FakeDriver()

    def nodes(call: Any) -> int:
        if call.nodes:
            call.nodes[0], call.nodes[1] = (call.ffi.cast("CUgraphNode", n) for n in (0x10, 0x20))
        call.numNodes[0] = 2
        return 0

    driver.answers["cuGraphGetNodes"] = nodes
    assert driver.cuGraphGetNodes().numNodes == 2
    assert driver.cuGraphGetNodes(numNodes=3).nodes == [0x10, 0x20, 0]


def test_a_large_copy_needs_no_memory() -> None:
    assert driver_bytes(FakeDriver().cuMemcpyDtoH_v2(ByteCount=1 << 40).dstHost) == b"\0"


def driver_bytes(buffer: Any) -> bytes:
    return bytes(FakeDriver().ffi.buffer(buffer, 1))


# ---- what reaches the driver, and what it says ---------------------------------------------------------------------


def test_forwarded_and_calls(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(LIMIT))
    assert driver.cuMemAlloc_v2(bytesize=1, caller="libcudart.so.12").forwarded
    assert not driver.cuMemAlloc_v2(bytesize=GiB + 1).forwarded
    [call] = driver.calls
    assert (call.function, call.caller, call.bytesize, call.result) == ("cuMemAlloc_v2", "libcudart.so.12", 1, 0)


def test_calls_that_a_hook_makes_reach_it_too() -> None:
    policy = Policy()

    @policy.hook("cuMemAlloc_v2")
    def allocate(call: Any) -> int:
        return int(call.make("cuCtxGetDevice").result)

    @policy.hook("cuCtxGetDevice", caller="libcuda.so.1")
    def device(call: Any) -> int:
        return int(call.forward())

    driver = FakeDriver(policy)
    assert not driver.cuMemAlloc_v2(bytesize=1).forwarded
    assert [(call.function, call.caller) for call in driver.calls] == [("cuCtxGetDevice", "libcuda.so.1")]


def test_what_it_answers_can_be_said(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(LIMIT))
    driver.answers["cuMemAlloc_v2"] = CUresult.ERROR_DEVICE_UNAVAILABLE
    assert driver.cuMemAlloc_v2(bytesize=1).result == CUresult.ERROR_DEVICE_UNAVAILABLE
    driver.answers["cuMemAlloc_v2"] = lambda call: call.reply(dptr=0x1000) if call.bytesize < 10 else None
    assert driver.cuMemAlloc_v2(bytesize=1).dptr == 0x1000
    assert driver.cuMemAlloc_v2(bytesize=10).dptr > 0x1000


def test_memory_is_accounted_for() -> None:
    driver = FakeDriver(gpu="h100")
    before = driver.cuMemGetInfo_v2()
    assert before.total == devices.load("h100").memory
    addresses = [driver.cuMemAlloc_v2(bytesize=3 * MiB).dptr, driver.cuMemAllocAsync(bytesize=MiB).dptr]
    assert abs(addresses[0] - addresses[1]) >= MiB
    assert driver.cuMemGetInfo_v2().free == before.free - 4 * MiB - 32 * MiB  # what a pool takes at a time
    assert driver.cuMemAlloc_v2(bytesize=before.free).result == CUresult.ERROR_OUT_OF_MEMORY
    assert driver.cuMemAlloc_v2(bytesize=0).result == CUresult.ERROR_INVALID_VALUE
    assert driver.cuMemFree_v2(dptr=addresses[0]).result == CUresult.SUCCESS
    assert driver.cuMemFree_v2(dptr=addresses[0]).result == CUresult.ERROR_INVALID_VALUE
    assert driver.cuMemFreeAsync(dptr=addresses[1]).result == CUresult.SUCCESS
    assert driver.cuMemFree_v2(dptr=0).result == CUresult.SUCCESS
    assert driver.cuMemGetInfo_v2().free == before.free


def test_memory_of_every_kind() -> None:
    driver = FakeDriver(gpu="2xh100")
    free = driver.cuMemGetInfo_v2().free
    assert driver.cuMemAllocManaged(bytesize=free * 2, flags=1).result == CUresult.SUCCESS
    assert driver.cuMemAddressReserve(size=160 * GiB).result == CUresult.SUCCESS
    assert driver.cuMemGetInfo_v2().free == free
    pitched = driver.cuMemAllocPitch_v2(WidthInBytes=1000, Height=10 * MiB // 1024, ElementSizeBytes=4)
    assert (pitched.pPitch, driver.cuMemGetInfo_v2().free) == (1024, free - 10 * MiB)
    driver.cuMemFree_v2(dptr=pitched.dptr)
    handle = driver.cuMemCreate(size=2 * MiB, prop={"type": 1, "location": {"type": 1, "id": 1}}).handle
    assert driver.cuMemGetInfo_v2().free == free
    driver.cuCtxSetCurrent(ctx=driver.cuDevicePrimaryCtxRetain(dev=1).pctx)
    assert driver.cuMemGetInfo_v2().free == free - 2 * MiB
    assert driver.cuMemRelease(handle=handle).result == CUresult.SUCCESS
    assert driver.cuMemGetInfo_v2().free == free


def test_contexts() -> None:
    driver = FakeDriver(gpu="2xh100")
    assert driver.cuCtxGetDevice().device == 0
    first = driver.cuCtxGetCurrent().pctx
    assert driver.cuDevicePrimaryCtxRetain(dev=0).pctx == first
    second = driver.cuCtxCreate_v2(dev=1).pctx
    assert (driver.cuCtxGetCurrent().pctx, driver.cuCtxGetDevice().device) == (second, 1)
    assert driver.cuCtxPopCurrent_v2().pctx == second
    assert driver.cuCtxGetDevice().device == 0
    driver.cuCtxPushCurrent_v2(ctx=second)
    assert driver.cuCtxGetDevice_v2(ctx=first).device == 0
    assert driver.cuCtxDestroy_v2(ctx=second).result == CUresult.SUCCESS
    assert driver.cuCtxDestroy_v2(ctx=second).result == CUresult.ERROR_INVALID_CONTEXT
    driver.cuCtxPushCurrent_v2(ctx=second)
    assert driver.cuCtxSynchronize().result == CUresult.ERROR_CONTEXT_IS_DESTROYED
    assert driver.cuCtxPopCurrent_v2().pctx == second
    driver.cuCtxSetCurrent(ctx=0)
    assert driver.cuCtxGetCurrent().pctx == 0
    assert driver.cuMemAlloc_v2(bytesize=1).result == CUresult.ERROR_INVALID_CONTEXT


def test_each_thread_has_its_own_context() -> None:
    driver = FakeDriver()
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(driver.cuCtxGetDevice().result))
    thread.start()
    thread.join()
    assert results == [CUresult.ERROR_INVALID_CONTEXT]


def test_devices() -> None:
    policy = Policy()
    policy.device("h100", memory="40GiB")
    assert FakeDriver(policy, gpu="t4").cuDeviceTotalMem_v2(dev=0).bytes == 40 * GiB
    assert FakeDriver(gpu="2xt4").cuDeviceGetCount().count == 2
    hidden = FakeDriver(gpu="2xt4", environment={"CUDA_VISIBLE_DEVICES": "1"})
    assert hidden.cuDeviceGetCount().count == 1
    early = FakeDriver(initialised=False)
    assert early.cuMemAlloc_v2(bytesize=1).result == CUresult.ERROR_NOT_INITIALIZED
    assert early.cuInit(Flags=0).result == CUresult.SUCCESS
    assert FakeDriver(gpu="").cuInit(Flags=0).result == CUresult.ERROR_NO_DEVICE


def test_the_runtime_asks_the_driver() -> None:
    policy = Policy()
    policy.hook("cuDeviceGetAttribute", caller="libcudart*")(lambda call: call.reply(pi=7))
    driver = FakeDriver(policy)
    assert driver.cudaDeviceGetAttribute(attr=75, device=0).value == 7
    assert driver.cuDeviceGetAttribute(attrib=75, dev=0).pi == 9
    allocated = driver.cudaMalloc(size=5 << 20)
    assert driver.cuMemFree_v2(dptr=int(allocated.devPtr)).result == 0
    assert driver.cudaFree(devPtr=allocated.devPtr).result == driver.cudaGetLastError().result == 1
    assert driver.cudaChooseDevice().result == 801


def test_outputs_of_made_calls_go_where_their_address_is_given() -> None:
    policy = Policy()
    policy.hook("cuCtxGetDevice")(lambda call: call.make("cuDeviceGetCount", count=call.number("device")).result)

    @policy.hook("cudaGetDeviceFlags")
    def with_struct(call: Any) -> int:
        return int(call.make("cuIpcOpenMemHandle_v2", handle=bytes(range(64)), Flags=3).result)

    @policy.hook("cuIpcOpenMemHandle_v2")
    def opened(call: Any) -> int:
        return call.Flags if bytes(call.ffi.buffer(call.handle.reserved)) == bytes(range(64)) else 999

    driver = FakeDriver(policy, gpu="5xh100")
    assert driver.cuCtxGetDevice().device == 5
    assert driver.cudaGetDeviceFlags().result == 3


# ---- handlers ------------------------------------------------------------------------------------------------------


def test_log_lines(policy_file: PolicyFile) -> None:
    body = """
    @policy.hook("cuMemAlloc_v2")
    def allocate(call):
        call.log.error("allocates", bytes=call.bytesize, address=1 << 40, name=b"text")
        policy.log.debug("one more")
    """
    first, second = (FakeDriver(policy_file(body, name="two.py")) for _ in range(2))
    second.cuMemAlloc_v2(bytesize=2)
    first.cuMemAlloc_v2(bytesize=1)
    assert first.log == ['cuMemAlloc_v2: allocates bytes=1 address=0x10000000000 name="text"', "two: one more"]
    assert second.log == ['cuMemAlloc_v2: allocates bytes=2 address=0x10000000000 name="text"', "two: one more"]


def test_a_hook_that_raises_forwards(policy_file: PolicyFile) -> None:
    path = policy_file(
        """
        @policy.hook("cuInit")
        def init(call):
            raise ValueError("broken")
        """
    )
    driver = FakeDriver(path)
    assert [driver.cuInit(Flags=flags).result for flags in (0, 1)] == [0, 1]
    assert driver.log == [f"{path}:6: ValueError: broken, in a hook of cuInit; such calls are forwarded"]


def test_a_hook_that_raises_denies(policy_file: PolicyFile) -> None:
    body = """
    @policy.hook("cuInit", "nvmlInit_v2")
    def init(call):
        raise ValueError("broken")

    @policy.hook("cuMemAlloc_v2")
    def allocate(call):
        call.forward()
        raise ValueError("too late")
    """
    driver = FakeDriver(policy_file(body, 'on_error="deny"'))
    called = driver.cuInit(Flags=0)
    assert (called.result, called.forwarded) == (CUresult.ERROR_NOT_PERMITTED, False)
    assert driver.nvmlInit_v2().result == 4
    assert driver.cuMemAlloc_v2(bytesize=1).result == CUresult.SUCCESS


def test_failures_in_a_row_disable_a_hook(policy_file: PolicyFile) -> None:
    body = """
    asked = []

    @policy.hook("cuMemAlloc_v2")
    def allocate(call):
        asked.append(call.bytesize)
        assert call.bytesize % 2

    @policy.hook("cuMemAlloc_v2")
    def other(call):
        return CUresult.ERROR_OUT_OF_MEMORY

    @policy.command
    def show():
        return asked
    """
    driver = FakeDriver(policy_file(body, "failures=2"))
    assert {driver.cuMemAlloc_v2(bytesize=n).result for n in (2, 3, 4, 6, 7, 8)} == {CUresult.ERROR_OUT_OF_MEMORY}
    assert driver.command("show") == [2, 3, 4, 6]
    assert len(driver.log) == 2
    assert driver.log[1].endswith(
        "in a hook of cuMemAlloc_v2; it failed 2 times in a row and is disabled; such calls are forwarded"
    )


def test_what_is_no_verdict_is_a_failure() -> None:
    policy = Policy(failures=2)
    policy.hook("cuInit")(lambda call: "yes")
    driver = FakeDriver(policy)
    assert [driver.cuInit(Flags=0).result for _ in range(3)] == [0, 0, 0]
    assert [line.partition("TypeError: ")[2] for line in driver.log] == [
        "a hook returns None or a CUresult, not str, in a hook of cuInit; such calls are forwarded",
        "a hook returns None or a CUresult, not str, in a hook of cuInit; it failed 2 times in a row and is disabled; "
        "such calls are forwarded",
    ]


def test_a_disabled_hook_that_denies_refuses_its_calls_only(policy_file: PolicyFile) -> None:
    body = """
    @policy.hook("cuInit", where="Flags == 1")
    def init(call):
        raise ValueError("broken")
    """
    driver = FakeDriver(policy_file(body, 'on_error="deny", failures=1'))
    assert [driver.cuInit(Flags=flags).result for flags in (1, 0, 1)] == [800, 0, 800]
    assert len(driver.log) == 1


ANSWER = """
value = policy.option("value", 1)

@policy.answer("cuDeviceGetAttribute")
def attribute(call):
    call.log.info("asked", attrib=int(call.attrib), dev=call.dev)
    if call.dev:
        return CUresult.ERROR_INVALID_DEVICE
    if call.attrib == DeviceAttribute.WARP_SIZE:
        return call.reply(pi=value.value)
"""


def test_an_answer_is_asked_once(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(ANSWER))

    def ask(attribute: int, device: int = 0) -> tuple[int, int]:
        called = driver.cuDeviceGetAttribute(attrib=attribute, dev=device, caller="any")
        return called.result, called.pi

    assert [ask(10), ask(10), ask(75), ask(75), ask(10)] == [(0, 1), (0, 1), (0, 9), (0, 9), (0, 1)]
    assert driver.log == [f"cuDeviceGetAttribute: asked attrib={n} dev=0" for n in (10, 75)]
    assert [ask(10, 1), ask(10, 1)] == [(101, 0)] * 2
    assert len(driver.log) == 4
    driver.set("value", 2)
    assert ask(10) == (0, 2)


def test_where_caller_and_program() -> None:
    policy = Policy()
    policy.hook("cuMemAlloc_v2", where="bytesize >= 4", caller=["libcudart*", "trainer"])(lambda call: 2)
    policy.hook("cuMemFree_v2", program="ollama")(lambda call: 2)
    for program in ("trainer", "ollama"):
        driver = FakeDriver(policy, program=program)
        assert driver.cuMemAlloc_v2(bytesize=4, caller="libcudart.so.12").result == 2
        assert driver.cuMemAlloc_v2(bytesize=3, caller="libcudart.so.12").result == 0
        assert driver.cuMemAlloc_v2(bytesize=4).result == 2 * (program == "trainer")
        assert driver.cuMemFree_v2(dptr=0).result == 2 * (program == "ollama")


def test_what_a_hook_knows_of_its_process() -> None:
    policy = Policy()
    found: list[Any] = []
    policy.hook("cuInit")(lambda call: found.append((call.program, call.process.name, call.process.pid, call.caller)))
    FakeDriver(policy, program="ollama").cuInit(Flags=0)
    assert found == [("ollama", "ollama", os.getpid(), "ollama")]


def test_the_loaders_functions_are_not_forwarded(policy_file: PolicyFile) -> None:
    body = """
    @policy.hook("dlopen")
    def opens(call):
        if call.filename == "libmine.so":
            return 0x1234
        if call.filename == "libcuda.so.1":
            call.forward()
    """
    driver = FakeDriver(policy_file(body))
    assert driver.dlopen(filename="libmine.so").result == 0x1234
    assert driver.dlopen(filename="libcuda.so.1").forwarded
    assert "dlopen depends on who calls it, so a hook cannot forward it: return None" in driver.log[0]


# ---- observers and commands ----------------------------------------------------------------------------------------

OBSERVER = """
seen = []

@policy.observe("cuMem*", "cuLaunchKernel", "cuTexRefSetMipmapLevelBias", caller="lib*")
def add(events):
    seen.append([[e.function, e.args, e.result, e.verdict, e.end >= e.start, e.thread] for e in events])
    assert "cuMemFree_v2" not in [e.function for e in events], "no frees"

@policy.hook("cuMemAlloc_v2", where="bytesize > 10")
def refuse(call):
    return CUresult.ERROR_OUT_OF_MEMORY

@policy.command
def show(places="0"):
    return [[row[int(place)] for row in batch for place in places.split(",")] for batch in seen]
"""


def test_observers_get_batches(policy_file: PolicyFile) -> None:
    driver = FakeDriver(policy_file(OBSERVER, "failures=2"))
    for caller in ("libcudart.so.12", "program"):
        for size in (1, 11):
            driver.cuMemAlloc_v2(bytesize=size, caller=caller)
    driver.flush()
    driver.flush()
    assert driver.command("show", places="2,3,4") == [[0, 0, True, 2, 2, True]]
    driver.cuLaunchKernel(gridDimY=5, sharedMemBytes=6, blockDimZ=7, caller="lib")
    driver.cuTexRefSetMipmapLevelBias(bias=0.25, caller="lib")
    launch, bias = driver.command("show", places="1")[-1]
    assert (launch["gridDimY"], launch["sharedMemBytes"], launch["blockDimZ"]) == (5, 6, 7)
    assert bias == {"hTexRef": 0, "bias": 0.25}
    assert driver.command("show", places="5")[-1][0] == threading.get_native_id()


def test_an_observer_that_raises(policy_file: PolicyFile) -> None:
    path = policy_file(OBSERVER, "failures=2")
    driver = FakeDriver(path)
    for _ in range(3):
        driver.cuMemFree_v2(dptr=0, caller="libcudart.so.12")
        driver.flush()
    assert driver.log == [
        f"{path}:9: AssertionError: no frees, in an observer",
        f"{path}:9: AssertionError: no frees, in an observer; it failed 2 times in a row and is disabled",
    ]
    assert len(driver.command("show")) == 2


def test_commands(policy_file: PolicyFile) -> None:
    body = """
    @policy.command
    def echo(*, key="default"):
        return {key: (1, 2)}

    @policy.command
    def pointer():
        return policy
    """
    driver = FakeDriver(policy_file(body))
    assert driver.command("echo") == {"default": [1, 2]}
    assert driver.command("echo", key=5) == {"5": [1, 2]}
    with pytest.raises(PolicyError, match="no policy has a command 'ecco'; there is echo, pointer"):
        driver.command("ecco")
    with pytest.raises(TypeError, match="not JSON serializable"):
        driver.command("pointer")


# ---- where it runs -------------------------------------------------------------------------------------------------


def test_it_needs_neither_the_library_nor_its_core(tmp_path: Path, policy_file: PolicyFile) -> None:
    """The package's sources, the C half of calls, which any Python loads, and cffi."""
    built = ("lib*.so*", "_core*.so", "profiles.json", "__pycache__", "*.python")
    shutil.copytree(PACKAGE, tmp_path / "vgpu_embed", ignore=shutil.ignore_patterns(*built))
    test = (
        "import sys, vgpu_embed; from vgpu_embed.testing import FakeDriver; "
        f"driver = FakeDriver({str(policy_file(LIMIT))!r}); "
        "free = driver.cuMemGetInfo_v2().free; small = driver.cuMemAlloc_v2(bytesize=1); "
        "print(int(driver.cuMemAlloc_v2(bytesize=2 << 30).result), int(small.result), "
        "free == driver.cuMemGetInfo_v2().free, int(driver.cuMemsetD8_v2(small.dptr, 0, 1).result), "
        "vgpu_embed.__file__, 'vgpu_embed._core' in sys.modules)"
    )
    environment = {**clean_environment(), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", test], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"2 0 False 801 {tmp_path}/vgpu_embed/__init__.py False\n", done.stderr
