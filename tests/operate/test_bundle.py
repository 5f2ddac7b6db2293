"""`vgpu-embed bundle`; what it carries through is in test_service.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import PACKAGE, run, run_preloaded

from operate.conftest import SITE, Cli
from vgpu_embed import bundle as bundles

pytestmark = [pytest.mark.xdist_group("operate"), pytest.mark.every_python]

POLICY = """
import ctypes, hashlib, json, lzma, os, psutil, sqlite3, ssl, sys, zlib
from vgpu_embed import Policy
policy = Policy()
BUNDLE = {bundle!r}
strangers = [one for one in (*sys.path, *(getattr(m, "__file__", None) or BUNDLE for m in sys.modules.values()))
             if not one.startswith(BUNDLE) and not one.endswith("policy.py")]
mapped = [m.path for m in psutil.Process().memory_maps() if "ssl" in m.path or "ffi" in m.path or "sqlite" in m.path]

@policy.answer("cuDeviceGetAttribute")
def told(call):
    assert not strangers, strangers
    assert mapped and all(path.startswith(BUNDLE) for path in mapped), mapped
    return call.reply(pi=42)
"""


def test_everything_it_runs_is_its_own(bundle: Path, tmp_path: Path) -> None:
    """Python, its standard library, and the libraries that OpenSSL and ctypes need."""
    from embed.conftest import own

    policy = tmp_path / "policy.py"
    policy.write_text(POLICY.format(bundle=str(bundle)))
    done = run_preloaded([own("first")], policy=policy, env={"LD_PRELOAD": bundle / SITE / "libvgpu-cuda.so"})
    assert (done.stdout, done.stderr) == ("main: 42\n", "")


def test_nvidia_smi_runs_with_the_python_in_it(bundle: Path) -> None:
    env = {"LD_PRELOAD": f"{bundle}/{SITE}/libvgpu-cuda.so:{bundle}/{SITE}/virtual/lib/libcuda.so.1"}
    done = run([bundle / SITE / "smi/bin/nvidia-smi", "-L"], env={**env, "VGPU_GPU": "t4"})
    assert (done.stdout[:15], done.stderr) == ("GPU 0: Tesla T4", "")


def test_modules_are_compiled_and_nothing_names_the_place_it_was_made_in(bundle: Path) -> None:
    place = str(PACKAGE.parent).encode()
    sources = [path for path in bundle.rglob("*.py") if path.stat().st_size]
    compiled = {path.name.split(".")[0] for path in bundle.rglob("*.pyc")}
    assert len(sources) > 500
    assert {path.name.split(".")[0] for path in sources} - compiled == set()
    assert [path for path in (bundle / SITE).rglob("*.py*") if place in path.read_bytes()] == []
    assert not list(bundle.rglob("libvgpu-cuda.python"))
    assert not (bundle / SITE / "cli").exists()


def test_it_says_what_it_is(bundle: Path) -> None:
    made = bundles.Bundle(bundle)
    texts = [path.read_bytes() for path in bundle.rglob("*.so*")]
    newest = max(int(minor) for text in texts for minor in re.findall(rb"\0GLIBC_2\.(\d+)\b", text))
    assert made.glibc == f"2.{newest}"
    assert made.python == bundles.VERSION
    assert made.name == f"{made.version}-{json.loads((bundle / 'bundle.json').read_text())['digest'][:12]}"


def test_everybody_may_read_it(bundle: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in bundle.rglob("*") if path.is_dir()} == {0o755}
    files = [path for path in bundle.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files if path.parent.name != "bin"} == {0o644}
    assert [path.name for path in files if path.stat().st_mode & 0o777 == 0o755] == ["nvidia-smi"]


def test_only_a_bundle_is_replaced(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    done = cli("bundle", tmp_path / "mine")
    assert done.returncode == 125
    assert done.stderr.startswith(f"vgpu-embed: {tmp_path}/mine is no bundle of vgpu-embed: ")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "file"]


def test_a_path_that_cannot_be_preloaded_is_refused(cli: Cli, tmp_path: Path) -> None:
    done = cli("bundle", tmp_path / "two words")
    assert done.returncode == 125
    assert "which LD_PRELOAD cannot express" in done.stderr
    assert list(tmp_path.iterdir()) == []
