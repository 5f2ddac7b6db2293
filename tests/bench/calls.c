/* Times calls by turns: to a driver that nobody stands in front of, and to the one that the library does.
 *
 *     calls BARE_DRIVER FUNCTION THREADS     prints "bare preloaded" in nanoseconds a call, a line a round
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int function(void *, size_t, size_t);

enum { ROUNDS = 9 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

struct work {
    function *f;
    long calls;
    pthread_barrier_t *barrier;
    double ns;
};

static void *call(void *argument)
{
    struct work *work = argument;
    int out[64];
    double begin;

    pthread_barrier_wait(work->barrier);
    begin = now();
    for (long i = 0; i < work->calls; i++)
        work->f(out, 16, 0);
    work->ns = (now() - begin) / work->calls;
    return NULL;
}

static double timed(function *f, long calls, int threads)
{
    pthread_t ids[64];
    struct work works[64];
    pthread_barrier_t barrier;
    double sum = 0;

    pthread_barrier_init(&barrier, NULL, threads);
    for (int i = 0; i < threads; i++) {
        works[i] = (struct work){f, calls, &barrier, 0};
        pthread_create(&ids[i], NULL, call, &works[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += works[i].ns;
    }
    return sum / threads;
}

/* As many calls as take about 20 ms. */
static long enough(function *f)
{
    double ns = timed(f, 1000, 1);
    return ns > 20000 ? 1000 : (long)(2e7 / ns);
}

int main(int argc, char **argv)
{
    void *ours = dlopen("libcuda.so.1", RTLD_NOW), *bare = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
    function *through = ours ? (function *)dlsym(ours, argv[2]) : NULL,
             *direct = bare ? (function *)dlsym(bare, argv[2]) : NULL;
    int threads = argc == 4 ? atoi(argv[3]) : 0;

    if (!through || !direct || through == direct || threads < 1 || threads > 64) {
        fprintf(stderr, "calls: BARE_DRIVER FUNCTION THREADS (%s)\n", dlerror());
        return 2;
    }
    timed(through, 100, threads);
    for (int i = 0; i < ROUNDS; i++) {
        double before = timed(direct, enough(direct), threads);
        printf("%.2f %.2f\n", before, timed(through, enough(through), threads));
    }
    return 0;
}
