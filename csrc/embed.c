/* The interpreter: started on first need in a link-map namespace of its own, entered by the program's threads, taken
 * through fork, thread end and exit. docs/architecture.md says what each precaution is for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

#define KEYS         64         /* thread-specific-data slots that the namespace gets; 8 are in use after start */
#define FIRST_KEYS   32         /* of those that lie in the thread itself, what libpython's constructor may set */
#define STACK_SIZE   (8u << 20) /* a borrowed stack: address space only, until it is used */
#define STACK_NEEDED (4u << 20) /* less than this free, and Python runs on a borrowed stack */
#define GATE_SECONDS 10         /* how long a thread waits for another one's start; VGPU_GATE overrides */

int vgpu_state;
#define state vgpu_state
static pid_t starter;
static time_t retry_at;
static int inside_count; /* threads in Python */
int *vgpu_not_forked;
#define not_forked vgpu_not_forked
static pthread_key_t thread_key, reserved_keys[KEYS];
static struct vgpu_python python;
static void *libpython;
struct vgpu_core vgpu_core;
static struct vgpu_host host;
static struct vgpu_thread *threads; /* those that have entered Python; under `passing` */

static time_t now(void)
{
    return vgpu_now() / 1000000000;
}

static bool fail(const char *sentence)
{
    vgpu_log(VGPU_LOG_ERROR, "%s; the policy is not in force, %s runs on without it", sentence,
             vgpu_settings()->program);
    return false;
}

/* ---- entering Python ---- */

static bool stack_is_short(struct vgpu_thread *thread)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    pthread_attr_t attributes;
    void *low;
    size_t size;

    if (!thread->measured) {
        thread->measured = true;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            pthread_attr_getstack(&attributes, &low, &size);
            pthread_attr_destroy(&attributes);
            thread->stack_low = (uintptr_t)low;
            thread->stack_high = thread->stack_low + size;
        }
    }
    if (here >= thread->stack_high || here < thread->stack_low) /* a signal stack, a coroutine's, or unknown */
        return thread->stack_high != 0 || getpid() != gettid();
    return here - thread->stack_low < STACK_NEEDED;
}

static bool is_on_own_stack(const struct vgpu_thread *thread)
{
    return thread->own_stack && (uintptr_t)__builtin_frame_address(0) - (uintptr_t)thread->own_stack < STACK_SIZE;
}

/* Runs on the thread's own stack, or on a borrowed one where that is short. Returns 0 where there is none. */
static int on_enough_stack(int (*function)(void *), void *argument)
{
    struct vgpu_thread *thread = &vgpu_thread;
    int result;

    if (!stack_is_short(thread) || is_on_own_stack(thread))
        return function(argument);
    if (thread->own_stack_used) /* by a call that is being forwarded, from some third stack */
        return 0;
    if (!thread->own_stack) {
        char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (stack == MAP_FAILED)
            return 0;
        mprotect(stack, sysconf(_SC_PAGESIZE), PROT_NONE);
        thread->own_stack = stack;
    }
    thread->own_stack_used = true;
    result = vgpu_on_stack(thread->own_stack + STACK_SIZE, function, argument);
    thread->own_stack_used = false;
    return result;
}

/* Both libcs keep thread-specific data in the same per-thread array, of which slots from 32 up are allocated on first
 * use and freed by the host's: it has to be the one that allocates them. */
static bool begin_thread(struct vgpu_thread *thread)
{
    for (int i = 0; i < KEYS; i++) {
        pthread_setspecific(reserved_keys[i], thread);
        pthread_setspecific(reserved_keys[i], NULL);
    }
    pthread_setspecific(thread_key, thread);
    if (vgpu_core.thread_begin && !vgpu_core.thread_begin())
        return false;
    thread->begun = true;
    thread->self = pthread_self();
    thread->previous = NULL;
    thread->next = threads;
    if (threads)
        threads->previous = thread;
    threads = thread;
    return true;
}

/* As at program start: to nearest, nothing traps. */
#define PYTHON_FLOATING ((struct vgpu_floating){0x1f80, 0x37f})

static struct vgpu_floating floating_now(void)
{
    struct vgpu_floating now;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(now.mxcsr), "=m"(now.x87));
    return now;
}

static void set_floating(struct vgpu_floating to)
{
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(to.mxcsr), "m"(to.x87));
}

/* A program may round otherwise or trap: Python must not, and must not leave its own marks. Returns what was before. */
static struct vgpu_floating to_python(struct vgpu_thread *thread)
{
    struct vgpu_floating outer = thread->floating;

    thread->floating = floating_now();
    set_floating(PYTHON_FLOATING);
    return outer;
}

static void to_program(struct vgpu_thread *thread, struct vgpu_floating outer)
{
    set_floating(thread->floating);
    thread->floating = outer;
}

/* Held while a thread makes or frees its Python thread state: that allocates without the interpreter's lock, and a fork
 * in that moment would leave the namespace's malloc locked in the child for ever. */
static pthread_mutex_t passing = PTHREAD_MUTEX_INITIALIZER;

/* The service thread looks at it. */
static void set_inside(struct vgpu_thread *thread, int inside)
{
    __atomic_store_n(&thread->inside, inside, __ATOMIC_RELAXED);
}

struct entry {
    int (*function)(void *);
    void *argument;
};

static int enter(void *argument)
{
    struct entry *entry = argument;
    struct vgpu_thread *thread = &vgpu_thread;
    struct vgpu_floating outer;
    int result = 0, cancelling;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling); /* it would keep the interpreter's lock */
    __atomic_add_fetch(&inside_count, 1, __ATOMIC_RELAXED);
    set_inside(thread, thread->inside + 1);
    __atomic_store_n(&thread->entries, thread->entries + 1, __ATOMIC_RELAXED);
    outer = to_python(thread);
    if (!thread->begun) {
        pthread_mutex_lock(&passing);
        begin_thread(thread);
        pthread_mutex_unlock(&passing);
    }
    if (thread->begun)
        result = entry->function(entry->argument);
    to_program(thread, outer);
    set_inside(thread, thread->inside - 1);
    __atomic_sub_fetch(&inside_count, 1, __ATOMIC_RELAXED);
    pthread_setcancelstate(cancelling, NULL);
    return result;
}

int vgpu_in_python(int (*function)(void *), void *argument)
{
    struct entry entry = {function, argument};
    return on_enough_stack(enter, &entry);
}

int vgpu_call_void(void *argument)
{
    void (**function)(void) = argument;
    (*function)();
    return 1;
}

/* Whether this process is the interpreter's: a child of a raw clone or _Fork is not, and must not touch it. */
static bool is_ours(void)
{
    static bool said;

    if (not_forked && __atomic_load_n(not_forked, __ATOMIC_RELAXED))
        return true;
    if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
        fail("this process was made by clone or _Fork, past the fork handlers");
    return false;
}

static void forget_thread(struct vgpu_thread *thread)
{
    if (thread->next)
        thread->next->previous = thread->previous;
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        threads = thread->next;
}

static void end_thread(void *argument)
{
    struct vgpu_thread *thread = &vgpu_thread;

    (void)argument;
    if (thread->begun && is_ours()) {
        pthread_mutex_lock(&passing);
        if (state == VGPU_READY)
            vgpu_in_python(vgpu_call_void, &vgpu_core.thread_end);
        forget_thread(thread);
        pthread_mutex_unlock(&passing);
    }
    thread->begun = false;
    if (thread->own_stack && !thread->own_stack_used) {
        munmap(thread->own_stack, STACK_SIZE);
        thread->own_stack = NULL;
    }
}

/* ---- fork and exit ---- */

static __thread bool forking, pausing;

static int nothing_in_python(void *argument)
{
    return argument == NULL;
}

static void before_fork(void)
{
    pausing = state == VGPU_READY && !vgpu_thread.inside && is_ours();
    if (pausing)
        vgpu_service_pause();
    forking = pausing && vgpu_in_python(nothing_in_python, NULL);
    if (!forking)
        return;
    pthread_mutex_lock(&passing);
    vgpu_in_python(vgpu_call_void, &vgpu_core.before_fork);
}

static void after_fork_parent(void)
{
    if (forking) {
        vgpu_in_python(vgpu_call_void, &vgpu_core.after_fork_parent);
        pthread_mutex_unlock(&passing);
    }
    if (pausing)
        vgpu_service_resume();
    forking = pausing = false;
}

static void after_fork_child(void)
{
    inside_count = vgpu_thread.inside ? 1 : 0;
    threads = vgpu_thread.begun ? &vgpu_thread : NULL;
    vgpu_thread.next = vgpu_thread.previous = NULL;
    vgpu_answers_forked();
    vgpu_record_forked();
    vgpu_service_forked();
    pausing = false;
    vgpu_registrations_forked();
    if (state == VGPU_STARTING)
        state = VGPU_FAILED; /* by a thread that this process does not have */
    if (!forking) {
        pthread_mutex_init(&passing, NULL);
        return;
    }
    *not_forked = 1;
    vgpu_in_python(vgpu_call_void, &vgpu_core.after_fork_child);
    pthread_mutex_unlock(&passing);
    forking = false;
}

/* A thread that is still in Python may never leave it, and a policy's last words are not worth a program that does
 * not end. */
__attribute__((destructor)) static void at_exit(void)
{
    if (state == VGPU_READY && is_ours() && vgpu_service_stop() &&
        __atomic_load_n(&inside_count, __ATOMIC_RELAXED) == 0)
        vgpu_in_python(vgpu_call_void, &vgpu_core.at_exit);
}

/* ---- starting ---- */

static void *nothing(void *argument)
{
    return argument;
}

/* Until the host's libc has seen a thread it leaves out locks that a thread made inside the namespace would need. */
static void show_a_thread(void)
{
    pthread_t thread;

    if (vgpu_make_thread(&thread, 0, nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

static bool glibc_is_new_enough(void)
{
    int major = 0, minor = 0;
    char error[160];

    if (sscanf(gnu_get_libc_version(), "%d.%d", &major, &minor) == 2 && (major > 2 || minor >= 34))
        return true;
    snprintf(error, sizeof error, "glibc %s is too old for a second namespace: 2.34 or newer is needed",
             gnu_get_libc_version());
    return fail(error);
}

/* The first of our keys has the destructor, because keys are cleared in their order and it needs the others' data. */
static bool reserve_keys(void)
{
    static bool reserved;
    int made = 0;

    if (reserved)
        return true;
    if (pthread_key_create(&thread_key, end_thread) == 0) {
        while (made < KEYS && pthread_key_create(&reserved_keys[made], NULL) == 0)
            made++;
        reserved = made == KEYS && reserved_keys[0] > thread_key;
    }
    if (reserved)
        return true;
    while (made > 0)
        pthread_key_delete(reserved_keys[--made]);
    pthread_key_delete(thread_key);
    return fail("the program has used up its 1024 thread-specific-data keys (pthread_key_create)");
}

/* In the namespace's libc only the reserved keys stay free. */
static bool confine_keys(void)
{
    int (*create)(pthread_key_t *, void (*)(void *)) = vgpu_real_dlsym()(libpython, "pthread_key_create");
    int (*delete)(pthread_key_t) = vgpu_real_dlsym()(libpython, "pthread_key_delete");
    pthread_key_t key;

    if (!create || !delete)
        return fail("the namespace's libc has no pthread_key_create");
    while (create(&key, NULL) == 0)
        ;
    for (int i = 0; i < KEYS; i++)
        delete(reserved_keys[i]);
    return true;
}

/* The namespace's environment. Visible to leak checkers, which do not see the namespace's own variables. */
HIDDEN char **vgpu_environment;

/* What a policy starts is not under that policy. */
static bool is_inherited(const char *variable)
{
    return strncmp(variable, "VGPU_DISABLE=", 13) != 0 && strncmp(variable, "LD_PRELOAD=", 11) != 0;
}

/* The namespace starts with the program's environ pointer, whose array the program's setenv frees. One block holds
 * array and text. */
static bool copy_environment(void)
{
    char ***theirs = vgpu_real_dlsym()(libpython, "environ"), *text;
    size_t count = 2, size = 0;

    for (char **variable = environ; variable && *variable; variable++, count++)
        size += strlen(*variable) + 1;
    vgpu_environment = calloc(1, count * sizeof *vgpu_environment + size);
    if (!theirs || !vgpu_environment)
        return fail("the environment could not be copied");
    text = (char *)(vgpu_environment + count);
    count = 0;
    vgpu_environment[count++] = (char *)"VGPU_DISABLE=1";
    for (char **variable = environ; variable && *variable; variable++)
        if (is_inherited(*variable)) {
            vgpu_environment[count++] = text;
            text = stpcpy(text, *variable) + 1;
        }
    *theirs = vgpu_environment;
    return true;
}

static bool loading_failed(const char *path)
{
    char error[1200];
    const char *reason = dlerror();
    bool tls = reason && strstr(reason, "static TLS");

    snprintf(error, sizeof error, "%s could not be loaded: %s%s", path, reason ? reason : "unknown",
             tls ? " (start the program with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096)" : "");
    return fail(error);
}

/* Extension modules find Py* in the namespace's first object and what it needs, so libpython comes first. Its own
 * constructor (3.13: mimalloc) makes and sets a key before the namespace's keys can be confined: the first of a fresh
 * libc, which is the program's first too. */
static bool open_namespace(void)
{
    void *mine[FIRST_KEYS];

    if (libpython)
        return true;
    for (int i = 0; i < FIRST_KEYS; i++)
        mine[i] = pthread_getspecific(i);
    libpython = dlmopen(LM_ID_NEWLM, python.libpython, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; i < FIRST_KEYS; i++)
        pthread_setspecific(i, mine[i]);
    if (!libpython)
        return loading_failed(python.libpython);
    return confine_keys() && copy_environment();
}

static void call_target(struct vgpu_frame *frame)
{
    struct vgpu_thread *thread = &vgpu_thread;
    int inside = thread->inside;

    set_inside(thread, 0);
    __atomic_sub_fetch(&inside_count, 1, __ATOMIC_RELAXED);
    set_floating(thread->floating);
    vgpu_call(frame->target, frame, vgpu_words[frame->slot][2]);
    thread->floating = floating_now();
    set_floating(PYTHON_FLOATING);
    __atomic_add_fetch(&inside_count, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->entries, thread->entries + 1, __ATOMIC_RELAXED);
    set_inside(thread, inside);
    frame->forwarded = 1;
}

static bool open_core(void)
{
    static bool opened;
    const struct vgpu_settings *settings = vgpu_settings();
    vgpu_core_open_fn *open;
    char path[4096], error[1200];
    const char *problem;
    Lmid_t namespace;
    void *handle;

    if (opened)
        return true;
    host = (struct vgpu_host){
        .call = call_target,
        .route = vgpu_route,
        .filter = vgpu_filter,
        .remember = vgpu_remember,
        .forget = vgpu_forget,
        .chunks = vgpu_chunks,
        .release = vgpu_release,
        .publish = vgpu_publish,
        .machine = vgpu_machine,
        .hold = vgpu_hold,
        .watch = vgpu_watch,
        .serve = vgpu_serve,
        .thunk = vgpu_thunk,
        .real = vgpu_real,
        .registered = vgpu_registered,
        .registration = vgpu_registration,
        .registrations_gone = vgpu_registrations_gone,
        .caller = vgpu_caller,
        .number = vgpu_caller_number,
        .making = vgpu_making,
        .made = vgpu_made,
        .driver = vgpu_driver_path,
        .setting = vgpu_setting,
        .log = vgpu_log_text,
        .start_work = vgpu_start_work,
        .ring = vgpu_ring,
        .await = vgpu_await,
        .log_level = settings->log_level,
        .is_virtual = vgpu_is_virtual(),
        .program = settings->program,
        .library = settings->library,
    };
    if (!vgpu_beside(path, sizeof path, VGPU_CORE_FILE) || dlinfo(libpython, RTLD_DI_LMID, &namespace) != 0)
        return fail("the namespace could not be identified");
    handle = dlmopen(namespace, path, RTLD_NOW | RTLD_LOCAL);
    open = handle ? (vgpu_core_open_fn *)vgpu_real_dlsym()(handle, "vgpu_core_open") : NULL;
    if (!open)
        return loading_failed(path);
    problem = open(&host, &python, &vgpu_core);
    if (problem) {
        snprintf(error, sizeof error, "Python %s at %s did not start: %s", VGPU_PYTHON_VERSION, python.libpython,
                 problem);
        return fail(error);
    }
    opened = pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;
    return opened;
}

static bool watch_for_forks(void)
{
    if (!not_forked)
        not_forked = vgpu_fork_page();
    return not_forked || fail("this kernel has no MADV_WIPEONFORK (Linux 4.14 or newer is needed)");
}

/* Whether what failed may work a second later: nothing can be opened by anybody at the moment. */
static bool out_of_descriptors(void)
{
    int probe = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (probe >= 0)
        close(probe);
    return probe < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
}

static bool prepare(void)
{
    char error[1200];

    if (!glibc_is_new_enough() || !watch_for_forks() || !reserve_keys())
        return false;
    if (!libpython && !vgpu_find_python(&python, error, sizeof error))
        return fail(error);
    if (!vgpu_thread.begun) {
        show_a_thread();
        pthread_mutex_lock(&passing);
        begin_thread(&vgpu_thread);
        pthread_mutex_unlock(&passing);
    }
    if (vgpu_is_virtual() && !vgpu_virtual_open())
        return false;
    return open_namespace() && open_core();
}

static int start_python(uint32_t *retry)
{
    if (prepare()) {
        int next;
        vgpu_record_start();
        next = vgpu_core.start(retry);
        if (next != VGPU_READY && next != VGPU_FAILED)
            fail("vgpu_embed could not be imported");
        return next;
    }
    *retry = out_of_descriptors() ? 1 : 0;
    return VGPU_FAILED;
}

static void set_state(enum vgpu_state next)
{
    __atomic_store_n(&state, next, __ATOMIC_RELEASE);
    syscall(SYS_futex, &state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void finish(enum vgpu_state next, uint32_t retry)
{
    retry_at = next == VGPU_READY || retry == 0 ? 0 : now() + retry;
    set_state(next == VGPU_READY ? VGPU_READY : VGPU_FAILED);
}

/* Runs with the loader's lock held, so that a thread that sees the start under way does not hold it. */
static void start(void)
{
    struct vgpu_thread *thread = &vgpu_thread;
    struct vgpu_floating outer;
    uint32_t retry = 0;
    int next;

    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != VGPU_NOT_STARTED)
        return;
    starter = gettid();
    set_state(VGPU_STARTING);
    set_inside(thread, thread->inside + 1);
    outer = to_python(thread);
    next = start_python(&retry);
    to_program(thread, outer);
    set_inside(thread, thread->inside - 1);
    finish(next, retry);
    if (next == VGPU_READY)
        vgpu_service_start();
}

EXPORTED void vgpu_pass_gate(void);

void vgpu_pass_gate(void)
{
    struct vgpu_thread *thread = &vgpu_thread;
    void (*pending)(void) = thread->pending;

    thread->pending = NULL;
    if (pending)
        pending();
}

/* Runs `pending` from the constructor of a library that is opened for the purpose; see gate.c. False where it cannot.
 */
static bool open_gate(void (*pending)(void))
{
    struct vgpu_thread *thread = &vgpu_thread;
    char path[4096];

    thread->pending = pending;
    for (int attempt = 0; attempt < 1000 && thread->pending; attempt++) {
        void *gate = vgpu_beside(path, sizeof path, "libvgpu-gate.so") ? vgpu_real_dlopen()(path, RTLD_NOW) : NULL;
        if (!gate)
            break;
        dlclose(gate);
        if (thread->pending) /* another thread had it open, and the constructor has run for that one */
            usleep(100);
    }
    pending = thread->pending;
    thread->pending = NULL;
    return !pending;
}

static int start_through_gate(void *argument)
{
    bool passing, opened = open_gate(start);
    char path[4096] = "";

    (void)argument;
    if (!opened && __atomic_load_n(&state, __ATOMIC_ACQUIRE) == VGPU_NOT_STARTED) {
        passing = out_of_descriptors();
        finish(VGPU_FAILED, passing ? 1 : 0);
        vgpu_beside(path, sizeof path, "libvgpu-gate.so");
        loading_failed(path);
    }
    return opened;
}

/* Runs a function of the core's with the loader's lock held. False where that cannot be had. */
static __thread void (*behind_gate)(void);

static void pass_gate(void)
{
    vgpu_in_python(vgpu_call_void, &behind_gate);
}

bool vgpu_through_gate(void (*function)(void))
{
    behind_gate = function;
    return open_gate(pass_gate);
}

/* One thread goes for the loader's lock. Others give it a moment to begin, so that they wait at the gate with its time
 * limit and not for the lock; only a moment, because it may be one of them that holds the lock. */
static void start_or_let(void)
{
    static int going;
    struct timespec moment = {0, 100000000};

    if (__atomic_exchange_n(&going, 1, __ATOMIC_ACQ_REL))
        syscall(SYS_futex, &state, FUTEX_WAIT_PRIVATE, VGPU_NOT_STARTED, &moment, NULL, 0);
    else if (!vgpu_is_virtual())
        vgpu_driver_open(true); /* so that those who stop waiting find it without the lock */
    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == VGPU_NOT_STARTED)
        on_enough_stack(start_through_gate, NULL);
    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != VGPU_STARTING)
        __atomic_store_n(&going, 0, __ATOMIC_RELEASE);
}

/* Waits until the start that another thread is making has ended. */
static void wait_for_start(void)
{
    const char *limit = vgpu_setting("VGPU_GATE");
    struct timespec second = {1, 0};
    time_t until = now() + (limit && atoi(limit) > 0 ? atoi(limit) : GATE_SECONDS);
    static bool said;

    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == VGPU_STARTING) {
        if (now() >= until) {
            if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
                fail("Python is still starting on another thread after the time limit (VGPU_GATE, in seconds)");
            return;
        }
        syscall(SYS_futex, &state, FUTEX_WAIT_PRIVATE, VGPU_STARTING, &second, NULL, 0);
    }
}

static bool may_retry(void)
{
    int failed = VGPU_FAILED;
    return retry_at && now() >= retry_at &&
           __atomic_compare_exchange_n(&state, &failed, VGPU_NOT_STARTED, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool vgpu_start_python(void)
{
    if (!vgpu_settings()->active || vgpu_thread.inside || vgpu_thread.opening)
        return false;
    for (;;) {
        switch (__atomic_load_n(&state, __ATOMIC_ACQUIRE)) {
        case VGPU_READY:
            return is_ours();
        case VGPU_FAILED:
            if (!may_retry())
                return false;
            break;
        case VGPU_STARTING:
            if (starter == gettid())
                return false;
            wait_for_start();
            if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == VGPU_STARTING)
                return false;
            break;
        default:
            start_or_let();
            if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == VGPU_NOT_STARTED)
                return false;
        }
    }
}

bool vgpu_python_settled(void)
{
    int is = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
    return !vgpu_settings()->active || is == VGPU_READY || (is == VGPU_FAILED && retry_at == 0);
}

struct question {
    struct vgpu_frame *frame;
    uint32_t key;
};

static int decide(void *argument)
{
    struct question *question = argument;
    return vgpu_core.decide(question->frame, question->key);
}

int vgpu_ask(struct vgpu_frame *frame, uint32_t caller)
{
    /* A hook that fails after it has forwarded must not make the call happen twice. */
    return vgpu_in_python(decide, &(struct question){frame, frame->slot << 16 | caller}) != 0 || frame->forwarded;
}

int vgpu_stuck(struct vgpu_stuck *stuck, int room)
{
    uint64_t now_ns = vgpu_now();
    int count = 0;

    pthread_mutex_lock(&passing);
    for (struct vgpu_thread *thread = threads; thread && count < room; thread = thread->next) {
        uint32_t entries = __atomic_load_n(&thread->entries, __ATOMIC_RELAXED);
        if (thread == &vgpu_thread || !__atomic_load_n(&thread->inside, __ATOMIC_RELAXED))
            continue;
        if (entries != thread->seen_entries) {
            thread->seen_entries = entries;
            thread->seen_since = now_ns;
        } else if (thread->seen_since) {
            stuck[count++] = (struct vgpu_stuck){thread->self, (now_ns - thread->seen_since) / 1e9};
        }
    }
    pthread_mutex_unlock(&passing);
    return count;
}
