/* Each library asks the driver, linked and looked up, in its own name: one of them is named like a part of it. */
#include "driver.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
    printf("main: %d\n", ask());
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        void (*ask_twice)(int said[2]) = library ? (void (*)(int *))dlsym(library, "ask_twice") : NULL;
        int said[2] = {-1, -1};
        if (!ask_twice) {
            puts(dlerror());
            return 1;
        }
        ask_twice(said);
        printf("library %d: linked %d, looked up %d\n", i, said[0], said[1]);
    }
    return 0;
}
