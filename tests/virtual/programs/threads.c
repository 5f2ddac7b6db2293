/* Counts its threads before and after a stream has called a function of its own. */
#include "driver.h"

#include <dirent.h>

static int threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count - 2;
}

static void nothing(void *unused)
{
    (void)unused;
}

int main(void)
{
    void *context, *stream;

    ok(cu("cuInit", (unsigned), (0)));
    ok(cu("cuDevicePrimaryCtxRetain", (void **, int), (&context, 0)));
    ok(cu("cuCtxSetCurrent", (void *), (context)));
    ok(cu("cuStreamCreate", (void **, unsigned), (&stream, 0)));
    ok(cu("cuStreamSynchronize", (void *), (stream)));
    printf("%d\n", threads());
    ok(cu("cuLaunchHostFunc", (void *, void (*)(void *), void *), (stream, nothing, NULL)));
    ok(cu("cuStreamSynchronize", (void *), (stream)));
    printf("%d\n", threads());
    return 0;
}
