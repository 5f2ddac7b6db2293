"""Tests marked `vgpu`, as somebody sees them who runs pytest."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import support

TESTS = """
import ctypes, os, signal, sys, warnings
import pytest

@pytest.fixture(scope="module")
def cuda():
    library = ctypes.CDLL("libcuda.so.1")
    assert library.cuInit(0) == 0
    yield library
    print("cuda is put away")

def count(cuda):
    number = ctypes.c_int()
    cuda.cuDeviceGetCount(ctypes.byref(number))
    return number.value

@pytest.mark.vgpu("2xh100")
@pytest.mark.parametrize("wanted", [2, 3])
def test_count(cuda, wanted, tmp_path, capsys):
    print("not seen")
    assert capsys.readouterr().out == "not seen\\n"
    os.system("echo from a program")
    warnings.warn("careful", DeprecationWarning)
    assert count(cuda) == wanted

@pytest.mark.vgpu("h100", policy="beside.py", set={"name": "Mine"})
def test_policy(cuda):
    name = ctypes.create_string_buffer(32)
    cuda.cuDeviceGetName(name, 32, 0)
    assert name.value == b"Mine"

@pytest.mark.vgpu("h100")
def test_crash():
    print("the last words", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGSEGV)

@pytest.mark.vgpu("h100")
def test_exit():
    os._exit(3)

@pytest.mark.vgpu("h100")
def test_skip():
    pytest.skip("not today")

@pytest.mark.vgpu("h100")
@pytest.mark.xfail(reason="known")
def test_xfail():
    raise ValueError

PTX = b".version 8.0 .target sm_90 .address_size 64 .visible .entry scale(.param .u64 to) { ret; }"

@pytest.mark.vgpu("h100")
def test_shortcut(cuda):
    handle = ctypes.c_void_p()
    assert cuda.cuDevicePrimaryCtxRetain(ctypes.byref(handle), 0) == cuda.cuCtxSetCurrent(handle) == 0
    assert cuda.cuModuleLoadData(ctypes.byref(handle), PTX) == 0
    assert cuda.cuModuleGetFunction(ctypes.byref(handle), handle, b"scale") == 0
    address = ctypes.c_uint64()
    parameters = (ctypes.c_void_p * 1)(ctypes.addressof(address))
    assert cuda.cuLaunchKernel(handle, 1, 1, 1, 1, 1, 1, 0, None, parameters, None) == 0

def test_plain():
    assert "LD_PRELOAD" not in os.environ
"""

POLICY = """
from vgpu_embed import Policy

policy = Policy()
name = policy.option("name", "")

@policy.hook("cuDeviceGetName")
def named(call):
    return call.reply(name=name.value)
"""


def run_pytest(folder: Path, *arguments: str, code: int = 1) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = support.run(["sh", "-c", 'cd "$0" && exec "$@"', folder, *command], timeout=150)
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    return done.stdout


def test_what_is_reported(tmp_path: Path) -> None:
    """With pytest-xdist, whose workers report what the tests' processes report."""
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "beside.py").write_text(POLICY)
    out = run_pytest(tmp_path, "-ra", "-n", "2", "--durations=1", "-vv")
    summary = out.splitlines()[-1]
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", summary.partition(" in ")[0])}
    assert counts == {"failed": 3, "passed": 4, "skipped": 1, "xfailed": 1, "warnings": 2}
    assert "assert 2 == 3\nE        +  where 2 = count(" in out
    assert "- Captured stdout call -----------------------------\nfrom a program\n" in out
    assert "test_some.py::test_count[2]\ntest_some.py::test_count[3]\n" in out.partition(" warnings summary ")[2]
    assert re.search(r"SKIPPED \[1\] \S*test_some\.py:\d+: not today", out)
    assert "XFAIL test_some.py::test_xfail - known" in out
    assert "FAILED test_some.py::test_crash - the test's process was ended by SIGSEGV" in out
    assert "FAILED test_some.py::test_exit - the test's process ended with exit code 3" in out
    assert "Captured stderr -" in out
    assert "the last words\nFatal Python error: Segmentation fault" in out
    named = out.partition(" passed with kernels that were not computed ")[2].splitlines()
    assert named[1] == "test_some.py::test_shortcut: scale"
    assert re.search(r"\d\.\d\ds (setup|call|teardown) +test_some\.py::test_\w+", out)


def test_without_a_mark_nothing_is_loaded(tmp_path: Path) -> None:
    test = "    assert {'vgpu_embed.cli', 'vgpu_embed.pytest_parent'}.isdisjoint(sys.modules)\n"
    (tmp_path / "test_plain.py").write_text(f"import sys\n\ndef test_it():\n{test}")
    run_pytest(tmp_path, "-q", code=0)


def test_a_time_limit_ends_its_process(tmp_path: Path) -> None:
    (tmp_path / "test_slow.py").write_text(
        "import pytest, time\n@pytest.mark.vgpu('h100')\ndef test_slow():\n    time.sleep(600)\n"
    )
    out = run_pytest(tmp_path, "--timeout=8", "-ra")
    assert re.search(r"FAILED test_slow\.py::test_slow - (Failed: )?Timeout \(>8\.0s\) from pytest-timeout", out)


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ('"h1000"', "--gpu h1000: there is no GPU h1000"),
        ('"h100", policy="missing"', "missing"),
        ('"h100", policy="faults", set="faults=cuMemAlloc*:error=NO"', "faults: rule 1"),
        ('"h100", size=3', "@pytest.mark.vgpu has no size=; it takes policy=, set=, kernels="),
        ("", '@pytest.mark.vgpu takes the GPUs as one text, as in @pytest.mark.vgpu("2xh100")'),
    ],
)
def test_mistakes_are_found_at_collection(tmp_path: Path, mark: str, sentence: str) -> None:
    (tmp_path / "test_wrong.py").write_text(f"import pytest\n\n@pytest.mark.vgpu({mark})\ndef test_it():\n    pass\n")
    out = run_pytest(tmp_path, "-q", code=2)
    (line,) = [line for line in out.splitlines() if line.startswith("test_wrong.py:3: ")]
    assert sentence in line
    assert "1 error" in out
