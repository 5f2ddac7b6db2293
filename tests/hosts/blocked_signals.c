/* First entry on a thread that has every signal blocked; the mask, and what is pending, stay. */
#include "ask.h"

#include <pthread.h>
#include <signal.h>

static struct ask_answers answers;
static int blocked_after, pending_after;

static void *run(void *unused)
{
    sigset_t all, after;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
    ask(&answers, ask_dlsym);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < NSIG; signal++)
        blocked_after += sigismember(&after, signal) == 1;
    sigpending(&after);
    pending_after = sigismember(&after, SIGUSR1);
    /* taken off here, so that it does not end the program when the thread ends */
    sigemptyset(&all);
    sigaddset(&all, SIGUSR1);
    sigwaitinfo(&all, NULL);
    return unused;
}

int main(void)
{
    pthread_t thread;
    ask_open();
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    printf("%sblocked after: %d, SIGUSR1 pending: %s\n", answers.text, blocked_after, pending_after ? "yes" : "no");
    ask_print("main", ask_dlsym);
    return 0;
}
