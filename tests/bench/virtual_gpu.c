/* Times the virtual driver.
 *
 *     virtual_gpu calls          a line a case: nanoseconds of this thread's own time that a call takes, and the case
 *     virtual_gpu load LIBRARY…  opens them; nanoseconds of the process's own time that the last one took
 *
 * No kernel has a body. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *handle;

enum { WARM = 500, CALLS = 5000, HELD = 1000, FEW = 16, SMALL = 4 << 10, LARGE = 4 << 20, RELAXED = 2 };

static const int KERNELS[] = {0, 10, 100, 1000};

/* A kernel with one parameter. */
static const char MODULE[] = ".version 8.0\n.target sm_80\n.address_size 64\n"
                             ".visible .entry kernel(.param .u64 kernel_param_0)\n{\nret;\n}\n";

static void *driver;

static void *function_of(const char *name)
{
    void *function = dlsym(driver, name);

    if (!function) {
        fprintf(stderr, "virtual_gpu: %s is not found\n", name);
        exit(1);
    }
    return function;
}

static void ok(int result, const char *name)
{
    if (result != 0) {
        fprintf(stderr, "virtual_gpu: %s = %d\n", name, result);
        exit(1);
    }
}

/* CALL(name, (types), arguments…): by the name, for what is done once. */
#define CALL(name, types, ...) ok(((int(*) types)function_of(#name))(__VA_ARGS__), #name)

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Evaluates an expression that many times, and as often as `warm` says before. */
#define TIMED(name, warm, times, expression)                   \
    do {                                                       \
        double begin_ = 0;                                     \
        int result_ = 0;                                       \
        for (long i = -(long)(warm); i < (times); i++) {       \
            if (i == 0)                                        \
                begin_ = read_clock(CLOCK_THREAD_CPUTIME_ID);  \
            result_ |= (expression);                           \
        }                                                      \
        begin_ = read_clock(CLOCK_THREAD_CPUTIME_ID) - begin_; \
        ok(result_, name);                                     \
        printf("%.1f %s\n", begin_ / (double)(times), name);   \
    } while (0)

static int (*launch_kernel)(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle,
                            void **, void **);
static int (*allocate)(uint64_t *, size_t);
static int (*release)(uint64_t);

static int launch(handle kernel, handle stream)
{
    uint64_t argument = 0;
    void *parameters[] = {&argument};

    return launch_kernel(kernel, 1, 1, 1, 32, 1, 1, 0, stream, parameters, NULL);
}

static void copies(void)
{
    int (*to_device)(uint64_t, const void *, size_t) = function_of("cuMemcpyHtoD_v2");
    int (*to_host)(void *, uint64_t, size_t) = function_of("cuMemcpyDtoH_v2");
    uint64_t memory;
    int number = 1;

    ok(allocate(&memory, sizeof number), "cuMemAlloc_v2");
    TIMED("copy of 4 bytes to the device", WARM, CALLS, to_device(memory, &number, sizeof number));
    TIMED("copy of 4 bytes to the host", WARM, CALLS, to_host(&number, memory, sizeof number));
    ok(release(memory), "cuMemFree_v2");
}

static int pair(void)
{
    uint64_t memory = 0;

    return allocate(&memory, SMALL) | release(memory);
}

/* The second time: the first one makes room for what is held. */
static void held_together(size_t size, const char *allocation, const char *its_free)
{
    static uint64_t held[HELD];

    for (int i = 0; i < HELD; i++)
        ok(allocate(&held[i], size), "cuMemAlloc_v2");
    for (int i = 0; i < HELD; i++)
        ok(release(held[i]), "cuMemFree_v2");
    TIMED(allocation, 0, HELD, allocate(&held[i], size));
    TIMED(its_free, 0, HELD, release(held[i]));
}

static void allocations(void)
{
    TIMED("allocation of 4 KiB and its free, no other held", WARM, CALLS, pair());
    held_together(SMALL, "allocation of 4 KiB, others held", "free of 4 KiB, others held");
    held_together(LARGE, "allocation of 4 MiB, others held", "free of 4 MiB, others held");
}

static void graphs(handle kernel, handle stream)
{
    int (*launch_graph)(handle, handle) = function_of("cuGraphLaunch");

    for (size_t n = 0; n < sizeof KERNELS / sizeof *KERNELS; n++) {
        handle graph, executable;
        char name[64];

        CALL(cuStreamBeginCapture_v2, (handle, int), stream, RELAXED);
        for (int i = 0; i < KERNELS[n]; i++)
            ok(launch(kernel, stream), "cuLaunchKernel");
        CALL(cuStreamEndCapture, (handle, handle *), stream, &graph);
        CALL(cuGraphInstantiateWithFlags, (handle *, handle, uint64_t), &executable, graph, 0);
        snprintf(name, sizeof name, "replay of a graph of %d kernels", KERNELS[n]);
        TIMED(name, FEW, CALLS, launch_graph(executable, stream));
        CALL(cuGraphExecDestroy, (handle), executable);
        CALL(cuGraphDestroy, (handle), graph);
    }
}

static int calls(void)
{
    handle context, module, kernel, stream;

    driver = dlopen("libcuda.so.1", RTLD_NOW);
    CALL(cuInit, (unsigned), 0);
    CALL(cuDevicePrimaryCtxRetain, (handle *, int), &context, 0);
    CALL(cuCtxSetCurrent, (handle), context);
    CALL(cuModuleLoadData, (handle *, const void *), &module, MODULE);
    CALL(cuModuleGetFunction, (handle *, handle, const char *), &kernel, module, "kernel");
    CALL(cuStreamCreate, (handle *, unsigned), &stream, 1);
    launch_kernel = function_of("cuLaunchKernel");
    allocate = function_of("cuMemAlloc_v2");
    release = function_of("cuMemFree_v2");
    TIMED("launch of a kernel", WARM, CALLS, launch(kernel, stream));
    copies();
    allocations();
    graphs(kernel, stream);
    return 0;
}

static int load(int count, char **libraries)
{
    double took = 0;

    for (int i = 0; i < count; i++) {
        took = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        if (!dlopen(libraries[i], RTLD_NOW | (i + 1 < count ? RTLD_GLOBAL : RTLD_LOCAL))) {
            fprintf(stderr, "virtual_gpu: %s\n", dlerror());
            return 1;
        }
        took = read_clock(CLOCK_PROCESS_CPUTIME_ID) - took;
    }
    printf("%.0f\n", took);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "calls") == 0)
        return calls();
    if (argc > 2 && strcmp(argv[1], "load") == 0)
        return load(argc - 2, argv + 2);
    fprintf(stderr, "virtual_gpu: calls | load LIBRARY...\n");
    return 2;
}
