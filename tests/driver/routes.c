/* Every way to a function, for each of the names on standard input. Prints
 *     WAY NAME ADDRESS FILE SYMBOL DLERROR
 * with "-" for what there is not. Argument: the folder of libcuda.so.1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

/* Weak, so that the program starts where a driver lacks one. */
#define LINKED(X) X(cuInit) X(cuDeviceGetAttribute) X(cuMemAlloc_v2) X(cuCtxCreate_v4) X(cuLaunchKernel) X(cuCtxGetId)
#define DECLARE(name) extern void name(void) __attribute__((weak));
#define ENTRY(name)   {#name, (void *)name},
LINKED(DECLARE)

static void show(const char *way, const char *name, void *function, const char *error)
{
    const char *file = "-", *symbol = "-", *slash;
    Dl_info info;

    if (function && dladdr(function, &info) && info.dli_sname) {
        slash = strrchr(info.dli_fname, '/');
        file = slash ? slash + 1 : info.dli_fname;
        symbol = info.dli_sname;
    }
    printf("%s %s %p %s %s %s\n", way, name, function, file, symbol, error ? error : "-");
}

static void *open_in(const char *folder, const char *name)
{
    char path[4096];
    void *handle;

    snprintf(path, sizeof path, "%s%s", folder, name);
    handle = dlopen(path, RTLD_NOW);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return handle;
}

static void look_up(const char *way, void *handle, const char *name)
{
    void *function;

    dlerror();
    function = dlsym(handle, name);
    show(way, name, function, dlerror());
}

static void get_proc(const char *way, void *get, bool has_status, const char *name)
{
    void *function = NULL;
    CUdriverProcAddressQueryResult status = 77;
    CUresult result;

    if (!get)
        return;
    if (has_status)
        result = ((CUresult (*)(const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *))get)(
            name, &function, 13000, 0, &status);
    else
        result = ((CUresult (*)(const char *, void **, int, cuuint64_t))get)(name, &function, 13000, 0);
    show(way, name, result == 0 ? function : NULL, NULL);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void *address;
    } linked[] = {LINKED(ENTRY)};
    const char *folder = count > 1 ? arguments[1] : ".";
    void *by_name = open_in("", "libcuda.so.1"), *by_path = open_in(folder, "/libcuda.so.1"),
         *by_version = open_in(folder, "/libcuda.so.580.159.04");
    void *get = dlsym(by_name, "cuGetProcAddress"), *get_v2 = dlsym(by_name, "cuGetProcAddress_v2");
    char name[256];

    for (size_t i = 0; i < sizeof linked / sizeof *linked; i++)
        show("link", linked[i].name, linked[i].address, NULL);
    while (scanf("%255s", name) == 1) {
        look_up("name", by_name, name);
        look_up("path", by_path, name);
        look_up("version", by_version, name);
        look_up("default", RTLD_DEFAULT, name);
        dlerror();
        show("dlvsym", name, dlvsym(by_name, name, "libcuda.so.1"), dlerror());
        get_proc("getproc", get, false, name);
        get_proc("getproc_v2", get_v2, true, name);
    }
    return 0;
}
