/* For the instrumented library alone: a sanitizer looks names up through our dlsym before its memory is there that
 * instrumented code wants to touch. Until our constructors run, lookups leave by a jump found with code that isn't
 * instrumented. Linked with --wrap=vgpu_dlsym, --wrap=vgpu_dlvsym. */
#define vgpu_symbol      early_symbol
#define vgpu_self        early_self
#define vgpu_first       early_first
#define vgpu_next        early_next
#define vgpu_real_dlopen early_real_dlopen
#define vgpu_real_dlsym  early_real_dlsym
#define vgpu_real_dlvsym early_real_dlvsym
#include "../../csrc/elf.c"

struct lookup {
    void *value;
    void *leave;
};

HIDDEN struct lookup __real_vgpu_dlsym(void *handle, const char *name, void *unused, void *caller);
HIDDEN struct lookup __wrap_vgpu_dlsym(void *handle, const char *name, void *unused, void *caller);
HIDDEN struct lookup __real_vgpu_dlvsym(void *handle, const char *name, const char *version, void *caller);
HIDDEN struct lookup __wrap_vgpu_dlvsym(void *handle, const char *name, const char *version, void *caller);

static bool ready;

__attribute__((constructor)) static void begin(void)
{
    ready = true;
}

struct lookup __wrap_vgpu_dlsym(void *handle, const char *name, void *unused, void *caller)
{
    return ready ? __real_vgpu_dlsym(handle, name, unused, caller) : (struct lookup){NULL, early_real_dlsym()};
}

struct lookup __wrap_vgpu_dlvsym(void *handle, const char *name, const char *version, void *caller)
{
    return ready ? __real_vgpu_dlvsym(handle, name, version, caller) : (struct lookup){NULL, early_real_dlvsym()};
}
