"""The bench measures what it says, one round of each case; what the figures are is no business of a test."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bench
import costs_page
import pytest
import support
import virtual_gpu


@pytest.fixture(scope="module", autouse=True)
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bench")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-ldl"]
    for program in ("calls", "virtual_gpu"):
        subprocess.run(["cc", "-o", str(folder / program), str(bench.HERE / f"{program}.c"), *flags], check=True)
    found = support.fake_driver()
    shutil.copy(found / "libcuda.so", folder / "bare.so")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "BUILD", folder)
        yield found


EVERY = [*bench.cases(), *(case for several in bench.curves().values() for case in several[-1:])]


@pytest.mark.parametrize("case", EVERY, ids=[f"{case.name}, {case.threads}" for case in EVERY])
def test_a_case_is_measured(case: bench.Case, driver: Path, tmp_path: Path) -> None:
    case.rounds, case.calls, case.pause = 2, 200, 0
    case.samples.clear()
    bench.measure(case, driver, tmp_path)
    assert len(case.samples) == 2
    assert all(len(sample) == 5 and min(sample) > 0 for sample in case.samples)
    (row,) = bench.costs([case])[2:]
    assert row.startswith(f"| {case.name}")


def test_start_is_timed(driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy.py"
    policy.write_text(bench.others(1))
    preloaded = {**support.clean_environment(), **support.preloading(policy=policy, driver=driver)}
    monkeypatch.setattr(bench, "STARTS", 2)
    monkeypatch.setattr(bench, "IDLE_STARTS", 4)
    started, idle = bench.start(preloaded), bench.no_cuda(preloaded)
    assert started["policy_ms"] > 0
    assert idle["rss_KiB"] > 0
    assert len(bench.processes(started, idle)) == 6


def test_a_virtual_gpu_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row has its target, and what is compared is what it says."""
    monkeypatch.setattr(virtual_gpu, "LOADS", 2)
    monkeypatch.setattr(virtual_gpu, "STARTS", 2)
    program, samples = bench.BUILD / "virtual_gpu", virtual_gpu.Samples()
    virtual_gpu.measure(program, samples)
    assert set(samples) == {*virtual_gpu.CALLS, *map(virtual_gpu.graph, virtual_gpu.SIZES)}
    assert all(len(found) == virtual_gpu.PROCESSES and min(found) > 0 for found in samples.values())
    pairs = virtual_gpu.once(program, tmp_path)
    assert {library.name for library in tmp_path.glob("*.so.*")} == {
        "libcuda.so.1",
        "libcudart.so.13",
        "libcublas.so.13",
    }
    assert all(len(found) == 2 and min(map(min, found)) > 0 for found in pairs.values())
    rows = virtual_gpu.table(samples, pairs)[2:]
    assert len(rows) == len(samples) + 1 + len(virtual_gpu.ONCE)
    assert all(row.endswith((": met |", ": **not met** |")) for row in rows)
    assert set(virtual_gpu.figures(samples, pairs)) == {"calls_us", "graph_us", "once_ms"}


def test_a_graph_has_a_cost_and_each_of_its_kernels() -> None:
    samples = {virtual_gpu.graph(n): [2 + n / 100] for n in virtual_gpu.SIZES}
    assert virtual_gpu.fit(samples) == pytest.approx((0.01, 2))


def test_a_section_of_the_page_is_replaced() -> None:
    page = "a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n<!-- bench-gpu -->\nolder\n<!-- /bench-gpu -->\n"
    assert costs_page.replace(page, "bench", ["new", "lines"]) == (
        "a\n<!-- bench -->\n\nnew\nlines\n\n<!-- /bench -->\nb\n<!-- bench-gpu -->\nolder\n<!-- /bench-gpu -->\n"
    )
    with pytest.raises(ValueError, match="no section between <!-- bench -->"):
        costs_page.replace("a", "bench", [])


def test_the_page_has_its_sections() -> None:
    page = costs_page.PAGE.read_text()
    for section in ("bench", "bench-virtual", "bench-gpu"):
        assert "here it is" in costs_page.replace(page, section, ["here it is"])


def test_targets() -> None:
    assert costs_page.Verdict(20.0, 20, "20 ns").text == "20 ns: met"
    assert costs_page.Verdict(20.1, 20, "20 ns").text == "20 ns: **not met**"
    hook = bench.Case("hook", rounds=2, most=400, besides="smallest")
    smallest = bench.Case("smallest", rounds=2)
    hook.samples = [(1, 1, n, n, 0) for n in (901, 903, 1001, 1003)]  # two passes: 901 and 1001 added
    smallest.samples = [(1, 1, n, n, 0) for n in (501, 503, 701, 703)]
    held = bench.verdict(hook, {"smallest": smallest})
    assert held
    assert held.met
    assert held.text == "350 above the smallest, 400 allowed: met"
    observed = bench.Case("observed", most=40, besides="stamps")
    observed.samples = [(10, 10, 130, 130, 79), (10, 10, 130, 130, 79)]
    assert bench.verdict(observed, {}).text == "41 above stamps, 40 allowed: **not met**"  # type: ignore[union-attr]
