/* calling [SECONDS]: calls for ever and says after each call which one it was, without a buffer; after SECONDS it gets
 * its own SIGALRM, for which it has no handler. */
#include "../hosts/ask.h"

#include <unistd.h>

int main(int argc, char **argv)
{
    ask_open();
    int (*init)(unsigned) = (int (*)(unsigned))ask_dlsym("cuInit");
    int (*get_attribute)(int *, int, int) = (int (*)(int *, int, int))ask_dlsym("cuDeviceGetAttribute");
    alarm(argc > 1 ? (unsigned)atoi(argv[1]) : 0);
    init(0);
    for (int call = 1;; call++) {
        int value = 0;
        get_attribute(&value, call, 0);
        dprintf(STDOUT_FILENO, "%d\n", call);
    }
}
