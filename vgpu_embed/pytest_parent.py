"""Runs a marked test in a child process under the preloaded library, and takes over its reports."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from vgpu_embed.cli.failure import Failure
from vgpu_embed.cli.launch import Launch

TAKES = ("policy", "set", "kernels")
"""What the mark takes besides the GPUs."""

CHILD_OPTIONS: dict[str, Any] = {
    "capture": "no",  # what it writes goes to files, which a crash leaves
    "collectonly": False,
    "cov_source": [],
    "deselect": None,
    "dist": "no",
    "keyword": "",
    "looponfail": False,
    "markexpr": "",
    "maxfail": 0,
    "maxprocesses": None,
    "no_cov": True,
    "numprocesses": None,
    "tx": [],
    "usepdb": False,
    "xmlpath": None,
}
"""Options that the child has otherwise: it runs one test, in this process's stead, and reports to it alone."""


def flags(mark: pytest.Mark, folder: Path) -> dict[str, Any]:
    """What a mark says, as options of `vgpu-embed run`; policies may lie beside the test. Raises Failure."""
    gpus = [*mark.args, *((mark.kwargs["gpus"],) if "gpus" in mark.kwargs else ())]
    if len(gpus) != 1 or not isinstance(gpus[0], str) or not gpus[0]:
        raise Failure('@pytest.mark.vgpu takes the GPUs as one text, as in @pytest.mark.vgpu("2xh100")')
    for name in mark.kwargs:
        if name not in ("gpus", *TAKES):
            raise Failure(f"@pytest.mark.vgpu has no {name}=; it takes {', '.join(f'{one}=' for one in TAKES)}")
    settings = mark.kwargs.get("set", ())
    if isinstance(settings, Mapping):
        settings = [f"{name}={value}" for name, value in settings.items()]
    return {
        "mode": "virtual",
        "gpu": gpus[0].split(";"),
        "policy": [_beside(folder, one) for one in _several(mark.kwargs.get("policy", ()))],
        "set": _several(settings),
        "kernels": mark.kwargs.get("kernels"),
    }


def _several(value: Any) -> list[str]:
    return [os.fspath(one) for one in ((value,) if isinstance(value, str | os.PathLike) else value)]


def _beside(folder: Path, policy: str) -> str:
    return str(folder / policy) if (folder / policy).is_file() else policy


def mistake(item: pytest.Item, mark: pytest.Mark) -> str:
    """What is wrong with a test's mark, as one sentence with its place; "" if nothing is."""
    try:
        _checked(json.dumps(flags(mark, item.path.parent)))
    except Failure as failure:
        path, line, _ = item.location
        return f"{path}:{(line or 0) + 1}: {' '.join(failure.format_message().split())}"
    return ""


@functools.lru_cache
def _checked(given: str) -> None:
    """Raises Failure; what many tests have in common is checked once."""
    Launch(json.loads(given), os.environ)


def run(item: pytest.Item, mark: pytest.Mark) -> Iterator[pytest.TestReport]:
    """The reports of a test, in their order."""
    folder = cast("Any", item.config)._tmp_path_factory.mktemp("vgpu")
    given = {**flags(mark, item.path.parent), "machine": f"{item.nodeid}:{os.getpid()}"}
    environment = {**os.environ, **Launch(given, os.environ).over(os.environ)}
    request = folder / "request.json"
    request.write_text(json.dumps(asked(item, folder)), "utf-8")
    command = [sys.executable, "-u", "-m", "vgpu_embed.pytest_child", str(request)]
    captures = item.config.getoption("capture") != "no"
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as error:
        try:
            code = subprocess.run(
                command,
                cwd=item.config.invocation_params.dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out if captures else None,
                stderr=error if captures else None,
            ).returncode
            ended = describe(code)
        except pytest.fail.Exception as failed:  # a time limit, which is this process's too
            code, ended = -signal.SIGKILL, str(failed)
    found = list(received(item, folder / "reports"))
    yield from found
    if code not in (0, 1) or not found or found[-1].when != "teardown":
        yield from lost(item, {one.when for one in found}, ended, folder)


def asked(item: pytest.Item, folder: Path) -> dict[str, Any]:
    """What the child is told: the test, this run's options, the folder of its reports and of what it writes."""
    options = {name: value for name, value in vars(item.config.option).items() if _is_plain(value)}
    del options["file_or_dir"]
    plugins = [*options.get("plugins", ()), "no:terminal"]
    path, _, rest = item.nodeid.partition("::")
    place = {"rootdir": str(item.config.rootpath), "inifilename": str(item.config.inipath or "") or None}
    return {
        "test": f"{item.config.rootpath / path}::{rest}",
        "options": {**options, **CHILD_OPTIONS, **place, "plugins": plugins, "basetemp": str(folder / "tmp")},
        "worker": getattr(item.config, "workerinput", {"workerid": "master", "workercount": 1, "testrunuid": ""}),
        "folder": str(folder),
        "path": sys.path,
    }


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def received(item: pytest.Item, path: Path) -> Iterator[pytest.TestReport]:
    """The reports that the child has written; its warnings are recorded meanwhile."""
    hook = item.config.hook
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            data = json.loads(line)
        except ValueError:  # it ended in the middle of it
            return
        if warning := data.get("warning"):
            category = getattr(__import__("builtins"), warning["category"], UserWarning)
            message = warnings.WarningMessage(category(warning["text"]), category, warning["file"], warning["line"])
            told = {name: warning[name] for name in ("when", "nodeid")}
            location = tuple(warning["location"]) if warning["location"] else None
            hook.pytest_warning_recorded.call_historic(
                kwargs={"warning_message": message, "location": location, **told}
            )
        else:
            report = hook.pytest_report_from_serializable(config=item.config, data=data)
            if isinstance(report.longrepr, list):  # JSON has no tuples
                report.longrepr = tuple(report.longrepr)
            report.location = item.location
            yield cast("pytest.TestReport", report)


def describe(code: int) -> str:
    """How a process has ended."""
    if code >= 0:
        return f"the test's process ended with exit code {code}"
    try:
        return f"the test's process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"the test's process was ended by signal {-code}"


def lost(item: pytest.Item, reported: set[str | None], ended: str, folder: Path) -> Iterator[pytest.TestReport]:
    """Reports of a test whose process did not come to its end: it has failed, with all that it wrote."""
    written = {name: (folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr")}
    steps: Sequence[tuple[Any, Any, str | None]] = [("call", "failed", ended), ("teardown", "passed", None)]
    if "call" in reported:
        steps = [("teardown", "failed", ended)]
    elif "setup" not in reported:
        steps = [("setup", "passed", None), *steps]
    for when, outcome, longrepr in steps:
        sections = [(f"Captured {name}", text) for name, text in written.items() if text and longrepr]
        yield pytest.TestReport(item.nodeid, item.location, {item.name: 1}, outcome, longrepr, when, sections)
