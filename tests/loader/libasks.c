/* Built twice, as libasks.so and as libnvidia-asks.so. */
#include "driver.h"

#include <dlfcn.h>

void ask_twice(int said[2]);

void ask_twice(int said[2])
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    int (*get)(int *, int, int) = (int (*)(int *, int, int))dlsym(driver, "cuDeviceGetAttribute");
    said[0] = ask();
    if (get)
        get(&said[1], 75, 0);
}
