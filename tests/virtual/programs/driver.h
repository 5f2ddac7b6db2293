/* The driver's functions, found as programs find them, and an end with the line where one of them fails. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *driver;

__attribute__((unused)) static void *function_of(const char *name)
{
    void *function;

    if (!driver)
        driver = dlopen("libcuda.so.1", RTLD_NOW);
    function = driver ? dlsym(driver, name) : NULL;
    if (!function) {
        fprintf(stderr, "%s is not found\n", name);
        exit(1);
    }
    return function;
}

/* cu(int, "cuInit", (unsigned), (0)): the function's result. */
#define cu(name, types, arguments) ((int(*) types)function_of(name)) arguments

#define ok(result)                                                                     \
    do {                                                                               \
        int result_ = (result);                                                        \
        if (result_ != 0) {                                                            \
            fprintf(stderr, "%s:%d: %s = %d\n", __FILE__, __LINE__, #result, result_); \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)
