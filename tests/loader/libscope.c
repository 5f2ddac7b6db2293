/* Needs the driver and a library with names that begin like the driver's; finds both. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

void ask_by_default(void);

static void ask(const char *name)
{
    int (*function)(void *) = (int (*)(void *))dlsym(RTLD_DEFAULT, name);
    int value = -1;
    if (function)
        printf("the library, %s: %d\n", name, function(&value));
    else
        printf("the library, %s: not found\n", name);
}

void ask_by_default(void)
{
    ask("cudnnCreate");
    ask("cuFoo");
    ask("curl_easy_init");
    ask("cuDriverGetVersion");
}
