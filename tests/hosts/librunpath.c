/* Lies beside a folder "private" that only its own RUNPATH names: what it opens, no one else finds.
 */
#include "ask.h"

int runpath_open(const char *name, int flags);

/* 1: opened, and it is the right one; 0: not. */
int runpath_open(const char *name, int flags)
{
    void *library = dlopen(name, flags);
    int (*answer)(void) = library ? dlsym(library, "private_answer") : NULL;
    return answer && answer() == 42;
}
