"""The process of one marked test: runs it with pytest and writes its reports to a file, a line of JSON each."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, cast

import pytest

from vgpu_embed.pytest_plugin import SKIPPED_KERNELS


class Reporter:
    """Passes on what pytest reports, and what is written to stdout and stderr meanwhile, each in a file of a folder."""

    def __init__(self, folder: Path, config: pytest.Config) -> None:
        self._file = (folder / "reports").open("w", encoding="utf-8")
        self._written = {name: (folder / name).open("rb") for name in ("stdout", "stderr")}
        self._sections: list[tuple[str, str]] = []
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and (kernels := skipped_kernels()):
            report.user_properties.append((SKIPPED_KERNELS, ", ".join(kernels)))
        for name, file in self._written.items():
            if text := file.read().decode(errors="replace"):
                self._sections.append((f"Captured {name} {report.when}", text))
        report.sections += self._sections
        self._write(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: object
    ) -> None:
        if issubclass(warning_message.category, pytest.PytestAssertRewriteWarning):
            return  # of this package, which was here before pytest
        told = {"when": when, "nodeid": nodeid, "location": location, "text": str(warning_message.message)}
        place = {"file": warning_message.filename, "line": warning_message.lineno}
        self._write({"warning": {**told, **place, "category": warning_message.category.__name__}})

    def _write(self, data: object) -> None:
        self._file.write(json.dumps(data, default=str) + "\n")
        self._file.flush()


def skipped_kernels() -> list[str]:
    """Kernels that this process has launched and that nothing computed, as its own recording says.

    It is read where it is mapped: closing a descriptor of the file would drop the lock that says that we live.
    """
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        if line.endswith(".proc") and "/vgpu_embed" in line:
            start = int(line.partition("-")[0], 16)
            with open("/proc/self/mem", "rb", buffering=0) as memory:
                memory.seek(start + 56)
                offset, size = (int.from_bytes(memory.read(4), "little") for _ in range(2))
                memory.seek(start + offset)
                try:
                    return sorted(json.loads(memory.read(size)).get("skipped", {}))
                except ValueError:  # it is being written
                    return []
    return []


def main(path: str) -> int:
    """Runs the test that a file asks for."""
    request = json.loads(Path(path).read_text("utf-8"))
    sys.path[:] = request["path"]
    config = cast("Any", pytest.Config).fromdictargs(request["options"], [request["test"]])
    config.vgpu_child = True
    config.workerinput, config.workeroutput = request["worker"], {}  # what other plug-ins take as: report nothing
    config.pluginmanager.register(Reporter(Path(request["folder"]), config))
    return int(config.hook.pytest_cmdline_main(config=config))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
