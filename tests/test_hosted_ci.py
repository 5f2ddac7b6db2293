"""The recipe for a hosted CI: its steps, run as they stand, not as root, over a wheel of a clean copy."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import support
import yaml
from embed.test_installing import needs_wheel, wheel
from test_examples import ROOT, blocks, write_files

PAGE = ROOT / "docs/testing-gpu-software.md"
NOBODY = 65534


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A team's: the files of the page, and the wheel."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        repository = Path(name) / "team"
        (repository / "wheels").mkdir(parents=True)
        shutil.copy(wheel(tmp_path_factory.getbasetemp()), repository / "wheels")
        write_files(PAGE, repository)
        yield repository


class Runner:
    """A hosted CI's machine: whose user is nobody, where this is root, and whose Python is a fresh one.

    pip finds what the wheel needs without asking an index. This Python may be in a folder that is closed to others, so
    it is shown in one that is not.
    """

    def __init__(self, folder: Path) -> None:
        self._python = Path(sys.base_prefix) if os.geteuid() else folder / "python"
        self._python.mkdir(exist_ok=True)
        (folder / "needed").mkdir()
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if "vgpu_embed" not in path.name and not path.name.endswith(".pth"):
                (folder / "needed" / path.name).symlink_to(path)
        search = f"{folder}/venv/bin:{os.environ['PATH']}"
        self._env = {"PATH": search, "HOME": str(folder), "PIP_NO_INDEX": "1"}
        for one in (folder, *folder.rglob("*")):
            if not one.is_symlink() and not os.geteuid():
                os.chown(one, NOBODY, NOBODY)
        python = "python{}.{}".format(*sys.version_info)
        self.run(f"{self._python}/bin/{python} -m venv {folder}/venv", folder)
        self.run(f"echo {folder}/needed > {folder}/venv/lib/{python}/site-packages/needed.pth", folder)

    def run(self, script: str, folder: Path) -> str:
        """What a step prints; AssertionError if it fails."""
        reading = "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"  # wherever the packages are
        user = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {reading}"
        shown = f"mount --rbind {sys.base_prefix} {self._python}; cd {folder}; exec {user}"
        command = ["bash", "-ec", script]
        if os.geteuid():
            command = ["bash", "-ec", f"cd {folder}; {script}"]
        else:
            inside = ["sh", "-ec", f'{shown} "$@"', "sh", *command]
            command = ["unshare", "--mount", "--propagation", "private", *inside]
        done = support.run(command, env=self._env, timeout=500)
        assert done.returncode == 0, f"{script}:\n{done.stdout}{done.stderr}"
        return done.stdout


@needs_wheel
@pytest.mark.timeout(600)
def test_each_step(repository: Path) -> None:
    runner = Runner(repository.parent)
    (recipe,) = blocks(PAGE, "yaml")
    (job,) = yaml.safe_load(recipe)["jobs"].values()
    printed = {step["name"]: runner.run(step["run"], repository) for step in job["steps"] if "run" in step}
    assert printed["Show the GPUs"].count("NVIDIA H100 80GB HBM3") == 2
    assert re.search(r"= 7 passed in ", printed["Test"]), printed["Test"]
    where = runner.run("cd /; python -c 'import vgpu_embed; print(vgpu_embed.__file__)'", repository)
    assert where.startswith(f"{repository.parent}/venv/")
