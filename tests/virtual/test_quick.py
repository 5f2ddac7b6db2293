"""What csrc/quick.c does for a virtual GPU: a lock, gaps, short functions."""

from __future__ import annotations

import random
import threading

import pytest

from vgpu_embed._frames import Gaps, Lock, Short
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
