/* The functions of the driver, bound by the dynamic linker: no dlopen and no dlsym of the program's
 * own. */
#pragma once

#include "ask.h"

int cuInit(unsigned flags);
int cuDriverGetVersion(int *version);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int ordinal);
int cuDeviceGetName(char *name, int length, int device);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDeviceTotalMem_v2(size_t *bytes, int device);

static inline void *linked_lookup(const char *name)
{
    static const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"cuInit", cuInit},
        {"cuDriverGetVersion", cuDriverGetVersion},
        {"cuDeviceGetCount", cuDeviceGetCount},
        {"cuDeviceGet", cuDeviceGet},
        {"cuDeviceGetName", cuDeviceGetName},
        {"cuDeviceGetAttribute", cuDeviceGetAttribute},
        {"cuDeviceTotalMem_v2", cuDeviceTotalMem_v2},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].function;
    return NULL;
}
