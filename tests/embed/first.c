/* first MODE [KIB]: where a program's first call comes from. threads: from eight at once;
 * later_threads: from seven while the call of one before them lasts; stack: from a thread on a
 * stack of so many KiB, three times; signals: from a thread that has every signal blocked;
 * alternate_stack: from a signal handler on a stack of its own. Prints what each call got, and at
 * the end what one from main gets. */
#include "driver.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 8, SMALL = 16384 };

static pthread_barrier_t together;
static int said[THREADS];

static void *call(void *own)
{
    *(int *)own = ask();
    return NULL;
}

static void *call_together(void *own)
{
    pthread_barrier_wait(&together);
    return call(own);
}

static void threads(bool later)
{
    pthread_t running[THREADS];
    pthread_barrier_init(&together, NULL, later ? THREADS - 1 : THREADS);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&running[i], NULL, later && i == 0 ? call : call_together, &said[i]);
        usleep(later && i == 0 ? 500000 : 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(running[i], NULL);
        printf("thread: %d\n", said[i]);
    }
}

/* The page below cannot be touched, so that an overflow ends the program. */
static char *guarded_stack(size_t size)
{
    int kind = MAP_PRIVATE | MAP_ANONYMOUS;
    char *memory = mmap(NULL, SMALL + size, PROT_READ | PROT_WRITE, kind, -1, 0);
    mprotect(memory, SMALL, PROT_NONE);
    return memory + SMALL;
}

static void stack(size_t kib)
{
    for (int i = 0; i < 3; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, guarded_stack(kib << 10), kib << 10);
        pthread_create(&thread, &attributes, call, &said[0]);
        pthread_join(thread, NULL);
        printf("%zu KiB: %d\n", kib, said[0]);
    }
}

static void *call_blocked(void *own)
{
    sigset_t all, after;
    int blocked = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &all);
    call(own);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < NSIG; signal++)
        blocked += sigismember(&after, signal) == sigismember(&all, signal);
    printf("blocked: %d, %s\n", *(int *)own, blocked == NSIG - 1 ? "kept" : "CHANGED");
    return NULL;
}

static void signals(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, call_blocked, &said[0]);
    pthread_join(thread, NULL);
}

static void handle(int signal)
{
    said[0] = signal == SIGUSR1 ? ask() : -1;
}

static void alternate_stack(void)
{
    stack_t stack = {.ss_sp = guarded_stack(SMALL), .ss_size = SMALL};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("handler: %d\n", said[0]);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "main";
    if (strcmp(mode, "threads") == 0 || strcmp(mode, "later_threads") == 0)
        threads(mode[0] == 'l');
    else if (strcmp(mode, "stack") == 0)
        stack(strtoul(argv[2], NULL, 10));
    else if (strcmp(mode, "signals") == 0)
        signals();
    else if (strcmp(mode, "alternate_stack") == 0)
        alternate_stack();
    printf("main: %d\n", ask());
    return 0;
}
