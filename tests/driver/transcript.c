/* Asks cuGetProcAddress and _v2 for each line "SYMBOL VERSION FLAGS" of standard input ("-": the empty symbol). Prints
 *     SYMBOL VERSION FLAGS RESULT FILE FUNCTION RESULT_v2 STATUS FILE FUNCTION
 * with what was there before the call ("untouched") where nothing was written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

static char untouched;

static void show(const void *function)
{
    const char *slash;
    Dl_info info;

    if (!function)
        printf(" - nothing");
    else if (function == &untouched)
        printf(" - untouched");
    else if (!dladdr(function, &info) || !info.dli_sname)
        printf(" - unknown");
    else {
        slash = strrchr(info.dli_fname, '/');
        printf(" %s %s", slash ? slash + 1 : info.dli_fname, info.dli_sname);
    }
}

int main(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    CUresult (*get)(const char *, void **, int, cuuint64_t) =
        (CUresult (*)(const char *, void **, int, cuuint64_t))dlsym(driver, "cuGetProcAddress");
    CUresult (*get_v2)(const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *) = (CUresult (*)(
        const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *))dlsym(driver, "cuGetProcAddress_v2");
    char name[256];
    unsigned long flags;
    int version;

    while (scanf("%255s %d %lu", name, &version, &flags) == 3) {
        const char *symbol = strcmp(name, "-") == 0 ? "" : name;
        void *function = &untouched;
        CUdriverProcAddressQueryResult status = 77;
        CUresult result = get(symbol, &function, version, flags);

        printf("%s %d %lu %u", name, version, flags, result);
        show(function);
        function = &untouched;
        result = get_v2(symbol, &function, version, flags, &status);
        printf(" %u %u", result, status);
        show(function);
        printf("\n");
        function = &untouched;
        if (get_v2(symbol, &function, version, flags, NULL) != result)
            abort();
    }
    return 0;
}
