/* What the preloaded library, its entry code and the Python core share. */
#ifndef VGPU_H
#define VGPU_H

/* Offsets into struct vgpu_frame, for the assembler; stub.c asserts them. */
#define VGPU_FRAME_GP     0
#define VGPU_FRAME_XMM    48
#define VGPU_FRAME_RESULT 176
#define VGPU_FRAME_TARGET 184
#define VGPU_FRAME_STACK  192
#define VGPU_FRAME_CALLER 200
#define VGPU_FRAME_SLOT   208
#define VGPU_FRAME_SIZE   224

#ifndef __ASSEMBLER__

#include <stdint.h>

#include "../vgpu_embed/tables/frame.cdef"

/* What a call returns that has nowhere to go: no CUDA function does. */
#define VGPU_NOWHERE UINT64_MAX

enum vgpu_state { VGPU_NOT_STARTED, VGPU_STARTING, VGPU_READY, VGPU_FAILED };

enum vgpu_level { VGPU_LOG_OFF, VGPU_LOG_ERROR, VGPU_LOG_INFO, VGPU_LOG_DEBUG };

/* What a slot does with a call, added up; 0: jump to the real function. */
enum vgpu_route {
    VGPU_ASK = 1,       /* ask Python */
    VGPU_ANSWERS = 2,   /* what Python said may be remembered */
    VGPU_OBSERVED = 4,  /* record it */
    VGPU_BY_CALLER = 8, /* what is remembered depends on who calls */
    VGPU_CONSTANT = 16, /* return a number, without Python */
};

/* What was done with a call, as recordings have it. */
enum vgpu_verdict { VGPU_FORWARDED, VGPU_REMEMBERED, VGPU_ANSWERED };

/* One step of a `where` expression; vgpu_embed/predicates.py writes them. */
struct vgpu_operation {
    int32_t operation;
    int32_t size; /* of a parameter in bytes, below zero if it is signed; of a constant: 1 if value is unsigned */
    int64_t value;
};

/* An output that is to be remembered: the register that points to it, and how many bytes. */
struct vgpu_output {
    uint32_t place, size;
};

enum vgpu_registered { VGPU_FUNCTION, VGPU_VARIABLE, VGPU_MANAGED };

/* What CUDA code has registered. */
struct vgpu_registration {
    uint64_t binary;  /* the handle of its fatbinary */
    uint64_t wrapper; /* where that is, a __fatBinC_Wrapper_t */
    uint64_t host;    /* by what address the program knows it */
    uint64_t size;    /* of a variable, bytes */
    const char *name; /* on the device */
    uint32_t kind;    /* enum vgpu_registered */
};

/* The recording that events go to. */
struct vgpu_chunks {
    char *chunks;        /* NULL: there is none */
    const char *callers; /* newline-joined file names */
    uint64_t dropped;
    uint32_t count, callers_size, pid;
    int recycled; /* chunks are used again once they were given back */
};

/* Steps of loading the policies again; the second with the loader's lock held. */
enum vgpu_reload { VGPU_RELOAD_PREPARE, VGPU_RELOAD_BEHIND_GATE, VGPU_RELOAD_FINISH };

/* What the library offers to Python. Every function may be called with the interpreter lock held, except
 * `call`, which runs the program's code and must not. None takes the loader's lock. */
struct vgpu_host {
    void (*call)(struct vgpu_frame *frame);
    /* `scalars`: the general registers that an answer depends on; `narrow`: those of them that count 32 bits. */
    void (*route)(uint32_t slot, uint32_t route, uint64_t constant, uint32_t scalars, uint32_t narrow);
    /* Only calls that meet one of the slot's expressions are asked about; the steps stay the caller's. NULL: all. */
    void (*filter)(uint32_t slot, const struct vgpu_operation *steps, uint32_t count);
    /* Remembers what the frame's call was answered, if nothing was forgotten since `generation`. */
    void (*remember)(const struct vgpu_frame *frame, uint32_t caller, uint32_t generation, uint32_t verdict,
                     const struct vgpu_output *outputs, uint32_t count);
    void (*forget)(void);
    void (*chunks)(struct vgpu_chunks *about);
    /* Gives a chunk that was read back, where they are used again. */
    void (*release)(char *chunk);
    void (*publish)(const char *text); /* the recording's info */
    /* Which virtual machine this process is on, and the bytes that it holds of a device of it: for others to read. */
    void (*machine)(uint64_t high, uint64_t low);
    void (*hold)(uint32_t device, uint64_t bytes);
    /* Calls core.reload when this file is another one: device, inode, size, ns of last change. NULL: none any more. */
    void (*watch)(const char *path, const uint64_t *identity);
    void (*serve)(uint32_t milliseconds, uint32_t observes); /* how often the service thread looks; 0: no thread */
    void *(*thunk)(uint32_t slot);
    void *(*real)(uint32_t slot);
    int (*registered)(uint64_t host, struct vgpu_registration *found); /* 0: nothing is */
    int (*registration)(uint64_t binary, uint32_t number, struct vgpu_registration *found);
    uint32_t (*registrations_gone)(void);   /* how many fatbinaries were taken away */
    const char *(*caller)(uint32_t number); /* file name of a caller */
    uint32_t (*number)(const char *caller); /* and back */
    /* Around a call that Python makes in a library's name, as if it had passed a thunk. */
    uint64_t (*making)(uint32_t slot);
    void (*made)(const struct vgpu_frame *frame, uint32_t caller, uint64_t since);
    const char *(*driver)(void);              /* path of the real driver's file, or "" */
    const char *(*setting)(const char *name); /* of the program's environment, as it was at first use */
    void (*log)(enum vgpu_level level, const char *text);
    int (*start_work)(uint64_t number); /* calls core.work on a thread that is made for it; 0, or an errno */
    void (*ring)(uint32_t *bell);       /* adds one, and wakes who waits */
    /* Until the bell is another number than `seen`, or the time is over (UINT64_MAX: never). To be made by `call`. */
    void (*await)(uint32_t *bell, uint32_t seen, uint64_t nanoseconds);
    int log_level;
    int is_virtual;
    const char *program; /* file name of the executable */
    const char *library; /* path of the preloaded library */
};

/* What Python offers to the library; the core fills it in. */
struct vgpu_core {
    /* Loads the policies. Returns VGPU_READY, or VGPU_FAILED with the seconds after which to try again (0: never). */
    int (*start)(uint32_t *retry_seconds);
    /* 0: forward. 1: frame->result is the answer. `key` is the slot, times 65536, and the caller's number. */
    int (*decide)(struct vgpu_frame *frame, uint32_t key);
    int (*thread_begin)(void); /* 0: there is no memory for it */
    void (*thread_end)(void);
    void (*before_fork)(void);
    void (*after_fork_parent)(void);
    void (*after_fork_child)(void);
    void (*at_exit)(void);
    /* On the service thread. */
    void (*begin)(void);
    void (*reload)(int phase); /* enum vgpu_reload */
    void (*command)(const char *request, char *reply, uint32_t size);
    void (*drain)(void);                              /* gives recorded calls to observers */
    void (*overrun)(uint64_t thread, double seconds); /* a thread (pthread_t) has been in Python for so long */
    /* On a thread that `start_work` made. */
    void (*work)(uint64_t number);
};

/* What vgpu_embed._frames offers to the core, as its capsule "api". */
struct vgpu_frames {
    /* With cffi's own conversions: a pointer of a cffi type from an address, and back. Python's objects are void *. */
    void (*connect)(const struct vgpu_host *host, void *(*pointer)(void *address, void *type),
                    void *(*address)(void *pointer, void *type));
    /* As vgpu_core.decide; -1: Python has to be asked how such calls are decided. */
    int (*decide)(struct vgpu_frame *frame, uint32_t key);
};

/* Where to find the interpreter. Paths are absolute; `path` is a colon-separated list. */
struct vgpu_python {
    char libpython[4096];
    char home[4096];
    char executable[4096];
    char path[16384];
};

/* The core's only entry: starts the interpreter and fills in *core. Returns NULL, or what went wrong. */
typedef const char *vgpu_core_open_fn(const struct vgpu_host *host, const struct vgpu_python *python,
                                      struct vgpu_core *core);

#endif
#endif
