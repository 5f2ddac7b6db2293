/* children HOW [COUNT]: makes COUNT children while another thread keeps calling the driver, and
 * says how many gave the parent's answers. HOW is fork, _Fork, clone, vfork, spawn (the last two
 * execute the program "lookup"), fork_first (the parent has not called yet, the child calls first)
 * or fork_tree (the child forks in its turn). */
#include "sibling.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

enum { TIME_LIMIT = 30, DIFFERENT = 2 };

static struct ask_answers answers;
static char lookup_path[PATH_MAX];

/* The functions, looked up before any child is made: a child of _Fork or clone must not call dlsym,
 * as another thread of the parent's may have held the loader's lock. */
static struct {
    const char *name;
    void *function;
} functions[] = {
    {"cuInit", NULL},          {"cuDriverGetVersion", NULL},   {"cuDeviceGetCount", NULL},    {"cuDeviceGet", NULL},
    {"cuDeviceGetName", NULL}, {"cuDeviceGetAttribute", NULL}, {"cuDeviceTotalMem_v2", NULL},
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void *found(const char *name)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].function;
    return NULL;
}

static void *keep_calling(void *unused)
{
    struct ask_answers own;
    for (;;)
        ask(&own, found);
    return unused;
}

/* In a child: the same answers, within the time limit. */
static int child_asks(void)
{
    struct ask_answers own;
    alarm(TIME_LIMIT);
    ask(&own, found);
    return answers.length && strcmp(own.text, answers.text) != 0 ? DIFFERENT : 0;
}

static int child_forks(void)
{
    int status = -1;
    int here = child_asks();
    pid_t grandchild = fork();
    if (grandchild == 0)
        _exit(child_asks());
    waitpid(grandchild, &status, 0);
    return here ? here : WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static pid_t start(const char *how)
{
    char *arguments[] = {lookup_path, NULL};
    pid_t child = -1;
    if (strcmp(how, "vfork") == 0) {
        child = vfork();
        if (child == 0) {
            execve(lookup_path, arguments, environ);
            _exit(127);
        }
        return child;
    }
    if (strcmp(how, "spawn") == 0)
        return posix_spawn(&child, lookup_path, NULL, NULL, arguments, environ) == 0 ? child : -1;
    if (strcmp(how, "_Fork") == 0)
        child = _Fork();
    else if (strcmp(how, "clone") == 0)
        child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    else
        child = fork();
    if (child == 0)
        _exit(strcmp(how, "fork_tree") == 0 ? child_forks() : child_asks());
    return child;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "fork";
    int count = argc > 2 ? atoi(argv[2]) : 1;
    bool first = strcmp(how, "fork_first") == 0;
    sibling(lookup_path, "lookup");
    ask_open();
    for (size_t i = 0; i < FUNCTIONS; i++)
        functions[i].function = ask_dlsym(functions[i].name);
    if (!first) {
        pthread_t busy;
        ask(&answers, found);
        printf("parent\n%s", answers.text);
        fflush(stdout);
        pthread_create(&busy, NULL, keep_calling, NULL);
    }
    int good = 0;
    for (int i = 0; i < count; i++) {
        int status = -1;
        pid_t child = start(how);
        if (child < 0 || waitpid(child, &status, 0) != child)
            printf("child %d: %s\n", i, strerror(errno));
        else if (WIFSIGNALED(status))
            printf("child %d: signal %d\n", i, WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
            printf("child %d: exit status %d\n", i, WEXITSTATUS(status));
        else
            good++;
    }
    printf("%s: %d of %d children good\n", how, good, count);
    if (first)
        ask_print("parent, afterwards", found);
    return good == count ? 0 : 1;
}
