/* keys BEFORE AFTER: that many thread-specific keys before the first call and after it; 96 threads
 * at once give each a value, call several times, and look whether the values are still there. */
#include "driver.h"

#include <pthread.h>
#include <stdint.h>

enum { THREADS = 96, KEYS = 1024, CALLS = 20 };

static pthread_key_t keys[KEYS];
static int count;
static pthread_barrier_t together;

static void make_keys(int more)
{
    while (more-- > 0 && count < KEYS && pthread_key_create(&keys[count], NULL) == 0)
        count++;
}

static void *value(uintptr_t thread, int key)
{
    return (void *)(thread * 10000 + (uintptr_t)key);
}

static int set_and_call(uintptr_t thread)
{
    int kept = 0, answer = -1;
    for (int i = 0; i < count; i++)
        pthread_setspecific(keys[i], value(thread, i));
    for (int i = 0; i < CALLS; i++)
        answer = ask();
    for (int i = 0; i < count; i++)
        kept += pthread_getspecific(keys[i]) == value(thread, i);
    return kept == count ? answer : -1;
}

static void *run(void *thread)
{
    pthread_barrier_wait(&together);
    return (void *)(intptr_t)set_and_call((uintptr_t)thread);
}

int main(int argc, char **argv)
{
    pthread_t running[THREADS];
    make_keys(argc > 1 ? atoi(argv[1]) : 0);
    int answer = set_and_call(THREADS + 1);
    int before = count;
    make_keys(argc > 2 ? atoi(argv[2]) : 0);
    printf("main: %d with %d keys\n", answer, before);
    pthread_barrier_init(&together, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&running[i], NULL, run, (void *)(i + 1));
    int good = 0;
    for (int i = 0; i < THREADS; i++) {
        void *got;
        pthread_join(running[i], &got);
        good += (intptr_t)got == answer;
    }
    printf("%d threads with %d keys\nmain: %d\n", good, count, set_and_call(THREADS + 1));
    return 0;
}
