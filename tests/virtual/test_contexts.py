"""Contexts of the virtual driver: stacks of threads, primary contexts, limits, what misuse gives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from vgpu_embed.testing import ffi
from vgpu_embed.virtual.contexts import REMEMBERED
from virtual.conftest import Machine
from virtual.harness import POISON, Program

CONTEXT = "CUcontext *"
SIZE = "size_t *"
INVALID_VALUE, OUT_OF_MEMORY, INVALID_DEVICE, INVALID_CONTEXT, DESTROYED = 1, 2, 101, 201, 709


class Contexts:
    """A program that makes contexts; results that are not checked here are successes."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def made(self, function: str, *arguments: Any) -> Any:
        out = ffi.new(CONTEXT)
        assert self.program.call(function, out, *arguments) == 0
        return out[0]

    def create(self, device: int = 0, flags: int = 0) -> Any:
        return self.made("cuCtxCreate_v2", flags, device)

    def retain(self, device: int = 0) -> Any:
        return self.made("cuDevicePrimaryCtxRetain", device)

    @property
    def current(self) -> Any:
        return self.made("cuCtxGetCurrent")

    @property
    def device(self) -> list[int]:
        seen: list[int] = self.program.number("cuCtxGetDevice")
        return seen

    def state(self, device: int = 0) -> tuple[int, int]:
        flags, active = ffi.new("unsigned int *"), ffi.new("int *")
        assert self.program.call("cuDevicePrimaryCtxGetState", device, flags, active) == 0
        return flags[0], active[0]

    def free(self) -> int:
        out = ffi.new(SIZE)
        assert self.program.call("cuMemGetInfo_v2", out, None) == 0
        return int(out[0])


@pytest.fixture
def pair(machine: Machine) -> Contexts:
    """A program on two devices, after cuInit."""
    program = machine("2xh100")
    assert program.call("cuInit", 0) == 0
    return Contexts(program)


def elsewhere(call: Callable[[], Any]) -> Any:
    """What a call gives on another thread."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(call()))
    thread.start()
    thread.join()
    return seen[0]


class TestStack:
    def test_what_is_created_is_current(self, pair: Contexts) -> None:
        first, second = pair.create(0), pair.create(1)
        assert pair.current == second
        assert pair.device == [0, 1]
        assert pair.made("cuCtxPopCurrent_v2") == second
        assert (pair.current, pair.device) == (first, [0, 0])

    def test_each_thread_has_its_own(self, pair: Contexts) -> None:
        first = pair.create()
        assert elsewhere(lambda: pair.current) == ffi.NULL
        assert elsewhere(lambda: pair.device[0]) == INVALID_CONTEXT
        assert elsewhere(lambda: [pair.program.call("cuCtxPushCurrent_v2", first), pair.device]) == [0, [0, 0]]

    def test_set_replaces_the_top(self, pair: Contexts) -> None:
        first, second, third = pair.create(), pair.create(), pair.create()
        assert pair.program.call("cuCtxSetCurrent", first) == 0
        assert [pair.made("cuCtxPopCurrent_v2") for _ in range(2)] == [first, second]
        assert pair.program.call("cuCtxSetCurrent", None) == 0
        assert pair.current == ffi.NULL
        assert pair.program.call("cuCtxSetCurrent", third) == 0
        assert pair.current == third

    def test_misuse(self, pair: Contexts) -> None:
        call = pair.program.call
        assert call("cuCtxPopCurrent_v2", None) == INVALID_CONTEXT
        assert call("cuCtxSynchronize") == INVALID_CONTEXT
        assert call("cuCtxPushCurrent_v2", ffi.cast("CUcontext", 1)) == INVALID_CONTEXT
        assert call("cuCtxSetCurrent", ffi.cast("CUcontext", 1)) == INVALID_CONTEXT
        assert call("cuCtxDestroy_v2", None) == INVALID_VALUE
        assert call("cuCtxPushCurrent_v2", None) == INVALID_VALUE
        assert call("cuCtxCreate", ffi.new(CONTEXT), 0, 0) == OUT_OF_MEMORY
        assert call("cuCtxGetCurrent", None) == INVALID_VALUE
        assert call("cuCtxCreate_v2", None, 0, 0) == INVALID_VALUE
        assert call("cuCtxCreate_v2", ffi.new(CONTEXT), 3, 0) == INVALID_VALUE
        assert call("cuCtxCreate_v2", ffi.new(CONTEXT), 0x100, 0) == INVALID_VALUE
        assert call("cuCtxCreate_v2", ffi.new(CONTEXT), 0, 9) == INVALID_DEVICE
        pair.create()
        assert call("cuCtxPopCurrent_v2", None) == 0

    def test_before_init(self, machine: Machine) -> None:
        program = machine("h100")
        assert program.call("cuCtxCreate_v2", ffi.new(CONTEXT), 0, 0) == 3
        assert program.call("cuCtxGetCurrent", ffi.new(CONTEXT)) == 3

    def test_a_destroyed_one_stays_on_other_threads(self, pair: Contexts) -> None:
        context = pair.create()
        assert elsewhere(lambda: pair.program.call("cuCtxDestroy_v2", context)) == 0
        assert pair.device == [0, 0]
        assert pair.program.call("cuCtxSynchronize") == DESTROYED
        assert pair.program.call("cuCtxPushCurrent_v2", context) == 0
        assert pair.program.call("cuCtxSynchronize") == DESTROYED

    def test_destroy_pops_the_current_one(self, pair: Contexts) -> None:
        first, second = pair.create(), pair.create()
        assert pair.program.call("cuCtxDestroy_v2", second) == 0
        assert pair.current == first
        assert pair.program.call("cuCtxDestroy_v2", second) == INVALID_CONTEXT

    def test_not_all_that_were_destroyed_are_remembered(self, pair: Contexts) -> None:
        contexts = []
        for _ in range(REMEMBERED + 1):
            contexts.append(pair.create())
            assert pair.program.call("cuCtxDestroy_v2", contexts[-1]) == 0
        assert pair.program.call("cuCtxPushCurrent_v2", contexts[1]) == 0
        assert pair.program.call("cuCtxPushCurrent_v2", contexts[0]) == INVALID_CONTEXT

    def test_create_with_parameters(self, pair: Contexts) -> None:
        created = pair.made("cuCtxCreate_v3", None, 0, 0, 1)
        assert (pair.current, pair.device) == (created, [0, 1])
        created = pair.made("cuCtxCreate_v4", None, 0, 0)
        assert (pair.current, pair.device) == (created, [0, 0])
        share = ffi.new("CUexecAffinityParam[1]")
        assert pair.program.call("cuCtxCreate_v3", ffi.new(CONTEXT), share, 1, 0, 0) == 224
        assert pair.program.call("cuCtxCreate_v3", ffi.new(CONTEXT), None, 1, 0, 0) == INVALID_VALUE

    def test_attached_ones_live_until_the_last_detaches(self, pair: Contexts) -> None:
        context = pair.create()
        assert pair.made("cuCtxAttach", 0) == context
        assert [pair.program.call("cuCtxDetach", context) for _ in range(3)] == [0, 0, INVALID_CONTEXT]
        assert pair.current == ffi.NULL


class TestPrimary:
    def test_is_one_for_each_device(self, pair: Contexts) -> None:
        first = pair.retain()
        assert (pair.retain(), pair.retain(1) == first) == (first, False)
        assert pair.current == ffi.NULL
        assert pair.program.call("cuCtxSetCurrent", first) == 0
        assert pair.device == [0, 0]

    def test_is_active_while_it_is_used(self, pair: Contexts) -> None:
        assert pair.state() == (0, 0)
        context = pair.retain()
        pair.retain()
        release = [pair.program.call("cuDevicePrimaryCtxRelease_v2", 0), pair.state()]
        assert release == [0, (0, 1)]
        assert pair.program.call("cuCtxPushCurrent_v2", context) == 0
        assert pair.program.call("cuDevicePrimaryCtxRelease_v2", 0) == 0
        assert pair.state() == (0, 0)
        assert pair.program.call("cuDevicePrimaryCtxRelease_v2", 0) == INVALID_CONTEXT
        assert pair.current == context
        assert pair.program.call("cuCtxSynchronize") == DESTROYED
        assert pair.program.call("cuCtxPushCurrent_v2", context) == 0
        assert pair.program.call("cuCtxSynchronize") == DESTROYED

    def test_reset_keeps_users(self, pair: Contexts) -> None:
        context = pair.retain()
        assert pair.program.call("cuDevicePrimaryCtxReset_v2", 0) == 0
        assert pair.state() == (0, 0)
        assert pair.retain() == context
        assert pair.state() == (0, 1)
        assert [pair.program.call("cuDevicePrimaryCtxRelease_v2", 0) for _ in range(3)] == [0, 0, INVALID_CONTEXT]

    def test_flags(self, pair: Contexts) -> None:
        call = pair.program.call
        assert call("cuDevicePrimaryCtxSetFlags", 0, 4) == 0
        assert pair.state() == (4, 0)
        pair.retain()
        assert call("cuDevicePrimaryCtxSetFlags", 0, 0) == 708
        assert call("cuDevicePrimaryCtxSetFlags_v2", 0, 1) == 0
        assert pair.state() == (1, 1)
        assert call("cuDevicePrimaryCtxSetFlags_v2", 0, 6) == INVALID_VALUE
        assert call("cuDevicePrimaryCtxSetFlags_v2", 9, 0) == INVALID_DEVICE

    def test_is_not_destroyed(self, pair: Contexts) -> None:
        assert pair.program.call("cuCtxDestroy_v2", pair.retain()) == INVALID_CONTEXT
        assert pair.program.call("cuDevicePrimaryCtxRetain", None, 0) == INVALID_VALUE
        assert pair.program.call("cuDevicePrimaryCtxRetain", ffi.new(CONTEXT), 2) == INVALID_DEVICE


class TestMemory:
    def test_each_takes_its_part_of_the_device(self, pair: Contexts) -> None:
        pair.create()
        one = pair.free()
        second = pair.create()
        assert pair.free() == 2 * one - 85017493504
        pair.program.call("cuDevicePrimaryCtxRetain", ffi.new(CONTEXT), 1)
        assert pair.program.call("cuCtxDestroy_v2", second) == 0
        assert pair.free() == one

    def test_no_room_for_another(self, machine: Machine) -> None:
        program = machine("h100:memory=512MiB")
        program.call("cuInit", 0)
        assert [program.call("cuCtxCreate_v2", ffi.new(CONTEXT), 0, 0) for _ in range(3)] == [0, 0, OUT_OF_MEMORY]


class TestProperties:
    def test_of_a_new_one(self, pair: Contexts) -> None:
        context = pair.create(flags=4)
        number = pair.program.number
        assert number("cuCtxGetFlags", ctype="unsigned int *") == [0, 4]
        assert number("cuCtxGetApiVersion", context, at=1, ctype="unsigned int *") == [0, 3020]
        assert number("cuCtxGetApiVersion", None, at=1, ctype="unsigned int *") == [0, 3020]
        assert number("cuCtxGetCacheConfig", ctype="unsigned int *") == [0, 0]
        assert number("cuCtxGetSharedMemConfig", ctype="unsigned int *") == [0, 1]
        assert number("cuCtxGetDevice_v2", context) == [0, 0]
        assert number("cuCtxGetDevice_v2", None) == [0, 0]

    def test_identities_differ(self, pair: Contexts) -> None:
        contexts = [pair.create(), pair.create()]
        seen = [pair.program.number("cuCtxGetId", one, at=1, ctype="unsigned long long *") for one in contexts]
        assert [result for result, _ in seen] == [0, 0]
        assert seen[0] != seen[1]

    def test_settings(self, pair: Contexts) -> None:
        pair.create()
        call, number = pair.program.call, pair.program.number
        assert [call("cuCtxSetFlags", 1), call("cuCtxSetFlags", 7)] == [0, INVALID_VALUE]
        assert number("cuCtxGetFlags", ctype="unsigned int *") == [0, 1]
        assert [call("cuCtxSetCacheConfig", 2), call("cuCtxSetCacheConfig", 9)] == [0, INVALID_VALUE]
        assert number("cuCtxGetCacheConfig", ctype="unsigned int *") == [0, 2]
        assert [call("cuCtxSetSharedMemConfig", 2), call("cuCtxSetSharedMemConfig", 3)] == [0, INVALID_VALUE]
        assert number("cuCtxGetSharedMemConfig", ctype="unsigned int *") == [0, 1]
        assert call("cuCtxResetPersistingL2Cache") == 0

    def test_limits(self, pair: Contexts) -> None:
        pair.create()

        def limit(which: int) -> list[int]:
            seen: list[int] = pair.program.number("cuCtxGetLimit", which, ctype=SIZE)
            return seen

        assert limit(0) == [0, 1024]
        assert [pair.program.call("cuCtxSetLimit", 0, size) for size in (5000, 1 << 20)] == [0, INVALID_VALUE]
        assert limit(0) == [0, 5008]
        assert [pair.program.call("cuCtxSetLimit", 6, size) for size in (1 << 40, 1)] == [INVALID_VALUE, 0]
        assert limit(6) == [0, 3276800]
        assert (limit(3), pair.program.call("cuCtxSetLimit", 3, 0)) == ([215, POISON], 215)
        assert (limit(99), pair.program.call("cuCtxSetLimit", 99, 0)) == ([INVALID_VALUE, POISON], INVALID_VALUE)

    def test_stream_priorities(self, pair: Contexts) -> None:
        pair.create()
        least = ffi.new("int *", POISON)
        assert pair.program.number("cuCtxGetStreamPriorityRange", least, at=1) == [0, -5]
        assert least[0] == 0
        assert pair.program.call("cuCtxGetStreamPriorityRange", None, None) == 0

    def test_peers(self, pair: Contexts) -> None:
        other, own = pair.create(1), pair.create(0)
        call = pair.program.call
        assert call("cuCtxEnablePeerAccess", other, 1) == INVALID_VALUE
        assert [call("cuCtxEnablePeerAccess", other, 0) for _ in range(2)] == [0, 704]
        assert call("cuCtxEnablePeerAccess", own, 0) == 217
        assert [call("cuCtxDisablePeerAccess", other) for _ in range(2)] == [0, 705]
        assert pair.program.number("cuDeviceGetP2PAttribute", 2, 0, 1) == [0, 1]
        assert pair.program.number("cuDeviceGetP2PAttribute", 9, 0, 1)[0] == INVALID_VALUE
        assert pair.program.number("cuDeviceGetP2PAttribute", 2, 0, 0)[0] == INVALID_DEVICE
