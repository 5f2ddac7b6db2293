/* A driver-API program without the CUDA toolkit: finds the driver by dlopen, its functions by dlsym and by
 * cuGetProcAddress_v2, and uses a device. Prints neither addresses nor times, so that two runs can be compared.
 *
 *     program [--rehearse]
 *
 * --rehearse leaves out what only a device that computes can do: the values that a kernel, a host function or an
 * asynchronous fill wrote. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 1 << 18, BLOCK = 256, MAJOR = 75, MINOR = 76, OUT_OF_MEMORY = 2, VERSION = 12000 };
#define BYTES (COUNT * sizeof(float))

typedef int device;
typedef uint64_t address; /* of device memory */
typedef void *handle;     /* of a context, module, function, stream, event */

#define BY_DLSYM(F)                                                   \
    F(cuInit, unsigned flags)                                         \
    F(cuDriverGetVersion, int *version)                               \
    F(cuDeviceGetCount, int *count)                                   \
    F(cuDeviceGet, device *device, int ordinal)                       \
    F(cuDeviceGetName, char *name, int size, device device)           \
    F(cuDeviceGetAttribute, int *value, int attribute, device device) \
    F(cuDeviceTotalMem_v2, size_t *bytes, device device)              \
    F(cuCtxCreate_v2, handle *context, unsigned flags, device device) \
    F(cuCtxGetCurrent, handle *context)                               \
    F(cuCtxDestroy_v2, handle context)                                \
    F(cuGetErrorName, int result, const char **name)                  \
    F(cuGetProcAddress_v2, const char *symbol, void **function, int version, uint64_t flags, int *status)

/* The name to ask for, and how its function of that version is exported. */
#define BY_GET_PROC_ADDRESS(F)                                                                                  \
    F(cuMemAlloc, "_v2", address *memory, size_t bytes)                                                         \
    F(cuMemFree, "_v2", address memory)                                                                         \
    F(cuMemcpyHtoD, "_v2", address to, const void *from, size_t bytes)                                          \
    F(cuMemcpyDtoD, "_v2", address to, address from, size_t bytes)                                              \
    F(cuMemcpyDtoH, "_v2", void *to, address from, size_t bytes)                                                \
    F(cuMemAllocAsync, "", address *memory, size_t bytes, handle stream)                                        \
    F(cuMemFreeAsync, "", address memory, handle stream)                                                        \
    F(cuMemsetD8Async, "", address memory, unsigned char value, size_t count, handle stream)                    \
    F(cuModuleLoadData, "", handle *module, const void *image)                                                  \
    F(cuModuleGetFunction, "", handle *function, handle module, const char *name)                               \
    F(cuModuleUnload, "", handle module)                                                                        \
    F(cuLaunchKernel, "", handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, \
      unsigned block_y, unsigned block_z, unsigned shared, handle stream, void **parameters, void **extra)      \
    F(cuLaunchHostFunc, "", handle stream, void (*function)(void *), void *argument)                            \
    F(cuStreamCreate, "", handle *stream, unsigned flags)                                                       \
    F(cuStreamSynchronize, "", handle stream)                                                                   \
    F(cuStreamDestroy, "_v2", handle stream)                                                                    \
    F(cuEventCreate, "", handle *event, unsigned flags)                                                         \
    F(cuEventRecord, "", handle event, handle stream)                                                           \
    F(cuEventSynchronize, "", handle event)                                                                     \
    F(cuEventElapsedTime, "", float *milliseconds, handle start, handle end)                                    \
    F(cuEventDestroy, "_v2", handle event)

#define DECLARE(name, ...)                static int (*name)(__VA_ARGS__);
#define DECLARE_ENDING(name, ending, ...) DECLARE(name, __VA_ARGS__)
BY_DLSYM(DECLARE)
BY_GET_PROC_ADDRESS(DECLARE_ENDING)

/* c[i] = a[i] + b[i]; in the oldest form that a driver of CUDA 13 compiles. */
static const char kernel[] = ".version 7.0\n"
                             ".target sm_75\n"
                             ".address_size 64\n"
                             ".visible .entry add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 count)\n"
                             "{\n"
                             "    .reg .pred %out;\n"
                             "    .reg .b32 %i, %block, %size, %thread, %count;\n"
                             "    .reg .b64 %a, %b, %c, %offset;\n"
                             "    .reg .f32 %x, %y;\n"
                             "    mov.u32 %block, %ctaid.x;\n"
                             "    mov.u32 %size, %ntid.x;\n"
                             "    mov.u32 %thread, %tid.x;\n"
                             "    mad.lo.u32 %i, %block, %size, %thread;\n"
                             "    ld.param.u32 %count, [count];\n"
                             "    setp.ge.u32 %out, %i, %count;\n"
                             "    @%out bra end;\n"
                             "    mul.wide.u32 %offset, %i, 4;\n"
                             "    ld.param.u64 %a, [a];\n"
                             "    ld.param.u64 %b, [b];\n"
                             "    ld.param.u64 %c, [c];\n"
                             "    add.u64 %a, %a, %offset;\n"
                             "    add.u64 %b, %b, %offset;\n"
                             "    add.u64 %c, %c, %offset;\n"
                             "    ld.global.f32 %x, [%a];\n"
                             "    ld.global.f32 %y, [%b];\n"
                             "    add.f32 %x, %x, %y;\n"
                             "    st.global.f32 [%c], %x;\n"
                             "end:\n"
                             "    ret;\n"
                             "}\n";

static bool rehearsing;
static void *driver;

#define CALL(function, ...) check(function(__VA_ARGS__), #function)

static void check(int result, const char *function)
{
    const char *name = NULL;

    if (!result)
        return;
    cuGetErrorName(result, &name);
    printf("%s failed: %d %s\n", function, result, name ? name : "?");
    exit(1);
}

static void expect(bool right, const char *what)
{
    printf("%s: %s\n", what, right ? "right" : "WRONG");
    if (!right)
        exit(1);
}

/* For what only a device that computes can get right. */
static void expect_computed(bool right, const char *what)
{
    if (rehearsing)
        printf("%s: not looked at\n", what);
    else
        expect(right, what);
}

static void *find(const char *name)
{
    void *function = dlsym(driver, name);

    if (!function) {
        printf("the driver has no %s\n", name);
        exit(1);
    }
    return function;
}

static void *ask(const char *name, const char *ending, int *same)
{
    char exported[64];
    void *function = NULL;
    int status = -1;

    CALL(cuGetProcAddress_v2, name, &function, VERSION, 0, &status);
    if (!function || status) {
        printf("cuGetProcAddress_v2 gives no %s: status %d\n", name, status);
        exit(1);
    }
    snprintf(exported, sizeof exported, "%s%s", name, ending);
    *same += function == find(exported);
    return function;
}

static void find_functions(void)
{
    int asked = 0, same = 0;

    driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver) {
        printf("no driver: %s\n", dlerror());
        exit(1);
    }
#define FIND(name, ...)        name = find(#name);
#define ASK(name, ending, ...) name = ask(#name, ending, &same), asked++;
    BY_DLSYM(FIND)
    BY_GET_PROC_ADDRESS(ASK)
    printf("functions by cuGetProcAddress_v2: %d, the same as by dlsym: %d\n", asked, same);
}

static device show_device(void)
{
    int version = 0, count = 0, major = 0, minor = 0;
    size_t bytes = 0;
    char name[256] = "";
    device device = -1;

    CALL(cuInit, 0);
    CALL(cuDriverGetVersion, &version);
    CALL(cuDeviceGetCount, &count);
    CALL(cuDeviceGet, &device, 0);
    CALL(cuDeviceGetName, name, sizeof name, device);
    CALL(cuDeviceGetAttribute, &major, MAJOR, device);
    CALL(cuDeviceGetAttribute, &minor, MINOR, device);
    CALL(cuDeviceTotalMem_v2, &bytes, device);
    printf("driver for CUDA %d.%d, devices: %d\n", version / 1000, version % 1000 / 10, count);
    printf("device 0: %s\n", name);
    printf("compute capability: %d.%d\n", major, minor);
    printf("total memory: %zu\n", bytes);
    return device;
}

static float *numbers(int factor)
{
    float *values = malloc(BYTES);

    if (!values)
        abort();
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)i * (float)factor;
    return values;
}

static void copy_there_and_back(address a, address b, const float *values)
{
    float *back = calloc(1, BYTES);

    if (!back)
        abort();
    CALL(cuMemcpyHtoD, a, values, BYTES);
    CALL(cuMemcpyDtoD, b, a, BYTES);
    CALL(cuMemcpyDtoH, back, b, BYTES);
    expect(memcmp(back, values, BYTES) == 0, "copies to, on and from the device");
    free(back);
}

static void launch(handle stream, address a, address b, address c)
{
    handle module = NULL, function = NULL;
    unsigned count = COUNT;
    void *parameters[] = {&a, &b, &c, &count};
    float *sums = calloc(1, BYTES);
    int right = 0;

    CALL(cuModuleLoadData, &module, kernel);
    CALL(cuModuleGetFunction, &function, module, "add");
    CALL(cuLaunchKernel, function, COUNT / BLOCK, 1, 1, BLOCK, 1, 1, 0, stream, parameters, NULL);
    CALL(cuStreamSynchronize, stream);
    CALL(cuMemcpyDtoH, sums, c, BYTES);
    for (int i = 0; i < COUNT; i++)
        right += sums[i] == (float)i * 3;
    expect_computed(right == COUNT, "kernel from PTX, 262144 sums");
    CALL(cuModuleUnload, module);
    free(sums);
}

static void fill(handle stream)
{
    unsigned char bytes[1000] = "";
    address memory = 0;
    int right = 0;

    CALL(cuMemAllocAsync, &memory, sizeof bytes, stream);
    CALL(cuMemsetD8Async, memory, 7, sizeof bytes, stream);
    CALL(cuStreamSynchronize, stream);
    if (!rehearsing)
        CALL(cuMemcpyDtoH, bytes, memory, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        right += bytes[i] == 7;
    expect_computed(right == sizeof bytes, "memory allocated and filled in a stream");
    CALL(cuMemFreeAsync, memory, stream);
}

static void add_one(void *number)
{
    ++*(int *)number;
}

static void use_streams(address a, address b, address c)
{
    handle stream = NULL, start = NULL, end = NULL;
    float milliseconds = 0;
    int called = 0;

    CALL(cuStreamCreate, &stream, 0);
    CALL(cuEventCreate, &start, 0);
    CALL(cuEventCreate, &end, 0);
    CALL(cuEventRecord, start, stream);
    launch(stream, a, b, c);
    fill(stream);
    CALL(cuLaunchHostFunc, stream, add_one, &called);
    CALL(cuEventRecord, end, stream);
    CALL(cuEventSynchronize, end);
    CALL(cuStreamSynchronize, stream);
    CALL(cuEventElapsedTime, &milliseconds, start, end);
    expect(called == 1, "host function called by the stream");
    expect_computed(milliseconds > 0, "events in order");
    CALL(cuEventDestroy, start);
    CALL(cuEventDestroy, end);
    CALL(cuStreamDestroy, stream);
}

static void use_device(device device)
{
    handle context = NULL, current = NULL;
    address a = 0, b = 0, c = 0, none = 0;
    float *ones = numbers(1), *twos = numbers(2);

    CALL(cuCtxCreate_v2, &context, 0, device);
    CALL(cuCtxGetCurrent, &current);
    expect(context && current == context, "context current");
    CALL(cuMemAlloc, &a, BYTES);
    CALL(cuMemAlloc, &b, BYTES);
    CALL(cuMemAlloc, &c, BYTES);
    copy_there_and_back(a, b, ones);
    CALL(cuMemcpyHtoD, b, twos, BYTES);
    use_streams(a, b, c);
    expect(cuMemAlloc(&none, (size_t)1 << 50) == OUT_OF_MEMORY, "a pebibyte refused as out of memory");
    CALL(cuMemFree, a);
    CALL(cuMemFree, b);
    CALL(cuMemFree, c);
    CALL(cuCtxDestroy_v2, context);
    free(ones);
    free(twos);
}

/* On stderr, so that cases.py knows that what it compares did differ in that. */
static void say_if_preloaded(void)
{
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    bool preloaded = false;

    while (maps && fgets(line, sizeof line, maps))
        preloaded |= strstr(line, "/libvgpu-cuda.so") != NULL;
    fprintf(stderr, "preloaded: %s\n", preloaded ? "yes" : "no");
}

int main(int count, char **arguments)
{
    rehearsing = count > 1 && strcmp(arguments[1], "--rehearse") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    say_if_preloaded();
    find_functions();
    use_device(show_device());
    printf("done\n");
    return 0;
}
