"""Installs node-llama-cpp with its CUDA backend, as node/package-lock.json pins it, beside the other real programs.

Prints the folder, in which generate.mjs lies.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from fetch import DESTINATION, TIME_LIMIT, FetchError

PINS = Path(__file__).resolve().parent / "node"
# Not "npm ci": it insists on packages for other systems, of which some are in no registry.
INSTALL = (
    "npm",
    "install",
    "--no-save",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--omit=optional",
)


def install(destination: Path = DESTINATION / "node") -> Path:
    """Return the folder, which npm fills where it has not been filled from the same pins. Raises FetchError."""
    destination.mkdir(parents=True, exist_ok=True)
    files = sorted(PINS.iterdir())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = destination / "installed"
    with (destination / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text("utf-8") == digest:
            return destination
        for file in files:
            shutil.copy(file, destination)
        try:
            subprocess.run(INSTALL, cwd=destination, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
        except FileNotFoundError:
            raise FetchError("npm, which installs node-llama-cpp, is not on PATH: install it") from None
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = " ".join(str(error.stderr or error).split())[:300]
            raise FetchError(f"npm cannot install node-llama-cpp: {said}") from error
        stamp.write_text(digest, "utf-8")
    return destination


if __name__ == "__main__":
    try:
        print(install())
    except FetchError as problem:
        sys.exit(f"node.py: {problem}")
