/* Sets its user id, to what it is, while threads of it call: the C library has each of them do it.
 */
#include "driver.h"

#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, TIMES = 50 };

static void *keep_calling(void *unused)
{
    for (;;)
        ask();
    return unused;
}

int main(void)
{
    pthread_t thread;
    int good = 0;
    printf("main: %d\n", ask());
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, keep_calling, NULL);
    for (int i = 0; i < TIMES; i++) {
        good += setuid(getuid()) == 0;
        usleep(1000);
    }
    printf("%d of %d good\n", good, TIMES);
    fflush(stdout);
    _exit(0);
}
