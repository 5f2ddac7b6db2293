"""ollama as a service: installed, judged by systemd, and run as it would run it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import programs
import pytest
from coexist import debs
from support import clean_environment

from operate.conftest import Cli
from operate.room import NOBODY, Journal, Room

pytestmark = [pytest.mark.xdist_group("operate"), pytest.mark.every_python]


def systemds() -> Path:
    """The folder of systemd's files; where they cannot be had, the test fails and says so."""
    try:
        return debs.unpacked(debs.SYSTEMD)
    except debs.FetchError as error:
        raise AssertionError(str(error)) from None


def systemd(program: str, *arguments: str | Path, user: int = 0, **env: str) -> str:
    """Runs a program of systemd's; what it prints, AssertionError if it is not content."""
    folder = systemds()
    libraries = [f"{folder}/usr/lib/x86_64-linux-gnu{sub}" for sub in ("", "/systemd")]
    env = {**clean_environment(), "LD_LIBRARY_PATH": ":".join(libraries), **env}
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # wherever these files are
    command = ["setpriv", f"--reuid={user}", "--clear-groups", *reading, folder / program, *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout + done.stderr


def parsed_environment(dump: str, unit: str) -> dict[str, str]:
    """The environment of a unit in what systemd prints of what it has read."""
    (block,) = re.findall(rf"^\s*-> Unit {re.escape(unit)}:\n(.*?)(?=^\s*-> |\Z)", dump, re.MULTILINE | re.DOTALL)
    pairs = re.findall(r"^\s*Environment: (\w+)=(.*)$", block, re.MULTILINE)
    return dict(pairs)


def test_the_discovery_finds_the_gpu_and_the_journal_tells_how(cli: Cli, bundle: Path, root: Path) -> None:
    """As another user, in a mount namespace without any Python, under a parent that drops stderr."""
    room, journal = Room(root), Journal(root)
    programs.ollama_tree(root / "usr/local")
    room.show(programs.real_libraries())
    unit = root / "etc/systemd/system/ollama.service"
    unit.write_text(unit.read_text().replace("ollama serve", "ollama discover /usr/local/lib/ollama"))
    done = cli("install", "ollama", "--root", root, "--bundle", bundle, "--gpu", "h100")
    assert (done.returncode, done.stderr) == (0, "")

    shutil.copytree(systemds() / "lib/systemd/system", root / "lib/systemd/system", symlinks=True)
    assert systemd("usr/bin/systemd-analyze", "verify", f"--root={root}", "ollama.service") == ""
    dump = systemd(
        "lib/systemd/systemd",
        *("--test", "--user", "--unit=ollama.service"),
        user=NOBODY,  # in test mode it refuses to be root
        HOME="/nonexistent",
        XDG_RUNTIME_DIR="/tmp",
        SYSTEMD_UNIT_PATH=f"{root}/etc/systemd/system:{systemds()}/usr/lib/systemd/user",
    )
    environment = parsed_environment(dump, "ollama.service")
    assert environment["VGPU_GPU"] == "h100"

    command = re.search("ExecStart=(.*)", unit.read_text())
    assert command
    ran = room.run(command[1].split(), env=environment)
    lines = journal.close()
    assert ran.returncode == 0, ran
    assert re.search(r'msg="inference compute" .*library=CUDA compute=9\.0 ', ran.stderr), ran.stderr
    assert "libvgpu-cuda" not in ran.stdout + ran.stderr
    said = [line["MESSAGE"] for line in lines]
    for pattern in (
        r'dlopen\(".*libggml-cuda\.so"\) - libggml-cuda\.so loading',
        r'dlsym\(handle=0x\w+, "cuDeviceGetAttribute"\) called',
        r'dlsym\(\) REDIRECTED "cuDeviceGetAttribute" to shim at 0x\w+',
        r"cuDeviceGetAttribute\(\) CALLED \(attrib=75, dev=0\) -> CUDA_SUCCESS \(pi=9\)",
    ):
        assert any(re.fullmatch(rf"\[libvgpu-cuda\] {pattern} \(pid=\d+\)", line) for line in said), pattern
    assert {line["_UID"] for line in lines} == {str(NOBODY)}
    assert {line["PRIORITY"] for line in lines} == {"6"}
    assert {line["SYSLOG_IDENTIFIER"] for line in lines} == {"libvgpu-cuda"}
    assert len({re.search(r"pid=(\d+)", line)[1] for line in said}) > 4  # type: ignore[index]
