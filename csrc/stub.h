/* What the files of the preloaded library share. */
#ifndef STUB_H
#define STUB_H

#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "generated/names.h"
#include "vgpu.h"

#define HIDDEN     __attribute__((visibility("hidden")))
#define EXPORTED   __attribute__((visibility("default")))
#define LIKELY(is) __builtin_expect(is, 1) /* where it is counted in nanoseconds */

typedef void *dlopen_fn(const char *path, int flags);
typedef void *dlsym_fn(void *handle, const char *name);
typedef void *dlvsym_fn(void *handle, const char *name, const char *version);

/* Past interposers (libfaketime), which the program's end takes down while the service thread still runs. The kernel's
 * struct stat is libc's on x86-64. */
static inline int vgpu_fstat(int file, struct stat *is)
{
    return syscall(SYS_fstat, file, is);
}

static inline int vgpu_stat(const char *path, struct stat *is)
{
    return syscall(SYS_stat, path, is);
}

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
    struct vgpu_floating floating; /* the program's, while the thread is in Python */
    uint64_t (*counters)[3];       /* calls, asked, answered; by slot */
    uint32_t block;                /* whose number that is */
    char *chunk;                   /* where its events go */
    uint64_t full_until;           /* when to look for a chunk again */
    uint64_t ticks, time, stamp;   /* of clock.c: counter and clock when last compared, the last stamp */
    uint32_t entries;              /* how often it has entered Python, or come back to it from a call */
    uint32_t seen_entries;         /* when it was last looked at, for vgpu_stuck() */
    uint64_t seen_since;
    pthread_t self;
    struct vgpu_thread *next, *previous; /* of those that have entered Python */
};
extern HIDDEN __thread struct vgpu_thread vgpu_thread __attribute__((tls_model("initial-exec")));

/* settings.c: the environment at first use, and log lines. */
struct vgpu_settings {
    bool disabled; /* VGPU_DISABLE */
    bool policies; /* of the user's: they may hook lookups */
    bool active;   /* there is something to decide: a policy, a GPU */
    bool traced;   /* every call is recorded: VGPU_TRACE */
    int log_level;
    char library[4096]; /* path of libvgpu-cuda.so */
    char program[256];  /* file name of the executable */
};
extern struct vgpu_settings vgpu_settings_read HIDDEN;
extern int vgpu_settings_state HIDDEN;
HIDDEN const struct vgpu_settings *vgpu_read_settings(void);
static inline const struct vgpu_settings *vgpu_settings(void)
{
    int state = __atomic_load_n(&vgpu_settings_state, __ATOMIC_ACQUIRE);
    return LIKELY(state == 2) ? &vgpu_settings_read : vgpu_read_settings();
}
HIDDEN const char *vgpu_setting(const char *name);
HIDDEN void vgpu_log(enum vgpu_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
HIDDEN void vgpu_log_text(enum vgpu_level level, const char *text);
HIDDEN void vgpu_journal(enum vgpu_level level, const char *line, size_t length); /* journal.c: never waits long */
HIDDEN bool vgpu_beside(char *path, size_t size, const char *name);               /* a file in the library's folder */

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
HIDDEN const char *vgpu_driver_path(void); /* of its file, "" where there is none */

/* sites.c: who calls. */
struct vgpu_site {
    uint16_t caller; /* number of the file name */
    bool of_driver;  /* one of the driver's own libraries */
};
HIDDEN const char *vgpu_caller(uint32_t number);
HIDDEN uint32_t vgpu_caller_number(const char *name);
#define VGPU_SITES     8192 /* a power of two */
#define VGPU_OF_DRIVER 0x8000u
extern uint64_t vgpu_sites[VGPU_SITES] HIDDEN;
HIDDEN struct vgpu_site vgpu_find_site(void *return_address);
static inline size_t vgpu_site_place(uintptr_t address)
{
    return (address * 0x9e3779b97f4a7c15u >> 40) & (VGPU_SITES - 1);
}
static inline struct vgpu_site vgpu_site_in(uint64_t entry)
{
    return (struct vgpu_site){entry & (VGPU_OF_DRIVER - 1), entry & VGPU_OF_DRIVER};
}
static inline bool vgpu_known_site(void *return_address, struct vgpu_site *site)
{
    uint64_t entry = __atomic_load_n(&vgpu_sites[vgpu_site_place((uintptr_t)return_address)], __ATOMIC_ACQUIRE);
    *site = vgpu_site_in(entry);
    return LIKELY(entry >> 16 == (uintptr_t)return_address);
}
static inline struct vgpu_site vgpu_site(void *return_address)
{
    struct vgpu_site site;
    return vgpu_known_site(return_address, &site) ? site : vgpu_find_site(return_address);
}

/* stub.c: slots and lookups. */
extern void *vgpu_slots[VGPU_DRIVER_SLOTS] HIDDEN;
extern uint64_t vgpu_constants[VGPU_SLOTS] HIDDEN;
HIDDEN int vgpu_slot_of(const char *name);
HIDDEN void *vgpu_thunk(uint32_t slot);
HIDDEN bool vgpu_is_thunk(const void *address);
HIDDEN bool vgpu_alias_loaded(void); /* virtual mode's libcuda.so.1, preloaded beside us */
HIDDEN bool vgpu_virtual_open(void); /* loads it if nothing has */
HIDDEN uint64_t vgpu_making(uint32_t slot);
HIDDEN void vgpu_made(const struct vgpu_frame *frame, uint32_t caller, uint64_t since);
HIDDEN void vgpu_route(uint32_t slot, uint32_t route, uint64_t constant, uint32_t scalars, uint32_t narrow);

/* answers.c: what Python has decided. */
extern uint8_t vgpu_scalars[VGPU_SLOTS] HIDDEN, vgpu_narrow[VGPU_SLOTS] HIDDEN;
HIDDEN int vgpu_remembered(struct vgpu_frame *frame, uint32_t caller);
HIDDEN void vgpu_remember(const struct vgpu_frame *frame, uint32_t caller, uint32_t asked_in, uint32_t verdict,
                          const struct vgpu_output *outputs, uint32_t count);
HIDDEN void vgpu_forget(void);
HIDDEN void vgpu_answers_forked(void);
HIDDEN bool vgpu_passes(const struct vgpu_frame *frame);
HIDDEN void vgpu_filter(uint32_t slot, const struct vgpu_operation *steps, uint32_t count);

/* registrations.c: what CUDA code registers of itself; what the slots of those functions hold. */
HIDDEN void **vgpu_register_fat_binary(void *wrapper);
HIDDEN void vgpu_register_fat_binary_end(void **handle);
HIDDEN void vgpu_unregister_fat_binary(void **handle);
HIDDEN void vgpu_register_function(void **handle, const char *host, char *device, const char *name);
HIDDEN void vgpu_register_var(void **handle, char *host, char *device, const char *name, int external, size_t size);
HIDDEN void vgpu_register_managed_var(void **handle, void **host, char *device, const char *name, int external,
                                      size_t size);
struct dim3;
HIDDEN int vgpu_pop_call_configuration(struct dim3 *grid, struct dim3 *block, size_t *shared, void **stream);
HIDDEN int vgpu_registered(uint64_t host, struct vgpu_registration *found);
HIDDEN int vgpu_registration(uint64_t handle, uint32_t number, struct vgpu_registration *found);
HIDDEN uint32_t vgpu_registrations_gone(void);
HIDDEN void vgpu_registrations_forked(void);

/* clock.c: ns of CLOCK_MONOTONIC. */
HIDDEN uint64_t vgpu_now(void);
HIDDEN uint64_t vgpu_stamp(void); /* the same, cheaper; never less than the thread's last one */

/* record.c: counters and events, in files. */
struct vgpu_file { /* which file a descriptor is of: the program may close ours and open its own */
    dev_t device;
    ino_t inode;
};
HIDDEN bool vgpu_identify(int file, struct vgpu_file *is);
HIDDEN bool vgpu_is_file(int file, const struct vgpu_file *is);
HIDDEN int vgpu_out_of_the_way(int file); /* the same file under a number that no program counts on */
HIDDEN int *vgpu_fork_page(void);         /* holds 1 until a fork of any kind, 0 in the child; NULL: not to be had */
HIDDEN bool vgpu_record_start(void);
HIDDEN void vgpu_record_forked(void);
HIDDEN void vgpu_record_keep(void);
HIDDEN const char *vgpu_process_path(void);
HIDDEN bool vgpu_trace_ready(void);
HIDDEN void vgpu_event(const struct vgpu_frame *frame, uint32_t caller, uint32_t verdict, uint64_t start, uint64_t end);
HIDDEN void vgpu_chunks(struct vgpu_chunks *about);
HIDDEN void vgpu_release(char *chunk);
HIDDEN void vgpu_publish(const char *text);
HIDDEN void vgpu_machine(uint64_t high, uint64_t low);
HIDDEN void vgpu_hold(uint32_t device, uint64_t bytes);
HIDDEN uint64_t (*vgpu_claim_counters(void))[3];

/* service.c: the service thread. */
HIDDEN void vgpu_watch(const char *path, const uint64_t *identity);
HIDDEN void vgpu_serve(uint32_t milliseconds, uint32_t has_observers);
HIDDEN void vgpu_service_start(void);
HIDDEN bool vgpu_service_stop(void);
HIDDEN void vgpu_service_pause(void);
HIDDEN void vgpu_service_resume(void);
HIDDEN void vgpu_service_forked(void);
extern uint32_t vgpu_service_awaited HIDDEN; /* there is to be a thread from the next call on */

/* threads.c: threads that Python asks for. */
#define VGPU_STACK (16u << 20) /* of a thread that runs Python */
/* With all signals blocked. An error number, or 0; a stack of 0 bytes: as usual. */
HIDDEN int vgpu_make_thread(pthread_t *thread, size_t stack, void *(*function)(void *), void *argument);
HIDDEN int vgpu_start_work(uint64_t number);
HIDDEN void vgpu_ring(uint32_t *bell);
HIDDEN void vgpu_await(uint32_t *bell, uint32_t seen, uint64_t nanoseconds);

/* embed.c: the interpreter. */
extern int vgpu_state HIDDEN; /* enum vgpu_state */
extern int *vgpu_not_forked
    HIDDEN; /* a page that reads zero in a fork child: 1 while the interpreter is this process's own */
HIDDEN bool vgpu_start_python(void);
static inline bool vgpu_python_is_ready(void)
{
    return LIKELY(__atomic_load_n(&vgpu_state, __ATOMIC_ACQUIRE) == VGPU_READY) && !vgpu_thread.inside &&
           !vgpu_thread.opening && LIKELY(__atomic_load_n(vgpu_not_forked, __ATOMIC_RELAXED));
}
static inline bool vgpu_python_ready(void)
{
    return vgpu_python_is_ready() || (vgpu_settings()->active && vgpu_start_python());
}
HIDDEN bool vgpu_python_settled(void); /* what Python wants will not change by itself any more */
HIDDEN int vgpu_ask(struct vgpu_frame *frame, uint32_t caller);
HIDDEN int vgpu_in_python(int (*function)(void *), void *argument);
HIDDEN int vgpu_call_void(void *function); /* for vgpu_in_python(): a pointer to a void (*)(void) */
HIDDEN bool vgpu_through_gate(void (*function)(void));
extern HIDDEN struct vgpu_core vgpu_core;
struct vgpu_stuck {
    uint64_t thread;
    double seconds;
};
HIDDEN int vgpu_stuck(struct vgpu_stuck *stuck, int room); /* threads that are in Python, and for how long */

/* python.c */
HIDDEN bool vgpu_find_python(struct vgpu_python *python, char *error, size_t size);

/* entry.S */
extern char vgpu_thunks[] HIDDEN; /* 16 bytes a driver function, in slot order */
HIDDEN void vgpu_entry(void);
HIDDEN void vgpu_constant(void);
HIDDEN void vgpu_call(void *function, struct vgpu_frame *frame, uint32_t stack_words);
HIDDEN int vgpu_on_stack(void *top, int (*function)(void *), void *argument);

#endif
