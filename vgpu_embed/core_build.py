"""Build time: the cffi core, the Python end of the preloaded library (module `vgpu_embed._core`).

An embedding module in API mode: types come from tables/*.cdef and csrc/vgpu.h, the C half from csrc/core.c. Its
functions `vgpu_start` and `vgpu_decide` are what the library calls; both return 0 where Python cannot.
"""

from __future__ import annotations

from pathlib import Path

import cffi

ROOT = Path(__file__).resolve().parent.parent

HOST_FUNCTIONS = """
    uint64_t host_call(struct vgpu_frame *frame);
    void host_route(uint32_t slot, uint32_t route, uint64_t constant, uint32_t scalars, uint32_t narrow);
    void host_filter(uint32_t slot, const struct vgpu_operation *steps, uint32_t count);
    void host_remember(const struct vgpu_frame *frame, uint32_t caller, uint32_t generation, uint32_t verdict,
                       const struct vgpu_output *outputs, uint32_t count);
    void host_forget(void);
    void host_chunks(struct vgpu_chunks *about);
    void host_release(char *chunk);
    void host_publish(const char *text);
    void host_machine(uint64_t high, uint64_t low);
    void host_hold(uint32_t device, uint64_t bytes);
    void host_watch(const char *path, const uint64_t *identity);
    void host_serve(uint32_t milliseconds, uint32_t observes);
    void interrupt(uint64_t thread);
    void check_events(void);
    void *host_thunk(uint32_t slot);
    void *host_real(uint32_t slot);
    int host_registered(uint64_t address, struct vgpu_registration *found);
    int host_registration(uint64_t binary, uint32_t number, struct vgpu_registration *found);
    uint32_t host_registrations_gone(void);
    const char *host_caller(uint32_t number);
    uint32_t host_number(const char *caller);
    const char *host_driver(void);
    const char *host_setting(const char *name);
    void host_log(int level, const char *text);
    int host_start_work(uint64_t number);
    void host_ring(uint32_t *bell);
    void *host_await(void);
    const struct vgpu_host *host_info(void);
"""

HOST_INFO = """
    struct vgpu_host { int log_level; int is_virtual; const char *program; const char *library; ...; };
    struct vgpu_operation { int32_t operation; int32_t size; int64_t value; };
    struct vgpu_output { uint32_t place, size; };
    struct vgpu_registration { uint64_t binary, wrapper, host, size; const char *name; uint32_t kind; };
    struct vgpu_chunks {
        char *chunks; const char *callers; uint64_t dropped; uint32_t count, callers_size, pid; int recycled;
    };
    #define VGPU_ASK ...
    #define VGPU_ANSWERS ...
    #define VGPU_OBSERVED ...
    #define VGPU_BY_CALLER ...
    #define VGPU_CONSTANT ...
    #define VGPU_FUNCTION ...
    #define VGPU_VARIABLE ...
    #define VGPU_MANAGED ...
    #define VGPU_FORWARDED ...
    #define VGPU_ANSWERED ...
    #define VGPU_REMEMBERED ...
    #define VGPU_READY ...
    #define VGPU_FAILED ...
"""

EMBEDDED = """
    int vgpu_start(uint32_t *retry_seconds);
    int vgpu_decide(struct vgpu_frame *frame, uint32_t key);
    void vgpu_begin(void);
    void vgpu_reload(int phase);
    void vgpu_command(const char *request, char *reply, uint32_t size);
    void vgpu_drain(void);
    void vgpu_overrun(uint64_t thread, double seconds);
    void vgpu_work(uint64_t number);
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


def write_source(target: Path) -> None:
    """Writes the core's C source."""
    types, frame, memory = (
        (ROOT / "vgpu_embed" / f"{name}.cdef").read_text()
        for name in ("tables/types", "tables/frame", "virtual/memory")
    )
    builder = cffi.FFI()
    builder.cdef(types)
    builder.cdef(memory)
    builder.cdef(frame + HOST_INFO + HOST_FUNCTIONS)
    builder.embedding_api(EMBEDDED)
    builder.embedding_init_code(START_UP)
    builder.set_source(
        "vgpu_embed._core",
        '#include <stdint.h>\n#include <stddef.h>\n#include "vgpu.h"\n'
        + types
        + memory
        + EMBEDDED
        + '#include "core.c"\n',
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    builder.emit_c_code(str(target))
