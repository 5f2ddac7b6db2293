/* What a call costs: nanoseconds, best of seven loops.
 *
 *     timing            the driver's functions as dlsym gives them
 *     timing LIBRARY    the driver's, and the same of LIBRARY, which passes on to them: loop by loop in turn
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7, CALLS = 300000, MAJOR = 75 };

typedef int attribute_function(int *value, int attribute, int device);
typedef int current_function(void **context);

static void *find(void *library, const char *name)
{
    void *function = library ? dlsym(library, name) : NULL;

    if (!function) {
        fprintf(stderr, "no %s: %s\n", name, dlerror());
        exit(1);
    }
    return function;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double attribute_loop(void *function)
{
    double start = now();
    int value;

    for (int i = 0; i < CALLS; i++)
        ((attribute_function *)function)(&value, MAJOR, 0);
    return (now() - start) / CALLS;
}

static double current_loop(void *function)
{
    double start = now();
    void *context;

    for (int i = 0; i < CALLS; i++)
        ((current_function *)function)(&context);
    return (now() - start) / CALLS;
}

static void measure(const char *name, double (*loop)(void *), void *driver, void *library)
{
    void *functions[] = {find(driver, name), library ? find(library, name) : NULL};
    double best[] = {1e9, 1e9};

    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < (library ? 2 : 1); i++) {
            double time = loop(functions[i]);
            best[i] = time < best[i] ? time : best[i];
        }
    printf("%s %.2f", name, best[0]);
    if (library)
        printf(" %.2f", best[1]);
    printf("\n");
}

int main(int count, char **arguments)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *context = NULL;
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;

    if (count > 1 && !library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    if (((int (*)(unsigned))find(driver, "cuInit"))(0) ||
        ((int (*)(void **, int))find(driver, "cuDevicePrimaryCtxRetain"))(&context, 0) ||
        ((int (*)(void *))find(driver, "cuCtxSetCurrent"))(context)) {
        fprintf(stderr, "the driver gives no context\n");
        return 1;
    }
    measure("cuDeviceGetAttribute", attribute_loop, driver, library);
    measure("cuCtxGetCurrent", current_loop, driver, library);
    return 0;
}
