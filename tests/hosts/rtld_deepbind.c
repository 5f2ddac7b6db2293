/* RTLD_DEEPBIND: of the driver itself, and of a library that links to the driver. */
#include "sibling.h"

int main(void)
{
    ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_DEEPBIND);
    if (!ask_driver) {
        printf("no driver: %s\n", dlerror());
        return 1;
    }
    ask_print("dlsym", ask_dlsym);
    char path[PATH_MAX];
    void *library = dlopen(sibling(path, "libdeep.so"), RTLD_NOW | RTLD_DEEPBIND);
    void (*deep_ask)(void) = library ? dlsym(library, "deep_ask") : NULL;
    if (!deep_ask) {
        printf("libdeep.so: %s\n", dlerror());
        return 1;
    }
    deep_ask();
    return 0;
}
