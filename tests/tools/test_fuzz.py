"""libFuzzer, with AddressSanitizer and UndefinedBehaviorSanitizer, on what the library parses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from vgpu_embed import record, tables

from .conftest import fuzzer

QUICK, LONG = 5, 600
"""Seconds a fuzzer."""

SEEDS = {
    "fuzz_files": [
        record.text().encode(),
        b"libpython=/x\nhome = /y\nexecutable=/z\npath=/\npath=/usr\n\0home = /usr/bin\n",
        b"\0home = /usr/bin\ninclude-system-site-packages = true\r\nversion = 3.11\n",
        b"# a comment\n=\n = \npath=" + b"/" * 5000 + b"\n" + b"path=/usr\n" * 2000,
    ],
    "fuzz_names": [
        *(name.encode() for library in tables.LIBRARIES for name in tables.names(library)[:40]),
        *(b"libcuda.so.1", b"/usr/lib/libcudart.so.12.8.90", b"a/b/libcuda.so.x", b"libcublasLt.so."),
    ],
}


@pytest.mark.timeout(LONG + 120)
@pytest.mark.parametrize("name", SEEDS)
def test_no_input_breaks_it(name: str, tmp_path: Path, soak: bool) -> None:
    """pyvenv.cfg and record; names of functions against a search of the whole list, and of libraries."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[name]):
        (corpus / str(number)).write_bytes(seed)
    words = tmp_path / "dictionary"
    words.write_text("".join(f'"{word}"\n' for word in ("path=", "home = ", "libpython=", "libcuda.so", "cu", "_v2")))
    seconds = LONG if soak else QUICK
    done = subprocess.run(
        [
            *(str(fuzzer(name)), f"-max_total_time={seconds}", "-seed=1", "-max_len=32768", f"-dict={words}"),
            *(f"-artifact_prefix={tmp_path}/", "-rss_limit_mb=1024", "-timeout=10", str(corpus)),
        ],
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs, done.stderr[-400:]
    assert int(runs[1]) > 2000 * (seconds / QUICK) / 5
