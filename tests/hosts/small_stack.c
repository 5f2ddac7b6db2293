/* Calls on a stack of 16 KiB, the smallest that a thread can have; the first of all, and the first
 * of that thread. */
#include "ask.h"

#include <pthread.h>
#include <sys/mman.h>

enum { STACK = 16384, CANARY = 0x5a };

static struct ask_answers answers;

static void *run(void *unused)
{
    ask(&answers, ask_dlsym);
    return unused;
}

/* The page below the stack cannot be touched, so that an overflow ends the program. */
static void *stack(void)
{
    char *memory = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory, STACK, PROT_NONE);
    return memory + STACK;
}

int main(void)
{
    ask_open();
    for (int i = 0; i < 3; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, stack(), STACK);
        int error = pthread_create(&thread, &attributes, run, NULL);
        if (error) {
            printf("pthread_create: %s\n", strerror(error));
            return 1;
        }
        pthread_join(thread, NULL);
        printf("thread %d\n%s", i, answers.text);
    }
    return 0;
}
