/* Every signal's disposition, the two of the C library's own included, before the first call and
 * after: what is not equal is printed. The program's own handlers are in place, and work. */
#include "ask.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIGNALS = 64, KERNEL_SET = 8 };

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

static struct kernel_action before[SIGNALS + 1], after[SIGNALS + 1];
static volatile sig_atomic_t handled;

static void handle(int signal)
{
    handled = signal;
}

static void read_all(struct kernel_action *actions)
{
    for (int signal = 1; signal <= SIGNALS; signal++)
        syscall(SYS_rt_sigaction, signal, NULL, &actions[signal], KERNEL_SET);
}

static const char *kind(const struct kernel_action *action)
{
    return action->handler == (void *)SIG_DFL ? "default" : action->handler == (void *)SIG_IGN ? "ignored" : "handled";
}

int main(void)
{
    static const int own[] = {SIGSEGV, SIGUSR1, SIGPROF, SIGCHLD, SIGINT};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART | SA_NODEFER};
    sigaddset(&action.sa_mask, SIGUSR2);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigaction(own[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    read_all(before);
    ask_open();
    ask_print("main", ask_dlsym);
    read_all(after);
    int changed = 0;
    for (int signal = 1; signal <= SIGNALS; signal++) {
        if (memcmp(&before[signal], &after[signal], sizeof *before) == 0)
            continue;
        changed++;
        printf("signal %d: %s before, %s after, flags %lx and %lx\n", signal, kind(&before[signal]),
               kind(&after[signal]), before[signal].flags, after[signal].flags);
    }
    printf("changed: %d\n", changed);
    raise(SIGUSR1);
    printf("own handler ran: %s\n", handled == SIGUSR1 ? "yes" : "no");
    return 0;
}
