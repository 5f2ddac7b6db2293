"""Build time: NVML's types and functions as cffi's module `vgpu_embed.smi._nvml`, from the one list.

It needs cffi's back end alone, neither a compiler nor a parser nor ctypes' libffi, so that it works in a bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cffi
from cffi import recompiler

from vgpu_embed import tables


def write(target: Path) -> None:
    """Writes the module."""
    declared = cffi.FFI()
    declared.cdef((Path(tables.__file__).parent / "types.cdef").read_text())
    declared.cdef("\n".join(prototypes()))
    target.parent.mkdir(parents=True, exist_ok=True)
    recompiler.make_py_source(declared, "vgpu_embed.smi._nvml", str(target))


def prototypes() -> Iterator[str]:
    """A declaration of each function whose parameters are known."""
    for name in tables.names("nvml"):
        row = tables.function(name)
        if row.parameters is not None and not row.variable:
            parameters = ", ".join(parameter.ctype for parameter in row.parameters)
            yield f"{row.result} {name}({parameters or 'void'});"
