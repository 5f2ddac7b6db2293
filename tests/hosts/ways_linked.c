/* ways_linked link|next WAY: a C program linked to the driver, that calls what the linker bound, or looks it up with
 * RTLD_NEXT. */
#include "ways_linked.h"
#include "ways.h"

static void *by_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

int main(int argc, char **argv)
{
    struct ways ways = {.lookup = argc > 1 && strcmp(argv[1], "next") == 0 ? by_next : ways_linked_lookup};
    ways_run(&ways);
    return 0;
}
