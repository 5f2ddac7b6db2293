/* keeps_errno FIRST: errno over the dlopen, dlsym, dlvsym or call that is the first need of Python, and over the
 * others after it. The driver is loaded before, so that the loader itself has nothing to open. */
#include "driver.h"

#include <dlfcn.h>
#include <string.h>

enum { MARK = 731 };

static void open_it(void)
{
    dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
}

static void look_up(void)
{
    dlsym(RTLD_DEFAULT, "cuInit");
}

static void look_up_version(void)
{
    dlvsym(RTLD_DEFAULT, "cuInit", "none");
}

static void call(void)
{
    int value;
    cuDeviceGetAttribute(&value, 75, 0);
}

static const struct {
    const char *name;
    void (*function)(void);
} ways[] = {{"dlopen", open_it}, {"dlsym", look_up}, {"dlvsym", look_up_version}, {"call", call}};

static void show(int way)
{
    int after;
    errno = MARK;
    ways[way].function();
    after = errno;
    printf("%s: errno %s\n", ways[way].name, after == MARK ? "kept" : "CHANGED");
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(argv[argc - 1], ways[i].name) == 0)
            show(i);
    for (int i = 0; i < 4; i++)
        show(i);
    return 0;
}
