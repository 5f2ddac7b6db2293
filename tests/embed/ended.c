/* ended COUNT [KEYS]: threads that call and end, one after another, then a call from main. First of
 * all so many thread-specific keys are made, to which no thread gives a value. */
#include "driver.h"

#include <pthread.h>

static void *run(void *unused)
{
    ask();
    return unused;
}

int main(int argc, char **argv)
{
    pthread_key_t key;
    for (int i = argc > 2 ? atoi(argv[2]) : 0; i > 0; i--)
        pthread_key_create(&key, NULL);
    printf("main: %d\n", ask());
    for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, NULL);
        pthread_join(thread, NULL);
    }
    printf("main: %d\n", ask());
    return 0;
}
