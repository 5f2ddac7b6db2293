"""Where the loader would find a library, and whether there is a real CUDA driver.

Files are read and never opened through the loader: this process may be preloaded with our own
libraries, which answer to the driver's name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping

from vgpu_embed.inspect.elf import Elf, NotElf

LDCONFIG_FOLDERS = "/sbin:/usr/sbin:/bin:/usr/bin"

SYSTEM_FOLDERS = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
DRIVER_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
    "/usr/local/cuda/compat",
)
"""Where WSL, container images, NixOS and CUDA's compatibility packages put a driver."""

OWN_LIBRARY = "libvgpu-cuda.so"


def cached(name: str) -> Iterator[str]:
    """The paths that the loader's cache has for a library, from ldconfig; small container images may be without."""
    ldconfig = shutil.which("ldconfig", path=LDCONFIG_FOLDERS)
    if ldconfig is None:
        return
    listed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, errors="surrogateescape").stdout
    for line in listed.splitlines():
        key, arrow, path = line.partition(" => ")
        if arrow and key.split()[0] == name:
            yield path


def candidates(name: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Where a library of that name may be, in the loader's order; not all of it exists."""
    environment = os.environ if environment is None else environment
    search = environment.get("LD_LIBRARY_PATH", "")
    for folder in search.replace(";", ":").split(":") if search else ():
        yield os.path.join(folder or ".", name)
    yield from cached(name)
    for folder in SYSTEM_FOLDERS + DRIVER_FOLDERS:
        yield os.path.join(folder, name)


def find(environment: Mapping[str, str] | None = None) -> str | None:
    """The path of the real libcuda.so.1, or None.

    Neither our own alias of that name counts, nor CUDA's link-time stub, nor the empty file that
    container tools leave behind.
    """
    for path in candidates("libcuda.so.1", environment):
        if is_driver(path):
            return os.path.abspath(path)
    return None


def is_driver(path: str) -> bool:
    """Whether that file is a CUDA driver for this machine, and nothing that only bears its name."""
    if os.path.basename(os.path.dirname(os.path.abspath(path))) == "stubs":
        return False
    if os.path.exists(os.path.join(os.path.dirname(os.path.realpath(path)), "../..", OWN_LIBRARY)):
        return False
    try:
        elf = Elf(path)
    except (OSError, NotElf):
        return False
    return elf.native and elf.soname != OWN_LIBRARY and OWN_LIBRARY not in elf.needed
