/* The time of events. Where the kernel tells the time by the processor's counter, so do we: that costs about half of
 * what reading the clock does. A thread relies on the counter for a fraction of a millisecond, then compares it with
 * the clock again; tests/trace/test_traces.py holds the two to a microsecond. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "stub.h"

#define TICKS    (1u << 20) /* how long the counter is relied on */
#define CLOSE    500        /* ticks; the clock was read, and the thread not interrupted meanwhile */
#define SHORTEST 10000000   /* ns; a rate is that of a time between this and */
#define LONGEST  1000000000

enum { UNKNOWN, UNUSABLE, USABLE };

static int counter;   /* whether it can be relied on */
static uint64_t rate; /* ns per tick, times 2 to the 32nd; 0: not known yet */
static struct {
    uint64_t ticks, time;
} since;             /* what the rate is counted from */
static int counting; /* somebody changes `since` */

static int system_clock(clockid_t which, struct timespec *t)
{
    return syscall(SYS_clock_gettime, which, t);
}

uint64_t vgpu_now(void)
{
    static int (*clock)(clockid_t, struct timespec *);
    struct timespec t;

    if (!clock) { /* the kernel's own: libfaketime and the like replace the C library's */
        struct link_map *object = vgpu_first();
        int (*found)(clockid_t, struct timespec *) = NULL;
        for (; object && !found; object = object->l_next)
            if (object->l_name && strncmp(object->l_name, "linux-vdso.so", 13) == 0)
                found = vgpu_symbol(object, "__vdso_clock_gettime");
        __atomic_store_n(&clock, found ? found : system_clock, __ATOMIC_RELAXED);
    }
    clock(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The kernel has seen that the counters of all processors agree and never stop. */
static bool is_usable(void)
{
    char name[4] = "";
    int saved = errno,
        file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    bool usable = file >= 0 && read(file, name, sizeof name) == sizeof name && memcmp(name, "tsc\n", 4) == 0;

    if (file >= 0)
        close(file);
    errno = saved;
    return usable;
}

static void count_rate(uint64_t ticks, uint64_t time)
{
    uint64_t passed;

    if (__atomic_exchange_n(&counting, 1, __ATOMIC_ACQUIRE))
        return;
    passed = time - since.time;
    if (since.time && time > since.time && passed >= SHORTEST && passed <= LONGEST)
        __atomic_store_n(&rate, (passed << 32) / (ticks - since.ticks), __ATOMIC_RELAXED);
    if (!since.time || passed > LONGEST)
        since.ticks = ticks, since.time = time;
    __atomic_store_n(&counting, 0, __ATOMIC_RELEASE);
}

/* Compares the counter with the clock. */
static uint64_t compare(struct vgpu_thread *thread)
{
    uint64_t before = __rdtsc(), now = vgpu_now(), ticks = __rdtsc();

    if (ticks - before < CLOSE) {
        count_rate(ticks, now);
        thread->ticks = ticks;
        thread->time = now > thread->stamp ? now : thread->stamp;
    }
    return thread->stamp = now > thread->stamp ? now : thread->stamp;
}

uint64_t vgpu_stamp(void)
{
    struct vgpu_thread *thread = &vgpu_thread;
    uint64_t factor = __atomic_load_n(&rate, __ATOMIC_RELAXED), ticks;

    if (LIKELY(factor != 0 && (ticks = __rdtsc() - thread->ticks) < TICKS))
        return thread->stamp = thread->time + (ticks * factor >> 32);
    if (counter == UNKNOWN)
        counter = is_usable() ? USABLE : UNUSABLE;
    return counter == USABLE ? compare(thread) : vgpu_now();
}
