"""What the host can give, from the kernel's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vgpu_embed.virtual.memory import room

MiB, GiB = 1 << 20, 1 << 30


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with 8 of 16 GiB available, and no control groups."""
    write(tmp_path / "proc/meminfo", f"MemTotal: {16 << 20} kB\nMemFree: 1 kB\nMemAvailable: {8 << 20} kB\n")
    write(tmp_path / "proc/self/cgroup", "")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def group(folder: Path, limit: str, current: int, cache: int = 0, version: int = 2) -> None:
    """A control group."""
    _, limit_file, use_file, cached = room.VERSIONS[version]
    write(folder / limit_file, f"{limit}\n")
    write(folder / use_file, f"{current}\n")
    write(folder / "memory.stat", f"anon 5\n{cached} {cache}\n")


def test_of_the_machine(root: Path) -> None:
    assert room.available(str(root)) == 8 * GiB - room.MARGIN


def test_of_a_control_group_and_those_above(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/outer/inner\n")
    mounted = root / "sys/fs/cgroup"
    group(mounted / "outer/inner", "max", 3 * GiB)
    group(mounted / "outer", str(4 * GiB), 3 * GiB, cache=GiB // 2)
    assert room.available(str(root)) == GiB + GiB // 2 - room.MARGIN


def test_of_a_container_that_sees_its_own_group_only(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/system.slice/docker-1.scope\n")
    group(root / "sys/fs/cgroup", str(256 * MiB), 100 * MiB)
    assert room.available(str(root)) == 156 * MiB - 32 * MiB


def test_of_the_first_version(root: Path) -> None:
    write(root / "proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/jobs\n0::/\n")
    group(root / "sys/fs/cgroup/memory/jobs", str(2 * GiB), GiB, version=1)
    group(root / "sys/fs/cgroup/memory", str((1 << 63) - 4096), GiB, version=1)
    assert room.available(str(root)) == GiB - room.MARGIN


def test_nothing_is_left(root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/\n")
    group(root / "sys/fs/cgroup", str(GiB), GiB)
    assert room.available(str(root)) == 0


def test_a_host_that_says_nothing(tmp_path: Path) -> None:
    assert room.available(str(tmp_path)) > 1 << 50
