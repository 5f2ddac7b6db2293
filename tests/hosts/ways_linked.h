/* More of the driver's functions, bound by the dynamic linker. */
#pragma once

#include "linked.h"

int cuLaunchHostFunc(void *stream, void (*function)(void *), void *argument);
int cuCtxSynchronize(void);

static inline void *ways_linked_lookup(const char *name)
{
    if (strcmp(name, "cuLaunchHostFunc") == 0)
        return cuLaunchHostFunc;
    if (strcmp(name, "cuCtxSynchronize") == 0)
        return cuCtxSynchronize;
    return linked_lookup(name);
}
