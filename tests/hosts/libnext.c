/* Interposes like many libraries do: its own definitions, and the next ones behind them by
 * RTLD_NEXT. */
#include "ask.h"

#include <unistd.h>

int cuDriverGetVersion(int *version);
int next_driver_version(int *version);
const char *next_twice(void);

int cuDriverGetVersion(int *version)
{
    return next_driver_version(version);
}

/* What stands behind our own definition; finding ourselves would never end. */
int next_driver_version(int *version)
{
    int (*next)(int *) = dlsym(RTLD_NEXT, "cuDriverGetVersion");
    if (!next)
        return -1;
    return next == cuDriverGetVersion ? -2 : next(version);
}

pid_t getppid(void)
{
    return -4;
}

/* The same name twice: once is a lookup, twice is no recursion. */
const char *next_twice(void)
{
    pid_t (*first)(void) = dlsym(RTLD_NEXT, "getppid");
    pid_t (*second)(void) = dlsym(RTLD_NEXT, "getppid");
    if (!first || !second)
        return first ? "second not found" : "first not found";
    if (first == getppid)
        return "found itself";
    if (first != second)
        return "two different";
    return first() > 0 ? "found the next" : "found something else";
}
