"""Build time: the cffi core, the Python end of the preloaded library (module `vgpu_embed._core`).

An embedding module in API mode: types come from tables/types.cdef and csrc/vgpu.h, the C half from csrc/core.c. Its
functions `vgpu_start` and `vgpu_decide` are what the library calls; both return 0 where Python cannot.
"""

from __future__ import annotations

import re
from pathlib import Path

import cffi

ROOT = Path(__file__).resolve().parent.parent

HOST_FUNCTIONS = """
    uint64_t host_call(struct vgpu_frame *frame, uint32_t stack_words);
    void host_route(uint32_t slot, int route, uint64_t constant);
    void *host_thunk(uint32_t slot);
    void *host_real(uint32_t slot);
    const char *host_caller(uint32_t number);
    const char *host_setting(const char *name);
    void host_log(int level, const char *text);
    const struct vgpu_host *host_info(void);
"""

HOST_INFO = """
    struct vgpu_host { int log_level; int is_virtual; const char *program; const char *library; ...; };
    #define VGPU_FORWARD ...
    #define VGPU_ASK ...
    #define VGPU_CONSTANT ...
    #define VGPU_READY ...
    #define VGPU_NOWHERE ...
    #define VGPU_FAILED ...
"""

EMBEDDED = """
    int vgpu_start(uint32_t *retry_seconds);
    int vgpu_decide(struct vgpu_frame *frame, uint32_t key);
"""

START_UP = """
try:
    from vgpu_embed.embed import guard
except BaseException as error:
    from vgpu_embed._core import ffi, lib
    program = ffi.string(lib.host_info().program).decode(errors="replace")
    text = f"vgpu_embed cannot be imported, reinstall it: {type(error).__name__}: {error}; "
    text += f"the policy is not in force, {program} runs on without it"
    lib.host_log(1, ffi.new("char[]", text.encode(errors="replace")))
    ffi.def_extern("vgpu_start")(lambda retry_seconds: lib.VGPU_FAILED)
"""


def frame_declaration() -> str:
    """`struct vgpu_frame` as csrc/vgpu.h has it."""
    text = (ROOT / "csrc/vgpu.h").read_text()
    found = re.search(r"struct vgpu_frame \{.*?\n\};", text, re.DOTALL)
    assert found, "csrc/vgpu.h has no struct vgpu_frame"
    return found.group()


def write_source(target: Path) -> None:
    """Writes the core's C source."""
    types = (ROOT / "vgpu_embed/tables/types.cdef").read_text()
    builder = cffi.FFI()
    builder.cdef(types)
    builder.cdef(frame_declaration() + HOST_INFO + HOST_FUNCTIONS)
    builder.embedding_api(EMBEDDED)
    builder.embedding_init_code(START_UP)
    builder.set_source(
        "vgpu_embed._core",
        '#include <stdint.h>\n#include <stddef.h>\n#include "vgpu.h"\n'
        + types
        + "\nint vgpu_start(uint32_t *);\nint vgpu_decide(struct vgpu_frame *, uint32_t);\n"
        + '#include "core.c"\n',
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    builder.emit_c_code(str(target))
