/* Uses device memory through libcuda.so.1 as its argument says; results are printed as words, one line a step. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ul << 20)
#define GIB (1ul << 30)

typedef uint64_t address;

struct location {
    int type, id;
};
struct properties {
    int type, handles;
    struct location location;
    void *windows;
    unsigned char flags[8];
};
struct access {
    struct location location;
    int flags;
};

static const struct properties on_device = {.type = 1, .location = {1, 0}};
static const struct access everything = {{1, 0}, 3};

static int (*init)(unsigned);
static int (*create)(void **, unsigned, int);
static int (*allocate)(address *, size_t);
static int (*release)(address);
static int (*to_device)(address, const void *, size_t);
static int (*to_host)(void *, address, size_t);
static int (*allocate_host)(void **, size_t, unsigned);
static int (*release_host)(void *);
static int (*on_gpu)(address, address, size_t);
static int (*set)(address, unsigned char, size_t);
static int (*info)(size_t *, size_t *);
static int (*reserve)(address *, size_t, size_t, address, uint64_t);
static int (*unreserve)(address, size_t);
static int (*create_physical)(uint64_t *, size_t, const struct properties *, uint64_t);
static int (*release_physical)(uint64_t);
static int (*map)(address, size_t, size_t, uint64_t, uint64_t);
static int (*unmap)(address, size_t);
static int (*set_access)(address, size_t, const struct access *, size_t);

static void *function(const char *name)
{
    static void *driver;
    if (!driver)
        driver = dlopen("libcuda.so.1", RTLD_NOW);
    void *found = driver ? dlsym(driver, name) : NULL;
    if (!found) {
        fprintf(stderr, "no %s: %s\n", name, dlerror());
        exit(1);
    }
    return found;
}

static size_t left(void)
{
    size_t free = 0;
    info(&free, NULL);
    return free;
}

/* Bytes of the process that lie in memory. */
static size_t resident(void)
{
    size_t size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu", &size, &pages) != 2)
        exit(1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* One step: what was done, and its result. */
static void say(const char *step, int result)
{
    printf("%s %d\n", step, result);
}

static void aliases(void)
{
    address first, second;
    uint64_t physical[2];
    char text[] = "written once", seen[sizeof text] = "";
    size_t before = left();
    say("reserve", reserve(&first, 4 * MIB, 0, 0, 0));
    say("reserve", reserve(&second, 4 * MIB, 0, 0, 0));
    for (unsigned n = 0; n < 2; n++) {
        say("create", create_physical(&physical[n], 2 * MIB, &on_device, 0));
        say("map", map(first + n * 2 * MIB, 2 * MIB, 0, physical[n], 0));
        say("map the other way round", map(second + (1 - n) * 2 * MIB, 2 * MIB, 0, physical[n], 0));
    }
    say("MiB taken", (int)((before - left()) / MIB));
    say("write without access", to_device(first, text, sizeof text));
    say("access", set_access(first, 4 * MIB, &everything, 1));
    say("access", set_access(second, 4 * MIB, &everything, 1));
    say("write", to_device(first, text, sizeof text));
    say("read elsewhere", to_host(seen, second + 2 * MIB, sizeof text));
    puts(seen);
    say("write across", to_device(first + 2 * MIB - 8, text, sizeof text));
    say("read before", to_host(seen, second + 4 * MIB - 8, 8));
    say("read behind", to_host(seen + 8, second, sizeof text - 8));
    puts(seen);
    say("write past the end", to_device(first + 4 * MIB - 8, text, sizeof text));
    say("release", release_physical(physical[0]));
    say("release", release_physical(physical[1]));
    say("release again", release_physical(physical[1]));
    say("unmap half of a mapping", unmap(first, 1 * MIB));
    say("unmap", unmap(first, 4 * MIB));
    say("write after that", to_device(first, text, 1));
    say("read elsewhere", to_host(seen, second + 2 * MIB, 8));
    say("MiB taken", (int)((before - left()) / MIB));
    say("free mapped addresses", unreserve(second, 4 * MIB));
    say("unmap", unmap(second, 4 * MIB));
    say("free addresses", unreserve(second, 4 * MIB));
    say("free addresses", unreserve(first, 4 * MIB));
    say("free addresses again", unreserve(first, 4 * MIB));
    say("MiB taken", (int)((before - left()) / MIB));
}

static void overrun(void)
{
    address memory, other;
    static char bytes[8192];
    say("allocate", allocate(&memory, 4096));
    say("allocate another", allocate(&other, 8192));
    say("write all of it", to_device(memory, bytes, 4096));
    say("write more", to_device(memory, bytes, 4097));
    say("write over the end", to_device(memory + 4090, bytes, 8));
    say("read more", to_host(bytes, memory, 4097));
    say("copy more", on_gpu(memory, other, 4097));
    say("set more", set(memory, 0, 4097));
    say("read a foreign address", to_host(bytes, 0x1234, 1));
    say("write from NULL", to_device(memory, NULL, 1));
    say("free inside", release(memory + 512));
    say("free", release(memory));
    say("free again", release(memory));
    say("write after that", to_device(memory, bytes, 1));
    say("free a foreign address", release(0x1234));
    say("free the other", release(other));
    say("free nothing", release(0));
}

static void exhaust(void)
{
    address memory[64];
    for (int turn = 0; turn < 2; turn++) {
        int count = 0, result;
        while (!(result = allocate(&memory[count], 64 * MIB)))
            count++;
        printf("%d allocations, then %d, %zu MiB left\n", count, result, left() / MIB);
        while (count)
            release(memory[--count]);
    }
    printf("%zu MiB left\n", left() / MIB);
}

static void cycles(void)
{
    size_t before = 0;
    for (int turn = 0; turn < 20; turn++) {
        address memory;
        uint64_t physical;
        void *host;
        if (allocate(&memory, 32 * MIB) || set(memory, 1, 32 * MIB) || release(memory))
            exit(1);
        if (allocate_host(&host, 8 * MIB, 0) || release_host(host))
            exit(1);
        if (create_physical(&physical, 16 * MIB, &on_device, 0) || reserve(&memory, 16 * MIB, 0, 0, 0) ||
            map(memory, 16 * MIB, 0, physical, 0) || set_access(memory, 16 * MIB, &everything, 1) ||
            set(memory, 1, 16 * MIB) || unmap(memory, 16 * MIB) || release_physical(physical) ||
            unreserve(memory, 16 * MIB))
            exit(1);
        if (!turn)
            before = resident();
    }
    printf("%s\n", resident() < before + 8 * MIB ? "level" : "grows");
}

/* Writes where nobody has written, and reads it. */
static void much(size_t size, size_t written)
{
    address memory;
    char last[8] = "unset";
    size_t before = resident();
    say("allocate", allocate(&memory, size));
    say("set", set(memory + size - written, 'x', written));
    say("read", to_host(last, memory + size - 7, 7));
    puts(last[0] ? last : "zeros");
    puts(resident() - before < 64 * MIB ? "small" : "large");
}

static void forked(void)
{
    address memory;
    int status;
    say("allocate", allocate(&memory, 4096));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        say("cuInit in a child", init(0));
        say("allocate", allocate(&memory, 1));
        say("set", set(memory, 0, 1));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    say("child ended", status);
    say("set in the parent", set(memory, 0, 4096));
}

/* Addresses are scarce, too. */
static void confined(void)
{
    address memory[16];
    const struct rlimit limit = {2 * GIB, 2 * GIB};
    say("limit", setrlimit(RLIMIT_AS, &limit));
    for (int n = 0; n < 16; n++)
        say("allocate", allocate(&memory[n], 16 * MIB) || set(memory[n], 1, 16 * MIB));
    say("allocate too much", allocate(&memory[0], 4 * GIB));
    for (int n = 1; n < 16; n++)
        say("free", release(memory[n]));
    say("allocate", allocate(&memory[0], 16 * MIB));
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    void *context;
    init = function("cuInit");
    create = function("cuCtxCreate_v2");
    allocate = function("cuMemAlloc_v2");
    release = function("cuMemFree_v2");
    to_device = function("cuMemcpyHtoD_v2");
    to_host = function("cuMemcpyDtoH_v2");
    allocate_host = function("cuMemHostAlloc");
    release_host = function("cuMemFreeHost");
    on_gpu = function("cuMemcpyDtoD_v2");
    set = function("cuMemsetD8_v2");
    info = function("cuMemGetInfo_v2");
    reserve = function("cuMemAddressReserve");
    unreserve = function("cuMemAddressFree");
    create_physical = function("cuMemCreate");
    release_physical = function("cuMemRelease");
    map = function("cuMemMap");
    unmap = function("cuMemUnmap");
    set_access = function("cuMemSetAccess");
    if (init(0) || create(&context, 0, 0))
        return 1;
    if (!strcmp(what, "aliases"))
        aliases();
    else if (!strcmp(what, "overrun"))
        overrun();
    else if (!strcmp(what, "exhaust"))
        exhaust();
    else if (!strcmp(what, "cycles"))
        cycles();
    else if (!strcmp(what, "lazy"))
        much(70 * GIB, 8);
    else if (!strcmp(what, "discard"))
        much(40 * GIB, 40 * GIB);
    else if (!strcmp(what, "fork"))
        forked();
    else if (!strcmp(what, "confined"))
        confined();
    else
        return 2;
    return 0;
}
