"""A copy of the package whose library is built from changed sources, and the tests run against it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from support import TESTS, clean_environment

from .mutations import Mutation

ROOT = TESTS.parent
LIBRARY = "libvgpu-cuda.so"

RECORDER = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["RECORD"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
"""
"""In the compiler's place: notes what it was told."""

PREPARE = """
import compileall
from vgpu_embed import record
record.write()
compileall.compile_dir("vgpu_embed", quiet=2)
"""
WHERE = "import pathlib, vgpu_embed; print(pathlib.Path(vgpu_embed.__file__).parent)"


def interpreter(mutation: Mutation) -> Path:
    """The Python that a mutation is tried with: this one, or the only one where it matters."""
    minor = mutation.python
    if minor in (None, sys.version_info[1]):
        return Path(sys.executable)
    other = ROOT / f".venvs/3.{minor}/bin/python"
    assert other.exists(), f"{mutation.name} matters to Python 3.{minor} only: make .venvs/3.{minor}/build.stamp"
    return other


def run(command: Iterable[str | Path], folder: Path, **env: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder."""
    words = [str(word) for word in command]
    variables = {**clean_environment(), **{name: str(value) for name, value in env.items()}}
    return subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True)


def checked(command: Sequence[str | Path], folder: Path, **env: str | Path) -> str:
    """Runs a command that has to work; what it printed."""
    done = run(command, folder, **env)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


class Copy:
    """A copy of an interpreter's package in a folder of its own, and of the source of its library."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python
        self.package = folder / "vgpu_embed"
        shutil.copytree(checked([python, "-c", WHERE], folder).strip(), self.package)
        (self.package / "libvgpu-cuda.python").unlink(missing_ok=True)
        checked([python, "-c", PREPARE], folder)
        self.compile = self._compile_line()
        self.sources = {file: file.read_text() for file in (folder / "source/csrc").iterdir() if file.is_file()}

    def _compile_line(self) -> list[str]:
        """How setup.py has the library compiled; not what it is called."""
        source, recorder, record = self.folder / "source", self.folder / "recorder", self.folder / "record"
        shutil.copytree(ROOT / "csrc", source / "csrc")
        shutil.copytree(ROOT / "vgpu_embed", source / "vgpu_embed", ignore=shutil.ignore_patterns("*.so*"))
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(ROOT / name, source)
        recorder.write_text(RECORDER)
        recorder.chmod(0o755)
        build: list[str | Path] = [
            self.python,
            "setup.py",
            "-q",
            "build_ext",
            "-b",
            self.folder / "built",
            "-t",
            self.folder / "temp",
        ]
        checked(build, source, CC=recorder, RECORD=record)
        lines: list[list[str]] = [json.loads(line) for line in record.read_text().splitlines()]
        (line,) = [line for line in lines if "-o" in line and line[line.index("-o") + 1].endswith(f"/{LIBRARY}")]
        del line[line.index("-o") : line.index("-o") + 2]
        return [os.environ.get("CC") or "cc", *line, "-w"]

    def build(self, mutation: Mutation | None = None) -> None:
        """Builds the library, from changed sources where a mutation says so; compiles what is not as it was."""
        for file, text in self.sources.items():
            changed = mutated(text, mutation) if mutation and file.name == mutation.file else text
            if file.read_text() != changed:
                file.write_text(changed)
        objects = {word: self.folder / f"{Path(word).name}.o" for word in self.compile if word.endswith((".c", ".S"))}
        options = [word for word in self.compile if word not in objects]
        headers = [file.stat().st_mtime_ns for file in self.sources if file.suffix == ".h"]
        for source, target in objects.items():
            if not target.exists() or target.stat().st_mtime_ns <= max(Path(source).stat().st_mtime_ns, *headers):
                checked([*options, "-c", source, "-o", target], self.folder)
        checked([*options, *objects.values(), "-o", self.folder / LIBRARY], self.folder)
        (self.folder / LIBRARY).replace(self.package / LIBRARY)

    def outcomes(self, tests: Iterable[str], limit: float) -> dict[str, str]:
        """Runs tests against the copy; "passed" for each, or why not."""
        file = self.folder / "outcomes.json"
        file.unlink(missing_ok=True)
        options: list[str | Path] = ["-q", "-p", "no:cacheprovider", "-p", "loader.outcomes", "--timeout", "600"]
        options += ["-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "--basetemp", self.folder / "temporary"]
        command = [self.python, "-m", "pytest", *options, *(TESTS / test for test in tests)]
        path = f"{self.folder}:{TESTS}"
        done = run(command, self.folder, PYTHONPATH=path, MUTATION_LIMIT=str(limit), MUTATION_OUTCOMES=file)
        assert done.returncode in (0, 1), f"the tests did not run:\n{done.stdout}{done.stderr}"
        found: dict[str, str] = json.loads(file.read_text())
        return found


def mutated(text: str, mutation: Mutation) -> str:
    """A source with the changes of a mutation; what they replace has to be there once."""
    for old, new in ((mutation.old, mutation.new), *mutation.also):
        count = text.count(old)
        assert count == 1, (
            f"mutation {mutation.name}: csrc/{mutation.file} has its text {count} times, not once: {old!r}; "
            "correct tests/loader/mutations.py"
        )
        text = text.replace(old, new)
    return text
