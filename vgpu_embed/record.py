"""The record beside the library: which Python it embeds, for installations whose place does not say.

`vgpu-embed run` and `env` write it; the library reads it first and falls back to its own location (csrc/python.c).
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LIBRARY = PACKAGE / "libvgpu-cuda.so"
RECORD = PACKAGE / "libvgpu-cuda.python"


def libpython() -> Path | None:
    """The shared libpython of the running interpreter, or None if it was built without."""
    name = "libpython{}.{}.so.1.0".format(*sys.version_info)
    folders = [sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
    folders.append(os.path.join(sys.base_prefix, "lib", sysconfig.get_config_var("MULTIARCH") or ""))
    for folder in folders:
        if folder and os.path.exists(os.path.join(folder, name)):
            return Path(folder, name)
    return None


def text() -> str:
    """The record's lines for the running interpreter; "" where it is not the one that the core was built for."""
    library = libpython()
    if library is None or not (PACKAGE / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}").exists():
        return ""
    paths = [str(PACKAGE.parent)]
    for module in ("cffi", "psutil", "elftools"):
        found = importlib.util.find_spec(module)
        if found and found.origin:
            paths.append(str(Path(found.origin).parent.parent))
    lines = ["# Which Python libvgpu-cuda.so embeds. Written by vgpu-embed; may be deleted."]
    lines += [f"libpython={library}", f"home={sys.base_prefix}", f"executable={sys.executable}"]
    return "\n".join([*lines, *(f"path={path}" for path in dict.fromkeys(paths)), ""])


def write() -> None:
    """Writes the record where it is missing or wrong; whole or not at all, and silently not where it may not."""
    wanted = text()
    beside = RECORD.with_name(f"{RECORD.name}.{os.getpid()}")
    try:
        if not wanted or (RECORD.exists() and RECORD.read_text() == wanted):
            return
        beside.write_text(wanted)
        beside.chmod(0o644)  # whatever the umask: the library does not read what others may write
        os.replace(beside, RECORD)
    except OSError:
        beside.unlink(missing_ok=True)
