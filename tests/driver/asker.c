/* A library that asks for the compute capability itself; rules by caller tell it from the program. */
#include <dlfcn.h>

int ask(void);

__attribute__((visibility("default"))) int ask(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    int (*get)(int *, int, int) = (int (*)(int *, int, int))dlsym(driver, "cuDeviceGetAttribute");
    int value = -1;

    /* Not a tail call: the call has to come from here. */
    if (!get || get(&value, 75, 0) != 0)
        return -1;
    return value;
}
