/* Calls every function, found in each of the ways named: link, dlsym, getproc. Prints for each call
 *     WAY FUNCTION RESULT ERRNO FILE SYMBOL
 * where FILE and SYMBOL are where the called address lies. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "caller.h"

typedef CUresult get_proc_address(const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *);

static void *driver;

static void *link_to(const struct caller *caller)
{
    return caller->linked;
}

static void *look_up(const struct caller *caller)
{
    return dlsym(driver, caller->name);
}

static void *get_proc(const struct caller *caller)
{
    static get_proc_address *get;
    CUdriverProcAddressQueryResult status;
    void *function = NULL;

    if (!get)
        get = (get_proc_address *)dlsym(driver, "cuGetProcAddress_v2");
    if (!caller->symbol)
        return NULL;
    if (get(caller->symbol, &function, caller->version, caller->flags, &status) != 0)
        abort();
    return function;
}

static void call(const char *way, void *(*find)(const struct caller *))
{
    for (const struct caller *caller = callers; caller->name; caller++) {
        void *function = find(caller);
        const char *slash;
        CUresult result;
        Dl_info info;
        int left;

        if (!function)
            continue;
        if (!dladdr(function, &info) || !info.dli_sname)
            abort();
        errno = 731;
        result = caller->call(function);
        left = errno;
        slash = strrchr(info.dli_fname, '/');
        printf("%s %s %u %d %s %s\n", way, caller->name, result, left, slash ? slash + 1 : info.dli_fname,
               info.dli_sname);
    }
}

int main(int count, char **ways)
{
    void *arena = mmap((void *)caller_arena, caller_arena_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (arena == MAP_FAILED || !driver)
        abort();
    for (int i = 1; i < count; i++) {
        if (strcmp(ways[i], "link") == 0)
            call(ways[i], link_to);
        else if (strcmp(ways[i], "dlsym") == 0)
            call(ways[i], look_up);
        else
            call(ways[i], get_proc);
    }
    return 0;
}
