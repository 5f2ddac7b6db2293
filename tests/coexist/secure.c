/* secure [FILE]: whether this program runs with rights that its starter does not have, and whether the library was
 * preloaded into it; then what the driver of that file says. Also built static, without a driver. */
#ifndef STATIC
#include "../hosts/ask.h"
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

#include <sys/auxv.h>
#include <unistd.h>

static int is_mapped(const char *name)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        found |= strstr(line, name) != NULL;
    if (maps)
        fclose(maps);
    return found;
}

int main(int argc, char **argv)
{
    printf("secure: %s\n", getauxval(AT_SECURE) ? "yes" : "no");
    printf("preloaded: %s\n", is_mapped("libvgpu-") ? "yes" : "no");
#ifndef STATIC
    ask_driver = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!ask_driver) {
        printf("no driver: %s\n", dlerror());
        return 1;
    }
    ask_print("driver", ask_dlsym);
#else
    (void)argc, (void)argv;
#endif
    return 0;
}
