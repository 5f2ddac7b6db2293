/* Drivers look themselves up: from their constructor, and from cuInit. What they find has to be their own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

static void found(const char *when, const char *how, const void *address)
{
    fake_note("from %s: %s %s", when, how,
              !address                    ? "nothing"
              : address == (void *)cuInit ? "own"
                                          : fake_file_name(address));
}

static void *self(void)
{
    return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
}

static void look_up(const char *when)
{
    found(when, "dlsym(self)", dlsym(self(), "cuInit"));
    found(when, "dlsym(RTLD_DEFAULT)", dlsym(RTLD_DEFAULT, "cuInit"));
    found(when, "dlvsym(self)", dlvsym(self(), "cuInit", "libcuda.so.1"));
}

static void open_again(const char *when)
{
    void *program = dlopen(NULL, RTLD_LAZY), *own = dlopen("libcuda.so.1", RTLD_NOW);

    found(when, "dlopen(NULL)", program ? dlsym(program, "cuInit") : NULL);
    found(when, "dlopen(libcuda.so.1)", own ? dlsym(own, "cuInit") : NULL);
}

static void initialize(const char *when)
{
    CUresult (*init)(unsigned) = (CUresult (*)(unsigned))dlsym(self(), "cuInit");
    fake_note("from %s: cuInit %u", when, init ? init(0) : 999);
}

static void get_export_table(const char *when)
{
    CUresult (*get)(const void **, const CUuuid *) =
        (CUresult (*)(const void **, const CUuuid *))dlsym(self(), "cuGetExportTable");
    const void *table = NULL;
    CUuuid id = {{0}};
    fake_note("from %s: cuGetExportTable %u", when, get ? get(&table, &id) : 999);
}

static void get_proc_address(const char *when)
{
    CUresult (*get)(const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *) = (CUresult (*)(
        const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *))dlsym(self(), "cuGetProcAddress_v2");
    void *function = NULL;
    if (get)
        get("cuInit", &function, 12000, 0, NULL);
    found(when, "cuGetProcAddress", function);
}

/* nvidia-modprobe, say. */
static void fork_child(const char *when)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        void *function = dlsym(self(), "cuInit");
        _exit(function == (void *)cuInit ? 7 : 8);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    fake_note("from %s: fork %s", when, WIFEXITED(status) && WEXITSTATUS(status) == 7 ? "own" : "other");
}

static void *on_thread(void *when)
{
    found(when, "thread", dlsym(self(), "cuInit"));
    return NULL;
}

static void start_thread(const char *when)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, on_thread, (void *)when) != 0)
        abort();
    pthread_join(thread, NULL);
}

static const struct {
    const char *name;
    void (*call)(const char *when);
} steps[] = {
    {"dlsym", look_up},
    {"dlopen", open_again},
    {"cuInit", initialize},
    {"getexporttable", get_export_table},
    {"getprocaddress", get_proc_address},
    {"fork", fork_child},
    {"thread", start_thread},
};

/* `list`: "dlsym,dlopen". A cuInit that calls cuInit does so once. */
void fake_call_back(const char *when, const char *list)
{
    static __thread bool calling;

    if (!list || calling)
        return;
    calling = true;
    while (*list) {
        size_t length = strcspn(list, ","), i = 0;
        while (i < sizeof steps / sizeof *steps &&
               (strlen(steps[i].name) != length || strncmp(steps[i].name, list, length) != 0))
            i++;
        if (i == sizeof steps / sizeof *steps)
            abort();
        steps[i].call(when);
        list += length + (list[length] == ',');
    }
    calling = false;
}
