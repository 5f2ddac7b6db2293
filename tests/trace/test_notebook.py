"""The example notebook runs from a clone, without a GPU, and is committed without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbclient
import nbformat
import pytest
from support import TESTS

NOTEBOOK = TESTS.parent / "examples/trace.ipynb"


def notebook() -> nbformat.NotebookNode:
    read: nbformat.NotebookNode = nbformat.reads(NOTEBOOK.read_text(), as_version=4)  # type: ignore[no-untyped-call]
    return read


def test_it_has_no_outputs() -> None:
    cells = [cell for cell in notebook().cells if cell.cell_type == "code"]
    assert cells
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_it_runs_and_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("VGPU_", "LD_", "MPL"))]:
        monkeypatch.delenv(name)
    for name in ("TMPDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parent))
    executed = notebook()
    nbclient.NotebookClient(executed, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream"] == []
    shown = [output.data for output in outputs]
    trace, origin, table, *figures = shown
    assert "calls of python" in trace["text/plain"]
    assert "0 dropped" in trace["text/plain"]
    assert "'seed': 7" in origin["text/plain"]
    assert "policies/faults.py" in origin["text/plain"]
    assert "cuMemcpyHtoD_v2" in table["text/html"]
    assert [sorted(figure) for figure in figures] == [["image/png", "text/plain"]] * 2
