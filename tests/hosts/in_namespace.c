/* dlmopen: the driver in a link-map namespace of its own, where nothing is preloaded. */
#include "ask.h"

int main(void)
{
    ask_driver = dlmopen(LM_ID_NEWLM, "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!ask_driver) {
        printf("no driver: %s\n", dlerror());
        return 1;
    }
    ask_print("dlmopen", ask_dlsym);
    return 0;
}
