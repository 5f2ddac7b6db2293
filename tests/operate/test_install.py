"""What `install` writes, keeps and takes away. The bundle is a small one: its files are copied like any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import clean_environment, run

from operate.conftest import OLLAMA, Cli
from vgpu_embed.inspect.unit import Unit, words

POLICY = "from vgpu_embed import Policy\npolicy = Policy()\nlimit = policy.option('limit', 8)\n"
DROPIN = "etc/systemd/system/ollama.service.d/vgpu-embed.conf"


def a_bundle(folder: Path, digest: str) -> Path:
    """A folder that says it is a bundle."""
    folder.mkdir()
    told = {"version": "0.1.0", "python": "3.11", "glibc": "2.34", "digest": digest}
    (folder / "bundle.json").write_text(json.dumps(told))
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return a_bundle(tmp_path / "one", "1" * 64)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return a_bundle(tmp_path / "two", "2" * 64)


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: mode, time of change, content."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns if path.is_file() else 0,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }


def variables(root: Path) -> dict[str, str]:
    return Unit("ollama", root).environment


def test_twice_is_once(cli: Cli, root: Path, one: Path) -> None:
    arguments = ("install", "ollama", "--root", root, "--bundle", one, "--gpu", "h100")
    first = cli(*arguments)
    assert (first.returncode, first.stderr) == (0, "")
    before = tree(root)
    again = cli(*arguments)
    assert again.stdout == "ollama.service is as it should be: nothing to do\n"
    assert tree(root) == before
    library = f"/opt/vgpu-embed/0.1.0-{'1' * 12}/lib/python3/site-packages/vgpu_embed"
    assert variables(root) == {
        "PATH": f"{library}/smi/bin:/usr/local/bin:/usr/bin:/bin",
        "LD_PRELOAD": f"{library}/libvgpu-cuda.so:{library}/virtual/lib/libcuda.so.1",
        "LD_LIBRARY_PATH": f"{library}/virtual/lib",
        "VGPU_GPU": "h100",
        "VGPU_MODE": "virtual",
        "VGPU_LOG": "info",
        "VGPU_LOG_FILE": "journal:",
    }


def test_an_upgrade_keeps_the_users_options(cli: Cli, root: Path, one: Path, two: Path, tmp_path: Path) -> None:
    policy, profile = tmp_path / "mine.py", tmp_path / "gpu.toml"
    policy.write_text(POLICY)
    profile.write_text(cli("list", "gpus", "t4", "--toml").stdout)
    given = ("--policy", policy, "--policy", "quota", "--set", "limit=16", "--gpu", f"2x{profile}:memory=8GiB")
    first = cli("install", "ollama", "--root", root, "--bundle", one, *given, "--log", "debug")
    assert (first.returncode, first.stderr) == (0, "")
    file = root / DROPIN
    file.write_text(file.read_text().replace("limit=16", "limit=32") + "Environment=OLLAMA_DEBUG=1\nNice=5\n")
    policy.unlink()
    profile.unlink()
    again = cli("install", "ollama", "--root", root, "--bundle", two, "--log", "info")
    assert (again.returncode, again.stderr) == (0, "")
    after = variables(root)
    assert after["VGPU_POLICY"] == "/etc/vgpu-embed/ollama/mine.py;quota"
    assert after["VGPU_GPU"] == "2x/etc/vgpu-embed/ollama/gpu.toml:memory=8GiB"
    assert after["VGPU_SET"] == "limit=32"
    assert after["VGPU_LOG"] == "info"
    assert after["OLLAMA_DEBUG"] == "1"
    assert Unit("ollama", root).value("Nice") == "5"
    assert f"/0.1.0-{'2' * 12}/" in after["LD_PRELOAD"]
    assert [path.name for path in (root / "opt/vgpu-embed").iterdir()] == [f"0.1.0-{'2' * 12}"]
    assert (root / "etc/vgpu-embed/ollama/mine.py").read_text() == POLICY


def test_uninstall_leaves_no_trace(cli: Cli, root: Path, one: Path, tmp_path: Path) -> None:
    policy = tmp_path / "mine.py"
    policy.write_text(POLICY)
    before = tree(root)
    cli("install", "ollama", "--root", root, "--bundle", one, "--gpu", "h100", "--policy", policy)
    assert len(tree(root)) > len(before)
    done = cli("uninstall", "ollama", "--root", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(root) == before
    again = cli("uninstall", "ollama", "--root", root)
    assert again.returncode == 1
    assert again.stderr == f"vgpu-embed: ollama.service is not under vgpu-embed: there is no {root}/{DROPIN}\n"


def test_services_share_a_bundle_until_the_last_one_leaves(cli: Cli, root: Path, one: Path) -> None:
    (root / "etc/systemd/system/other.service").write_text(OLLAMA)
    for service in ("ollama", "other"):
        cli("install", service, "--root", root, "--bundle", one, "--gpu", "t4")
    cli("uninstall", "ollama", "--root", root)
    assert len(list((root / "opt/vgpu-embed").iterdir())) == 1
    cli("uninstall", "other", "--root", root)
    assert not (root / "opt/vgpu-embed").exists()


def test_what_the_service_preloads_itself_is_kept(cli: Cli, root: Path, one: Path) -> None:
    folder = root / "etc/systemd/system/ollama.service.d"
    folder.mkdir()
    (folder / "override.conf").write_text("[Service]\nEnvironment=LD_PRELOAD=/lib/a.so LD_LIBRARY_PATH=/cuda\n")
    for _ in range(2):
        cli("install", "ollama", "--root", root, "--bundle", one, "--gpu", "h100")
        assert variables(root)["LD_PRELOAD"].endswith("/virtual/lib/libcuda.so.1:/lib/a.so")
        assert variables(root)["LD_LIBRARY_PATH"].startswith("/cuda:/opt/vgpu-embed/")
    cli("uninstall", "ollama", "--root", root)
    assert [path.name for path in folder.iterdir()] == ["override.conf"]


def test_a_dry_run_shows_what_it_would_do_and_does_nothing(cli: Cli, root: Path, one: Path) -> None:
    before = tree(root)
    arguments = ("install", "ollama", "--root", root, "--bundle", one, "--gpu", "h100")
    dry = cli(*arguments, "--dry-run")
    assert tree(root) == before
    real = cli(*arguments)
    shown = "".join(f"    {line}\n" for line in (root / DROPIN).read_text().splitlines())
    assert dry.stdout == "".join(f"would {line}\n" for line in real.stdout.splitlines()) + shown
    before = tree(root)
    dry = cli("uninstall", "ollama", "--root", root, "--dry-run")
    assert tree(root) == before
    assert dry.stdout == "".join(
        f"would {line}\n" for line in cli("uninstall", "ollama", "--root", root).stdout.splitlines()
    )


def sentence(*arguments: str | Path, prefix: tuple[str | Path, ...] = ()) -> tuple[int, str]:
    """How an install fails: its exit code and its one line."""
    done = run([*prefix, sys.executable, "-m", "vgpu_embed.cli", "install", *arguments])
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return done.returncode, line


def test_what_cannot_be_done_is_one_sentence(root: Path, one: Path, two: Path, tmp_path: Path) -> None:
    given = ("--root", root, "--bundle", one, "--gpu", "h100")
    before = tree(root)
    code, line = sentence("nothing", *given)
    assert code == 1
    assert line.startswith(f"vgpu-embed: there is no service nothing.service in {root}/etc/systemd/system, ")
    code, line = sentence("ollama", "--root", root, "--bundle", tmp_path, "--gpu", "h100")
    assert (code, line.split(":")[1]) == (125, f" {tmp_path} is no bundle of vgpu-embed")
    same = tmp_path / "elsewhere/quota.py"
    same.parent.mkdir()
    for path, text in ((tmp_path / "quota.py", POLICY), (same, POLICY + "# another\n")):
        path.write_text(text)
    code, line = sentence("ollama", *given, "--policy", same, "--policy", tmp_path / "quota.py")
    assert (code, "two files are named quota.py" in line) == (125, True)
    (root / "opt").chmod(0o700)
    code, line = sentence("ollama", *given)
    assert (code, line) == (
        125,
        f"vgpu-embed: {root}/opt is closed to the user ollama of ollama.service: chmod o+x {root}/opt",
    )
    (root / "opt").chmod(0o755)
    assert tree(root) == before


def test_who_is_not_root_is_told_to_be(root: Path, one: Path) -> None:
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")  # wherever these files are
    prefix = ("setpriv", "--reuid=65534", "--clear-groups", *reading)
    code, line = sentence("ollama", "--root", root, "--bundle", one, "--gpu", "h100", prefix=prefix)
    assert (code, line) == (
        125,
        "vgpu-embed: ollama.service is root's to change: run this with sudo, or with --dry-run",
    )


def test_a_read_only_system_is_one_sentence(root: Path, one: Path) -> None:
    script = f'mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", script, "sh")
    code, line = sentence("ollama", "--root", root, "--bundle", one, "--gpu", "h100", prefix=prefix)
    assert code == 125
    assert line == f"vgpu-embed: {root}/opt/vgpu-embed cannot be written: Read-only file system"


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [((), ["daemon-reload"]), (("--restart",), ["daemon-reload", "restart ollama.service"])],
    ids=["offered", "asked-for"],
)
def test_a_restart_is_offered_and_not_forced(
    arguments: tuple[str, ...], asked: list[str], root: Path, one: Path, tmp_path: Path
) -> None:
    """On the running system, whose folders are this test's own in a mount namespace."""
    tool = tmp_path / "bin/systemctl"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    tool.chmod(0o755)
    for name in ("etc", "opt"):
        (root / name).mkdir(exist_ok=True)
    mounts = f"mount --bind {root}/etc/systemd /etc/systemd && mount --bind {root}/opt /opt"
    mounts += " && mount -t tmpfs none /run && mkdir -p /run/systemd/system"
    command = [
        sys.executable,
        "-m",
        "vgpu_embed.cli",
        "install",
        "ollama",
        "--bundle",
        one,
        "--gpu",
        "h100",
        *arguments,
    ]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'mkdir -p /etc/systemd && {mounts} && exec "$@"', "sh", *map(str, command)],
        env={**clean_environment(), "PATH": f"{tool.parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "asked").read_text().splitlines() == asked
    assert ("in force after: systemctl restart ollama.service\n" in done.stdout) == (not arguments)


def test_lines_are_split_as_systemd_splits_them() -> None:
    line = r"""  "A=b c" B=d "C=\"x\" \\ y" D=100%%  'E=f g' """
    assert words(line) == ["A=b c", "B=d", 'C="x" \\ y', "D=100%", "E=f g"]
