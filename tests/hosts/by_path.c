/* by_path FILE…: opens the driver by absolute paths, file names with a version, or other names of
 * it. */
#include "ask.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        ask_driver = dlopen(argv[i], RTLD_LAZY);
        const char *slash = strrchr(argv[i], '/');
        const char *name = slash ? slash + 1 : argv[i];
        if (ask_driver)
            ask_print(name, ask_dlsym);
        else
            printf("%s\nno driver: %s\n", name, dlerror());
    }
    return 0;
}
