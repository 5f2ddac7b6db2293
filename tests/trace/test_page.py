"""`vgpu-embed trace html`, looked at in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import browser
import matplotlib.image
import numpy as np
import pytest
from click.testing import CliRunner
from recordings import chunk, record, write
from traced import PROGRAM, run_traced

from vgpu_embed.cli import main

TITLES = [
    "Time by function",
    "Calls over time",
    "How long calls took",
    "Bytes, added up",
    "Time that threads spend in calls",
]


def page(path: Path, to: Path) -> Path:
    result = CliRunner().invoke(main, ["trace", "html", "-o", str(to), str(path)])
    assert (result.exit_code, result.stdout) == (0, "")
    return to


def test_charts_and_tables_are_drawn(tmp_path: Path) -> None:
    """The browser finds no host: what it shows lies in the page."""
    program = PROGRAM.replace("(1000, 1030)", "(1000, 1600)")
    html = page(run_traced(tmp_path / "program.trace", program=program), tmp_path / "a.html")
    dom, said = browser.look(html, tmp_path / "a.png")
    assert re.findall(r'<text class="gtitle"[^>]*>([^<]*)<', dom) == TITLES
    assert len(re.findall(r'<g class="point"', dom)) == 9  # a bar a function
    assert len(re.findall(r'<path class="js-line"', dom)) >= 8 + 8 + 2
    assert re.search(r'<g class="hm"><image [^>]*href="data:image/png', dom)
    assert "cuMemcpyHtoD_v2</text>" in dom
    [table] = re.findall(r'<table id="by-function">.*?</table>', dom, re.DOTALL)
    assert re.search(r"<td>cuMemAlloc_v2</td><td>660</td>", table)
    assert "cloud" not in re.sub(r"<(script|style).*?</\1>", "", dom, flags=re.DOTALL).lower(), "no button that uploads"
    assert not re.search(r"CONSOLE.*(Error|ERR_)", said), said
    picture = matplotlib.image.imread(tmp_path / "a.png")
    assert picture.shape[:2] == (3000, 1200)
    blue = (picture[:, :, 2] > 0.8) & (picture[:, :, 0] < 0.5) & (picture[:, :, 1] < 0.6)
    first = blue[: 3000 // 5]
    assert first.sum() > 5_000, "the bars of the first chart"
    rows = np.flatnonzero((picture[:, :, :3] < 0.99).any(axis=(1, 2)))
    assert rows[-1] > 1900, "all five charts have their height"


def test_nothing_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.trace", [chunk(11, [record("cuInit", 1, 2, 0, (0,))])])
    text = re.sub(r"<script.*?</script>", "", page(path, tmp_path / "a.html").read_text(), flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="|url\(|@import', text) == []


def test_errors_losses_and_an_empty_trace(tmp_path: Path) -> None:
    failed = record("cuMemAlloc_v2", 1_000, 2_000, 2, (0x7F00, 1 << 40))
    text = page(write(tmp_path / "a.trace", [chunk(11, [failed] * 3)], dropped=7), tmp_path / "a.html").read_text()
    assert "<td>cuMemAlloc_v2</td><td>CUDA_ERROR_OUT_OF_MEMORY</td><td>3</td>" in text
    assert "lacks 7 calls" in text
    text = page(write(tmp_path / "b.trace", []), tmp_path / "b.html").read_text()
    assert "No call was recorded." in text
    assert "<script" not in text


def test_what_a_program_is_called_is_no_markup(tmp_path: Path) -> None:
    info = {"program": "<script>alert(1)</script>", "library": "0", "driver": {}}
    path = write(tmp_path / "a.trace", [chunk(11, [])], info=info, callers=["?", "<b>"])
    assert "<script>alert" not in page(path, tmp_path / "a.html").read_text()


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name == "plotly":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from vgpu_embed.cli import main
main(["trace", "html", "a.trace"])
"""


@pytest.mark.parametrize("path", ["a.trace"])
def test_without_the_extra_it_says_what_to_install(path: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, path], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == 'vgpu-embed: plotly is not installed: pip install "vgpu_embed[trace]"\n'
