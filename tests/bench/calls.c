/* Times calls by turns: straight to a driver that nobody stands in front of, and through the preloaded library.
 *
 *     calls BARE_DRIVER FUNCTION THREADS ROUNDS CALLS PAUSE
 *         A line a round: nanoseconds a call, straight by the threads' own clocks and by the wall, through the
 *         library likewise, and what two clock_gettime cost a thread. CALLS of 0: as many as take some milliseconds.
 * After each half of a round, PAUSE milliseconds in which an observer can catch up. FUNCTION "dlsym" looks up strlen,
 * by libc's own dlsym and by the one that programs get. Last, where calls are recorded: "dropped" and how many events
 * found no room. calls start Nanoseconds from before the driver is opened to after the first call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int function(uintptr_t, uintptr_t, uintptr_t);

enum { MOST_THREADS = 64, ENOUGH = 4000000 /* ns */ };

struct work {
    function *f;
    uintptr_t arguments[2];
    long calls;
    pthread_barrier_t *barrier;
    double cpu, begin, end;
};

struct cost {
    double cpu, wall;
};

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *call(void *argument)
{
    struct work *work = argument;
    int out[64];
    function *f = work->f;
    uintptr_t first = work->arguments[0] ? work->arguments[0] : (uintptr_t)out, second = work->arguments[1];

    pthread_barrier_wait(work->barrier);
    work->begin = read_clock(CLOCK_MONOTONIC);
    work->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < work->calls; i++)
        f(first, second, 0);
    work->cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - work->cpu;
    work->end = read_clock(CLOCK_MONOTONIC);
    return NULL;
}

static struct cost timed(function *f, const uintptr_t *arguments, long calls, int threads)
{
    pthread_t ids[MOST_THREADS];
    struct work works[MOST_THREADS];
    pthread_barrier_t barrier;
    double cpu = 0, begin = 0, end = 0;

    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        works[i] = (struct work){f, {arguments[0], arguments[1]}, calls, &barrier, 0, 0, 0};
        pthread_create(&ids[i], NULL, call, &works[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        cpu += works[i].cpu;
        begin = i == 0 || works[i].begin < begin ? works[i].begin : begin;
        end = works[i].end > end ? works[i].end : end;
    }
    return (struct cost){cpu / (double)threads / (double)calls, (end - begin) / (double)threads / (double)calls};
}

static int two_stamps(uintptr_t unused, uintptr_t unused2, uintptr_t unused3)
{
    struct timespec t;

    (void)unused, (void)unused2, (void)unused3;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return clock_gettime(CLOCK_MONOTONIC, &t);
}

static long enough(function *f, const uintptr_t *arguments)
{
    double ns = timed(f, arguments, 2000, 1).wall;
    return ns * 500 > ENOUGH ? 500 : (long)(ENOUGH / ns);
}

/* The header of this process's recording (csrc/record.c) says how many chunks it took, and what found no room. */
static void show_recorded(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const char *trace = getenv("VGPU_TRACE");
    char line[4096], *path = NULL;
    uint64_t chunks_dropped[2];
    int file;

    while (!path && fgets(line, sizeof line, maps)) {
        line[strcspn(line, "\n")] = 0;
        path = strchr(line, '/');
        if (path && !(trace ? strcmp(path, trace) == 0 : strlen(path) > 5 && !strcmp(strrchr(path, 0) - 5, ".proc")))
            path = NULL;
    }
    fclose(maps);
    if (!path)
        return;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || pread(file, chunks_dropped, sizeof chunks_dropped, 24) != sizeof chunks_dropped)
        perror(path);
    else
        printf("recorded %lu %lu\n", chunks_dropped[0], chunks_dropped[1]);
    close(file);
}

static int start(void)
{
    double begin = read_clock(CLOCK_MONOTONIC);
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    int (*init)(unsigned) = driver ? (int (*)(unsigned))dlsym(driver, "cuInit") : NULL;

    if (!init || init(0) != 0)
        return 1;
    printf("%.0f\n", read_clock(CLOCK_MONOTONIC) - begin);
    return 0;
}

int main(int argc, char **argv)
{
    void *libc, *ours, *bare = NULL;
    uintptr_t arguments[2] = {0, 16};
    function *straight, *through;
    int threads, rounds, pause;
    long calls, straight_calls, through_calls;

    if (argc == 2 && strcmp(argv[1], "start") == 0)
        return start();
    ours = dlopen("libcuda.so.1", RTLD_NOW); /* first, or the bare driver would be taken for it */
    if (argc != 7 || !(bare = dlopen(argv[1], RTLD_NOW)) || (threads = atoi(argv[3])) < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "calls: BARE_DRIVER FUNCTION THREADS ROUNDS CALLS PAUSE\n");
        return 2;
    }
    libc = dlopen("libc.so.6", RTLD_NOW);
    rounds = atoi(argv[4]);
    calls = atol(argv[5]);
    pause = atoi(argv[6]) * 1000;
    if (strcmp(argv[2], "dlsym") == 0) {
        straight = (function *)dlsym(libc, "dlsym"); /* a handle's own symbol is left alone */
        through = (function *)(void *)dlsym;
        arguments[0] = (uintptr_t)libc;
        arguments[1] = (uintptr_t)"strlen";
    } else {
        straight = (function *)dlsym(bare, argv[2]);
        through = ours ? (function *)dlsym(ours, argv[2]) : NULL;
    }
    if (!straight || !through || straight == through) {
        fprintf(stderr, "calls: %s does not go through the library\n", argv[2]);
        return 2;
    }
    straight_calls = calls ? calls : enough(straight, arguments);
    through_calls = calls ? calls : enough(through, arguments);
    for (int i = 0; i < rounds; i++) {
        struct cost cost[2];
        for (int half = 0; half < 2; half++) {
            int which = half ^ (i & 1);
            cost[which] = which ? timed(through, arguments, through_calls, threads)
                                : timed(straight, arguments, straight_calls, threads);
            usleep((useconds_t)pause);
        }
        printf("%.2f %.2f %.2f %.2f %.2f\n", cost[0].cpu, cost[0].wall, cost[1].cpu, cost[1].wall,
               timed(two_stamps, arguments, 10000, threads).cpu);
    }
    show_recorded();
    return 0;
}
