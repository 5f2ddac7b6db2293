/* What the files of the preloaded library share. */
#ifndef STUB_H
#define STUB_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

#include "generated/names.h"
#include "vgpu.h"

#define HIDDEN   __attribute__((visibility("hidden")))
#define EXPORTED __attribute__((visibility("default")))

typedef void *dlopen_fn(const char *path, int flags);
typedef void *dlsym_fn(void *handle, const char *name);
typedef void *dlvsym_fn(void *handle, const char *name, const char *version);

/* strcmp is an interceptor of AddressSanitizer's, which calls dlsym before its strcmp works. */
static inline bool vgpu_same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The registers that say how floating-point arithmetic rounds and traps. */
struct vgpu_floating {
    uint32_t mxcsr;
    uint16_t x87;
};

/* What this library knows of a thread. Initial-exec, so that reading it calls nothing. */
struct vgpu_thread {
    int inside;    /* in Python, on our account: whatever is called now is forwarded */
    bool begun;    /* the namespace's libc knows this thread */
    bool opening;  /* is opening the driver: its constructor may call us */
    bool measured; /* stack_low is known */
    uintptr_t stack_low, stack_high;
    char *own_stack; /* what a thread with a short stack enters Python on */
    bool own_stack_used;
    void (*pending)(void);         /* what the gate's constructor is to run */
    struct vgpu_floating floating; /* the program\'s, while the thread is in Python */
};
extern HIDDEN __thread struct vgpu_thread vgpu_thread __attribute__((tls_model("initial-exec")));

/* settings.c: the environment at first use, and log lines. */
struct vgpu_settings {
    bool disabled; /* VGPU_DISABLE */
    bool active;   /* there is something to decide: a policy, a GPU */
    int log_level;
    char library[4096]; /* path of libvgpu-cuda.so */
    char program[256];  /* file name of the executable */
};
HIDDEN const struct vgpu_settings *vgpu_settings(void);
HIDDEN const char *vgpu_setting(const char *name);
HIDDEN void vgpu_log(enum vgpu_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
HIDDEN void vgpu_log_text(enum vgpu_level level, const char *text);
HIDDEN bool vgpu_beside(char *path, size_t size, const char *name); /* a file in the library's folder */

/* elf.c: symbols of loaded objects, read from memory. */
HIDDEN struct link_map *vgpu_self(void);
HIDDEN struct link_map *vgpu_first(void); /* of the program's list of loaded objects */
HIDDEN void *vgpu_symbol(const struct link_map *object, const char *name);
HIDDEN void *vgpu_next(const char *name); /* the definition after ours, in load order */
HIDDEN dlopen_fn *vgpu_real_dlopen(void);
HIDDEN dlsym_fn *vgpu_real_dlsym(void);
HIDDEN dlvsym_fn *vgpu_real_dlvsym(void);

/* driver.c: the real driver. */
HIDDEN bool vgpu_driver_open(bool load);
HIDDEN int vgpu_driver_slot(const void *address); /* whose function this is, or -1 */
HIDDEN void *vgpu_target(uint32_t slot);          /* where the slot forwards to; NULL: nowhere */
HIDDEN void *vgpu_real(uint32_t slot);            /* the driver's own function, or NULL */
HIDDEN bool vgpu_is_virtual(void);

/* sites.c: who calls. */
struct vgpu_site {
    uint16_t caller; /* number of the file name */
    bool of_driver;  /* one of the driver's own libraries */
};
HIDDEN const char *vgpu_caller(uint32_t number);
HIDDEN struct vgpu_site vgpu_site(void *return_address);

/* stub.c: slots and lookups. */
extern void *vgpu_slots[VGPU_SLOTS] HIDDEN;
extern uint64_t vgpu_constants[VGPU_SLOTS] HIDDEN;
HIDDEN int vgpu_slot_of(const char *name);
HIDDEN void *vgpu_thunk(uint32_t slot);
HIDDEN bool vgpu_is_thunk(const void *address);
HIDDEN bool vgpu_alias_loaded(void); /* virtual mode's libcuda.so.1, preloaded beside us */
HIDDEN bool vgpu_virtual_open(void); /* loads it if nothing has */
HIDDEN void vgpu_route(uint32_t slot, enum vgpu_route route, uint64_t constant);
HIDDEN bool vgpu_asks(uint32_t slot); /* routed to Python */

/* embed.c: the interpreter. */
HIDDEN bool vgpu_python_ready(void);
HIDDEN bool vgpu_python_settled(void); /* what Python wants will not change by itself any more */
HIDDEN int vgpu_ask(struct vgpu_frame *frame);

/* python.c */
HIDDEN bool vgpu_find_python(struct vgpu_python *python, char *error, size_t size);

/* entry.S */
extern char vgpu_thunks[] HIDDEN; /* 16 bytes a driver function, in slot order */
HIDDEN void vgpu_entry(void);
HIDDEN void vgpu_constant(void);
HIDDEN void vgpu_call(void *function, struct vgpu_frame *frame, uint32_t stack_words);
HIDDEN int vgpu_on_stack(void *top, int (*function)(void *), void *argument);

#endif
