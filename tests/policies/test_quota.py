"""Quota: what is counted against the limit, by one process and by several, and what becomes of it when they end."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coexist.test_beside import NAMESPACE
from support import TESTS, clean_environment, preloading, run

from vgpu_embed import MiB, PolicyError, holdings, ledger
from vgpu_embed.policies import quota
from vgpu_embed.testing import FakeDriver

SUCCESS, INVALID_VALUE, OUT_OF_MEMORY = 0, 1, 2
GPU_MEMORY = 24 << 30
"""Of the fake driver."""
UUIDS = [f"GPU-66616b65-2047-5055-2075-756964202{end}" for end in ("030", "031")]
"""Of the fake driver's devices: "fake GPU uuid  0"."""


class Asked:
    """The program asked.py under the policy."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def send(self, line: str) -> None:
        """Has it do something, without waiting for it."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self) -> list[int]:
        """What came of it: the result of a call, and what was written."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.end()
        return [int(word) for word in line.split() if word.isdecimal()]

    def ask(self, line: str) -> list[int]:
        """Both."""
        self.send(line)
        return self.read()

    def allocate(self, size: int, name: str = "a") -> int:
        """The result of cuMemAlloc."""
        return self.ask(f"cuMemAlloc_v2 >{name} {size}")[0]

    @property
    def free(self) -> int:
        """What cuMemGetInfo says."""
        return self.ask("cuMemGetInfo_v2 >free >total")[1]

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> str:
        """Ends it; what was said on stderr."""
        return self.process.communicate(timeout=30)[1]


Start = Callable[..., Asked]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts asked.py with options of the policy, `policies` behind it, in a place where no other ledgers are."""
    with contextlib.ExitStack() as stack:

        def started(
            *options: str, env: dict[str, str] | None = None, policies: tuple[Path, ...] = (), within: str = ""
        ) -> Asked:
            variables = preloading(policy=["quota", *policies], options=options)
            command = [sys.executable, "-S", "-E", str(TESTS / "policies/asked.py")]
            if within:
                assignments = " ".join(f"{name}='{value}'" for name, value in variables.items())
                command = [*NAMESPACE.split(), f"{within}; exec env {assignments} {' '.join(command)}"]
                variables = {}
            process = subprocess.Popen(
                command,
                env={**clean_environment(), **variables, **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            stack.callback(end, process)
            return Asked(process)

        yield started


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[str]:
    """The name of a group that nobody else has."""
    name = f"test-{os.getpid()}-{tmp_path.name}"
    yield name
    Path(ledger.path_of(name)).unlink(missing_ok=True)


def held(path: str | None = None, *, pid: int | None = None) -> dict[int, int]:
    """Bytes that processes hold of all devices together, in a ledger, or in the one that `pid` has for itself."""
    paths = [path] if path else [one for one in ledger.ledgers() if f"~{pid}-" in one]
    found: dict[int, int] = {}
    for one in paths:
        for use in quota.usage(one):
            found[use["pid"]] = found.get(use["pid"], 0) + use["held"]
    return found


# ---- one process -----------------------------------------------------------------------------------------------------


@pytest.mark.every_python
def test_a_process_gets_as_much_as_its_limit(start: Start, tmp_path: Path) -> None:
    program = start("memory=1MiB", env={"FAKE_CUDA_LOG": str(tmp_path / "log")})
    assert program.allocate(700 << 10, "a") == SUCCESS
    assert program.allocate(700 << 10, "b") == OUT_OF_MEMORY
    assert program.allocate(324 << 10, "b") == SUCCESS
    assert program.allocate(1, "c") == OUT_OF_MEMORY
    assert program.ask("cuMemFree_v2 a") == [SUCCESS]
    assert program.allocate(700 << 10, "a") == SUCCESS
    assert program.end() == ""
    assert (tmp_path / "log").read_text().count("cuMemAlloc_v2 ") == 3


def test_what_is_seen_agrees_with_the_limit(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.ask("cuDeviceTotalMem_v2 >total 0") == [SUCCESS, MiB]
    assert program.ask("cuMemGetInfo_v2 >free >total") == [SUCCESS, MiB, MiB]
    program.allocate(1000, "a")
    assert program.ask("cuMemGetInfo_v2 >free >total") == [SUCCESS, MiB - 1000, MiB]
    assert held(pid=program.pid) == {program.pid: 1000}
    program.ask("cuMemFree_v2 a")
    assert program.ask("cuMemGetInfo_v2 >free >total") == [SUCCESS, MiB, MiB]
    assert held(pid=program.pid) == {program.pid: 0}


def test_nothing_more_is_seen_than_there_is(start: Start) -> None:
    program, bare = start("memory=100GiB"), start()
    for one in (program, bare):
        assert one.ask("cuDeviceTotalMem_v2 >total 0") == [SUCCESS, GPU_MEMORY]
    assert program.ask("cuMemGetInfo_v2 >free >total") == bare.ask("cuMemGetInfo_v2 >free >total")


def test_what_the_driver_refuses_is_not_held(start: Start) -> None:
    program = start("memory=100GiB")
    assert program.allocate(GPU_MEMORY) == OUT_OF_MEMORY
    assert program.allocate(0) == INVALID_VALUE
    assert program.ask("cuMemFree_v2 12345") == [INVALID_VALUE]
    assert held(pid=program.pid) == {program.pid: 0}


def test_without_a_limit_everything_is_forwarded_and_counted(start: Start) -> None:
    program = start()
    assert program.allocate(1 << 30) == SUCCESS
    assert held(pid=program.pid) == {program.pid: 1 << 30}


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
def test_sizes_that_no_device_has(start: Start, size: int) -> None:
    program = start()
    assert program.allocate(size) == OUT_OF_MEMORY
    assert program.allocate(4096) == SUCCESS
    assert program.end() == ""


def test_eight_threads_get_what_one_would(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.ask("all 16384 8") == [64]
    assert held(pid=program.pid) == {program.pid: MiB}


# ---- every kind of memory --------------------------------------------------------------------------------------------

ON_DEVICE_0 = struct.pack("<IIIIQQ", 1, 0, 1, 0, 0, 0).hex()
"""CUmemAllocationProp: pinned, no handles, on device 0."""
ARRAY = struct.pack("<QQQIII", 128, 300, 0, 0x20, 4, 0).hex()
"""CUDA_ARRAY3D_DESCRIPTOR: 128 x 300, four floats each."""
KINDS = {
    "linear": ("cuMemAlloc_v2 >a 614400", "cuMemFree_v2 a"),
    "managed": ("cuMemAllocManaged >a 614400 1", "cuMemFree_v2 a"),
    "pitched": ("cuMemAllocPitch_v2 >a >pitch 400 1200 16", "cuMemFree_v2 a"),
    "in a stream": ("cuMemAllocAsync >a 614400 0", "cuMemFreeAsync a 0"),
    "in the thread's stream": ("cuMemAllocAsync_ptsz >a 614400 0", "cuMemFreeAsync_ptsz a 0"),
    "in a stream, freed by cuMemFree": ("cuMemAllocAsync >a 614400 0", "cuMemFree_v2 a"),
    "from a pool": ("cuMemAllocFromPoolAsync >a 614400 99 0", "cuMemFreeAsync a 0"),
    "physical": (f"cuMemCreate >a 614400 x:{ON_DEVICE_0} 0", "cuMemRelease a"),
    "array": (f"cuArray3DCreate_v2 >a x:{ARRAY}", "cuArrayDestroy a"),
}
"""Of 600 KiB each: how it is allocated and freed."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_memory_counts(start: Start, kind: str) -> None:
    program = start("memory=1MiB")
    allocate, free = KINDS[kind]
    assert program.ask(allocate)[0] == SUCCESS
    assert program.free == MiB - 614400
    assert program.ask(allocate.replace(">a", ">b"))[0] == OUT_OF_MEMORY
    assert program.ask(free) == [SUCCESS]
    assert program.free == MiB
    assert program.ask(allocate)[0] == SUCCESS
    assert program.end() == ""


def driver(memory: int = 0, **options: Any) -> FakeDriver:
    """A driver under the policy."""
    return FakeDriver("quota", options={"memory": memory}, **options)


def free(of: FakeDriver) -> int:
    """What cuMemGetInfo says."""
    return int(of.cuMemGetInfo_v2().free)


def on_device(number: int = 0, kind: int = 1) -> dict[str, Any]:
    """A CUmemAllocationProp or CUmemPoolProps; kind 1: device, 2: host."""
    return {"location": {"type": kind, "id": number}}


MADE = {
    "cuMemCreate": "handle",
    "cuMemPoolCreate": "pool",
    "cuMemAllocAsync": "dptr",
    "cuMemAllocFromPoolAsync": "dptr",
    "cuArrayCreate_v2": "pHandle",
    "cuArray3DCreate_v2": "pHandle",
    "cuArrayDestroy": "",
    "cuMemMap": "",
    "cuMemRelease": "",
    "cuMemUnmap": "",
}
"""Functions, and what each of them gives."""


def willing(memory: int = 0, **options: Any) -> FakeDriver:
    """A driver under the policy that takes any size, kind, address or handle."""
    fake = driver(memory, **options)
    give(fake)
    return fake


def give(fake: FakeDriver) -> None:
    """Makes it so."""
    numbers = itertools.count(0x7000_0000, 0x1000_0000)

    def answer(call: Any) -> int:
        output = MADE[call.function]
        return int(call.reply(**{output: next(numbers)})) if output else SUCCESS

    fake.answers.update(dict.fromkeys(MADE, answer))


def test_physical_memory_lasts_as_long_as_a_mapping() -> None:
    """As JAX has it: the handle is released at once."""
    fake = willing(MiB)
    handle = fake.cuMemCreate(size=MiB, prop=on_device()).handle
    assert fake.cuMemMap(ptr=0x10000000, size=MiB // 2, handle=handle).result == SUCCESS
    assert fake.cuMemMap(ptr=0x10000000 + MiB // 2, size=MiB // 2, handle=handle).result == SUCCESS
    assert fake.cuMemRelease(handle=handle).result == SUCCESS
    assert fake.cuMemCreate(size=1, prop=on_device()).result == OUT_OF_MEMORY
    assert fake.cuMemUnmap(ptr=0x10000000, size=MiB).result == SUCCESS
    assert free(fake) == MiB


def test_physical_memory_lasts_as_long_as_a_handle() -> None:
    fake = willing(MiB)
    handle = fake.cuMemCreate(size=MiB, prop=on_device()).handle
    fake.answers["cuMemRetainAllocationHandle"] = lambda call: call.reply(handle=handle)
    fake.answers["cuMemRelease"] = fake.answers["cuMemMap"] = SUCCESS
    fake.cuMemMap(ptr=0x10000000, size=MiB, handle=handle)
    fake.cuMemRelease(handle=handle)
    assert fake.cuMemRetainAllocationHandle(addr=0x10000000).handle == handle
    fake.cuMemUnmap(ptr=0x10000000, size=MiB)
    assert free(fake) == 0
    fake.cuMemRelease(handle=handle)
    assert free(fake) == MiB
    fake.cuMemRelease(handle=handle)
    assert free(fake) == MiB


def test_a_call_on_physical_memory_that_fails_changes_nothing() -> None:
    fake = willing(MiB)
    handle = fake.cuMemCreate(size=MiB, prop=on_device()).handle
    fake.cuMemMap(ptr=0x10000000, size=MiB, handle=handle)
    for function in ("cuMemRelease", "cuMemUnmap", "cuMemMap", "cuMemRetainAllocationHandle"):
        fake.answers[function] = INVALID_VALUE
    fake.cuMemRelease(handle=handle)
    fake.cuMemUnmap(ptr=0x10000000, size=MiB)
    fake.cuMemMap(ptr=0x20000000, size=MiB, handle=handle)
    fake.cuMemRetainAllocationHandle(addr=0x10000000)
    give(fake)
    assert fake.cuMemRelease(handle=handle).result == SUCCESS
    assert free(fake) == 0
    fake.cuMemUnmap(ptr=0x10000000, size=MiB)
    assert free(fake) == MiB


def test_memory_of_the_host_does_not_count() -> None:
    fake = willing(MiB)
    assert fake.cuMemCreate(size=2 * MiB, prop=on_device(kind=2)).result == SUCCESS
    assert fake.cuMemHostAlloc(bytesize=2 * MiB).result == SUCCESS
    pool = fake.cuMemPoolCreate(poolProps=on_device(kind=2)).pool
    assert fake.cuMemAllocFromPoolAsync(bytesize=2 * MiB, pool=pool).result == SUCCESS
    assert free(fake) == MiB


def test_what_others_have_allocated_does_not_count_again() -> None:
    """IPC memory, imported handles, exported pools: whoever created it holds it."""
    fake = driver(MiB)
    opened = fake.cuIpcOpenMemHandle_v2().pdptr
    imported = fake.cuMemImportFromShareableHandle().handle
    pool = fake.cuMemPoolImportFromShareableHandle().pool_out
    shared = fake.cuMemPoolImportPointer(pool=pool).ptr_out
    assert free(fake) == MiB
    fake.answers["cuMemFreeAsync"] = fake.answers["cuMemRelease"] = SUCCESS
    fake.cuMemMap(ptr=0x10000000, size=4 * MiB, handle=imported)
    fake.cuMemUnmap(ptr=0x10000000, size=4 * MiB)
    fake.cuMemRelease(handle=imported)
    fake.cuMemFreeAsync(dptr=shared)
    fake.cuIpcCloseMemHandle(dptr=opened)
    assert free(fake) == MiB


DESCRIPTORS = [
    # Width, Height, Depth, Format, NumChannels, Flags, bytes
    (1000, 0, 0, 0x20, 1, 0, 4000),
    (512, 256, 0, 0x01, 4, 0, 512 * 256 * 4),
    (64, 64, 64, 0x10, 2, 0, 64**3 * 4),
    (64, 64, 6, 0x02, 1, 4, 64 * 64 * 6 * 2),  # cube map
    (64, 0, 10, 0x03, 4, 1, 64 * 10 * 16),  # layers of rows
    (256, 256, 0, 0xC2, 4, 0, 256 * 256 * 4),  # UNORM_INT8X4: the channels are in the format
    (1920, 1080, 0, 0xB0, 3, 0, 1920 * 1080 * 3 // 2),  # NV12
    (256, 256, 0, 0x91, 4, 0, 256 * 256 // 2),  # BC1
    (250, 256, 0, 0x9D, 4, 0, 252 * 256),  # BC7
    (64, 64, 0, 0x7777, 2, 0, 64 * 64 * 8),  # unknown
    (1 << 20, 1 << 10, 0, 0x20, 1, 0x40, 0),  # sparse: what is mapped counts
    (1 << 20, 1 << 10, 0, 0x20, 1, 0x80, 0),  # mapped later
]


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_arrays_by_their_descriptors(descriptor: tuple[int, ...]) -> None:
    *values, size = descriptor
    fields = dict(zip(("Width", "Height", "Depth", "Format", "NumChannels", "Flags"), values, strict=True))
    fake = willing(64 * MiB)
    made = fake.cuArray3DCreate_v2(pAllocateArray=fields)
    assert (made.result, free(fake)) == (SUCCESS, 64 * MiB - size)
    fake.cuArrayDestroy(hArray=made.pHandle)
    assert free(fake) == 64 * MiB
    flat = {name: value for name, value in fields.items() if name not in ("Depth", "Flags")}
    if not fields["Depth"] and not fields["Flags"]:
        fake.cuArrayCreate_v2(pAllocateArray=flat)
        assert free(fake) == 64 * MiB - size


@pytest.mark.parametrize(("flags", "size"), [(0, 64**3 + 32**3 + 16**3), (1, 64 * (64**2 + 32**2 + 16**2))])
def test_levels_of_a_mipmapped_array(flags: int, size: int) -> None:
    """Layers do not become fewer."""
    fake = driver(MiB)
    shape = {"Width": 64, "Height": 64, "Depth": 64, "Format": 1, "NumChannels": 1, "Flags": flags}
    made = fake.cuMipmappedArrayCreate(pMipmappedArrayDesc=shape, numMipmapLevels=3)
    assert free(fake) == MiB - size
    fake.cuMipmappedArrayDestroy(hMipmappedArray=made.pHandle)
    assert free(fake) == MiB


def test_calls_with_null_are_left_to_the_driver() -> None:
    fake = driver(MiB)
    fake.answers = dict.fromkeys(("cuMemCreate", "cuArray3DCreate_v2", "cuMipmappedArrayCreate"), INVALID_VALUE)
    assert fake.cuMemCreate(size=4096, prop=None).result == INVALID_VALUE
    assert fake.cuArray3DCreate_v2(pAllocateArray=None).result == INVALID_VALUE
    assert fake.cuMipmappedArrayCreate(pMipmappedArrayDesc=None).result == INVALID_VALUE
    assert fake.cuMemAlloc_v2(dptr=None, bytesize=4096).result == INVALID_VALUE
    assert fake.cuMemGetInfo_v2(free=None, total=None).result == SUCCESS
    assert free(fake) == MiB
    assert fake.log == []


def test_without_a_context_the_driver_says_so() -> None:
    fake = driver(MiB, gpu="2xh100", initialised=False)
    assert fake.cuMemAlloc_v2(bytesize=2 * MiB).result == 3  # not initialized
    fake.cuInit(Flags=0)
    assert fake.cuMemAlloc_v2(bytesize=2 * MiB).result == 201  # no context
    assert fake.log == []


# ---- contexts --------------------------------------------------------------------------------------------------------


def test_what_lives_in_a_context_ends_with_it(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.allocate(100, "first") == SUCCESS
    program.ask("cuCtxCreate_v2 >created 0 0")
    assert program.allocate(200, "second") == SUCCESS
    assert program.ask(f"cuMemCreate >physical 400 x:{ON_DEVICE_0} 0")[0] == SUCCESS
    assert program.free == MiB - 700
    program.ask("cuCtxDestroy_v2 created")
    assert program.free == MiB - 500
    assert program.ask("cuMemFree_v2 first") == [SUCCESS]
    assert program.free == MiB - 400


def test_what_lives_in_a_primary_context_ends_with_its_last_release(start: Start) -> None:
    program = start("memory=1MiB")
    program.ask("cuDevicePrimaryCtxRetain >again 0")
    assert program.allocate(100) == SUCCESS
    assert program.ask("cuDevicePrimaryCtxRelease_v2 0") == [SUCCESS]
    assert program.free == MiB - 100
    assert program.ask("cuDevicePrimaryCtxRelease_v2 0") == [SUCCESS]
    assert program.free == MiB
    assert program.allocate(100) == SUCCESS
    assert program.ask("cuDevicePrimaryCtxReset_v2 0") == [SUCCESS]
    assert program.free == MiB


def test_an_address_that_is_given_again_was_freed_unseen() -> None:
    """A context can end in ways that are not calls of the program's."""
    fake = driver(MiB)
    fake.answers["cuMemAlloc_v2"] = lambda call: call.reply(dptr=0x10000000)
    for _ in range(3):
        assert fake.cuMemAlloc_v2(bytesize=MiB // 2).result == SUCCESS
        assert free(fake) == MiB // 2


# ---- several devices -------------------------------------------------------------------------------------------------


def test_each_device_has_the_limit(start: Start) -> None:
    program = start("memory=1MiB", env={"FAKE_CUDA_DEVICES": "2"})
    assert program.allocate(MiB, "a") == SUCCESS
    program.ask("cuDevicePrimaryCtxRetain >other 1")
    program.ask("cuCtxSetCurrent other")
    assert program.free == MiB
    assert program.allocate(MiB, "b") == SUCCESS
    assert program.allocate(1, "c") == OUT_OF_MEMORY
    assert program.ask("cuMemFree_v2 a") == [SUCCESS]  # the other device's
    assert program.allocate(1, "c") == OUT_OF_MEMORY
    uses = [use for path in ledger.ledgers() if f"~{program.pid}-" in path for use in quota.usage(path)]
    assert uses == [
        {"pid": program.pid, "device": 0, "uuid": UUIDS[0], "held": 0, "limit": MiB},
        {"pid": program.pid, "device": 1, "uuid": UUIDS[1], "held": MiB, "limit": MiB},
    ]


def test_limits_of_single_devices() -> None:
    fake = FakeDriver("quota", gpu="3xh100", options={"memory": "4MiB", "memory_of": "1=2MiB,2=0"})
    total = [fake.cuDeviceTotalMem_v2(dev=number).bytes for number in range(3)]
    assert total[:2] == [4 * MiB, 2 * MiB]
    assert total[2] > 1 << 30
    for number, most in enumerate((4 * MiB, 2 * MiB)):
        fake.cuCtxSetCurrent(ctx=fake.cuDevicePrimaryCtxRetain(dev=number).pctx)
        assert free(fake) == most


@pytest.mark.parametrize("value", ["1", "a=1MiB", "0=1XB", "0=-1"])
def test_limits_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(PolicyError, match="memory_of"):
        FakeDriver("quota", options={"memory_of": value})
    fake = FakeDriver("quota", options={"memory_of": "0=1MiB"})
    with pytest.raises(PolicyError, match="memory_of"):
        fake.set("memory_of", value)


def test_physical_memory_and_pools_are_on_their_device() -> None:
    """Whatever context is current, and whatever stream is used."""
    fake = willing(MiB, gpu="2xh100")
    other = fake.cuDevicePrimaryCtxRetain(dev=1).pctx
    fake.answers["cuStreamGetCtx"] = lambda call: call.reply(pctx=other)
    pools = [
        fake.cuMemPoolCreate(poolProps=on_device(1)).pool,
        fake.cuDeviceGetDefaultMemPool(dev=1).pool_out,
        fake.cuMemGetDefaultMemPool(location={"type": 1, "id": 1}, type=1).pool_out,
    ]
    fake.cuMemCreate(size=1, prop=on_device(1))
    for pool in pools:
        fake.cuMemAllocFromPoolAsync(bytesize=10, pool=pool)
    fake.cuMemAllocAsync(bytesize=100, hStream=0x5000)
    assert free(fake) == MiB
    fake.cuMemAllocAsync(bytesize=1000, hStream=0)
    assert free(fake) == MiB - 1000
    fake.cuCtxSetCurrent(ctx=other)
    assert free(fake) == MiB - 131


# ---- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.every_python
def test_a_group_shares_a_limit(start: Start, group: str) -> None:
    options = "memory=1MiB", f"group={group}"
    first, second, apart = start(*options), start(*options), start("memory=1MiB")
    assert first.allocate(600 << 10) == SUCCESS
    assert second.allocate(600 << 10) == OUT_OF_MEMORY
    assert apart.allocate(600 << 10) == SUCCESS
    assert first.free == second.free == 424 << 10
    assert second.allocate(424 << 10) == SUCCESS
    assert first.free == second.free == 0
    assert held(ledger.path_of(group)) == {first.pid: 600 << 10, second.pid: 424 << 10}
    first.ask("cuMemFree_v2 a")
    assert second.allocate(600 << 10) == SUCCESS


@pytest.mark.parametrize("how", ["kill", "end"])
def test_what_a_member_held_is_free_when_it_ends(start: Start, group: str, how: str) -> None:
    options = "memory=1MiB", f"group={group}"
    first, second = start(*options), start(*options)
    assert first.allocate(MiB) == SUCCESS
    assert second.allocate(1) == OUT_OF_MEMORY
    getattr(first, how)()
    assert held(ledger.path_of(group)) == {second.pid: 0}
    assert second.allocate(MiB) == SUCCESS


def test_a_dead_member_s_part_is_seen_as_free(start: Start, group: str) -> None:
    options = "memory=1MiB", f"group={group}"
    first, second = start(*options), start(*options)
    assert first.allocate(MiB) == SUCCESS
    assert second.free == 0
    first.kill()
    assert second.free == MiB


def test_the_ledger_goes_with_the_last_member(start: Start, group: str) -> None:
    first, second = start(f"group={group}"), start(f"group={group}")
    first.allocate(1), second.allocate(1)
    path = Path(ledger.path_of(group))
    assert first.end() == ""
    assert path.exists()
    assert second.end() == ""
    assert not path.exists()


def test_what_killed_processes_left_is_removed_by_the_next(start: Start, group: str) -> None:
    killed = start(f"group={group}"), start()
    for one in killed:
        one.allocate(1)
    left = [path for path in ledger.ledgers() if group in path or f"~{killed[1].pid}-" in path]
    assert len(left) == 2
    for one in killed:
        one.kill()
    start().allocate(1)
    assert not any(map(os.path.exists, left))


def test_races_never_exceed_the_limit(start: Start, group: str) -> None:
    """Whoever looks while members allocate and free at once."""
    members = [start("memory=4MiB", f"group={group}") for _ in range(3)]
    assert [member.allocate(MiB) for member in members] == [SUCCESS] * 3
    for member in members:
        member.send(f"churn {MiB} 0.6")
    path, most, looks = ledger.path_of(group), 0, 0
    end = time.monotonic() + 0.5
    with open(path, "r+b") as file:
        while time.monotonic() < end:
            with ledger.Exclusive(file.fileno(), path):
                uses = ledger.read(file.fileno(), path)
            most = max(most, sum(use["held"] for use in uses))
            looks += 1
    counts = [member.read()[0] for member in members]
    assert min(counts) > 0
    assert looks > 10
    assert 3 * MiB < most <= 4 * MiB
    assert held(path) == {member.pid: MiB for member in members}


def test_a_group_gets_exactly_its_limit_however_many_ask_at_once(start: Start, group: str) -> None:
    members = [start("memory=1MiB", f"group={group}") for _ in range(3)]
    for member in members:
        member.send("all 8192 4")
    assert sum(member.read()[0] for member in members) == 128


def test_a_member_killed_in_the_middle_holds_nobody_up(start: Start, group: str) -> None:
    """Whatever it was doing: the lock that it may have had is the kernel's to release."""
    survivor = start("memory=4MiB", f"group={group}")
    for _ in range(4):
        member = start("memory=4MiB", f"group={group}")
        assert member.allocate(MiB) == SUCCESS
        member.send(f"churn {MiB} 5")
        time.sleep(0.05)
        member.kill()
        assert survivor.allocate(4 * MiB) == SUCCESS
        assert survivor.ask("cuMemFree_v2 a") == [SUCCESS]


def test_a_gpu_is_the_same_by_another_number(start: Start, group: str, tmp_path: Path) -> None:
    """As CUDA_VISIBLE_DEVICES=1,0 has it."""
    (tmp_path / "swapped.py").write_text(
        "from vgpu_embed import Policy\npolicy = Policy()\n@policy.hook('cuDeviceGetUuid_v2')\ndef swapped(call):\n"
        "    return call.reply(uuid=b'fake GPU uuid  %d' % (1 - call.dev))\n"
    )
    env = {"FAKE_CUDA_DEVICES": "2"}
    options = "memory=1MiB", f"group={group}"
    first, second = start(*options, env=env), start(*options, env=env, policies=(tmp_path / "swapped.py",))
    assert first.allocate(MiB) == SUCCESS
    assert second.free == MiB
    second.ask("cuDevicePrimaryCtxRetain >other 1")
    second.ask("cuCtxSetCurrent other")
    assert second.free == 0
    assert second.allocate(1) == OUT_OF_MEMORY


# ---- limits that change ----------------------------------------------------------------------------------------------


def set_option(program: Asked, setting: str) -> None:
    """As a user does it."""
    done = run([sys.executable, "-m", "vgpu_embed.cli", "set", str(program.pid), setting])
    assert done.returncode == 0, done


def test_limits_change_while_the_program_runs(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.allocate(MiB, "a") == SUCCESS
    set_option(program, "memory=3MiB")
    assert program.ask("cuMemGetInfo_v2 >free >total") == [SUCCESS, 2 * MiB, 3 * MiB]
    assert program.allocate(2 * MiB, "b") == SUCCESS
    set_option(program, "memory=2MiB")
    [use] = [use for path in ledger.ledgers() if f"~{program.pid}-" in path for use in quota.usage(path)]
    assert (use["held"], use["limit"]) == (3 * MiB, 2 * MiB)
    assert program.ask("cuMemGetInfo_v2 >free >total") == [SUCCESS, 0, 2 * MiB]
    assert program.allocate(1, "c") == OUT_OF_MEMORY
    program.ask("cuMemFree_v2 b")
    assert program.allocate(MiB, "c") == SUCCESS
    set_option(program, "memory=0")
    assert program.allocate(1 << 30, "d") == SUCCESS


def test_a_process_moves_to_another_group_with_all_it_holds(start: Start, group: str) -> None:
    first, second = start("memory=1MiB"), start("memory=1MiB", f"group={group}")
    assert first.allocate(600 << 10) == SUCCESS
    set_option(first, f"group={group}")
    assert first.free == 424 << 10
    assert second.allocate(600 << 10) == OUT_OF_MEMORY
    set_option(first, "group=")
    assert first.free == 424 << 10
    assert second.allocate(600 << 10) == SUCCESS


def test_what_is_held_is_known_after_policies_were_loaded_again(start: Start, tmp_path: Path) -> None:
    beside = tmp_path / "beside.py"
    beside.write_text("from vgpu_embed import Policy\npolicy = Policy()\n")
    program = start("memory=1MiB", policies=(beside,))
    assert program.allocate(MiB) == SUCCESS
    beside.write_text(
        "from vgpu_embed import Policy\npolicy = Policy()\n@policy.command\ndef loaded(): return 'again'\n"
    )
    for _ in range(50):
        if run([sys.executable, "-m", "vgpu_embed.cli", "command", str(program.pid), "loaded"]).returncode == 0:
            break
    else:
        raise AssertionError("not loaded again")
    assert program.allocate(1, "b") == OUT_OF_MEMORY
    assert program.ask("cuMemFree_v2 a") == [SUCCESS]
    assert program.free == MiB
    assert program.end() == ""


# ---- children of fork ------------------------------------------------------------------------------------------------


@pytest.mark.every_python
def test_a_child_holds_nothing_of_its_parent_s(start: Start, group: str) -> None:
    """It has a place of its own, and its parent's stays its parent's."""
    program = start("memory=1MiB", f"group={group}")
    assert program.allocate(600 << 10, "a") == SUCCESS
    [child] = program.ask("fork")
    assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    assert program.allocate(400 << 10, "b") == SUCCESS
    assert program.ask("cuMemFree_v2 a") == [SUCCESS]  # the fake driver's memory, of which the parent knows
    assert held(ledger.path_of(group)) == {program.pid: 600 << 10, child: 400 << 10}
    assert program.free == 24 << 10


def test_a_child_has_a_limit_of_its_own(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.allocate(MiB, "a") == SUCCESS
    [child] = program.ask("fork")
    assert program.allocate(MiB, "b") == SUCCESS
    assert program.allocate(1, "c") == OUT_OF_MEMORY
    assert held(pid=program.pid) == {program.pid: MiB}
    assert held(pid=child) == {child: MiB}


def test_a_child_that_skipped_the_handlers_leaves_its_parent_s_part_alone(start: Start, group: str) -> None:
    """It is not under any policy, and says so."""
    program = start("memory=1MiB", f"group={group}")
    assert program.allocate(600 << 10, "a") == SUCCESS
    program.ask("_Fork")
    assert program.allocate(600 << 10, "b") == SUCCESS
    assert program.ask("cuMemFree_v2 a") == [SUCCESS]
    assert held(ledger.path_of(group)) == {program.pid: 600 << 10}


# ---- what programs and people do to the ledger -----------------------------------------------------------------------


def test_a_program_that_closes_all_descriptors_is_still_held_to_the_limit(start: Start, group: str) -> None:
    program, other = (start("memory=1MiB", f"group={group}") for _ in range(2))
    assert program.allocate(600 << 10) == SUCCESS
    program.ask("close")
    assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    assert other.allocate(600 << 10) == OUT_OF_MEMORY
    assert held(ledger.path_of(group)) == {program.pid: 600 << 10, other.pid: 0}
    program.ask("cuMemFree_v2 a")
    assert other.allocate(600 << 10) == SUCCESS


def test_a_program_that_looks_into_the_ledger_does_not_lose_its_place(start: Start, group: str) -> None:
    """It loses its locks, and has them again within a second."""
    program, other = (start("memory=1MiB", f"group={group}") for _ in range(2))
    path = ledger.path_of(group)
    assert program.allocate(600 << 10) == SUCCESS
    program.ask(f"reopen {path}")
    assert held(path) == {}
    time.sleep(1)
    assert program.free == 424 << 10
    assert held(path) == {program.pid: 600 << 10}
    assert other.allocate(600 << 10) == OUT_OF_MEMORY


def test_a_ledger_that_somebody_removed_is_made_anew(start: Start, group: str) -> None:
    program, other = (start("memory=1MiB", f"group={group}") for _ in range(2))
    assert program.allocate(600 << 10) == SUCCESS
    os.unlink(ledger.path_of(group))
    assert program.free == 424 << 10
    assert other.allocate(600 << 10) == OUT_OF_MEMORY


@pytest.mark.parametrize("content", ["no ledger", "VGPUQTA0", "VGPUQTA1 cut short"])
def test_a_broken_ledger_is_made_anew(start: Start, content: str) -> None:
    path = ledger.path_of("anybody")
    folder = os.path.dirname(path)
    within = f"mount -t tmpfs tmpfs /dev/shm; mkdir -m 700 {folder}; echo {content} >{path}"
    program = start("memory=1MiB", "group=anybody", within=within)
    assert program.allocate(600 << 10) == SUCCESS
    assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    assert held(f"/proc/{program.pid}/root{path}") == {program.pid: 600 << 10}
    [line] = program.end().splitlines()
    assert f"{path} was broken or of another version, and is made anew" in line


def test_a_ledger_of_another_version_that_is_in_use_is_left_alone(start: Start, group: str) -> None:
    path = Path(ledger.path_of(group))
    path.write_bytes(b"VGPUQTA0" + bytes(8184))
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 1)
        program = start("memory=1MiB", f"group={group}")
        assert program.allocate(600 << 10) == SUCCESS
        assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    [line] = program.end().splitlines()
    assert f"the limit of group '{group}' is for this process alone: {path} is of another version" in line
    assert path.read_bytes().startswith(b"VGPUQTA0")


def test_a_ledger_whose_maker_was_killed_at_once_is_used(start: Start, group: str) -> None:
    path = Path(ledger.path_of(group))
    path.touch()
    program = start("memory=1MiB", f"group={group}")
    assert program.allocate(600 << 10) == SUCCESS
    assert held(str(path)) == {program.pid: 600 << 10}
    assert program.end() == ""


def test_a_group_that_is_no_name(start: Start) -> None:
    program = start("memory=1MiB", "group=../other")
    assert program.allocate(600 << 10) == SUCCESS
    assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    [line] = program.end().splitlines()
    assert "'../other' is no name of a group" in line


def test_a_member_that_is_stopped_in_the_middle_does_not_hold_others_up_for_long(start: Start, group: str) -> None:
    """The limit is then each one's own, which is said; ten seconds later the ledger is tried again."""
    program = start("memory=1MiB", f"group={group}")
    assert program.allocate(600 << 10) == SUCCESS
    with open(ledger.path_of(group), "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)  # as by a process that is stopped
        began = time.monotonic()
        assert program.allocate(400 << 10, "b") == SUCCESS
        assert program.allocate(400 << 10, "c") == OUT_OF_MEMORY
        assert program.ask("cuMemFree_v2 a") == [SUCCESS]
        assert time.monotonic() - began < ledger.PATIENCE + 5
    [line] = program.end().splitlines()
    assert f"process {os.getpid()} keeps {ledger.path_of(group)} locked, let it go on or end it" in line


def test_a_ledger_that_could_not_be_used_is_tried_again(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PATIENCE", 0.05)
    monkeypatch.setattr(holdings, "RETRY", 0)
    path = ledger.path_of(group)
    holds = f"import fcntl; f = open({path!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        process.stdout.readline()
        fake = FakeDriver("quota", options={"memory": "1MiB", "group": group})
        assert fake.cuMemAlloc_v2(bytesize=1000).result == SUCCESS
        assert f"process {process.pid} keeps {path} locked" in fake.log[0]
        process.kill()
    assert fake.cuMemAlloc_v2(bytesize=100).result == SUCCESS
    assert held(path) == {os.getpid(): 1100}
    assert len(fake.log) == 1


# ---- places without room ---------------------------------------------------------------------------------------------

PLACES = {
    "full": "mount -t tmpfs -o size=64k tmpfs /dev/shm; ! head -c 131072 /dev/zero >/dev/shm/full 2>/dev/null",
    "no larger files": "mount -t tmpfs tmpfs /dev/shm; ulimit -f 1",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("options", [[], ["group=anybody"]], ids=["alone", "group"])
def test_without_room_for_a_ledger_the_limit_is_the_process_s_own(start: Start, place: str, options: list[str]) -> None:
    program = start("memory=1MiB", *options, within=PLACES[place])
    assert program.allocate(600 << 10) == SUCCESS
    assert program.allocate(600 << 10, "b") == OUT_OF_MEMORY
    assert program.free == 424 << 10
    program.ask("cuMemFree_v2 a")
    assert program.allocate(600 << 10, "b") == SUCCESS
    said = [line for line in program.end().splitlines() if "ledger" in line]
    assert len(said) == 1
    reason = "No space left on device" if place == "full" else "File too large"
    effect = "the limit of group 'anybody' is for this process alone" if options else "status has none"
    assert f"the memory that is held cannot be noted in a ledger, so {effect}" in said[0]
    assert reason in said[0]


def test_without_dev_shm_a_group_meets_in_tmp(start: Start) -> None:
    devices = "mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9"
    within = f"mount -t tmpfs tmpfs /dev; {devices}; mount -t tmpfs tmpfs /tmp"
    program = start("memory=1MiB", "group=anybody", within=within)
    assert program.allocate(600 << 10) == SUCCESS
    [path] = Path(f"/proc/{program.pid}/root/tmp").glob("vgpu_embed-*/vgpu_embed-quota-anybody.ledger")
    assert held(str(path)) == {program.pid: 600 << 10}
    assert program.end() == ""


def test_a_program_gets_the_lowest_descriptors(start: Start) -> None:
    program = start("memory=1MiB")
    assert program.allocate(1) == SUCCESS
    opened = Path(f"/proc/{program.pid}/fd").iterdir()
    [place] = [int(link.name) for link in opened if os.readlink(link).endswith(ledger.SUFFIX)]
    assert place >= ledger.OUT_OF_THE_WAY
