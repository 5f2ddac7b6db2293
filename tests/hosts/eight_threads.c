/* First entry from eight threads at once; they must all get the same answers. */
#include "ask.h"

#include <pthread.h>

enum { THREADS = 8 };

static pthread_barrier_t together;
static struct ask_answers answers[THREADS];

static void *run(void *own)
{
    pthread_barrier_wait(&together);
    ask(own, ask_dlsym);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    ask_open();
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, &answers[i]);
    int same = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        same += strcmp(answers[i].text, answers[0].text) == 0;
    }
    printf("%d of %d threads agree\n%s", same, THREADS, answers[0].text);
    return 0;
}
