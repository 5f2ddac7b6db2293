"""The docker-compose example: right by the schema, and its service does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import programs
import pytest
from ruamel.yaml import YAML
from support import TESTS, run

from operate.room import Room

EXAMPLE = TESTS.parent / "examples/ollama.compose.yaml"


def test_it_follows_the_compose_specification(tmp_path: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run([*check, EXAMPLE])
    assert done.returncode == 0, done
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(EXAMPLE.read_text().replace("    volumes:", "    volume:"))
    assert run([*check, wrong]).returncode == 1


@pytest.mark.xdist_group("operate")
def test_its_service_finds_the_gpu_and_shows_the_log(bundle: Path, tmp_path: Path) -> None:
    """With its environment and its mounts, as root and as process 1, where there is no Python."""
    service = YAML(typ="safe").load(EXAMPLE.read_text())["services"]["ollama"]
    room = Room(tmp_path / "root")
    outside, inside, access = service["volumes"][0].split(":")
    assert (outside, access) == ("./bundle", "ro")
    room.show_at(bundle, inside.lstrip("/"))
    programs.ollama_tree(room.root / "usr")
    room.show(programs.real_libraries())
    done = room.run(["/usr/bin/ollama", "discover", "/usr/lib/ollama"], env=service["environment"], user=0)
    assert re.search(r'msg="inference compute" .*library=CUDA compute=9\.0 ', done.stderr), done.stderr
    assert re.search(r'\[libvgpu-cuda\] dlsym\(handle=0x\w+, "cuInit"\) called', done.stderr)
    assert done.stdout == ""
