/* Linked to the driver; opened with RTLD_DEEPBIND, it is bound to the driver itself. */
#include "ways_linked.h"

void *deep_lookup(const char *name);

void *deep_lookup(const char *name)
{
    return ways_linked_lookup(name);
}
