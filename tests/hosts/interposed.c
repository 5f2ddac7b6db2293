/* Says whether another dlsym interposer (libinterposer.so, preloaded) saw the lookups of this
 * program. */
#include "ask.h"

extern int interposer_lookups(void) __attribute__((weak));

int main(void)
{
    ask_open();
    ask_print("dlsym", ask_dlsym);
    printf("the other interposer: %s\n", !interposer_lookups        ? "not loaded"
                                         : interposer_lookups() > 0 ? "saw lookups"
                                                                    : "saw none");
    return 0;
}
