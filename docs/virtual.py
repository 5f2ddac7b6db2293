"""Writes docs/virtual.md: which functions virtual GPUs implement, asked of what answers. Not committed."""

from pathlib import Path

from vgpu_embed import tables
from vgpu_embed.embed.redirect import REGISTRATIONS
from vgpu_embed.testing import FakeDriver
from vgpu_embed.virtual.runtime import passed

HEAD = """# What virtual GPUs implement

Of each library: functions that are implemented, those that are in part, and those that are missing. A missing one
returns the library's own "not supported" and is named once in the log; a text is NULL then. Kernels and cuBLAS routines
are checked and counted, not computed, unless a policy computes them.

CUDA 13 gave some names of the runtime other arguments or larger structs. `cudaMemAdvise@12` is what a program gets
under that name that is linked to the library of CUDA 12 or one before it, `@11` likewise: the symbol's version says so.
Looked up by `dlsym`, the name is CUDA 13's.

A program whose CUDA runtime is linked statically asks the driver for private tables, which a virtual GPU does not have:
the runtime returns cudaErrorNotSupported, and a line says who asked and that it has to be linked with the shared
runtime (`nvcc -cudart shared`). The runtime of cuda-bindings is such a one; its driver part works. So are cuDNN, cuFFT,
cuSOLVER, cuSPARSE and NCCL, as PyPI has them: they refuse to start, and programs that do not need them go on.
"""
TITLES = {
    "driver": "CUDA driver (cu*)",
    "runtime": "CUDA runtime (cuda*)",
    "cublas": "cuBLAS and cuBLASLt (cublas*)",
    "nvml": "NVML (nvml*)",
}
PARTIAL = {
    "cuGetExportTable": "always not supported: there are no private tables",
    "cublasSetWorkspace_v2": "only checked",
}
"""What is not whole, and why; per-thread variants likewise."""

ASK_BY_HAND: list[tuple[str, str, list[str]]] = [
    ("cudaIpcOpenMemHandle", "cuIpcOpenMemHandle_v2", []),
    ("cudaIpcOpenEventHandle", "cuIpcOpenEventHandle", []),
]
"""Functions of the runtime whose driver function may be missing, beside those of its table."""


def base(name: str) -> str:
    """A name without what marks the variant for the per-thread default stream."""
    return name.removesuffix("_ptsz").removesuffix("_ptds")


def implemented() -> set[str]:
    """Every function that something answers; of the runtime's those whose driver function does."""
    handlers = [handler for policy in FakeDriver().below for handler in policy.handlers]
    named = {name for library in TITLES for name in tables.names(library)}
    found = {name for name in named if name in REGISTRATIONS or any(name in h.functions for h in handlers)}
    rows = [*passed.rows(passed.TABLE), *passed.rows(passed.WITHOUT_CONTEXT), *ASK_BY_HAND]
    return found - {function for function, driver, _ in rows if driver not in found}


def main() -> None:
    """Writes the page."""
    found = implemented()
    lines = [HEAD, "| library | implemented | in part | missing |", "|---|---|---|---|"]
    sections = []
    for library, title in TITLES.items():
        names = [name for name in tables.names(library) if not tables.function(name).variable]
        partial = [name for name in names if name in found and base(name) in PARTIAL]
        whole = [name for name in names if name in found and base(name) not in PARTIAL]
        missing = [name for name in names if name not in found]
        lines.append(f"| {title} | {len(whole)} | {len(partial)} | {len(missing)} |")
        sections += [f"\n## {title}\n", "**Implemented:** " + ", ".join(f"`{name}`" for name in whole) + "\n"]
        if partial:
            sections.append("**In part:**\n")
            sections += [f"- `{name}`: {PARTIAL[base(name)]}" for name in partial]
            sections.append("")
        sections.append("**Missing:** " + ", ".join(f"`{name}`" for name in missing))
    Path(__file__).with_name("virtual.md").write_text("\n".join([*lines, *sections]) + "\n")


if __name__ == "__main__":
    main()
