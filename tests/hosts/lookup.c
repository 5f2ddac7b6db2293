/* The common way in: dlopen("libcuda.so.1") and dlsym. */
#include "ask.h"

int main(void)
{
    ask_open();
    ask_print("dlsym", ask_dlsym);
    return 0;
}
