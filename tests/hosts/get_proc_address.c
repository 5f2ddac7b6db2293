/* cuGetProcAddress in all its forms, as the CUDA runtime uses it: found with dlsym and through
 * itself, with and without a status, for several versions and flags. Pointers are printed as the
 * exported name that has the same address. */
#include "ask.h"

enum { LEGACY = 1, PER_THREAD = 2 };

typedef int (*get_v1)(const char *symbol, void **function, int version, unsigned long long flags);
typedef int (*get_v2)(const char *symbol, void **function, int version, unsigned long long flags, int *status);

static get_v1 first_form;
static get_v2 second_form;

/* The exported name at an address, looked for among the versions that a name can have. */
static void name_of(const char *symbol, void *address, char *name, size_t size)
{
    static const char *const endings[] = {"",      "_v2",      "_v3",      "_v4",      "_ptsz",
                                          "_ptds", "_v2_ptsz", "_v2_ptds", "_v3_ptsz", "_v4_ptsz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name, size, "%s%s", symbol, endings[i]);
        void *exported = dlsym(ask_driver, name);
        if (exported && exported == address)
            return;
    }
    snprintf(name, size, "%s", address ? "(no exported name)" : "NULL");
}

static void show(const char *symbol, int version, unsigned long long flags)
{
    char name[128];
    void *function = (void *)0x1;
    int status = -1;
    int result = second_form(symbol, &function, version, flags, &status);
    name_of(symbol, function == (void *)0x1 ? NULL : function, name, sizeof name);
    printf("%s %d %llu: _v2 = %d status %d %s%s\n", symbol, version, flags, result, status, name,
           function == (void *)0x1 ? " (not written)" : "");

    function = NULL;
    result = second_form(symbol, &function, version, flags, NULL);
    name_of(symbol, function, name, sizeof name);
    printf("  without status = %d %s\n", result, name);

    function = NULL;
    result = first_form(symbol, &function, version, flags);
    name_of(symbol, function, name, sizeof name);
    printf("  first form = %d %s\n", result, name);
}

static void *through_it(const char *name)
{
    void *function = NULL;
    int status = -1;
    size_t length = strlen(name);
    char base[64];
    snprintf(base, sizeof base, "%s", name);
    if (length > 3 && strcmp(name + length - 3, "_v2") == 0)
        base[length - 3] = '\0'; /* it is asked without the ending */
    return second_form(base, &function, 12000, 0, &status) == 0 ? function : NULL;
}

int main(void)
{
    ask_open();
    int (*init)(unsigned) = ask_dlsym("cuInit");
    *(void **)&first_form = ask_dlsym("cuGetProcAddress");
    *(void **)&second_form = ask_dlsym("cuGetProcAddress_v2");
    if (!init || !first_form || !second_form) {
        printf("cuInit, cuGetProcAddress or cuGetProcAddress_v2: not found\n");
        return 1;
    }
    printf("cuInit = %d\n", init(0));
    static const struct {
        const char *symbol;
        int version;
        unsigned long long flags;
    } requests[] = {
        {"cuDeviceGetAttribute", 2000, 0},
        {"cuDeviceTotalMem", 3020, 0},
        {"cuDeviceTotalMem", 2000, 0},
        {"cuMemAlloc", 3020, 0},
        {"cuCtxCreate", 3020, 0},
        {"cuCtxCreate", 11040, 0},
        {"cuCtxCreate", 12050, 0},
        {"cuCtxCreate", 13000, 0},
        {"cuMemcpyHtoD", 7000, 0},
        {"cuMemcpyHtoD", 7000, LEGACY},
        {"cuMemcpyHtoD", 7000, PER_THREAD},
        {"cuStreamSynchronize", 7000, PER_THREAD},
        {"cuLaunchKernel", 7000, PER_THREAD},
        {"cuGraphInstantiate", 12000, 0},
        {"cuGetProcAddress", 11030, 0},
        {"cuGetProcAddress", 12000, 0},
        {"cuDeviceGetUuid", 11040, 0},
        {"cuLaunchKernelEx", 11000, 0},
        {"cuNoSuchFunction", 12000, 0},
        {"cudnnCreate", 12000, 0},
        {"cuInit", 99000, 0},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        show(requests[i].symbol, requests[i].version, requests[i].flags);

    void *function = NULL;
    int status = -1;
    second_form("cuGetProcAddress", &function, 12000, 0, &status);
    if (function) {
        *(void **)&second_form = function;
        ask_print("through itself", through_it);
    }
    return 0;
}
