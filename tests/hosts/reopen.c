/* The driver closed and opened again, and functions that were looked up before it. */
#include "ask.h"

int main(void)
{
    for (int i = 0; i < 3; i++) {
        ask_open();
        ask_print("opened", ask_dlsym);
        printf("closed: %d\n", dlclose(ask_driver));
    }
    ask_open();
    void *again = dlopen("libcuda.so.1", RTLD_NOW);
    printf("the same handle: %s\n", again == ask_driver ? "yes" : "no");
    printf("closed: %d\n", dlclose(again));
    ask_print("still open", ask_dlsym);
    return 0;
}
