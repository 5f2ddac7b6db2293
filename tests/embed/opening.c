/* opening LIBRARY: the main thread's first call, and in the midst of what that starts (a tenth of a
 * second later) another thread opens a library whose constructor calls as well. */
#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static int said = -1;

static void *open_it(void *path)
{
    usleep(100000);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*calling_said)(void) = library ? dlsym(library, "calling_said") : NULL;
    if (calling_said)
        said = calling_said();
    else
        puts(dlerror());
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    pthread_create(&thread, NULL, open_it, argv[argc - 1]);
    int main_said = ask();
    pthread_join(thread, NULL);
    printf("constructor: %d\nmain: %d\n", said, main_said);
    return 0;
}
