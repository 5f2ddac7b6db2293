/* ways_c BINDING [FILE] WAY: a C program that finds the driver's functions by dlsym, path (of FILE), getproc, default,
 * deepbind, deep_library or dlmopen. What the last two find, nothing that is preloaded can stand in for; they ask by
 * dlsym as well, before. */
#include "sibling.h"
#include "ways.h"

static const char *file = "libcuda.so.1";
static int flags = RTLD_NOW | RTLD_LOCAL;
static void *opened;

static void *open_driver(void)
{
    if (!opened)
        opened = dlopen(file, flags);
    return opened;
}

static void close_driver(void)
{
    dlclose(opened);
    opened = NULL;
}

static void *by_handle(const char *name)
{
    return open_driver() ? dlsym(opened, name) : NULL;
}

static void *by_default(const char *name)
{
    return open_driver() ? dlsym(RTLD_DEFAULT, name) : NULL;
}

static void *by_getproc(const char *name)
{
    int (*get)(const char *, void **, int, unsigned long long, int *) = by_handle("cuGetProcAddress_v2");
    size_t length = strlen(name);
    char base[64];
    void *function = NULL;
    int status = -1;
    snprintf(base, sizeof base, "%s", name);
    if (length > 3 && strcmp(name + length - 3, "_v2") == 0)
        base[length - 3] = '\0'; /* it is asked without the ending */
    return get && get(base, &function, 12000, 0, &status) == 0 ? function : NULL;
}

static void *by_library(const char *name)
{
    static void *(*deep_lookup)(const char *);
    char path[PATH_MAX];
    if (!opened) {
        opened = dlopen(sibling(path, "libways_deep.so"), RTLD_NOW | RTLD_DEEPBIND);
        *(void **)&deep_lookup = opened ? dlsym(opened, "deep_lookup") : NULL;
    }
    return deep_lookup ? deep_lookup(name) : NULL;
}

static void *by_namespace(const char *name)
{
    if (!opened)
        opened = dlmopen(LM_ID_NEWLM, file, RTLD_NOW | RTLD_LOCAL);
    return opened ? dlsym(opened, name) : NULL;
}

static void ask_beside(void)
{
    struct ask_answers answers;
    ask_open();
    ask(&answers, ask_dlsym);
    for (char *line = strtok(answers.text, "\n"); line; line = strtok(NULL, "\n"))
        printf("by dlsym: %s\n", line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *binding = argc > 1 ? argv[1] : "";
    struct ways ways = {.lookup = by_handle, .close = close_driver};
    if (strcmp(binding, "path") == 0)
        file = argv[2];
    else if (strcmp(binding, "getproc") == 0)
        ways.lookup = by_getproc;
    else if (strcmp(binding, "default") == 0) {
        ways.lookup = by_default;
        flags = RTLD_NOW | RTLD_GLOBAL;
    } else if (strcmp(binding, "deepbind") == 0)
        flags = RTLD_NOW | RTLD_DEEPBIND;
    else if (strcmp(binding, "deep_library") == 0)
        ways.lookup = by_library;
    else if (strcmp(binding, "dlmopen") == 0)
        ways.lookup = by_namespace;
    if (ways.lookup == by_library || ways.lookup == by_namespace)
        ask_beside();
    ways_run(&ways);
    return 0;
}
