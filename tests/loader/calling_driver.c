/* A driver whose constructor calls it by its exported name, which may be another library's. */
#include <unistd.h>

int cuInit(unsigned flags);

int cuInit(unsigned flags)
{
    return (int)flags;
}

static void say(const char *text, size_t length)
{
    if (write(STDERR_FILENO, text, length) < 0)
        _exit(1);
}

__attribute__((constructor)) static void construct(void)
{
    say("begins\n", 7);
    cuInit(0);
    say("is ready\n", 9);
}
