/* after_opening LIBRARY: opens it before the first call. */
#include "driver.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
    if (!dlopen(argv[argc - 1], RTLD_NOW))
        puts(dlerror());
    printf("main: %d\n", ask());
    return 0;
}
