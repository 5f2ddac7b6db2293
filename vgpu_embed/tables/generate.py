"""Writes the committed tables from NVIDIA's headers; development time only.

`python -m vgpu_embed.tables.generate` writes them, `--check` compares instead.
Needs libclang, pyelftools and gcc's own headers.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from itertools import zip_longest
from pathlib import Path

from .generator import calls, declarations, enumerations, packages, rows, transcript
from .generator.headers import HeaderError

PACKAGE = Path(__file__).parent.parent


def generate(cache: Path) -> dict[Path, str]:
    """Everything generated: file, text."""
    includes = packages.fetch(cache)
    lists = rows.Lists(includes, partial(packages.exported, cache))
    enums = enumerations.collect(lists.units)
    structures = {
        "cudaDeviceProp_v11": lists.structure("11", "cudaGetDeviceProperties"),
        "cudaDeviceProp_v12": lists.structure("12", "cudaGetDeviceProperties_v2"),
        "cudaDeviceProp_v13": lists.structure("13", "cudaGetDeviceProperties"),
        "cudaFuncAttributes_v11": lists.structure("11", "cudaFuncGetAttributes"),
    }
    tables = PACKAGE / "tables"
    return {
        tables / "driver.tsv": rows.text(lists.driver, "libcuda.so.1: functions of the CUDA driver"),
        tables / "runtime.tsv": rows.text(lists.runtime, "libcudart.so: functions of the CUDA runtime"),
        tables / "cublas.tsv": rows.text(lists.cublas, "libcublas.so and libcublasLt.so: functions of cuBLAS"),
        tables / "nvml.tsv": rows.text(lists.nvml, "libnvidia-ml.so.1: functions of NVML"),
        tables / "getproc.tsv": transcript.text(rows.DATA / rows.TRANSCRIPT),
        tables / "enums.tsv": enumerations.text(enums),
        tables / "types.cdef": declarations.text(lists.prototypes(), structures),
        PACKAGE / "enums.pyi": enumerations.stub(enums),
        PACKAGE / "calls.pyi": calls.stub(lists.driver),
    }


def difference(path: Path, wanted: str) -> str | None:
    """Where a committed file departs from what would be generated; None if nowhere."""
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    pairs = zip_longest(committed.splitlines(), wanted.splitlines())
    for number, (old, new) in enumerate(pairs, 1):
        if old != new:
            return f"{path}:{number}: committed {_shown(old)}, generated {_shown(new)}"
    return None if committed == wanted else f"{path}: the last line's end differs"


def _shown(line: str | None) -> str:
    return "nothing" if line is None else repr(line if len(line) < 200 else line[:200] + "...")


def main() -> int:
    """Write the tables, or with --check say which of them is not what would be written."""
    parser = argparse.ArgumentParser(prog="python -m vgpu_embed.tables.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    parser.add_argument("--cache", type=Path, default=Path(".venv/headers"), help="folder of headers")
    options = parser.parse_args()
    try:
        texts = generate(options.cache)
    except (packages.HeadersMissing, HeaderError) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        for path, wanted in texts.items():
            path.write_text(wanted, encoding="utf-8")
        return 0
    found = [where for path, wanted in texts.items() if (where := difference(path, wanted))]
    for where in found:
        print(where, file=sys.stderr)
    if found:
        print("run python -m vgpu_embed.tables.generate and commit what it writes", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
