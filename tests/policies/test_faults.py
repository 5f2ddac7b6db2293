"""Faults: what rules say, which calls they hit, and what programs then see."""

from __future__ import annotations

import re
import sys
import threading
import time
from typing import Any

import pytest
import support

from policies.conftest import python
from vgpu_embed import MiB, PolicyError, policy, tables
from vgpu_embed.policies import faults
from vgpu_embed.testing import FakeDriver

OUT_OF_MEMORY, ILLEGAL_ADDRESS, NO_DEVICE, INVALID_CONTEXT = 2, 700, 100, 201
ALLOCATE = "cuMemAlloc_v2"


def results(driver: FakeDriver, count: int, **inputs: Any) -> list[int]:
    """What so many allocations return."""
    return [driver.call(ALLOCATE, **{"bytesize": 4096, **inputs}).result for _ in range(count)]


def with_rules(rules: str, **options: object) -> FakeDriver:
    """A driver under rules."""
    return FakeDriver("faults", gpu="2xh100", options={"faults": rules, **options})


# ---- which calls -----------------------------------------------------------------------------------------------------


def test_without_rules_nothing_happens() -> None:
    driver = FakeDriver("faults")
    assert results(driver, 3) == [0, 0, 0]
    assert driver.policies[0].handlers == []


def test_the_nth_call() -> None:
    assert results(with_rules("cuMemAlloc*:nth=3:error=OUT_OF_MEMORY"), 7) == [0, 0, 2, 0, 0, 0, 0]


def test_every_nth_call() -> None:
    assert results(with_rules("cuMemAlloc*:every=3:error=OUT_OF_MEMORY"), 7) == [0, 0, 2, 0, 0, 2, 0]


def test_so_many_times() -> None:
    assert results(with_rules("cuMemAlloc*:every=2:times=2:error=OUT_OF_MEMORY"), 8) == [0, 2, 0, 2, 0, 0, 0, 0]


def test_all_functions_of_a_pattern_are_counted_together() -> None:
    driver = with_rules("cuMemAlloc*:nth=2:error=OUT_OF_MEMORY")
    assert driver.cuMemAlloc_v2(bytesize=1).result == 0
    assert driver.cuMemAllocManaged(bytesize=1, flags=1).result == OUT_OF_MEMORY


def test_the_driver_is_not_asked_about_a_call_that_fails() -> None:
    driver = with_rules("cuMemAlloc*:nth=2:error=OUT_OF_MEMORY")
    results(driver, 3)
    assert [call.function for call in driver.calls] == [ALLOCATE] * 2


@pytest.mark.parametrize(
    ("comparison", "hit"),
    [(">1MiB", [3]), (">=1MiB", [2, 3]), ("<1MiB", [1]), ("<=1MiB", [1, 2]), ("=1MiB", [2]), (">0:size<1MiB", [1])],
)
def test_by_size(comparison: str, hit: list[int]) -> None:
    driver = with_rules(f"cuMemAlloc*:size{comparison}:error=OUT_OF_MEMORY")
    sizes = (MiB - 1, MiB, MiB + 1)
    assert [n for n, size in enumerate(sizes, 1) if driver.cuMemAlloc_v2(bytesize=size).result] == hit


def test_calls_of_another_size_are_not_counted() -> None:
    driver = with_rules("cuMemAlloc*:size>1MiB:nth=2:error=OUT_OF_MEMORY")
    sizes = (2 * MiB, 1, 1, 2 * MiB)
    assert [driver.cuMemAlloc_v2(bytesize=size).result for size in sizes] == [0, 0, 0, OUT_OF_MEMORY]


def test_by_the_device_of_the_current_context() -> None:
    driver = with_rules("cuMemAlloc*:device=1:error=OUT_OF_MEMORY")
    assert results(driver, 1) == [0]
    driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(dev=1).pctx)
    assert results(driver, 1) == [OUT_OF_MEMORY]
    driver.cuCtxSetCurrent(None)
    assert results(driver, 1) == [INVALID_CONTEXT]


def test_by_the_device_that_is_asked_about() -> None:
    driver = with_rules("cuDeviceGet*:device=1:error=NO_DEVICE")
    answers = [driver.cuDeviceGetAttribute(attrib=75, dev=device).result for device in (0, 1)]
    assert answers == [0, NO_DEVICE]
    assert driver.cuCtxGetDevice().result == 0


def test_by_caller() -> None:
    driver = with_rules("cuMemAlloc*:caller=libggml*:error=OUT_OF_MEMORY")
    callers = ("libggml-cuda.so", "libtorch_cuda.so")
    assert [driver.call(ALLOCATE, bytesize=1, caller=caller).result for caller in callers] == [OUT_OF_MEMORY, 0]


def test_by_program() -> None:
    for program, expected in (("ollama", OUT_OF_MEMORY), ("trainer", 0)):
        rules = {"faults": "cuMemAlloc*:program=oll*:error=OUT_OF_MEMORY"}
        assert results(FakeDriver("faults", options=rules, program=program), 1) == [expected]


def test_later_than() -> None:
    assert results(with_rules("cuMemAlloc*:after=60min:error=OUT_OF_MEMORY"), 2) == [0, 0]
    driver = with_rules("cuMemAlloc*:after=20ms:nth=1:error=OUT_OF_MEMORY")
    time.sleep(0.03)
    assert results(driver, 2) == [OUT_OF_MEMORY, 0]


# ---- chance ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_hits_the_same_calls() -> None:
    rules = "cuMemAlloc*:p=0.3:error=OUT_OF_MEMORY"
    first = results(with_rules(rules, seed=7), 200)
    assert results(with_rules(rules, seed=7), 200) == first
    assert results(with_rules(rules, seed=8), 200) != first
    assert 30 <= first.count(OUT_OF_MEMORY) <= 90  # 60 expected, 6.5 the standard deviation


def test_what_a_seed_hits_stays_over_versions() -> None:
    """A figure in a paper names the seed; these are what it meant."""
    hit = results(with_rules("cuMemAlloc*:p=0.1:error=OUT_OF_MEMORY", seed=1), 100)
    assert [number for number, result in enumerate(hit, 1) if result] == [2, 34, 56, 57, 60, 62, 67, 71, 84]


def test_two_rules_have_chances_of_their_own() -> None:
    rules = "cuMemAlloc_v2:p=0.5:error=OUT_OF_MEMORY,cuMemFree_v2:p=0.5:error=INVALID_VALUE"
    driver = with_rules(rules)
    allocations = [bool(driver.cuMemAlloc_v2(bytesize=1).result) for _ in range(64)]
    assert allocations != [bool(driver.cuMemFree_v2(dptr=0).result) for _ in range(64)]


@pytest.mark.parametrize("probability", [0.001, 0.5, 0.999])
def test_the_chance_is_the_one_asked_for(probability: float) -> None:
    hits = faults.chooser({"p": probability}, 1)
    assert hits is not None
    count = sum(map(hits, range(1, 100_001)))
    deviation = (100_000 * probability * (1 - probability)) ** 0.5
    assert abs(count - 100_000 * probability) < 5 * deviation


def test_chance_one_hits_all() -> None:
    assert results(with_rules("cuMemAlloc*:p=1:error=OUT_OF_MEMORY"), 20) == [OUT_OF_MEMORY] * 20


# ---- what happens ----------------------------------------------------------------------------------------------------


def test_a_delay_is_a_delay() -> None:
    driver = with_rules("cuMemAlloc*:nth=2:delay=30ms")
    results(driver, 1)
    start = time.monotonic()
    assert results(driver, 1) == [0]
    assert time.monotonic() - start >= 0.03
    assert len(driver.calls) == 2


def test_a_delay_and_an_error() -> None:
    driver = with_rules("cuMemAlloc*:delay=20ms:error=OUT_OF_MEMORY")
    start = time.monotonic()
    assert results(driver, 1) == [OUT_OF_MEMORY]
    assert time.monotonic() - start >= 0.02


def test_rules_are_asked_in_order_and_the_first_error_wins() -> None:
    driver = with_rules("cuMemAlloc*:nth=2:error=NOT_READY,cuMemAlloc*:nth=2:error=OUT_OF_MEMORY")
    assert results(driver, 4) == [0, 600, OUT_OF_MEMORY, 0]


@pytest.mark.parametrize("name", ["OUT_OF_MEMORY", "ERROR_OUT_OF_MEMORY", "CUDA_ERROR_OUT_OF_MEMORY"])
def test_ways_to_write_an_error(name: str) -> None:
    assert results(with_rules(f"cuMemAlloc*:error={name}"), 1) == [OUT_OF_MEMORY]


def test_errors_of_other_libraries() -> None:
    driver = with_rules("cudaMalloc:error=MemoryAllocation,nvmlInit_v2:error=DRIVER_NOT_LOADED")
    assert driver.cudaMalloc(size=1).result == 2
    assert driver.nvmlInit_v2().result == 9


def test_a_pattern_over_libraries_means_those_with_this_error() -> None:
    driver = with_rules("cu*Synchronize:error=LAUNCH_FAILED")
    hooked = {name for handler in driver.policies[0].handlers for name in handler.functions}
    assert "cuStreamSynchronize" in hooked
    assert "cudaStreamSynchronize" not in hooked


def test_each_hit_has_a_line() -> None:
    driver = with_rules("cuMemAlloc*:nth=2:error=OUT_OF_MEMORY")
    results(driver, 3)
    assert driver.log == ["cuMemAlloc_v2: fault call=2 rule=cuMemAlloc*:nth=2:error=OUT_OF_MEMORY"]


def test_status_counts() -> None:
    driver = with_rules("cuMemAlloc*:every=2:error=OUT_OF_MEMORY,cuMemFree*:error=ILLEGAL_ADDRESS:sticky")
    results(driver, 5)
    assert driver.command("status") == {
        "rules": [
            {"rule": "cuMemAlloc*:every=2:error=OUT_OF_MEMORY", "calls": 5, "hits": 2},
            {"rule": "cuMemFree*:error=ILLEGAL_ADDRESS:sticky", "calls": 0, "hits": 0},
        ],
        "sticky": None,
    }
    driver.cuMemFree_v2(dptr=0)
    assert driver.command("status")["sticky"] == "CUDA_ERROR_ILLEGAL_ADDRESS"


# ---- sticky ----------------------------------------------------------------------------------------------------------


def test_a_sticky_error_stays() -> None:
    driver = with_rules("cuCtxSynchronize:nth=2:error=ILLEGAL_ADDRESS:sticky")
    assert [driver.cuCtxSynchronize().result for _ in range(3)] == [0, ILLEGAL_ADDRESS, ILLEGAL_ADDRESS]
    assert results(driver, 2) == [ILLEGAL_ADDRESS] * 2
    assert driver.cuLaunchKernel().result == ILLEGAL_ADDRESS
    assert driver.cuDeviceGetCount().result == 0
    assert driver.cuGetErrorString(error=700).result == 0
    assert driver.cuDriverGetVersion().result == 0


def test_it_outlives_its_rule() -> None:
    driver = with_rules("cuMemAlloc*:nth=1:error=ILLEGAL_ADDRESS:sticky")
    results(driver, 1)
    driver.set("faults", "")
    assert results(driver, 1) == [ILLEGAL_ADDRESS]


def test_other_errors_come_and_go_beside_it() -> None:
    driver = with_rules("cuMemAlloc*:nth=1:error=OUT_OF_MEMORY,cuCtxSynchronize:error=ASSERT:sticky")
    assert results(driver, 2) == [OUT_OF_MEMORY, 0]


def test_everything_that_still_works_is_a_function() -> None:
    assert all(tables.match(pattern) for pattern in faults.STILL_WORKING)


# ---- wrong rules -----------------------------------------------------------------------------------------------------

ERROR = ":error=OUT_OF_MEMORY"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("cuMemAloc" + ERROR, "no list has a function 'cuMemAloc'; did you mean cuMemAlloc"),
        ("cuMemAlloc*:error=OUT_OF_MEMROY", "CUresult has no error 'OUT_OF_MEMROY'; did you mean OUT_OF_MEMORY or "),
        ("cuMemAlloc*:error=SUCCESS", "CUresult has no error 'SUCCESS'"),
        ("dlopen:error=UNKNOWN", "dlopen returns no error code"),
        ("cuMemAlloc*", "say what happens: error=OUT_OF_MEMORY or delay=50ms"),
        ("cuMemAlloc*:sticky:delay=1s", "sticky keeps an error: give error=ILLEGAL_ADDRESS too"),
        ("cuMemAlloc*:nht=3" + ERROR, "there is no 'nht=3'; did you mean nth?; there are caller, program, device, "),
        ("cuMemAlloc*:" + ERROR, "there is no ''; there are "),
        ("cuMemAlloc*:nth" + ERROR, "write nth=…, not 'nth'"),
        ("cuMemAlloc*:nth>3" + ERROR, "write nth=…, not 'nth>3'"),
        ("cuMemAlloc*:size=>3" + ERROR, "write size>…, not 'size=>3'"),
        ("cuMemAlloc*:nth=0" + ERROR, "nth takes a whole number from 1, not '0'"),
        ("cuMemAlloc*:every=x" + ERROR, "every takes a whole number from 1, not 'x'"),
        ("cuMemAlloc*:device=-1" + ERROR, "device takes a whole number, not '-1'"),
        ("cuMemAlloc*:p=2" + ERROR, "p takes a probability above 0 and up to 1, not '2'"),
        ("cuMemAlloc*:p=nan" + ERROR, "p takes a probability above 0 and up to 1, not 'nan'"),
        ("cuMemAlloc*:p=often" + ERROR, "p takes a probability above 0 and up to 1, not 'often'"),
        ("cuMemAlloc*:size>lots" + ERROR, "size takes a size such as 1GiB, not 'lots'"),
        ("cuMemAlloc*:delay=50", "delay takes a time such as 50ms (us, ms, s, min), not '50'"),
        ("cuMemAlloc*:delay=-1s", "delay takes a time such as 50ms (us, ms, s, min), not '-1s'"),
        ("cuMemAlloc*:after=infs" + ERROR, "after takes a time such as 50ms (us, ms, s, min), not 'infs'"),
        ("cuMemAlloc*:caller=" + ERROR, "caller takes a name, not ''"),
        ("cuMemAlloc*:nth=1:nth=2" + ERROR, "nth is given twice"),
        ("cuMemAlloc*:nth=1:p=0.5" + ERROR, "give one of nth, every and p"),
        ("cuInit:size>1" + ERROR, "no function cuInit has a size (bytesize, ByteCount, size)"),
    ],
)
def test_a_wrong_rule_is_a_sentence(rule: str, sentence: str) -> None:
    loaded = policy.load("faults")
    with pytest.raises(PolicyError) as caught:
        policy.apply_settings([loaded], [f"faults=cuInit:delay=1us,{rule}"])
    assert f"faults: rule 2 ({rule}): {sentence}" in str(caught.value)


def test_a_wrong_rule_leaves_the_old_ones() -> None:
    driver = with_rules("cuMemAlloc*:nth=3:error=OUT_OF_MEMORY")
    results(driver, 2)
    with pytest.raises(PolicyError, match="say what happens"):
        driver.set("faults", "cuMemAlloc*")
    assert results(driver, 1) == [OUT_OF_MEMORY]


def test_new_rules_count_from_one() -> None:
    driver = with_rules("cuMemAlloc*:nth=3:error=OUT_OF_MEMORY")
    results(driver, 2)
    driver.set("faults", "cuMemAlloc*:nth=2:error=NOT_READY")
    assert results(driver, 2) == [0, 600]


def test_another_option_does_not_make_them_begin_again() -> None:
    driver = FakeDriver(["faults", "count"], options={"faults": "cuMemAlloc*:nth=3:error=OUT_OF_MEMORY"})
    results(driver, 2)
    driver.set("counted", "cuInit")
    assert results(driver, 2) == [OUT_OF_MEMORY, 0]


def test_blanks_and_empty_rules_do_not_matter() -> None:
    assert results(with_rules(" cuMemAlloc*:nth=1:error=OUT_OF_MEMORY ,\n, "), 2) == [OUT_OF_MEMORY, 0]


def test_the_rules_in_the_guide_are_rules() -> None:
    page = (support.TESTS.parent / "docs/policy-faults.md").read_text("utf-8")
    shown = re.findall(r"^    (cu\S+)  ", page, re.MULTILINE)
    assert len(shown) >= 4
    assert with_rules(",".join(shown)).policies[0].handlers


# ---- threads, and real programs --------------------------------------------------------------------------------------


def test_threads_share_the_count_exactly() -> None:
    driver = with_rules("cuGetErrorName:every=10:error=NOT_READY")
    seen: list[int] = []

    def work() -> None:
        seen.extend(int(driver.cuGetErrorName(error=1).result) for _ in range(200))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert seen.count(600) == 100


@pytest.mark.every_python
def test_a_program_meets_them() -> None:
    rules = "cuMemAlloc*:nth=3:error=OUT_OF_MEMORY,cuMemFree*:size>1:delay=1us"
    wrong = support.run_preloaded(python("print(allocate())"), policy="faults", options=f"faults={rules}")
    assert "faults: rule 2 (cuMemFree*:size>1:delay=1us): no function cuMemFree* has a size" in wrong.stderr
    assert wrong.stdout == "0\n"
    rules = "cuMemAlloc*:size>4KiB:nth=2:error=OUT_OF_MEMORY,cuMemAlloc*:caller=libother*:error=NOT_READY"
    program = python("print(*[allocate(size) for size in (1, 8192, 4096, 8192, 8192)])")
    done = support.run_preloaded(program, policy="faults", options=f"faults={rules}", log="info")
    assert done.stdout == "0 0 0 2 0\n", done.stderr
    assert re.search(r"cuMemAlloc_v2: fault call=2 rule=cuMemAlloc\*:size>4KiB:nth=2:", done.stderr)


@pytest.mark.every_python
def test_a_program_after_a_sticky_error() -> None:
    program = python(
        """
        count = c_int()
        print(allocate(), allocate(), cuda.cuMemFree_v2(pointer), cuda.cuCtxSynchronize(), end=" ")
        print(cuda.cuDeviceGetCount(byref(count)), count.value)
        """
    )
    rules = "faults=cuMemAlloc*:nth=2:error=ILLEGAL_ADDRESS:sticky"
    done = support.run_preloaded(program, policy="faults", options=rules)
    assert done.stdout == "0 700 700 700 0 1\n", done.stderr


def test_the_device_of_a_program() -> None:
    program = python(
        """
        for device in (0, 1):
            cuda.cuDevicePrimaryCtxRetain(byref(context), device)
            cuda.cuCtxSetCurrent(context)
            print(allocate())
        """
    )
    options = "faults=cuMemAlloc*:device=1:error=OUT_OF_MEMORY"
    done = support.run_preloaded(program, policy="faults", options=options, env={"FAKE_CUDA_DEVICES": "2"})
    assert done.stdout == "0\n2\n", done.stderr
