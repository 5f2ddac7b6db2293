/* Calls at the end: from the destructor of thread-specific data, from an atexit function, from a
 * library's destructor function and from quick_exit ("quick"). With "first", none of it was
 * preceded by another call. */
#include "ask.h"

#include <pthread.h>
#include <stdbool.h>

static pthread_key_t key;
static bool quick;

static void at_thread_end(void *value)
{
    static int rounds;
    ask_print("thread-specific data's destructor", ask_dlsym);
    if (++rounds < 2)
        pthread_setspecific(key, value); /* destructors may set values again */
}

static void *run(void *unused)
{
    pthread_setspecific(key, &key);
    return unused;
}

static void at_exit(void)
{
    ask_print("atexit", ask_dlsym);
}

__attribute__((destructor)) static void at_unload(void)
{
    if (ask_driver && !quick)
        ask_print("destructor function", ask_dlsym);
}

int main(int argc, char **argv)
{
    bool first = false;
    for (int i = 1; i < argc; i++) {
        quick |= strcmp(argv[i], "quick") == 0;
        first |= strcmp(argv[i], "first") == 0;
    }
    ask_open();
    atexit(at_exit);
    at_quick_exit(at_exit);
    pthread_key_create(&key, at_thread_end);
    if (!first)
        ask_print("main", ask_dlsym);
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    if (quick)
        quick_exit(3);
    return 3;
}
