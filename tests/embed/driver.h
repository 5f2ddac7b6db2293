/* The driver's functions, bound by the dynamic linker: the first call of a program is its first
 * contact with the library, no dlopen and no dlsym comes before it. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int cuInit(unsigned flags);
int cuDeviceGetAttribute(int *value, int attribute, int device);

enum { OWN_ERRNO = 4711 };

/* The attribute that policies of these tests answer; or what the call made of errno. */
static inline int ask(void)
{
    int value = -1;

    errno = OWN_ERRNO;
    int result = cuDeviceGetAttribute(&value, 75, 0);
    return errno != OWN_ERRNO ? -errno : result == 0 ? value : -result;
}
