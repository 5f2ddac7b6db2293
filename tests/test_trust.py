"""What root does not load. Needs root, as only root can give files away."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vgpu_embed.trust import distrust

SOMEBODY = 4242
TAGS = {"owner": 0x01, "user": 0x02, "group": 0x04, "mask": 0x10, "others": 0x20}  # linux/posix_acl.h


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that only root may write, two folders down."""
    folder = tmp_path / "etc/policies"
    folder.mkdir(parents=True)
    file = folder / "quota.py"
    file.write_text("from vgpu_embed import Policy\npolicy = Policy()\n")
    file.chmod(0o644)
    return file


def test_roots_own_file_is_trusted_below_a_sticky_folder(policy: Path) -> None:
    (shared := policy.parent).chmod(0o1777)
    assert distrust(str(policy)) == ""
    os.chown(shared, 0, SOMEBODY)
    shared.chmod(0o1770)
    assert distrust(str(policy)) == ""


def gives_away(path: Path) -> None:
    os.chown(path, SOMEBODY, 0)


def opens_to_all(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def opens_to_a_group(path: Path) -> None:
    os.chown(path, 0, SOMEBODY)
    path.chmod(path.stat().st_mode | 0o020)


def opens_to_a_listed_user(path: Path) -> None:
    """As `setfacl -m u:4242:rwx`."""
    entries = [("owner", 7, -1), ("user", 7, SOMEBODY), ("group", 5, -1), ("mask", 7, -1), ("others", 5, -1)]
    packed = b"".join(struct.pack("<HHi", TAGS[tag], rights, who) for tag, rights, who in entries)
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)


WAYS: dict[Callable[[Path], None], str] = {
    gives_away: "{} belongs to user 4242",
    opens_to_all: "everybody may write {}",
    opens_to_a_group: "group 4242 may write {}",
    opens_to_a_listed_user: "users of an access list may write {}",
}


@pytest.mark.parametrize("up", [0, 1, 2], ids=["file", "folder", "folder-above"])
@pytest.mark.parametrize("change", WAYS, ids=lambda change: change.__name__)
def test_what_others_may_write_is_refused(change: Callable[[Path], None], up: int, policy: Path) -> None:
    place = (policy, *policy.parents)[up]
    change(place)
    assert distrust(str(policy)) == (
        f"{policy}: {WAYS[change].format(place)}, and this process runs as root; "
        "put the file where only root may write (chown root, chmod go-w)"
    )


def test_roots_group_may_write(policy: Path) -> None:
    policy.chmod(0o664)
    assert distrust(str(policy)) == ""


def test_a_link_is_judged_where_it_lies_and_where_it_leads(policy: Path, tmp_path: Path) -> None:
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    (link := sticky / "quota.py").symlink_to("../etc/../etc/policies/./quota.py")
    assert distrust(str(link)) == ""
    os.lchown(link, SOMEBODY, 0)
    assert f"{link} belongs to user 4242" in distrust(str(link))
    os.lchown(link, 0, 0)
    opens_to_all(policy.parent)
    assert f"everybody may write {policy.parent}" in distrust(str(link))


def test_what_lies_before_dots_counts(policy: Path) -> None:
    """A folder that others may write could become a link to anywhere before its `..` is followed."""
    opens_to_all(policy.parent)
    way = policy.parent / "../../open.py"
    (policy.parents[2] / "open.py").touch(0o644)
    assert f"everybody may write {policy.parent}" in distrust(str(way))


def test_a_relative_path_and_a_loop_and_a_missing_file(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(policy.parent)
    assert distrust("quota.py") == ""
    opens_to_all(policy.parents[1])
    assert f"everybody may write {policy.parents[1]}" in distrust("quota.py")
    (tmp_path / "loop").symlink_to("loop")
    assert "too many symbolic links" in distrust(str(tmp_path / "loop"))
    with pytest.raises(FileNotFoundError):
        distrust(str(tmp_path / "missing.py"))


ASK = """
import os, sys
sys.path.insert(0, sys.argv[2])
from vgpu_embed.trust import distrust
os.{change}
print(distrust(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("change", "answer"),
    [("setuid(4242)", ""), ("setresuid(4242, 4243, 0)", "everybody may write {}, and this process is setuid")],
    ids=["user", "setuid"],
)
def test_who_is_not_root_decides_alone_unless_setuid(change: str, answer: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, where others may look
        os.chmod(folder, 0o755)
        policy = Path(folder, "policy.py")
        policy.touch()
        policy.chmod(0o666)
        program = [sys.executable, "-c", ASK.format(change=change), str(policy), str(Path(__file__).parents[1])]
        said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert answer.format(policy) in said if answer else said == "\n"
