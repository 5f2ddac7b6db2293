/* Exits with 5 while its threads are in calls that last. */
#include "driver.h"

#include <pthread.h>
#include <unistd.h>

static void *run(void *unused)
{
    ask();
    return unused;
}

int main(void)
{
    pthread_t thread;
    printf("cuInit: %d\n", cuInit(0));
    fflush(stdout);
    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, run, NULL);
    usleep(200000);
    exit(5);
}
