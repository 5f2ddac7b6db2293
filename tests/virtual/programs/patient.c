/* Waits longer for a function of its own than a hook may take. */
#include "driver.h"

#include <unistd.h>

static void take_long(void *unused)
{
    usleep(700000);
    (void)unused;
}

int main(void)
{
    void *context;

    ok(cu("cuInit", (unsigned), (0)));
    ok(cu("cuDevicePrimaryCtxRetain", (void **, int), (&context, 0)));
    ok(cu("cuCtxSetCurrent", (void *), (context)));
    ok(cu("cuLaunchHostFunc", (void *, void (*)(void *), void *), (NULL, take_long, NULL)));
    ok(cu("cuStreamSynchronize", (void *), (NULL)));
    puts("waited");
    return 0;
}
