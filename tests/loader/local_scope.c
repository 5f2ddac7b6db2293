/* A library opened with RTLD_LOCAL asks by RTLD_DEFAULT: the loader looks where the asker itself would, so that what
 * only the asker needs is found by it and by nobody else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *library = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    void (*ask)(void) = library ? (void (*)(void))dlsym(library, "ask_by_default") : NULL;
    if (!ask) {
        puts(dlerror());
        return 1;
    }
    ask();
    printf("the program, cuFoo: %s\n", dlsym(RTLD_DEFAULT, "cuFoo") ? "found" : "not found");
    return 0;
}
