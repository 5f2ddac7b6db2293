"""What csrc/quick.c does for a virtual GPU: a lock, gaps, short functions."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vgpu_embed._frames import Allocation, Gaps, Lock, Quick, Short
from vgpu_embed.testing import ffi

BASE, GRAINS, GRAIN = 0x1000_0000, 64, 512


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


class TestQuick:
    @pytest.fixture
    def said(self) -> dict[str, int]:
        """What the functions that make ranges valid and invalid say."""
        return {"insert": 0, "remove": 0}

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

        quick = Quick(lock, short(insert), short(remove), allocations, GRAIN, 3)
        yield quick
        del insert, remove  # until here

    @pytest.fixture
    def block(self) -> Gaps:
        """With one grain taken."""
        block = Gaps(BASE, 4 * GRAIN)
        assert block.take(GRAIN) == BASE
        return block

    def make(self, quick: Quick, block: Gaps, size: int) -> Allocation | None:
        return quick.allocate([Gaps(0, GRAIN), block], size, 2, 3, None)

    def test_an_allocation_is_in_the_last_block_and_is_freed(
        self, quick: Quick, block: Gaps, ranges: dict[int, int], allocations: dict[int, Allocation]
    ) -> None:
        made = self.make(quick, block, 100)
        assert made
        assert (made.address, made.size, made.kind, made.device, made.context) == (BASE + GRAIN, 100, 2, 3, None)
        assert (made.source, made.flags, block.left) == (block, 0, 2 * GRAIN)
        assert allocations == {made.address: made}
        assert ranges == {made.address: 100}
        assert quick.free(made)
        assert (block.left, allocations, ranges) == (3 * GRAIN, {}, {})
        assert not quick.free(made)

    def test_where_there_is_more_to_do_nothing_is_done(
        self,
        quick: Quick,
        block: Gaps,
        lock: Lock,
        said: dict[str, int],
        ranges: dict[int, int],
        allocations: dict[int, Allocation],
    ) -> None:
        assert quick.allocate([], 1, 0, 0, None) is None
        assert self.make(quick, block, 3 * GRAIN) is None  # the block would have no room any more
        with lock:
            assert self.make(quick, block, 1) is None
        said["insert"] = 2
        assert self.make(quick, block, 1) is None
        assert (block.left, allocations, ranges) == (3 * GRAIN, {}, {})
        said["insert"] = 0
        made = self.make(quick, block, GRAIN + 1)
        assert made
        with lock:
            assert not quick.free(made)
        said["remove"] = 0x7FFFFFFE
        assert not quick.free(made)
        assert (block.left, allocations, list(ranges)) == (GRAIN, {made.address: made}, [made.address])
        said["remove"] = 0
        assert block.give(BASE, GRAIN) == 2 * GRAIN
        assert not quick.free(made)  # nobody would be in the block any more
        assert block.left == 2 * GRAIN
