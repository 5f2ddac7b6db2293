"""Builds the binaries into a folder, the preloaded library instrumented: python instrument.py FOLDER FLAG…"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from vgpu_embed import record  # noqa: E402


def main(folder: Path, flags: list[str]) -> None:
    """Leaves FOLDER/lib/vgpu_embed; it embeds the Python that runs this, whose vgpu_embed's Python half it uses."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "-b", folder / "lib", "-t", folder / "temp"],
        cwd=ROOT,
        env={**os.environ, "VGPU_CFLAGS": " ".join(flags)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    (folder / "lib/vgpu_embed" / record.RECORD.name).write_text(record.text())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
