"""The Pythons of this machine that the library can embed: CPython 3.10 to 3.13 with a shared libpython.

python3 tests/pythons.py            the versions beside this one, "3.10 3.12"
python3 tests/pythons.py --path 3.12    where that one is
python3 tests/pythons.py --check    whether this one will do; says what is missing
"""

from __future__ import annotations

import glob
import os
import subprocess
import sys

OLDEST, NEWEST = 10, 13

PROBE = """
import os, sys, sysconfig
name = "libpython{}.{}.so.1.0".format(*sys.version_info)
folders = [sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
folders.append(os.path.join(sys.base_prefix, "lib", sysconfig.get_config_var("MULTIARCH") or ""))
shared = any(f and os.path.exists(os.path.join(f, name)) for f in folders)
headers = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
import venv, ensurepip
print("{}.{}".format(*sys.version_info), int(shared), int(headers))
"""


def probe(python: str) -> tuple[str, bool, bool] | None:
    """Version, whether libpython is shared, whether the headers are there; None if it does not run."""
    try:
        done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    version, shared, headers = done.stdout.split()
    return version, shared == "1", headers == "1"


def candidates(version: str) -> list[str]:
    """Where a version may be: pyenv's folder, the path."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    places = sorted(glob.glob(f"{pyenv}/versions/{version}.*/bin/python3"))
    places += [os.path.join(folder, f"python{version}") for folder in os.get_exec_path()]
    return [place for place in places if os.access(place, os.X_OK)]


def find(version: str) -> str | None:
    """A Python of this version that can be embedded."""
    return next((p for p in candidates(version) if probe(p) == (version, True, True)), None)


def check() -> str:
    """What this Python lacks, in a sentence; "" if nothing."""
    version = "{}.{}".format(*sys.version_info)
    if not OLDEST <= sys.version_info[1] <= NEWEST:
        return f"{sys.executable} is Python {version}; use 3.{OLDEST} to 3.{NEWEST}: make PYTHON=python3.{NEWEST}"
    found = probe(sys.executable)
    if found is None:
        return f"{sys.executable} has no venv module (Debian, Ubuntu: apt install python{version}-venv)"
    if not found[1]:
        return (
            f"{sys.executable} has no shared libpython{version} (Debian, Ubuntu: apt install libpython{version}; "
            f"pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version})"
        )
    if not found[2]:
        return f"{sys.executable} has no headers (Debian, Ubuntu: apt install python{version}-dev)"
    return ""


def main(arguments: list[str]) -> int:
    """The command line."""
    if arguments[:1] == ["--check"]:
        problem = check()
        if problem:
            print(f"vgpu_embed: {problem}", file=sys.stderr)
        return 1 if problem else 0
    if arguments[:1] == ["--path"]:
        place = find(arguments[1])
        if not place:
            print(
                f"vgpu_embed: there is no Python {arguments[1]} that can be embedded",
                file=sys.stderr,
            )
            return 1
        print(place)
        return 0
    versions = [f"3.{minor}" for minor in range(OLDEST, NEWEST + 1) if minor != sys.version_info[1]]
    print(*(version for version in versions if find(version)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
