/* Opens the driver, calls, and uses memory; also built under sanitizers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, CALLS = 50 };

static int (*get_attribute)(int *, int, int);

static void *run(void *unused)
{
    long sum = 0;
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        int *value = malloc(sizeof *value);
        sum += get_attribute(value, 75, 0) == 0 ? *value : -1;
        free(value);
    }
    return (void *)sum;
}

int main(void)
{
    pthread_t running[THREADS];
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *sum;
    if (!driver) {
        puts(dlerror());
        return 1;
    }
    *(void **)&get_attribute = dlsym(driver, "cuDeviceGetAttribute");
    for (int i = 0; i < THREADS; i++)
        pthread_create(&running[i], NULL, run, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(running[i], &sum);
        printf("thread: %ld\n", (long)sum / CALLS);
    }
    return 0;
}
