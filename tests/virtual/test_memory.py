"""Memory of the virtual driver: what a real one's records say, and what its documentation says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import devices
from vgpu_embed.testing import ffi
from vgpu_embed.virtual.memory import room, space
from virtual.conftest import Machine
from virtual.harness import POISON, Program

MEASURED = json.loads((Path(__file__).parent.parent / "devices/data/h100.json").read_text("utf-8"))
KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
INVALID_VALUE, OUT_OF_MEMORY, INVALID_DEVICE, INVALID_HANDLE, NOT_FOUND, NOT_SUPPORTED = 1, 2, 101, 400, 500, 801
POINTER, SIZE = "CUdeviceptr *", "size_t *"


class Memory:
    """A program with a context on device 0, and what it allocates."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.call = program.call
        assert self.call("cuInit", 0) == 0
        assert self.call("cuCtxCreate_v2", ffi.new("CUcontext *"), 0, 0) == 0

    def got(self, function: str, *arguments: Any, at: int = 0, ctype: str = POINTER) -> Any:
        """What a function gives that succeeds."""
        result, value = self.program.number(function, *arguments, at=at, ctype=ctype)
        assert result == 0
        return value

    def allocate(self, size: int) -> int:
        return int(self.got("cuMemAlloc_v2", size))

    def free(self, address: int) -> None:
        assert self.call("cuMemFree_v2", address) == 0

    @property
    def left(self) -> int:
        return int(self.got("cuMemGetInfo_v2", None, ctype=SIZE))

    def put(self, address: int, data: bytes) -> None:
        assert self.call("cuMemcpyHtoD_v2", address, ffi.from_buffer(data), len(data)) == 0

    def seen(self, address: int, size: int) -> bytes:
        out = ffi.new("char[]", size)
        assert self.call("cuMemcpyDtoH_v2", out, address, size) == 0
        return bytes(ffi.buffer(out, size))


@pytest.fixture
def memory(machine: Machine) -> Memory:
    return Memory(machine("2xh100"))


@pytest.fixture
def dropped(machine: Machine) -> Memory:
    return Memory(machine("h100:backing=discard"))


class TestAccounting:
    def test_one_by_one(self, memory: Memory) -> None:
        before = memory.left
        for row in MEASURED["alloc_one_by_one"]:
            address = memory.allocate(row["bytes"])
            assert before - memory.left == row["free_drop"], row
            assert address % (2 * MiB) == 0
            memory.free(address)
            assert memory.left == before

    def test_twelve_that_share_pages(self, memory: Memory) -> None:
        addresses, drops = [], []
        for _ in MEASURED["alloc_300000_x12"]:
            before = memory.left
            addresses.append(memory.allocate(300000))
            drops.append(before - memory.left)
        assert drops == [row["free_drop"] for row in MEASURED["alloc_300000_x12"]]
        deltas = [row["ptr_delta"] for row in MEASURED["alloc_300000_x12"]]
        for first in (0, 6):  # where the second page lies is the driver's affair
            assert [a - addresses[first] for a in addresses[first : first + 6]] == [
                delta - deltas[first] for delta in deltas[first : first + 6]
            ]

    def test_gaps_are_filled(self, memory: Memory) -> None:
        before = memory.left
        addresses = [memory.allocate(100 * KiB) for _ in range(20)]
        for address in addresses[5:15]:
            memory.free(address)
        held = memory.left
        assert sorted(memory.allocate(100 * KiB) for _ in range(10)) == sorted(addresses[5:15])
        assert memory.left == held
        for address in addresses:
            memory.free(address)
        assert memory.left == before

    def test_all_of_it_in_pieces_and_at_once(self, machine: Machine) -> None:
        """Addresses in pieces do not keep memory from being allocated."""
        memory = Memory(machine("h100:memory=1GiB"))
        before = memory.left
        for _ in range(3):
            pieces = [memory.allocate(4 * MiB) for _ in range(before // (4 * MiB))]
            assert memory.program.number("cuMemAlloc_v2", 1, ctype=POINTER)[0] == OUT_OF_MEMORY
            for address in pieces[::2] + pieces[1::2]:
                memory.free(address)
            memory.free(memory.allocate(before))
        assert memory.left == before

    def test_misuse(self, memory: Memory) -> None:
        errors, buffer = MEASURED["errors"], ffi.new("char[]", 8192)
        call, before = memory.call, memory.left
        assert memory.program.number("cuMemAlloc_v2", 0, ctype=POINTER)[0] == errors["alloc_0"]
        assert call("cuMemAlloc_v2", None, 4096) == errors["alloc_null_out"]
        assert memory.program.number("cuMemAlloc_v2", 1 << 40, ctype=POINTER)[0] == errors["alloc_1TB"]
        address = memory.allocate(4096)
        assert call("cuMemcpyHtoD_v2", address, buffer, 4096) == errors["h2d_ok"]
        assert call("cuMemcpyHtoD_v2", address, buffer, 4097) == errors["h2d_past_end_4097"]
        assert call("cuMemcpyHtoD_v2", address, None, 4096) == errors["h2d_null"]
        assert call("cuMemcpyHtoD_v2", address, buffer, 0) == errors["h2d_0_bytes"]
        assert call("cuMemcpyDtoH_v2", buffer, 0xDEAD0000, 16) == errors["d2h_garbage"]
        assert call("cuMemsetD8_v2", address, 0, 4097) == errors["memset_past"]
        assert call("cuMemFree_v2", address + 256) == errors["free_inside"]
        assert call("cuMemFree_v2", 0xDEAD0000) == errors["free_garbage"]
        assert call("cuMemFree_v2", address) == errors["free"]
        assert call("cuMemFree_v2", address) == errors["double_free"]
        assert call("cuMemFree_v2", 0) == errors["free_0"]
        assert memory.left == before

    def test_pitched(self, memory: Memory) -> None:
        before, pitch = memory.left, ffi.new(SIZE)
        address = memory.got("cuMemAllocPitch_v2", pitch, 1000, 4096, 4)
        assert (pitch[0], before - memory.left) == (1024, 4 * MiB)
        memory.free(address)
        assert memory.call("cuMemAllocPitch_v2", ffi.new(POINTER), pitch, 1000, 10, 5) == INVALID_VALUE
        assert memory.call("cuMemAllocPitch_v2", ffi.new(POINTER), None, 1000, 10, 4) == INVALID_VALUE
        assert memory.left == before

    def test_a_contexts_memory_ends_with_it(self, memory: Memory) -> None:
        before, out = memory.left, ffi.new("CUcontext *")
        assert memory.call("cuCtxCreate_v2", out, 0, 0) == 0
        address = memory.allocate(4096)
        memory.got("cuMemHostAlloc", 4096, 0, ctype="uintptr_t *")
        assert memory.call("cuCtxDestroy_v2", out[0]) == 0
        assert memory.left == before
        assert memory.call("cuMemFree_v2", address) == INVALID_VALUE

    def test_a_page_is_kept_for_the_next_small_allocation(self, memory: Memory) -> None:
        """The device has it back meanwhile; the process, when the context ends."""
        before = memory.left
        context = memory.got("cuCtxGetCurrent", ctype="CUcontext *")
        address = memory.allocate(4 * KiB)
        memory.free(address)
        assert memory.left == before
        assert memory.call("cuMemFree_v2", address) == INVALID_VALUE
        assert memory.allocate(2 * MiB) != address
        assert memory.allocate(8 * KiB) == address
        assert before - memory.left == 4 * MiB
        memory.free(address)
        assert memory.call("cuCtxDestroy_v2", context) == 0
        assert memory.call("cuCtxCreate_v2", ffi.new("CUcontext *"), 0, 0) == 0
        assert address in (memory.allocate(2 * MiB), memory.allocate(2 * MiB))

    def test_each_device_has_its_own(self, memory: Memory) -> None:
        before = memory.left
        assert memory.call("cuCtxCreate_v2", ffi.new("CUcontext *"), 0, 1) == 0
        assert memory.left == before
        memory.allocate(MiB)
        assert memory.left == before - 2 * MiB
        assert memory.call("cuCtxPopCurrent_v2", None) == 0
        assert memory.left == before

    def test_address_range(self, memory: Memory) -> None:
        address, size = memory.allocate(1000), ffi.new(SIZE)
        assert [memory.got("cuMemGetAddressRange_v2", size, address + 999), size[0]] == [address, 1000]
        assert memory.call("cuMemGetAddressRange_v2", None, None, address) == 0
        assert memory.program.number("cuMemGetAddressRange_v2", None, address + 1000, ctype=POINTER)[0] == NOT_FOUND


class TestCopies:
    def test_each_direction(self, memory: Memory) -> None:
        first, second = memory.allocate(64), memory.allocate(64)
        memory.put(first, b"device memory")
        assert memory.call("cuMemcpyDtoD_v2", second, first, 13) == 0
        assert memory.seen(second, 13) == b"device memory"
        out = ffi.new("char[]", 13)
        assert memory.call("cuMemcpy", int(ffi.cast("uintptr_t", out)), second + 7, 6) == 0
        assert memory.call("cuMemcpy", second, int(ffi.cast("uintptr_t", out)), 6) == 0
        assert memory.seen(second, 13) == b"memory memory"

    @pytest.mark.parametrize("suffix", ["", "_ptsz"])
    def test_in_a_streams_order(self, memory: Memory, suffix: str) -> None:
        first, second, out = memory.allocate(64), memory.allocate(64), ffi.new("char[]", 5)
        stream = memory.got("cuStreamCreate", 0, ctype="CUstream *")
        assert memory.call(f"cuMemcpyHtoDAsync_v2{suffix}", first, b"later\0", 5, stream) == 0
        assert memory.call(f"cuMemcpyDtoDAsync_v2{suffix}", second, first, 5, stream) == 0
        assert memory.call(f"cuMemcpyDtoHAsync_v2{suffix}", out, second, 5, stream) == 0
        assert bytes(ffi.buffer(out, 5)) == b"later"
        assert memory.call(f"cuMemcpyAsync{suffix}", second, first, 65, stream) == INVALID_VALUE
        assert (
            memory.call(f"cuMemcpyDtoDAsync_v2{suffix}", second, first, 5, ffi.cast("CUstream", 77)) == INVALID_HANDLE
        )

    def test_between_devices(self, memory: Memory) -> None:
        first, out = memory.allocate(64), ffi.new("CUcontext *")
        memory.put(first, b"peer")
        assert memory.call("cuCtxGetCurrent", out) == 0
        other = ffi.new("CUcontext *")
        assert memory.call("cuCtxCreate_v2", other, 0, 1) == 0
        second = memory.allocate(64)
        assert memory.call("cuMemcpyPeer", second, other[0], first, out[0], 4) == 0
        assert memory.seen(second, 4) == b"peer"
        assert memory.call("cuMemcpyPeerAsync", first, out[0], second + 1, other[0], 3, None) == 0
        assert memory.seen(first, 4) == b"eerr"
        assert memory.call("cuMemcpyPeer", second, None, first, out[0], 4) == 0
        assert memory.call("cuMemcpyPeer", second, ffi.cast("CUcontext", 1), first, out[0], 4) == 201

    def test_several_at_once(self, memory: Memory) -> None:
        places = [memory.allocate(8) for _ in range(4)]
        memory.put(places[0], b"one")
        memory.put(places[1], b"two")
        targets, sources = ffi.new("CUdeviceptr[]", places[2:]), ffi.new("CUdeviceptr[]", places[:2])
        sizes = ffi.new("size_t[]", [3, 3])
        attributes, places_of = ffi.new("CUmemcpyAttributes *", {"srcAccessOrder": 1}), ffi.new("size_t *")
        arguments = targets, sources, sizes, 2, attributes, places_of, 1
        stream = memory.got("cuStreamCreate", 0, ctype="CUstream *")
        assert memory.call("cuMemcpyBatchAsync_v2", *arguments, stream) == 0
        assert [memory.seen(place, 3) for place in places[2:]] == [b"one", b"two"]
        sizes[1] = 9
        memory.put(places[0], b"new")
        assert memory.call("cuMemcpyBatchAsync_v2", *arguments, stream) == INVALID_VALUE
        assert memory.seen(places[2], 3) == b"one"
        sizes[1] = 3
        assert memory.call("cuMemcpyBatchAsync_v2", *arguments, None) == INVALID_VALUE
        attributes.srcAccessOrder = 0
        assert memory.call("cuMemcpyBatchAsync_v2", *arguments, stream) == INVALID_VALUE

    def test_long_ones_let_others_work(self, memory: Memory) -> None:
        """Each thread has its own memory; what they write stays apart."""
        wrong: list[int] = []

        def work(number: int) -> None:
            assert memory.call("cuCtxPushCurrent_v2", context) == 0
            for _ in range(3):
                first, second = memory.allocate(4 * MiB), memory.allocate(4 * MiB)
                memory.call("cuMemsetD8_v2", first, number, 4 * MiB)
                memory.call("cuMemcpyDtoD_v2", second, first, 4 * MiB)
                if memory.seen(second, 4 * MiB) != bytes([number]) * (4 * MiB):
                    wrong.append(number)
                memory.free(first)
                memory.free(second)

        context = memory.got("cuCtxGetCurrent", ctype="CUcontext *")
        before = memory.left
        threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (wrong, memory.left) == ([], before)

    def test_threads_share_pages(self, memory: Memory) -> None:
        context = memory.got("cuCtxGetCurrent", ctype="CUcontext *")
        before, given = memory.left, []

        def work() -> None:
            assert memory.call("cuCtxPushCurrent_v2", context) == 0
            for _ in range(40):
                mine = [memory.allocate(3000) for _ in range(5)]
                given.append(len(set(mine)))
                for address in mine:
                    memory.free(address)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (given, memory.left) == ([5] * 160, before)

    def test_rows(self, memory: Memory) -> None:
        address = memory.allocate(64)
        memory.put(address, bytes(range(64)))
        out = ffi.new("char[]", b"." * 8)
        box = ffi.new("CUDA_MEMCPY2D *")
        box.srcMemoryType, box.srcDevice, box.srcPitch, box.srcXInBytes, box.srcY = 2, address, 16, 2, 1
        box.dstMemoryType, box.dstHost, box.dstPitch = 1, out, 4
        box.WidthInBytes, box.Height = 3, 2
        assert memory.call("cuMemcpy2D_v2", box) == 0
        assert bytes(ffi.buffer(out, 8)) == bytes([18, 19, 20, 46, 34, 35, 36, 46])
        box.Height = 4
        assert memory.call("cuMemcpy2DUnaligned_v2", box) == INVALID_VALUE
        box.Height, box.srcPitch = 2, 4
        assert memory.call("cuMemcpy2D_v2", box) == INVALID_VALUE
        assert memory.call("cuMemcpy2D_v2", None) == INVALID_VALUE

    def test_slices(self, memory: Memory) -> None:
        source, target = memory.allocate(4 * 3 * 8), memory.allocate(2 * 2 * 2)
        memory.put(source, bytes(range(96)))
        box = ffi.new("CUDA_MEMCPY3D *")
        box.srcMemoryType, box.srcDevice, box.srcPitch, box.srcHeight, box.srcZ = 2, source, 8, 3, 1
        box.dstMemoryType, box.dstDevice, box.dstPitch, box.dstHeight = 4, target, 2, 2
        box.WidthInBytes, box.Height, box.Depth = 2, 2, 2
        assert memory.call("cuMemcpy3DAsync_v2", box, None) == 0
        assert memory.seen(target, 8) == bytes([24, 25, 32, 33, 48, 49, 56, 57])
        box.srcMemoryType = 9
        assert memory.call("cuMemcpy3D_v2", box) == INVALID_VALUE

    def test_setting(self, memory: Memory) -> None:
        address = memory.allocate(32)
        call = memory.call
        assert call("cuMemsetD8_v2", address, 1, 32) == 0
        assert call("cuMemsetD16_v2", address, 0x0302, 2) == 0
        assert call("cuMemsetD32Async", address + 4, 0x07060504, 1, None) == 0
        assert call("cuMemsetD2D8_v2", address + 8, 8, 9, 2, 3) == 0
        assert call("cuMemsetD2D16Async", address + 12, 8, 0x0B0A, 1, 2, None) == 0
        expected = "02030203 04050607 09090101 0a0b0101 09090101 0a0b0101 09090101 01010101"
        assert memory.seen(address, 32).hex() == expected.replace(" ", "")
        assert call("cuMemsetD32_v2", address + 2, 0, 1) == INVALID_VALUE
        assert call("cuMemsetD2D32_v2", address, 4, 0, 2, 2) == INVALID_VALUE
        assert call("cuMemsetD16_v2", address, 0, 17) == INVALID_VALUE


class TestHostMemory:
    def test_allocated(self, memory: Memory) -> None:
        before = memory.left
        address = memory.got("cuMemHostAlloc", 5000, 2, ctype="uintptr_t *")
        pointer = ffi.cast("char *", address)
        pointer[4999] = b"x"
        assert memory.left == before
        assert memory.got("cuMemHostGetDevicePointer_v2", ffi.cast("void *", address), 0) == address
        assert memory.got("cuMemHostGetFlags", pointer, ctype="unsigned int *") == 2
        device = memory.allocate(1)
        assert memory.call("cuMemcpyDtoD_v2", device, address + 4999, 1) == 0
        assert memory.seen(device, 1) == b"x"
        assert memory.call("cuMemFree_v2", address) == INVALID_VALUE
        assert [memory.call("cuMemFreeHost", pointer) for _ in range(2)] == [0, INVALID_VALUE]
        nothing = ffi.new("void **", pointer)
        assert memory.call("cuMemHostAlloc", nothing, 0, 0) == 0
        assert nothing[0] == ffi.NULL
        assert memory.call("cuMemFreeHost", None) == 0
        assert memory.call("cuMemHostAlloc", ffi.new("void **"), 1, 8) == INVALID_VALUE
        assert memory.call("cuMemAllocHost_v2", None, 1) == INVALID_VALUE

    def test_registered(self, memory: Memory) -> None:
        data = ffi.new("char[]", b"registered")
        address, call = int(ffi.cast("uintptr_t", data)), memory.call
        device = memory.allocate(16)
        assert call("cuMemcpyDtoD_v2", device, address, 10) == INVALID_VALUE
        assert call("cuMemHostRegister_v2", data, 10, 0) == 0
        assert call("cuMemHostRegister_v2", data + 5, 1, 0) == 712
        assert call("cuMemcpyDtoD_v2", device, address, 10) == 0
        assert memory.seen(device, 10) == b"registered"
        assert memory.got("cuMemHostGetDevicePointer_v2", data, 0) == address
        assert [call("cuMemHostUnregister", data) for _ in range(2)] == [0, 713]
        assert call("cuMemHostRegister_v2", None, 10, 0) == INVALID_VALUE
        assert call("cuMemHostRegister_v2", ffi.cast("void *", 4096), 10, 0) == INVALID_VALUE

    def test_managed(self, memory: Memory) -> None:
        before = memory.left
        address = memory.got("cuMemAllocManaged", 200 * GiB, 1)
        ffi.cast("char *", address)[10] = b"m"
        assert memory.seen(address + 10, 1) == b"m"
        memory.put(address + 100 * GiB, b"far")
        assert ffi.string(ffi.cast("char *", address + 100 * GiB)) == b"far"
        assert memory.left == before
        call, number = memory.call, memory.program.number

        def about(attribute: int) -> Any:
            return number("cuMemRangeGetAttribute", 4, attribute, address, 10)

        assert [about(attribute) for attribute in (1, 2, 4)] == [[0, 0], [0, -2], [0, -2]]
        assert call("cuMemAdvise", address, 10, 1, 0) == 0
        assert call("cuMemAdvise", address, 10, 3, 1) == 0
        assert call("cuMemPrefetchAsync", address, 10, -1, None) == 0
        assert [about(attribute) for attribute in (1, 2, 4)] == [[0, 1], [0, 1], [0, -1]]
        assert call("cuMemAdvise", address, 10, 3, 9) == INVALID_DEVICE
        assert call("cuMemPrefetchAsync", address, 10, 9, None) == INVALID_DEVICE
        assert call("cuMemPrefetchAsync", memory.allocate(10), 10, 0, None) == INVALID_VALUE
        assert call("cuMemAllocManaged", ffi.new(POINTER), 10, 4) == INVALID_VALUE
        memory.free(address)

    @pytest.mark.parametrize("suffix", ["", "_ptsz"])
    def test_managed_in_batches(self, memory: Memory, suffix: str) -> None:
        first, second = (memory.got("cuMemAllocManaged", 4096, 1) for _ in range(2))
        stream = memory.got("cuStreamCreate", 0, ctype="CUstream *")
        addresses, sizes = ffi.new("CUdeviceptr[]", [first, second]), ffi.new("size_t[]", [4096, 100])
        places = ffi.new("CUmemLocation[]", [{"type": 1, "id": 1}, {"type": 2}])
        indices = ffi.new("size_t[]", [0, 1])

        def last() -> list[int]:
            found = ffi.new("int[2]")
            for place, address in enumerate((first, second)):
                assert memory.call("cuMemRangeGetAttribute", found + place, 4, 4, address, 100) == 0
            return list(found)

        prefetch, both = "cuMemPrefetchBatchAsync" + suffix, "cuMemDiscardAndPrefetchBatchAsync" + suffix
        discard = "cuMemDiscardBatchAsync" + suffix
        given = addresses, sizes, 2, places, indices
        assert memory.call(prefetch, *given, 2, 0, stream) == 0
        assert last() == [1, -1]
        assert memory.call(both, *given, 1, 0, stream) == 0
        assert last() == [1, 1]
        assert memory.call(discard, addresses, sizes, 2, 0, stream) == 0
        for name in (prefetch, both):
            assert memory.call(name, *given, 2, 1, stream) == INVALID_VALUE
            assert memory.call(name, addresses, sizes, 0, places, indices, 2, 0, stream) == INVALID_VALUE
            assert memory.call(name, addresses, sizes, 2, None, indices, 2, 0, stream) == INVALID_VALUE
            assert memory.call(name, *given, 2, 0, ffi.cast("CUstream", 1)) == INVALID_VALUE
        indices[1] = 2
        assert memory.call(prefetch, *given, 2, 0, stream) == INVALID_VALUE
        indices[1] = 0  # what begins where another one does is for none, as on an H200
        assert memory.call(prefetch, *given, 2, 0, stream) == 0
        assert last() == [1, 1]
        indices[1], places[1].type, places[1].id = 1, 1, 9
        assert memory.call(prefetch, *given, 2, 0, stream) == INVALID_VALUE
        addresses[1] = memory.allocate(4096)
        assert memory.call(prefetch, *given, 1, 0, stream) == INVALID_VALUE
        assert memory.call(discard, addresses, sizes, 2, 0, stream) == INVALID_VALUE
        assert memory.call(discard, None, sizes, 1, 0, stream) == INVALID_VALUE
        assert last() == [1, 1]


class TestPools:
    def pool(self, memory: Memory) -> Any:
        return memory.got("cuDeviceGetDefaultMemPool", 0, ctype="CUmemoryPool *")

    def attribute(self, memory: Memory, pool: Any, which: int) -> int:
        out = ffi.new("uint64_t *", POISON)
        assert memory.call("cuMemPoolGetAttribute", pool, which, out) == 0
        return int(out[0])

    def test_allocation_in_order(self, memory: Memory) -> None:
        before, pool = memory.left, self.pool(memory)
        address = memory.got("cuMemAllocAsync", 1000, None)
        memory.put(address, b"pooled")
        assert memory.seen(address, 6) == b"pooled"
        assert before - memory.left == 32 * MiB
        assert [self.attribute(memory, pool, which) for which in (5, 7)] == [32 * MiB, 1024]
        assert [memory.call("cuMemFreeAsync", address, None) for _ in range(2)] == [0, INVALID_VALUE]
        assert memory.left == before
        assert [self.attribute(memory, pool, which) for which in (5, 6, 7, 8)] == [0, 32 * MiB, 0, 1024]

    def test_what_is_above_the_threshold_is_given_back(self, memory: Memory) -> None:
        before, pool = memory.left, self.pool(memory)
        assert memory.call("cuMemPoolSetAttribute", pool, 4, ffi.new("uint64_t *", 64 * MiB)) == 0
        for address in [memory.got("cuMemAllocAsync", 30 * MiB, None) for _ in range(3)]:
            assert memory.call("cuMemFreeAsync", address, None) == 0
        assert before - memory.left == 64 * MiB
        assert memory.call("cuMemPoolTrimTo", pool, 32 * MiB) == 0
        assert before - memory.left == 32 * MiB
        assert memory.call("cuMemPoolTrimTo", pool, 0) == 0
        assert memory.left == before

    def test_pools_of_ones_own(self, memory: Memory) -> None:
        props = ffi.new("CUmemPoolProps *")
        props.allocType = props.location.type = 1
        props.maxSize = MiB
        pool = memory.got("cuMemPoolCreate", props, ctype="CUmemoryPool *")
        address = memory.got("cuMemAllocFromPoolAsync", MiB, pool, None)
        refused = memory.program.number("cuMemAllocFromPoolAsync", 1, pool, None, ctype=POINTER)
        assert refused[0] == OUT_OF_MEMORY
        assert memory.call("cuDeviceSetMemPool", 0, pool) == 0
        assert memory.got("cuDeviceGetMemPool", 0, ctype="CUmemoryPool *") == pool
        assert memory.call("cuDeviceSetMemPool", 1, pool) == INVALID_VALUE
        assert memory.call("cuMemPoolDestroy", pool) == 0
        assert memory.got("cuDeviceGetMemPool", 0, ctype="CUmemoryPool *") == self.pool(memory)
        memory.put(address, b"still there")
        memory.free(address)
        assert memory.call("cuMemPoolDestroy", self.pool(memory)) == INVALID_VALUE
        props.location.id = 9
        assert memory.program.number("cuMemPoolCreate", props, ctype="CUmemoryPool *")[0] == INVALID_VALUE

    def test_access(self, memory: Memory) -> None:
        pool, location = self.pool(memory), ffi.new("CUmemLocation *", {"type": 1})
        flags = "unsigned int *"
        assert memory.got("cuMemPoolGetAccess", pool, location, ctype=flags) == 3
        location.id = 1
        assert memory.got("cuMemPoolGetAccess", pool, location, ctype=flags) == 0
        wanted = ffi.new("CUmemAccessDesc *", {"location": {"type": 1, "id": 1}, "flags": 3})
        assert memory.call("cuMemPoolSetAccess", pool, wanted, 1) == 0
        assert memory.got("cuMemPoolGetAccess", pool, location, ctype=flags) == 3
        wanted.location.id, wanted.flags = 0, 0
        assert memory.call("cuMemPoolSetAccess", pool, wanted, 1) == INVALID_DEVICE

    def test_a_reset_empties_them(self, memory: Memory) -> None:
        context = memory.got("cuDevicePrimaryCtxRetain", 0, ctype="CUcontext *")
        assert memory.call("cuCtxSetCurrent", context) == 0
        before = memory.left
        memory.got("cuMemAllocAsync", 1000, None)
        assert memory.call("cuDevicePrimaryCtxReset_v2", 0) == 0
        memory.got("cuDevicePrimaryCtxRetain", 0, ctype="CUcontext *")
        assert memory.left == before


class TestMappings:
    """What memory.c shows is not shown here again."""

    def physical(self, memory: Memory, size: int = 2 * MiB, device: int = 0) -> int:
        prop = ffi.new("CUmemAllocationProp *")
        prop.type = prop.location.type = 1
        prop.location.id = device
        return int(memory.got("cuMemCreate", size, prop, 0, ctype="unsigned long long *"))

    def test_handles(self, memory: Memory) -> None:
        before, handle = memory.left, self.physical(memory)
        address = memory.got("cuMemAddressReserve", 2 * MiB, 0, 0, 0)
        assert memory.call("cuMemMap", address, 2 * MiB, 0, handle, 0) == 0
        assert memory.call("cuMemMap", address, 2 * MiB, 0, handle, 0) == INVALID_VALUE
        assert memory.call("cuMemRelease", handle) == 0
        inside = ffi.cast("void *", address + 5)
        assert memory.got("cuMemRetainAllocationHandle", inside, ctype="unsigned long long *") == handle
        prop = ffi.new("CUmemAllocationProp *")
        assert memory.call("cuMemGetAllocationPropertiesFromHandle", prop, handle) == 0
        assert (prop.type, prop.location.type, prop.location.id) == (1, 1, 0)
        assert memory.call("cuMemUnmap", address, 2 * MiB) == 0
        assert before - memory.left == 2 * MiB
        assert memory.call("cuMemRelease", handle) == 0
        assert memory.left == before

    def test_misuse(self, memory: Memory) -> None:
        call, handle = memory.call, self.physical(memory)
        address = memory.got("cuMemAddressReserve", 4 * MiB, 0, 0, 0)
        assert call("cuMemAddressReserve", ffi.new(POINTER), 1000, 0, 0, 0) == INVALID_VALUE
        assert call("cuMemCreate", ffi.new("unsigned long long *"), 1000, ffi.NULL, 0) == INVALID_VALUE
        for part in ((address, 4 * MiB, 0), (address, MiB, 0), (address, 2 * MiB, MiB)):
            assert call("cuMemMap", *part, handle, 0) == 801
        for arguments in (
            (address + 1, 2 * MiB, 0, handle, 0),
            (address + 4 * MiB, 2 * MiB, 0, handle, 0),
            (address, 2 * MiB, 0, handle + 1, 0),
        ):
            assert call("cuMemMap", *arguments) == INVALID_VALUE
        assert call("cuMemUnmap", address, 2 * MiB) == 0
        assert call("cuMemUnmap", address + 4 * MiB, 2 * MiB) == INVALID_VALUE
        assert call("cuMemAddressFree", address, 2 * MiB) == INVALID_VALUE
        assert call("cuMemFree_v2", address) == INVALID_VALUE

    def test_access(self, memory: Memory) -> None:
        address = memory.got("cuMemAddressReserve", 2 * MiB, 0, 0, 0)
        assert memory.call("cuMemMap", address, 2 * MiB, 0, self.physical(memory), 0) == 0
        wanted = ffi.new("CUmemAccessDesc *", {"location": {"type": 1, "id": 0}, "flags": 1})
        assert memory.call("cuMemSetAccess", address, 2 * MiB, wanted, 1) == 0
        assert memory.seen(address, 4) == bytes(4)
        assert memory.call("cuMemsetD8_v2", address, 1, 1) == INVALID_VALUE
        location = ffi.new("CUmemLocation *", {"type": 1})
        assert memory.got("cuMemGetAccess", location, address, ctype="unsigned long long *") == 1
        wanted.location.id = location.id = 1
        assert memory.call("cuMemSetAccess", address, 2 * MiB, wanted, 1) == 0
        assert memory.got("cuMemGetAccess", location, address, ctype="unsigned long long *") == 1


class TestPointers:
    def attribute(self, memory: Memory, which: int, address: int) -> list[int]:
        out = ffi.new("uint64_t *")
        return [memory.call("cuPointerGetAttribute", out, which, address), out[0]]

    def test_of_each_kind(self, memory: Memory) -> None:
        context = memory.got("cuCtxGetCurrent", ctype="uintptr_t *")
        device = memory.allocate(1000)
        pinned = memory.got("cuMemHostAlloc", 1000, 0, ctype="uintptr_t *")
        managed = memory.got("cuMemAllocManaged", 1000, 1)
        pooled = memory.got("cuMemAllocAsync", 1000, None)
        assert [self.attribute(memory, 1, device), self.attribute(memory, 9, device)] == [[0, context], [0, 0]]
        assert [self.attribute(memory, 2, one)[1] for one in (device, pinned, managed, pooled)] == [2, 1, 2, 2]
        assert [self.attribute(memory, 8, one)[1] for one in (device, managed)] == [0, 1]
        assert [self.attribute(memory, which, device + 7) for which in (11, 12)] == [[0, device], [0, 1000]]
        assert [self.attribute(memory, 4, one) for one in (pinned, device)] == [[0, pinned], [INVALID_VALUE, 0]]
        assert self.attribute(memory, 17, pooled)[1] != 0
        assert self.attribute(memory, 7, device) != self.attribute(memory, 7, pooled)

    @pytest.mark.parametrize("size", [4 * KiB, 4 * MiB])
    def test_what_was_set_ends_with_the_allocation(self, memory: Memory, size: int) -> None:
        """In a page that others are in, and in pages of its own."""
        memory.allocate(1)
        address = memory.allocate(size)
        assert self.attribute(memory, 6, address) == [0, 1]
        assert memory.call("cuPointerSetAttribute", ffi.new("int *", 0), 6, address) == 0
        assert self.attribute(memory, 6, address) == [0, 0]
        memory.free(address)
        assert memory.allocate(size) == address
        assert self.attribute(memory, 6, address) == [0, 1]

    def test_of_no_kind(self, memory: Memory) -> None:
        assert self.attribute(memory, 2, 0x1234) == [INVALID_VALUE, 0]
        assert self.attribute(memory, 99, memory.allocate(1)) == [INVALID_VALUE, 0]
        which, kind, device = ffi.new("unsigned int[]", [2, 9]), ffi.new("int *", 7), ffi.new("int *", 7)
        data = ffi.new("void *[]", [kind, device])
        assert memory.call("cuPointerGetAttributes", 2, which, data, 0x1234) == 0
        assert (kind[0], device[0]) == (0, -2)


class TestArrays:
    def array(self, memory: Memory, width: int, height: int, depth: int = 0) -> Any:
        given = ffi.new("CUDA_ARRAY3D_DESCRIPTOR *")
        given.Width, given.Height, given.Depth, given.Format, given.NumChannels = width, height, depth, 1, 4
        return memory.got("cuArray3DCreate_v2", given, ctype="CUarray *")

    def test_rows_round_trip(self, memory: Memory) -> None:
        before, array = memory.left, self.array(memory, 4, 2)
        assert memory.call("cuMemcpyHtoA_v2", array, 0, bytes(range(32)), 32) == INVALID_VALUE
        out, rows = ffi.new("char[]", 32), ffi.new("char[]", bytes(range(32)))
        box = ffi.new("CUDA_MEMCPY2D *")
        box.srcMemoryType, box.srcHost, box.dstMemoryType, box.dstArray = 1, rows, 3, array
        box.WidthInBytes, box.Height = 16, 2
        assert memory.call("cuMemcpy2D_v2", box) == 0
        box.srcMemoryType, box.srcArray, box.srcY, box.srcXInBytes = 3, array, 1, 4
        box.dstMemoryType, box.dstHost, box.WidthInBytes, box.Height = 1, out, 12, 1
        assert memory.call("cuMemcpy2D_v2", box) == 0
        assert bytes(ffi.buffer(out, 12)) == bytes(range(20, 32))
        box.WidthInBytes = 13
        assert memory.call("cuMemcpy2D_v2", box) == INVALID_VALUE
        assert memory.call("cuMemcpyAtoH_v2", out, array, 8, 8) == 0
        assert bytes(ffi.buffer(out, 8)) == bytes(range(8, 16))
        assert memory.call("cuMemcpyAtoH_v2", out, array, 8, 9) == INVALID_VALUE
        assert [memory.call("cuArrayDestroy", array) for _ in range(2)] == [0, INVALID_HANDLE]
        assert memory.left == before

    def test_descriptors(self, memory: Memory) -> None:
        array, seen = self.array(memory, 8, 4, 2), ffi.new("CUDA_ARRAY3D_DESCRIPTOR *")
        assert memory.call("cuArray3DGetDescriptor_v2", seen, array) == 0
        assert (seen.Width, seen.Height, seen.Depth, seen.Format, seen.NumChannels) == (8, 4, 2, 1, 4)
        seen.NumChannels = 3
        assert memory.program.number("cuArray3DCreate_v2", seen, ctype="CUarray *")[0] == INVALID_VALUE
        seen.Format = 0xB0
        assert memory.program.number("cuArray3DCreate_v2", seen, ctype="CUarray *")[0] == INVALID_VALUE


class TestHostShortage:
    """What the host cannot give is the program's out-of-memory."""

    @pytest.fixture
    def host(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        def gives(size: int) -> None:
            monkeypatch.setattr(room, "available", lambda: size)

        return gives

    def test_of_a_write(self, memory: Memory, host: Callable[[int], None]) -> None:
        host(MiB)
        address = memory.allocate(40 * GiB)
        assert memory.call("cuMemsetD8_v2", address, 1, 2 * MiB) == OUT_OF_MEMORY
        assert memory.call("cuMemsetD8_v2", address, 1, MiB) == 0
        host(0)
        assert memory.call("cuMemsetD8_v2", address, 2, MiB) == 0
        assert memory.call("cuMemsetD8_v2", address + MiB, 2, 1) == OUT_OF_MEMORY
        assert memory.seen(address + MiB, 4) == bytes(4)
        assert memory.call("cuMemHostAlloc", ffi.new("void **"), 4096, 0) == OUT_OF_MEMORY
        memory.free(address)

    def test_freed_pages_are_asked_for_again(self, memory: Memory, host: Callable[[int], None]) -> None:
        host(4 * MiB)
        for _ in range(3):
            address = memory.allocate(4 * MiB)
            assert memory.call("cuMemsetD8_v2", address, 1, 4 * MiB) == 0
            memory.free(address)
        host(0)
        assert memory.call("cuMemsetD8_v2", memory.allocate(4 * MiB), 1, 1) == OUT_OF_MEMORY

    def test_of_managed_memory(self, memory: Memory, host: Callable[[int], None]) -> None:
        host(0)
        address = memory.got("cuMemAllocManaged", MiB, 1)
        ffi.memmove(ffi.cast("char *", address), bytes(4096), 4096)
        assert memory.call("cuMemsetD8_v2", address, 1, 4096) == 0
        assert memory.call("cuMemsetD8_v2", address, 1, 4097) == OUT_OF_MEMORY

    def test_discarded_memory_needs_nothing(self, dropped: Memory, host: Callable[[int], None]) -> None:
        host(0)
        before, address = dropped.left, dropped.allocate(40 * GiB)
        assert before - dropped.left == 40 * GiB
        dropped.put(address, b"gone")
        assert dropped.seen(address, 4) == bytes(4)
        assert dropped.call("cuMemsetD8_v2", address, 1, 40 * GiB + 1) == INVALID_VALUE

    def test_grants_are_not_asked_for_at_each_page(self, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []

        def asking() -> int:
            asked.append(1)
            return 16 * GiB

        monkeypatch.setattr(room, "available", asking)
        address = memory.allocate(4 * MiB)
        for page in range(0, 4 * MiB, 64 * KiB):
            memory.put(address + page, b"x")
        assert len(asked) == 1
        assert 4 * MiB < space.GRANT


def test_how_backing_is_said() -> None:
    assert [one.backing for one in devices.parse_spec("h100;h100:backing=discard")] == ["host", "discard"]
    with pytest.raises(devices.ProfileError, match="backing=disk is neither host nor discard"):
        devices.parse_spec("h100:backing=disk")


class TestGraphs:
    def test_a_captured_copy_reads_when_it_runs(self, memory: Memory) -> None:
        stream = memory.got("cuStreamCreate", 0, ctype="CUstream *")
        data, first, second = ffi.new("char[]", b"old"), memory.allocate(8), memory.allocate(8)
        assert memory.call("cuStreamBeginCapture_v2", stream, 0) == 0
        assert memory.call("cuMemcpyHtoDAsync_v2", first, data, 3, stream) == 0
        assert memory.call("cuMemsetD8Async", second, ord("-"), 8, stream) == 0
        assert memory.call("cuMemcpyDtoDAsync_v2", second + 2, first, 3, stream) == 0
        graph = memory.got("cuStreamEndCapture", stream, at=1, ctype="CUgraph *")
        executable = memory.got("cuGraphInstantiateWithFlags", graph, 0, ctype="CUgraphExec *")
        assert memory.seen(second, 8) == bytes(8)
        for text in (b"new", b"and"):
            ffi.memmove(data, text, 3)
            assert memory.call("cuGraphLaunch", executable, stream) == 0
            assert memory.seen(second, 8) == b"--" + text + b"---"

    def test_nodes_say_what_they_were_given(self, memory: Memory) -> None:
        graph = memory.got("cuGraphCreate", 0, ctype="CUgraph *")
        source, target = memory.allocate(64), memory.allocate(64)
        context = memory.got("cuCtxGetCurrent", ctype="CUcontext *")
        box = ffi.new("CUDA_MEMCPY3D *")
        box.srcMemoryType = box.dstMemoryType = 2
        box.srcDevice, box.dstDevice, box.WidthInBytes, box.Height, box.Depth = source, target, 8, 2, 1
        node = memory.got("cuGraphAddMemcpyNode", graph, None, 0, box, context, ctype="CUgraphNode *")
        seen = ffi.new("CUDA_MEMCPY3D *")
        assert memory.call("cuGraphMemcpyNodeGetParams", node, seen) == 0
        assert bytes(ffi.buffer(seen)) == bytes(ffi.buffer(box))
        box.WidthInBytes = 65
        assert memory.call("cuGraphMemcpyNodeSetParams", node, box) == INVALID_VALUE
        fill = ffi.new("CUDA_MEMSET_NODE_PARAMS *")
        fill.dst, fill.value, fill.elementSize, fill.width, fill.height = target, 7, 4, 16, 1
        assert memory.call("cuGraphAddMemsetNode", ffi.new("CUgraphNode *"), graph, None, 0, fill, context) == 0
        fill.elementSize = 3
        assert (
            memory.call("cuGraphAddMemsetNode", ffi.new("CUgraphNode *"), graph, None, 0, fill, context)
            == INVALID_VALUE
        )
