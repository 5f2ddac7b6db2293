/* dlsym(RTLD_DEFAULT, …) after the driver was opened with RTLD_GLOBAL. */
#include "ask.h"

static void *by_default(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

int main(void)
{
    ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
    if (!ask_driver) {
        printf("no driver: %s\n", dlerror());
        return 1;
    }
    ask_print("RTLD_DEFAULT", by_default);
    dlerror();
    printf("cuNoSuchFunction: %s", dlsym(RTLD_DEFAULT, "cuNoSuchFunction") ? "found" : "not found");
    printf(", %s\n", dlerror() ? "dlerror says so" : "dlerror silent");
    return 0;
}
