/* What a caller's RUNPATH, $ORIGIN, RTLD_NOLOAD and dlerror mean; all of it needs dlopen to know
 * its caller. */
#include "sibling.h"

static void show_error(const char *when)
{
    const char *error = dlerror();
    printf("dlerror %s: %s\n", when, error ? error : "silent");
}

int main(void)
{
    char path[PATH_MAX];
    void *library = dlopen(sibling(path, "origin/librunpath.so"), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        printf("librunpath.so: %s\n", dlerror());
        return 1;
    }
    int (*runpath_open)(const char *, int) = dlsym(library, "runpath_open");

    printf("the program, by name: %s\n", dlopen("libprivate.so", RTLD_NOW) ? "opened" : "not found");
    show_error("after that");
    show_error("a second time");
    printf("the library, not loaded yet: %s\n",
           runpath_open("libprivate.so", RTLD_NOW | RTLD_NOLOAD) ? "opened" : "not found");
    dlerror();
    printf("the library, by name: %s\n", runpath_open("libprivate.so", RTLD_NOW) ? "opened" : "not found");
    show_error("after success");
    printf("the library, by $ORIGIN: %s\n",
           runpath_open("$ORIGIN/private/libprivate.so", RTLD_LAZY) ? "opened" : "not found");
    printf("the program, now loaded: %s\n", dlopen("libprivate.so", RTLD_NOW | RTLD_NOLOAD) ? "opened" : "not found");
    dlerror();

    dlopen("libnosuch.so", RTLD_NOW);
    dlopen("libalsonot.so", RTLD_NOW);
    show_error("after two failures");
    dlsym(library, "no_such_symbol");
    const char *error = dlerror();
    printf("dlerror after a missing symbol: %s\n",
           error && strstr(error, "undefined symbol: no_such_symbol") ? "names it" : "does not name it");
    printf("no flags: %s\n", dlopen("libprivate.so", 0) ? "opened" : "refused");
    show_error("after no flags");
    printf("the program itself: %s\n", dlopen(NULL, RTLD_LAZY) ? "opened" : "refused");
    printf("closed: %d\n", dlclose(library));
    return 0;
}
