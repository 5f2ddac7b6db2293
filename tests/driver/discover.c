/* What a program does with a driver, found by dlopen and dlsym: discovery, a context, memory, a stream. Prints what it
 * gets, never an address, so that two runs can be compared. Arguments: libraries that ask for the compute capability
 * in their own name (asker.c). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

enum { WORDS = 11 };
#define CALL(name, ...)   call(name, (uint64_t[WORDS]){__VA_ARGS__})
#define ADDRESS(variable) ((uintptr_t)&(variable))

static void *driver;

/* Every function of use here takes whole numbers and addresses; what one does not take it does not see. */
static unsigned call(const char *name, const uint64_t *w)
{
    typedef unsigned any(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                         uint64_t, uint64_t);
    any *function = (any *)dlsym(driver, name);
    unsigned result;

    if (!function) {
        printf("%s missing\n", name);
        return 999;
    }
    result = function(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10]);
    printf("%s %u\n", name, result);
    return result;
}

static void show_device(int device)
{
    static const int attributes[] = {1, 10, 16, 33, 75, 76, 102, 147, 148};
    char name[64] = "", id[16] = "";
    size_t bytes = 1;
    CUuuid uuid = {{0}};

    CALL("cuDeviceGetName", ADDRESS(name), sizeof name, device);
    printf("name %s\n", name);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        int value = -1;
        CALL("cuDeviceGetAttribute", ADDRESS(value), attributes[i], device);
        printf("attribute %d: %d\n", attributes[i], value);
    }
    CALL("cuDeviceTotalMem_v2", ADDRESS(bytes), device);
    printf("total %zu\n", bytes);
    CALL("cuDeviceGetUuid_v2", ADDRESS(uuid), device);
    printf("uuid ");
    for (size_t i = 0; i < sizeof uuid; i++)
        printf("%02x", (unsigned char)uuid.bytes[i]);
    printf("\n");
    CALL("cuDeviceGetPCIBusId", ADDRESS(id), sizeof id, device);
    printf("pci %s\n", id);
}

static void use_memory(void)
{
    char text[] = "a round trip", back[sizeof text] = "";
    size_t before = 0, after = 0, total = 0;
    CUdeviceptr memory = 0, none = 0x5a5a;

    CALL("cuMemGetInfo_v2", ADDRESS(before), ADDRESS(total));
    CALL("cuMemAlloc_v2", ADDRESS(memory), 1 << 20);
    CALL("cuMemGetInfo_v2", ADDRESS(after), ADDRESS(total));
    printf("total %zu free %zu taken %zu\n", total, after, before - after);
    if (memory) {
        CALL("cuMemcpyHtoD_v2", memory, ADDRESS(text), sizeof text);
        CALL("cuMemcpyDtoH_v2", ADDRESS(back), memory, sizeof text);
        printf("back: %s\n", back);
    }
    CALL("cuMemFree_v2", memory);
    CALL("cuMemAlloc_v2", ADDRESS(none), (uint64_t)1 << 40);
    printf("too much: %llx\n", none);
}

static void answer(void *number)
{
    *(int *)number = 42;
}

static void use_context(void)
{
    CUcontext context = NULL, current = NULL;
    CUstream stream = NULL;
    const char *error = NULL;
    int value = -77, answered = 0;

    CALL("cuDevicePrimaryCtxRetain", ADDRESS(context), 0);
    CALL("cuCtxSetCurrent", (uintptr_t)context);
    CALL("cuCtxGetCurrent", ADDRESS(current));
    printf("current %s\n", current == context ? "retained" : "other");
    use_memory();
    CALL("cuStreamCreate", ADDRESS(stream), 0);
    CALL("cuLaunchKernel", 1, 2, 3, 4, 5, 6, 7, 8, (uintptr_t)stream, 0, 0);
    CALL("cuLaunchHostFunc", (uintptr_t)stream, (uintptr_t)answer, ADDRESS(answered));
    CALL("cuStreamSynchronize", (uintptr_t)stream);
    printf("from the stream: %d\n", answered);
    CALL("cuStreamDestroy_v2", (uintptr_t)stream);
    CALL("cuGetErrorName", 2, ADDRESS(error));
    printf("error 2 is %s\n", error);
    CALL("cuDeviceGetAttribute", 0, 75, 0);
    CALL("cuDeviceGetAttribute", ADDRESS(value), 75, 99);
    printf("untouched %d\n", value);
}

int main(int count, char **libraries)
{
    int version = -1, devices = -1, device = -1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver) {
        printf("no driver: %s\n", dlerror());
        return 1;
    }
    CALL("cuInit", 0);
    CALL("cuDriverGetVersion", ADDRESS(version));
    CALL("cuDeviceGetCount", ADDRESS(devices));
    printf("version %d devices %d\n", version, devices);
    for (int i = 0; i < devices; i++)
        if (CALL("cuDeviceGet", ADDRESS(device), i) == 0)
            show_device(device);
    use_context();
    for (int i = 1; i < count; i++) {
        void *library = dlopen(libraries[i], RTLD_NOW);
        int (*ask)(void) = library ? (int (*)(void))dlsym(library, "ask") : NULL;
        if (!ask)
            abort();
        printf("asker %d\n", ask());
    }
    return 0;
}
