"""Every example does what it says; the README's policy loads and works."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import programs
import pytest
import support
from support import TESTS, run_preloaded

from vgpu_embed import policy

ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"

ASK = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
value = ctypes.c_int()
cuda.cuInit(0)
answers = []
for attribute in (75, 76):
    cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0)
    answers.append(value.value)
print(*answers)
"""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_it_loads(path: Path) -> None:
    loaded = policy.load(str(path))
    assert loaded.hooks or loaded.devices


def test_each_example_has_a_test_here() -> None:
    text = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in text] == []


def test_h100() -> None:
    program = [programs.build() / "ggml_devices", programs.real_libraries()]
    done = run_preloaded(program, mode="virtual", policy=EXAMPLES / "h100.py", options="memory=40GiB")
    assert "Device 0: NVIDIA H100 80GB HBM3, compute capability 9.0, VMM: yes, VRAM: 40960 MiB" in done.stderr


def test_other_capability(tmp_path: Path) -> None:
    """The same program, under two names, over one driver."""
    lookup = programs.build() / "lookup"
    truth = support.run_bare([lookup]).stdout
    outputs = {}
    for name in ("ollama", "trainer"):
        shutil.copy(lookup, tmp_path / name)
        done = run_preloaded([tmp_path / name], policy=EXAMPLES / "other_capability.py", options="capability=7.5")
        outputs[name] = done.stdout
    assert outputs["trainer"] == truth
    changed = [(a, b) for a, b in zip(truth.splitlines(), outputs["ollama"].splitlines(), strict=True) if a != b]
    assert [b.split()[-1] for _, b in changed] == ["7", "5"], changed


def test_lookups() -> None:
    done = run_preloaded([sys.executable, "-c", ASK], policy=EXAMPLES / "lookups.py", log="info")
    assert re.search(r"dlopen: opens file=libcuda\.so\.1 caller=_ctypes", done.stderr)
    assert re.search(r"dlsym: looks up symbol=cuDeviceGetAttribute caller=_ctypes", done.stderr)


def test_the_readme(tmp_path: Path) -> None:
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    path = tmp_path / "readme.py"
    path.write_text(block)
    [hook] = policy.load(str(path)).hooks
    assert hook.functions == ("cuMemAlloc_v2",)


def test_the_guide(tmp_path: Path) -> None:
    """Its policy refuses what is over the limit and shows what is not."""
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/policies.md").read_text(), re.DOTALL)
    path = tmp_path / "limit.py"
    path.write_text(block)
    allocate = (
        "import ctypes\n"
        "cuda = ctypes.CDLL('libcuda.so.1')\n"
        "pointer, context = ctypes.c_uint64(), ctypes.c_void_p()\n"
        "cuda.cuInit(0)\n"
        "cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)\n"
        "cuda.cuCtxSetCurrent(context)\n"
        "print([cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size << 20)) for size in (1, 9)])\n"
    )
    done = run_preloaded([sys.executable, "-c", allocate], policy=path, options="limit=8MiB", log="info")
    assert done.stdout == "[0, 2]\n", done.stderr
    assert re.search(r"cuMemAlloc_v2: allocated address=0x[0-9a-f]+ bytes=1048576", done.stderr)
