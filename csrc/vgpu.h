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

/* One call on its way through a thunk: the argument registers as they arrived. */
struct vgpu_frame {
    uint64_t gp[6];       /* rdi rsi rdx rcx r8 r9 */
    double xmm[8][2];     /* xmm0..xmm7, 16 bytes each */
    uint64_t result;      /* rax: on entry the caller's, after an answer or a forward the callee's */
    void *target;         /* where forwarding goes; NULL where there is no driver to forward to */
    uint64_t *stack;      /* the first argument passed on the stack */
    void *return_address; /* whose call this is */
    uint32_t slot;        /* row of the one list */
    uint32_t forwarded;   /* the real function has run; result is its own */
    uint64_t unused;      /* a multiple of 16 bytes */
};

/* What a call returns that has nowhere to go: no CUDA function does. */
#define VGPU_NOWHERE UINT64_MAX

enum vgpu_state { VGPU_NOT_STARTED, VGPU_STARTING, VGPU_READY, VGPU_FAILED };

enum vgpu_level { VGPU_LOG_OFF, VGPU_LOG_ERROR, VGPU_LOG_INFO, VGPU_LOG_DEBUG };

/* What a slot does with a call. */
enum vgpu_route {
    VGPU_FORWARD,  /* jump to the real function */
    VGPU_ASK,      /* ask Python */
    VGPU_CONSTANT, /* return a number, without Python */
};

/* What the library offers to Python. Every function may be called with the interpreter lock held, except
 * `call`, which runs the program's code and must not. None takes the loader's lock. */
struct vgpu_host {
    void (*call)(struct vgpu_frame *frame, uint32_t stack_words);
    void (*route)(uint32_t slot, enum vgpu_route route, uint64_t constant);
    void *(*thunk)(uint32_t slot);
    void *(*real)(uint32_t slot);
    const char *(*caller)(uint32_t number);   /* file name of a caller */
    const char *(*setting)(const char *name); /* of the program's environment, as it was at first use */
    void (*log)(enum vgpu_level level, const char *text);
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
    void (*thread_begin)(void);
    void (*thread_end)(void);
    void (*before_fork)(void);
    void (*after_fork_parent)(void);
    void (*after_fork_child)(void);
    void (*at_exit)(void);
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
