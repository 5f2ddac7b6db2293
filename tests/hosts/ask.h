/* Asks the driver what programs ask first, through whatever way `lookup` finds its functions. The
 * answers are lines of results, never addresses, so that a run with the library can be compared
 * with one without it. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *(*ask_lookup)(const char *name);

typedef int (*ask_init)(unsigned flags);
typedef int (*ask_get)(int *value);
typedef int (*ask_get_device)(int *device, int ordinal);
typedef int (*ask_get_name)(char *name, int length, int device);
typedef int (*ask_get_attribute)(int *value, int attribute, int device);
typedef int (*ask_get_total)(size_t *bytes, int device);

struct ask_answers {
    char text[2048];
    size_t length;
};

enum { ASK_COMPUTE_MAJOR = 75, ASK_COMPUTE_MINOR = 76 };

/* The driver that ask_open opened, for ask_dlsym. */
static void *ask_driver __attribute__((unused));

__attribute__((format(printf, 2, 3), unused)) static void ask_write(struct ask_answers *answers, const char *format,
                                                                    ...)
{
    size_t left = sizeof answers->text - answers->length;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(answers->text + answers->length, left, format, arguments);
    va_end(arguments);
    answers->length += (size_t)written < left ? (size_t)written : left - 1;
}

static inline void *ask_find(struct ask_answers *answers, ask_lookup lookup, const char *name)
{
    void *function = lookup(name);
    if (!function)
        ask_write(answers, "%s: not found\n", name);
    return function;
}

static inline void ask_device(struct ask_answers *answers, ask_lookup lookup, int index)
{
    int device = -1, value = -1, result;
    ask_get_device get = (ask_get_device)ask_find(answers, lookup, "cuDeviceGet");
    if (!get)
        return;
    result = get(&device, index);
    ask_write(answers, "cuDeviceGet(%d) = %d\n", index, result);
    if (result != 0)
        return;

    ask_get_name get_name = (ask_get_name)ask_find(answers, lookup, "cuDeviceGetName");
    if (get_name) {
        char name[128] = "";
        result = get_name(name, sizeof name, device);
        ask_write(answers, "cuDeviceGetName(%d) = %d %s\n", index, result, name);
    }
    ask_get_attribute get_attribute = (ask_get_attribute)ask_find(answers, lookup, "cuDeviceGetAttribute");
    for (int attribute = ASK_COMPUTE_MAJOR; get_attribute && attribute <= ASK_COMPUTE_MINOR; attribute++) {
        result = get_attribute(&value, attribute, device);
        ask_write(answers, "cuDeviceGetAttribute(%d, %d) = %d %d\n", attribute, index, result, value);
    }
    ask_get_total get_total = (ask_get_total)ask_find(answers, lookup, "cuDeviceTotalMem_v2");
    if (get_total) {
        size_t total = 0;
        result = get_total(&total, device);
        ask_write(answers, "cuDeviceTotalMem_v2(%d) = %d %zu\n", index, result, total);
    }
}

/* Asks everything; returns the CUresult of cuInit, or -1 if there is no such function. */
static inline int ask(struct ask_answers *answers, ask_lookup lookup)
{
    answers->length = 0;
    answers->text[0] = '\0';
    int value = -1, result;
    ask_init init = (ask_init)ask_find(answers, lookup, "cuInit");
    if (!init)
        return -1;
    int initialized = init(0);
    ask_write(answers, "cuInit = %d\n", initialized);

    ask_get get_version = (ask_get)ask_find(answers, lookup, "cuDriverGetVersion");
    if (get_version) {
        result = get_version(&value);
        ask_write(answers, "cuDriverGetVersion = %d %d\n", result, value);
    }
    ask_get get_count = (ask_get)ask_find(answers, lookup, "cuDeviceGetCount");
    int count = 0;
    if (get_count) {
        result = get_count(&count);
        ask_write(answers, "cuDeviceGetCount = %d %d\n", result, count);
    }
    for (int index = 0; index < count; index++)
        ask_device(answers, lookup, index);
    return initialized;
}

static inline void *ask_dlsym(const char *name)
{
    return dlsym(ask_driver, name);
}

/* Opens the driver as programs do; without one, says so and ends the program with 1. */
static inline void ask_open(void)
{
    ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!ask_driver) {
        printf("no driver: %s\n", dlerror());
        exit(1);
    }
}

/* Asks and prints under a heading. */
static inline void ask_print(const char *heading, ask_lookup lookup)
{
    struct ask_answers answers;
    ask(&answers, lookup);
    printf("%s\n%s", heading, answers.text);
    fflush(stdout);
}
