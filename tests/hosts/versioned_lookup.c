/* dlvsym: names with versions. The driver's have none, libc's do, and two of a name differ. */
#include "ask.h"

static void show(const char *what, void *found)
{
    const char *error = dlerror();
    printf("%s: %s, %s\n", what, found ? "found" : "not found", error ? "dlerror says so" : "dlerror silent");
}

int main(void)
{
    void *before = dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.2.5");
    void *since = dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.14");
    show("memcpy GLIBC_2.2.5", before);
    show("memcpy GLIBC_2.14", since);
    printf("the two differ: %s\n", before != since ? "yes" : "no");
    show("memcpy GLIBC_9.9", dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_9.9"));
    show("RTLD_NEXT malloc GLIBC_2.2.5", dlvsym(RTLD_NEXT, "malloc", "GLIBC_2.2.5"));
    ask_open();
    show("cuInit of no such version", dlvsym(ask_driver, "cuInit", "NO_SUCH_VERSION"));
    show("cuNoSuchFunction", dlvsym(ask_driver, "cuNoSuchFunction", "NO_SUCH_VERSION"));
    ask_print("dlsym", ask_dlsym);
    return 0;
}
