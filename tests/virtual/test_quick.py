"""What csrc/quick.c does for a virtual GPU: a lock, gaps, short functions, what is held, allocations."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vgpu_embed._frames import Allocation, Gaps, Held, Lock, Quick, Shared, Short
from vgpu_embed.testing import ffi
from vgpu_embed.virtual.memory.heap import ALL, INVALID, NOTHING

BASE, OTHER, GRAINS, GRAIN = 0x1000_0000, 0x2000_0000, 64, 512
SHARING, PAGE = 3 * GRAIN, 4 * GRAIN


class Plain:
    """Gaps, a grain at a time."""

    def __init__(self) -> None:
        self.free = [True] * GRAINS

    def gaps(self) -> list[tuple[int, int]]:
        """First grain and length of each."""
        found: list[tuple[int, int]] = []
        for place, is_free in enumerate(self.free):
            if is_free and found and sum(found[-1]) == place:
                found[-1] = found[-1][0], found[-1][1] + 1
            elif is_free:
                found.append((place, 1))
        return found

    def take(self, count: int) -> int | None:
        gaps = self.gaps()
        chosen = [gap for gap in gaps[-1:] if gap[1] > count] + [gap for gap in gaps if gap[1] >= count]
        if not chosen:
            return None
        self.free[chosen[0][0] : chosen[0][0] + count] = [False] * count
        return chosen[0][0]


class TestGaps:
    def test_they_are_those_that_are_found_grain_by_grain(self) -> None:
        numbers = random.Random(7)
        gaps, plain = Gaps(BASE, GRAINS * GRAIN), Plain()
        taken: list[tuple[int, int]] = []
        for _ in range(20000):
            if taken and numbers.random() < 0.5:
                place, count = taken.pop(numbers.randrange(len(taken)))
                plain.free[place : place + count] = [True] * count
                assert gaps.give(BASE + place * GRAIN, count * GRAIN) == sum(plain.free) * GRAIN
            else:
                count = numbers.randint(1, 12)
                found = plain.take(count)
                assert gaps.take(count * GRAIN) == (0 if found is None else BASE + found * GRAIN)
                if found is not None:
                    taken.append((found, count))
            assert gaps.left == sum(plain.free) * GRAIN

    def test_what_is_no_size_is_refused(self) -> None:
        gaps = Gaps(BASE, GRAIN)
        for size in (-1, 1 << 64):
            with pytest.raises(OverflowError):
                gaps.take(size)
        assert gaps.left == GRAIN


class TestLock:
    def test_one_thread_at_a_time_is_in_it(self) -> None:
        lock, inside, most = Lock(), 0, 0

        def work() -> None:
            nonlocal inside, most
            for _ in range(500):
                with lock, lock:
                    inside += 1
                    most = max(most, inside)
                    threading.Event().wait(0)  # lets others run
                    inside -= 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (most, inside) == (1, 0)

    def test_it_is_left_by_who_has_entered_it(self) -> None:
        lock = Lock()
        with pytest.raises(RuntimeError, match="is not held"):
            lock.__exit__(None, None, None)
        with pytest.raises(ValueError, match="out"), lock:
            raise ValueError("out")
        with lock:
            pass


def short(function: Any) -> Short:
    """A function with a first argument, 1."""
    return Short(int(ffi.cast("uintptr_t", function)), 4, 1)


class TestShort:
    def test_a_function_is_called_with_its_first_argument_and_its_result_is_cut(self) -> None:
        seen = []

        @ffi.callback("uint64_t(uint64_t, uint64_t, uint64_t)")  # type: ignore[untyped-decorator]
        def function(first: int, second: int, third: int) -> int:
            seen.append((first, second, third))
            return 0x1_0000_0002

        address = int(ffi.cast("uintptr_t", function))
        assert Short(address, 4, 7)(8, 9) == 2
        assert Short(address, 8)(8, 9, 2**64 - 1) == 0x1_0000_0002
        assert Short(address, 0)(1) == 0
        assert seen[:2] == [(7, 8, 9), (8, 9, 2**64 - 1)]
        with pytest.raises(TypeError, match="takes 5 numbers"):
            Short(address, 4, 7)(1, 2, 3, 4, 5, 6)


class TestHeld:
    def test_what_is_held_is_counted_against_what_there_is(self) -> None:
        held = Held(2)
        assert held.take_now(1, 6, 10)
        assert held.held == [0, 6]
        assert held.take_now(1, 5, 10) is False
        assert held.take_now(1, 2**64 - 1, 10) is False
        assert held.take_now(1, 2**64, 10) is False
        held.give(1, 2)
        assert held.take_now(1, 6, 10)
        assert held.held == [0, 10]
        held.forget()
        assert held.held == [0, 0]
        with pytest.raises(IndexError, match="no such device"):
            held.take_now(2, 1, 10)

    def test_others_are_told_and_looked_at_before_they_are_believed(self) -> None:
        told = []

        @ffi.callback("uint64_t(uint64_t, uint64_t)")  # type: ignore[untyped-decorator]
        def publish(device: int, size: int) -> int:
            told.append((device, size))
            return 0

        held = Held(2, Short(int(ffi.cast("uintptr_t", publish)), 0))
        assert held.take_now(0, 1, 10) is None
        assert told == []
        held.saw([7, 0], 1000)
        assert held.take_now(0, 4, 10) is False
        assert held.take_now(0, 3, 10)
        held.give(0, 1)
        assert told == [(0, 3), (0, 2)]
        held.saw([7, 0], -1)
        assert held.take_now(0, 1, 10) is None


class TestQuick:
    """Blocks have a page, here four grains; three may be shared."""

    @pytest.fixture
    def said(self) -> dict[str, int]:
        """What the functions that make ranges valid and invalid say, and the one that looks for pages."""
        return {"insert": 0, "remove": 0, "empty": 0}

    @pytest.fixture
    def ranges(self) -> dict[int, int]:
        return {}

    @pytest.fixture
    def lock(self) -> Lock:
        return Lock()

    @pytest.fixture
    def allocations(self) -> dict[int, Allocation]:
        return {}

    @pytest.fixture
    def quick(
        self, said: dict[str, int], ranges: dict[int, int], lock: Lock, allocations: dict[int, Allocation]
    ) -> Iterator[Quick]:
        @ffi.callback("uint32_t(uint64_t, uint64_t, uint64_t, uint64_t)")  # type: ignore[untyped-decorator]
        def insert(space: int, base: int, size: int, backing: int) -> int:
            if not said["insert"]:
                assert (space, backing) == (1, base)
                ranges[base] = size
            return said["insert"]

        @ffi.callback("uint32_t(uint64_t, uint64_t)")  # type: ignore[untyped-decorator]
        def remove(space: int, base: int) -> int:
            if not said["remove"]:
                del ranges[base]
            return said["remove"]

        @ffi.callback("uint32_t(uint64_t, uint64_t, uint64_t)")  # type: ignore[untyped-decorator]
        def empty(space: int, base: int, size: int) -> int:
            assert base not in ranges
            return said["empty"]

        yield Quick(lock, short(insert), short(remove), short(empty), allocations, SHARING, GRAIN, PAGE, 3)
        del insert, remove, empty  # until here

    @pytest.fixture
    def held(self) -> Held:
        return Held(2)

    @pytest.fixture
    def heap(self, held: Held) -> Shared:
        """With a page of the second device, and one grain of it taken."""
        heap = Shared(held, 1, 3 * PAGE, {2 * PAGE: [OTHER]})
        heap.keeps_spare = True
        assert held.take_now(1, PAGE, PAGE)
        heap.reserved = PAGE
        block = Gaps(BASE, PAGE)
        block.owner = heap
        heap.blocks.append(block)
        assert block.take(GRAIN) == BASE
        return heap

    def make(self, quick: Quick, heap: Shared, size: int) -> Allocation | None:
        return quick.allocate(heap, size, 2, 3, None)

    def test_a_small_allocation_is_in_the_last_block_and_is_freed(
        self, quick: Quick, heap: Shared, ranges: dict[int, int], allocations: dict[int, Allocation]
    ) -> None:
        block = heap.blocks[0]
        heap.blocks.insert(0, Gaps(0, PAGE))
        made = self.make(quick, heap, 100)
        assert made
        assert (made.address, made.size, made.kind, made.device, made.context) == (BASE + GRAIN, 100, 2, 3, None)
        assert (made.source, made.flags, block.left) == (block, 0, 2 * GRAIN)
        assert allocations == {made.address: made}
        assert ranges == {made.address: 100}
        assert quick.free(made) == ALL
        assert (block.left, allocations, ranges) == (3 * GRAIN, {}, {})
        assert quick.free(made) == NOTHING

    def test_the_spare_page_is_used_again(self, quick: Quick, heap: Shared, held: Held) -> None:
        (block,) = heap.blocks
        made = self.make(quick, heap, 100)
        assert made
        block.give(BASE, GRAIN)
        assert quick.free(made) == ALL
        assert (heap.blocks, heap.spare, block.left, heap.reserved, held.held) == ([], block, PAGE, 0, [0, 0])
        again = self.make(quick, heap, 100)
        assert again
        assert (again.address, again.source, heap.blocks, heap.spare) == (BASE, block, [block], None)
        assert (heap.reserved, held.held) == (PAGE, [0, PAGE])

    def test_whole_pages_are_those_that_were_freed(
        self,
        quick: Quick,
        heap: Shared,
        held: Held,
        ranges: dict[int, int],
        allocations: dict[int, Allocation],
    ) -> None:
        made = self.make(quick, heap, PAGE + 1)
        assert made
        assert (made.address, made.size, made.source) == (OTHER, PAGE + 1, heap)
        assert (allocations, ranges) == ({OTHER: made}, {OTHER: PAGE + 1})
        assert (heap.reserved, held.held) == (3 * PAGE, [0, 3 * PAGE])
        assert self.make(quick, heap, PAGE + 1) is None  # no such pages any more
        assert quick.free(made) == ALL
        assert (heap.reserved, held.held, allocations, ranges) == (PAGE, [0, PAGE], {}, {})
        assert self.make(quick, heap, PAGE) is None  # nor any of that size
        assert held.take_now(1, GRAIN, 3 * PAGE)
        assert self.make(quick, heap, PAGE + 1) is None  # nor so much room
        assert (heap.reserved, held.held, allocations) == (PAGE, [0, PAGE + GRAIN], {})
        held.give(1, GRAIN)
        again = self.make(quick, heap, 2 * PAGE)
        assert again
        assert again.address == OTHER

    def test_pages_that_were_written_are_left_to_others(
        self,
        quick: Quick,
        heap: Shared,
        said: dict[str, int],
        ranges: dict[int, int],
        allocations: dict[int, Allocation],
    ) -> None:
        made = self.make(quick, heap, 2 * PAGE)
        assert made
        said["empty"] = 0x7FFFFFFE
        assert quick.free(made) == INVALID
        assert (allocations, ranges, heap.reserved) == ({}, {}, 3 * PAGE)

    def test_where_there_is_more_to_do_nothing_is_done(
        self,
        quick: Quick,
        heap: Shared,
        lock: Lock,
        said: dict[str, int],
        ranges: dict[int, int],
        allocations: dict[int, Allocation],
    ) -> None:
        (block,) = heap.blocks
        assert self.make(quick, heap, 3 * GRAIN) is None  # the block would have no room any more
        with lock:
            assert self.make(quick, heap, 1) is None
            assert self.make(quick, heap, 2 * PAGE) is None
        said["insert"] = 2
        assert self.make(quick, heap, 1) is None
        assert self.make(quick, heap, 2 * PAGE) is None
        assert (block.left, heap.reserved, allocations, ranges) == (3 * GRAIN, PAGE, {}, {})
        said["insert"] = 0
        part, pages = self.make(quick, heap, GRAIN + 1), self.make(quick, heap, 2 * PAGE)
        assert part
        assert pages
        with lock:
            assert [quick.free(made) for made in (part, pages)] == [NOTHING, NOTHING]
        said["remove"] = 0x7FFFFFFE
        assert [quick.free(made) for made in (part, pages)] == [NOTHING, NOTHING]
        assert (block.left, heap.reserved) == (GRAIN, 3 * PAGE)
        assert (list(allocations), list(ranges)) == ([part.address, OTHER], [part.address, OTHER])
        said["remove"] = 0
        assert block.give(BASE, GRAIN) == 2 * GRAIN
        heap.spare = Gaps(0, PAGE)
        assert quick.free(part) == NOTHING  # nobody would be in the block any more, and there is a spare one
        heap.spare, heap.keeps_spare = None, False
        assert quick.free(part) == NOTHING
        heap.blocks.clear()
        assert self.make(quick, heap, 1) is None
        assert (block.left, heap.blocks, heap.reserved) == (2 * GRAIN, [], 3 * PAGE)
