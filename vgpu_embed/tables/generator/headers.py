"""The headers as libclang sees them: function declarations, with what their comments say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from clang import cindex

Cursor = Any
"""A clang.cindex.Cursor; the bindings have no type information."""

Type = Any
"""A clang.cindex.Type."""

_STAND_INS = {
    "nv/target": "",  # for code that nvcc compiles
    "GL/gl.h": "typedef unsigned int GLuint;\ntypedef unsigned int GLenum;\n",
    "EGL/egl.h": "typedef int EGLint;\n",
    "EGL/eglext.h": ("typedef void *EGLStreamKHR;\ntypedef void *EGLImageKHR;\ntypedef void *EGLSyncKHR;\n"),
    "vdpau/vdpau.h": (
        "#include <stdint.h>\n"
        "typedef uint32_t VdpDevice;\ntypedef uint32_t VdpFuncId;\ntypedef int VdpStatus;\n"
        "typedef uint32_t VdpVideoSurface;\ntypedef uint32_t VdpOutputSurface;\n"
        "typedef VdpStatus VdpGetProcAddress(VdpDevice, VdpFuncId, void **);\n"
    ),
}
"""Just enough of other headers for these to parse."""

_DRIVER = """
#include <vdpau/vdpau.h>
#include <cuda.h>
#include <cudaGL.h>
#include <cudaEGL.h>
#include <cudaVDPAU.h>
#include <cudaProfiler.h>
#include <cudaTypedefs.h>
#include <cudaGLTypedefs.h>
#include <cudaEGLTypedefs.h>
#include <cudaVDPAUTypedefs.h>
#include <cudaProfilerTypedefs.h>
"""

_RUNTIME = """
#include <vdpau/vdpau.h>
#include <cuda_runtime_api.h>
#include <cuda_profiler_api.h>
#include <cuda_gl_interop.h>
#include <cuda_egl_interop.h>
#include <cuda_vdpau_interop.h>
"""

_CUBLAS = """
#include <cublas.h>
#include <cublasLt.h>
"""

_CUBLAS_XT = """
#include <cublasXt.h>
"""

_LAUNCH = """
#include <string.h>
#define __CUDACC__
#define __CUDA_INCLUDE_COMPILER_INTERNAL_HEADERS__
#include <cuda_runtime_api.h>
#include <crt/device_functions.h>
#define __CUDA_INTERNAL_COMPILATION__
#include <crt/host_runtime.h>
"""


_PARAM = re.compile(
    r"[@\\]param\s*(\[[a-z, ]+\])?\s*(\w+)\s*[-:]*"
    r"(.*?)(?=\n\s*\n|[@\\](?:param|return|note|sa)\b|\Z)",
    re.DOTALL,
)


class HeaderError(Exception):
    """A header did not parse, or says something that the generator cannot tabulate."""


def driver(includes: Iterable[Path]) -> Cursor:
    """cuda.h and its companions, all old and per-thread variants visible."""
    return _parse(_DRIVER, includes, ["-D__CUDA_API_VERSION_INTERNAL"])


def runtime(includes: Iterable[Path]) -> Cursor:
    """cuda_runtime_api.h and its companions, likewise."""
    return _parse(_RUNTIME, includes, ["-D__CUDA_API_VERSION_INTERNAL"])


def launch(includes: Iterable[Path]) -> Cursor:
    """The functions that code compiled by nvcc calls, `__cuda*`.

    They stand between device intrinsics that only nvcc understands, so errors are passed over;
    none is in a declaration that is wanted, or it would be missing from the table.
    """
    return _parse(_LAUNCH, includes, [], language="c++", strict=False)


def cublas(includes: Iterable[Path]) -> Cursor:
    """cublas.h, which has the functions of cublas_v2.h too, and cublasLt.h; half precision is for C++ only."""
    return _parse(_CUBLAS, includes, [], language="c++", strict=False)


def cublas_xt(includes: Iterable[Path]) -> Cursor:
    """cublasXt.h, which cannot be included together with cublas.h."""
    return _parse(_CUBLAS_XT, includes, [], language="c++", strict=False)


def nvml(includes: Iterable[Path], *, old: bool) -> Cursor:
    """nvml.h; `old` shows the unversioned functions instead of hiding them behind macros."""
    defines = ["-DNVML_NO_UNVERSIONED_FUNC_DEFS"] if old else []
    return _parse("#include <nvml.h>\n", includes, defines)


def parse_text(text: str) -> Cursor:
    """Plain C text, for checking what was generated."""
    return _parse("#include <stddef.h>\n#include <stdint.h>\n" + text, [], [])


def functions(unit: Cursor) -> Iterator[Cursor]:
    """The function declarations of a translation unit."""
    return (cursor for cursor in declarations(unit) if cursor.kind == cindex.CursorKind.FUNCTION_DECL)


def declarations(unit: Cursor) -> Iterator[Cursor]:
    """What a translation unit declares, in `extern "C"` blocks too."""
    kinds = cindex.CursorKind
    for cursor in unit.get_children():
        if cursor.kind in (kinds.LINKAGE_SPEC, kinds.UNEXPOSED_DECL):
            yield from declarations(cursor)
        else:
            yield cursor


def documented(cursor: Cursor) -> dict[str, str]:
    r"""What a declaration's comment says of each parameter (`\param pi - Returned value`)."""
    comment = cursor.raw_comment
    if not comment:
        return {}
    text = re.sub(r"(?m)^\s*/?\*+/?[ \t]?", "", comment)
    return {name: " ".join((mark + " " + words).split()) for mark, name, words in _PARAM.findall(text)}


def _parse(
    text: str,
    includes: Iterable[Path],
    defines: list[str],
    language: str = "c",
    strict: bool = True,
) -> Cursor:
    folder = "/stand-ins"
    main = f"{folder}/main.{'c' if language == 'c' else 'cc'}"
    unsaved = [(main, text), *((f"{folder}/{name}", body) for name, body in _STAND_INS.items())]
    unit = cindex.Index.create().parse(
        main,
        args=[
            *("-x", language, "-std=gnu11" if language == "c" else "-std=gnu++17"),
            *(f"-I{path}" for path in (folder, *includes)),
            *("-isystem", _compiler_headers()),
            "-ferror-limit=0",
            *defines,
        ],
        unsaved_files=unsaved,
    )
    for problem in unit.diagnostics:
        if problem.severity >= (cindex.Diagnostic.Error if strict else cindex.Diagnostic.Fatal):
            raise HeaderError(f"{problem.location.file}:{problem.location.line}: {problem.spelling}")
    return unit.cursor


def _compiler_headers() -> str:
    """The folder of stddef.h and stdint.h: libclang's package does not carry its own."""
    command = ["gcc", "-print-file-name=include"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
