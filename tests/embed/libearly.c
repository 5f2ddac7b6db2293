/* Looks names up and opens libraries in its constructor, as sanitizers and profilers do that are
 * preloaded before everybody else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void at_load(void)
{
    void *library = dlopen("libm.so.6", RTLD_NOW);
    fprintf(stderr, "early: %s %s %s %s %s\n", dlsym(RTLD_NEXT, "malloc") ? "malloc" : "-",
            dlsym(RTLD_DEFAULT, "strlen") ? "strlen" : "-", library && dlsym(library, "cos") ? "cos" : "-",
            dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.14") ? "memcpy" : "-",
            dlopen("libnosuch.so", RTLD_NOW) ? "-" : "libnosuch");
}
