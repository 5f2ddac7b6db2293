/* Whether each of the named files can be opened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        printf("%s: %s\n", slash ? slash + 1 : argv[i], dlopen(argv[i], RTLD_LAZY) ? "opened" : "not found");
    }
    return 0;
}
