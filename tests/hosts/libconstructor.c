/* Calls the driver from its constructor: under the loader's lock, before main, in a library. */
#include "ask.h"

const char *constructor_said(void);

static struct ask_answers answers;
static const char *said = "the constructor did not run\n";

const char *constructor_said(void)
{
    return said;
}

__attribute__((constructor)) static void at_load(void)
{
    ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!ask_driver) {
        said = "no driver\n";
        return;
    }
    ask(&answers, ask_dlsym);
    said = answers.text;
}
