"""The pytest plug-in: tests marked `vgpu` run on virtual GPUs.

    @pytest.mark.vgpu("2xh100", policy="faults", set="faults=cuMemAlloc*:nth=3:error=OUT_OF_MEMORY")
    def test_it_survives():
        ...

A marked test runs in a process of its own under the preloaded library, and is reported as if it had run here; see
docs/testing-gpu-software.md. Tests without the mark cost a look for it: all else is imported when one has it.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

MARK = "vgpu"
SKIPPED_KERNELS = "vgpu_skipped_kernels"
"""The property of a test's report that names the kernels that it launched and nothing computed."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARK}(gpus, policy=…, set=…, kernels=…): runs the test in a process of its own on virtual GPUs, "
        "as `vgpu-embed run` takes them",
    )


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A mark that says something wrong is an error of the file."""
    report = yield
    for item in report.result if report.outcome == "passed" else ():
        if isinstance(item, pytest.Item) and (mark := item.get_closest_marker(MARK)):
            from vgpu_embed import pytest_parent

            if sentence := pytest_parent.mistake(item, mark):
                report.outcome, report.longrepr, report.result = "failed", sentence, []
                break
    return report


def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    mark = item.get_closest_marker(MARK)
    if mark is None or hasattr(item.config, "vgpu_child"):
        return None
    from vgpu_embed import pytest_parent

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in pytest_parent.run(item, mark):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names tests that passed although kernels of theirs were not computed."""
    found = [
        (report.nodeid, value)
        for report in terminalreporter.stats.get("passed", ())
        for name, value in getattr(report, "user_properties", ())
        if name == SKIPPED_KERNELS
    ]
    if found:
        terminalreporter.section("passed with kernels that were not computed")
        for nodeid, kernels in found:
            terminalreporter.line(f"{nodeid}: {kernels}")
