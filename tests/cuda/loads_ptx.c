/* Loads a module by the driver's own functions, launches a kernel of it and reads what it has computed. */
#include <cuda.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT 5

static void *driver;

static void check(const char *what, CUresult result)
{
    if (result) {
        printf("%s: %d\n", what, result);
        exit(1);
    }
}

#define CALL(function, ...) check(#function, ((__typeof__(&function))dlsym(driver, #function))(__VA_ARGS__))

int main(int count, char **arguments)
{
    float values[COUNT] = {1, 2, 3, 4, 5}, factor = 2.5;
    int n = COUNT;
    CUcontext context;
    CUmodule module;
    CUfunction function;
    CUdeviceptr memory;
    void *parameters[] = {&memory, &factor, &n};

    driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver || count != 2)
        return 2;
    CALL(cuInit, 0);
    CALL(cuDevicePrimaryCtxRetain, &context, 0);
    CALL(cuCtxSetCurrent, context);
    CALL(cuModuleLoad, &module, arguments[1]);
    CALL(cuModuleGetFunction, &function, module, "scale_in_place");
    CALL(cuMemAlloc_v2, &memory, sizeof values);
    CALL(cuMemcpyHtoD_v2, memory, values, sizeof values);
    CALL(cuLaunchKernel, function, 1, 1, 1, 32, 1, 1, 0, NULL, parameters, NULL);
    CALL(cuCtxSynchronize);
    CALL(cuMemcpyDtoH_v2, values, memory, sizeof values);
    for (int i = 0; i < COUNT; i++)
        printf("%g%c", values[i], i + 1 < COUNT ? ' ' : '\n');
    return 0;
}
