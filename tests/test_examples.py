"""Every example does what it says; the README's policy loads and works."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
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
    assert loaded.handlers or loaded.observers or loaded.devices


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
    [hook] = policy.load(str(path)).handlers
    assert hook.functions == ("cuMemAlloc_v2",)


# ---- the guide -------------------------------------------------------------------------------------------------------

PAGES = [
    *(ROOT / f"docs/{name}.md" for name in ("policies", "testing", "testing-gpu-software", "traces", "kernels")),
    *sorted((ROOT / "docs").glob("policy-*.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of code of a page."""
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == language]


def write_files(page: Path, folder: Path) -> list[Path]:
    """Writes the files of a page: each block of Python begins with its name."""
    written = []
    for text in blocks(page, "python"):
        named = re.match(r"# (\w+\.py)\n", text)
        assert named, f"{page.name}: a block without a file name:\n{text}"
        written.append(folder / named[1])
        written[-1].write_text(text, "utf-8")
    assert len({*written}) == len(written)
    return written


def run_console(session: str, folder: Path, prefix: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """Runs the commands of a block in one shell, over the fake driver: each with what it should print, and does."""
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    mark = "-- next command --"
    script = "".join(f"{command}\necho '{mark}'\n" for command, _ in commands)
    path = f"{Path(sys.executable).parent}:{support.clean_environment()['PATH']}"
    env = {"LD_LIBRARY_PATH": str(support.fake_driver()), "PATH": path}
    done = support.run([*prefix, "bash", "-c", f"cd {folder}; exec 2>&1\n{script}"], env=env)
    printed = done.stdout.split(mark + "\n")
    assert len(printed) == len(commands) + 1, done.stdout
    return [(command, expected, output) for (command, expected), output in zip(commands, printed, strict=False)]


CONSOLES = [(page, number) for page in PAGES for number in range(len(blocks(page, "console")))]


@pytest.mark.parametrize(("page", "number"), CONSOLES, ids=[f"{page.stem}-{number}" for page, number in CONSOLES])
def test_what_a_page_shows(page: Path, number: int, tmp_path: Path) -> None:
    """Commands print what stands below them; `…` is anything, and blanks are blanks."""
    write_files(page, tmp_path)
    compare(run_console(blocks(page, "console")[number], tmp_path))


def compare(session: list[tuple[str, str, str]]) -> None:
    """Fails where a command did not print what a page shows."""
    for command, expected, output in session:
        pattern = re.escape(" ".join(expected.split())).replace("…", ".*")
        if not re.fullmatch(pattern, " ".join(output.split())):
            pytest.fail(f"$ {command}\n{output}is not\n{expected}", pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies load, tests pass."""
    monkeypatch.chdir(tmp_path)
    files = write_files(page, tmp_path)
    for path in files:
        if re.search(r"^policy = Policy", path.read_text("utf-8"), re.MULTILINE):
            loaded = policy.load(str(path))
            policy.apply_settings([loaded], [])
            assert loaded.handlers or loaded.observers or loaded.kernels
    tests = [path.name for path in files if path.name.startswith("test_")]
    if tests:
        done = support.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", *tests])
        assert done.returncode == 0, done.stdout + done.stderr
