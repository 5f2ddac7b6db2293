/* ends HOW: calls the driver and ends by exit, _exit, quick_exit, abort, a signal of its own
 * (SIGTERM), a fault, pthread_exit of the main thread, or execution of another program: the exit
 * status is the program's own. */
#include "sibling.h"

#include <pthread.h>
#include <signal.h>

static void *last_thread(void *unused)
{
    struct ask_answers answers;
    ask(&answers, ask_dlsym);
    exit(9);
    return unused;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "exit";
    ask_open();
    ask_print("main", ask_dlsym);
    if (strcmp(how, "exit") == 0)
        exit(7);
    if (strcmp(how, "_exit") == 0)
        _exit(8);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(6);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "signal") == 0)
        raise(SIGTERM);
    if (strcmp(how, "fault") == 0)
        *(volatile int *)8 = 1;
    if (strcmp(how, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, last_thread, NULL);
        pthread_exit(NULL);
    }
    if (strcmp(how, "exec") == 0) {
        char path[PATH_MAX];
        execl(sibling(path, "lookup"), "lookup", (char *)NULL);
    }
    return 1;
}
