"""docs/operating.md: its commands, on a system whose /etc/systemd, /opt and /run are the test's own."""

from __future__ import annotations

import sys
from pathlib import Path

import programs
import pytest
from support import TESTS
from test_examples import blocks, compare, run_console

PAGE = TESTS.parent / "docs/operating.md"


@pytest.mark.xdist_group("operate")
def test_ollama_as_a_service(bundle: Path, root: Path, tmp_path: Path) -> None:
    """sudo and systemctl are stand-ins: this is root already, and there is no systemd. To save time, only the first
    install makes its bundle; another one has to have the same content."""
    tools = tmp_path / "tools"
    tools.mkdir()
    made = f'if [ "$1" = install ] && [ -d /opt/vgpu-embed ]; then set -- "$@" --bundle {bundle}; fi'
    for name, does in {
        "sudo": 'exec "$@"',
        "systemctl": f'echo "$@" >> {tmp_path}/asked',
        "vgpu-embed": f'{made}\nexec {Path(sys.executable).parent}/vgpu-embed "$@"',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{does}\n")
        (tools / name).chmod(0o755)
    unit = root / "etc/systemd/system/ollama.service"
    unit.write_text(unit.read_text().replace("/usr/local/bin/ollama", "/opt/ollama/bin/ollama"))
    programs.ollama_tree(root / "opt/ollama")
    mounts = [
        f"mkdir -p /etc/systemd && mount --bind {root}/etc/systemd /etc/systemd",
        f"mount --bind {root}/opt /opt",
        "mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/systemd/journal",
        "touch /run/systemd/journal/socket",
        f'PATH={tools}:$PATH exec "$@"',
    ]
    prefix = ["unshare", "--mount", "sh", "-c", " && ".join(mounts), "sh"]
    for session in blocks(PAGE, "console"):
        compare(run_console(session, tmp_path, prefix))
    assert (tmp_path / "asked").read_text().splitlines() == ["daemon-reload", "restart ollama", *["daemon-reload"] * 2]
