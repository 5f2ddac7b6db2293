/* Another library's cuInit, and the driver's: whoever asks a library gets that library's. Arguments: that library,
 * and "twice", which asks the driver first. */
#include "driver.h"

#include <dlfcn.h>

static int init_of(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*init)(unsigned) = library ? (int (*)(unsigned))dlsym(library, "cuInit") : NULL;
    return init ? init(0) : -1;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        printf("the driver's: %d\n", init_of("libcuda.so.1"));
    printf("the other's: %d\n", init_of(argv[1]));
    printf("the driver's: %d\n", init_of("libcuda.so.1"));
    return 0;
}
