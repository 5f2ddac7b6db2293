/* A library whose code calls the driver: on several threads at once, with dirty registers, through exceptions' ways.
 * ctypes loads it, and a copy of it under another name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t any_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                              uint64_t, uint64_t, uint64_t);

static void *find(const char *name)
{
    static void *driver;
    void *function;

    if (!driver)
        driver = dlopen("libcuda.so.1", RTLD_NOW);
    function = driver ? dlsym(driver, name) : NULL;
    if (!function) {
        fprintf(stderr, "%s: %s\n", name, dlerror());
        abort();
    }
    return function;
}

/* Any function with whole-number arguments. */
uint64_t call(const char *name, const uint64_t *a)
{
    any_function *function = find(name);
    return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}

/* The same call with each of several argument lists; the results. */
void call_each(const char *name, const uint64_t (*a)[12], uint32_t *results, int count)
{
    any_function *function = find(name);
    for (int i = 0; i < count; i++)
        results[i] = function(a[i][0], a[i][1], a[i][2], a[i][3], a[i][4], a[i][5], a[i][6], a[i][7], a[i][8], a[i][9],
                              a[i][10], a[i][11]);
}

/* ---- errno ---- */

int errno_after(const char *name, const uint64_t *a)
{
    any_function *function = find(name);
    errno = 731;
    function(a[0], a[1], a[2], a[3], a[4], a[5], 0, 0, 0, 0, 0, 0);
    return errno;
}

/* ---- leaving a call by a jump ---- */

static jmp_buf place;
static void jump(void *unused)
{
    (void)unused;
    longjmp(place, 1);
}

/* Calls a function that calls back, and leaves the callback by longjmp. Returns how often that went well. */
int jump_through(const char *name, int times)
{
    int (*function)(void *, void (*)(void *), void *) = find(name);
    volatile int jumped = 0;

    for (volatile int i = 0; i < times; i++) {
        if (setjmp(place) == 0)
            function(NULL, jump, NULL);
        else
            jumped++;
    }
    return jumped;
}

/* ---- many threads ---- */

struct work {
    const char *name;
    int calls;
    pthread_barrier_t *barrier;
};

static void *calls_of(void *argument)
{
    struct work *work = argument;
    int (*attribute)(int *, int, int) = find(work->name), value;

    pthread_barrier_wait(work->barrier);
    for (int i = 0; i < work->calls; i++)
        attribute(&value, 1 + i % 100, 0);
    return NULL;
}

/* Calls a function of (int *, int, int) so often on each of so many threads at once, and waits for them. */
void on_threads(const char *name, int threads, int calls)
{
    pthread_t thread[threads];
    pthread_barrier_t barrier;
    struct work work = {name, calls, &barrier};

    find(name);
    pthread_barrier_init(&barrier, NULL, threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, calls_of, &work) != 0)
            abort();
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

/* ---- answers that change ---- */

/* What a policy of version v says of device d: capability v.(v + d), name "v v v v …", uuid of 16 bytes v. `least` is
 * the version in force for sure when a call begins, `most` the newest that may be in force when it ends. */
struct versions {
    int least, most, stop;
    long calls, mixed, old, early;
};

static int (*capability)(int *, int *, int);
static int (*name_of)(char *, int, int);
static int (*uuid_of)(void *, int);

static int asked(int which, int device)
{
    unsigned char uuid[16];
    char name[64], expected[64];
    int major = -1, minor = -1, length = 16 + 8 * (device & 3);

    switch (which) {
    case 0:
        return capability(&major, &minor, device) == 0 && minor == major + device ? major : -1;
    case 1:
        if (name_of(name, length, device) != 0)
            return -1;
        major = atoi(name);
        snprintf(expected, length, "%d %d %d %d %d %d %d %d %d %d %d", major, major, major, major, major, major, major,
                 major, major, major, major);
        return strcmp(name, expected) == 0 ? major : -1;
    default:
        if (uuid_of(uuid, device) != 0)
            return -1;
        for (int i = 1; i < 16; i++)
            if (uuid[i] != uuid[0])
                return -1;
        return uuid[0];
    }
}

static void *check(void *argument)
{
    struct versions *versions = argument;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    while (!__atomic_load_n(&versions->stop, __ATOMIC_ACQUIRE)) {
        int least = __atomic_load_n(&versions->least, __ATOMIC_SEQ_CST), random = rand_r(&seed);
        int version = asked(random % 3, random >> 4 & 15);
        int most = __atomic_load_n(&versions->most, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&versions->calls, 1, __ATOMIC_RELAXED);
        if (version < 0)
            __atomic_add_fetch(&versions->mixed, 1, __ATOMIC_RELAXED);
        else if (version < least)
            __atomic_add_fetch(&versions->old, 1, __ATOMIC_RELAXED);
        else if (version > most)
            __atomic_add_fetch(&versions->early, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static pthread_t checking[64];

void check_begin(struct versions *versions, int threads)
{
    capability = find("cuDeviceComputeCapability");
    name_of = find("cuDeviceGetName");
    uuid_of = find("cuDeviceGetUuid");
    for (int i = 0; i < threads; i++)
        if (pthread_create(&checking[i], NULL, check, versions) != 0)
            abort();
}

void check_end(struct versions *versions, int threads)
{
    __atomic_store_n(&versions->stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < threads; i++)
        pthread_join(checking[i], NULL);
}
