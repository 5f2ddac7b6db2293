/* Hundreds of thread-specific keys, made before the first call and after it, in the main thread and
 * others: each keeps its value, and its destructor runs once a thread. */
#include "ask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { BEFORE = 400, AFTER = 400, THREADS = 4 };

static pthread_key_t keys[BEFORE + AFTER];
static atomic_int destroyed;

static void destroy(void *value)
{
    (void)value;
    destroyed++;
}

static int make_keys(int from, int count)
{
    for (int i = from; i < from + count; i++)
        if (pthread_key_create(&keys[i], destroy) != 0)
            return i - from;
    return count;
}

static void set_values(int from, int count, uintptr_t thread)
{
    for (int i = from; i < from + count; i++)
        pthread_setspecific(keys[i], (void *)(thread * 10000 + (uintptr_t)i + 1));
}

static int count_kept(int count, uintptr_t thread)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        kept += pthread_getspecific(keys[i]) == (void *)(thread * 10000 + (uintptr_t)i + 1);
    return kept;
}

static void *run(void *thread)
{
    struct ask_answers answers;
    set_values(0, BEFORE + AFTER, (uintptr_t)thread);
    int result = ask(&answers, ask_dlsym);
    int kept = count_kept(BEFORE + AFTER, (uintptr_t)thread);
    return (void *)(uintptr_t)(result == 0 ? kept : -1);
}

int main(void)
{
    printf("keys before: %d\n", make_keys(0, BEFORE));
    set_values(0, BEFORE, THREADS + 1);
    ask_open();
    ask_print("main", ask_dlsym);
    printf("kept: %d\n", count_kept(BEFORE, THREADS + 1));
    printf("keys after: %d\n", make_keys(BEFORE, AFTER));
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        void *kept;
        pthread_create(&thread, NULL, run, (void *)(uintptr_t)(i + 1));
        pthread_join(thread, &kept);
        printf("thread %d kept: %d\n", i, (int)(intptr_t)kept);
    }
    printf("destroyed: %d\n", (int)destroyed);
    return 0;
}
