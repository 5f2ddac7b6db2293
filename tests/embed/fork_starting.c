/* Forks in the midst of the start that another thread's first call has brought about; the child
 * calls, and ends with the answer. */
#include "driver.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void *call(void *unused)
{
    printf("thread: %d\n", ask());
    return unused;
}

int main(void)
{
    pthread_t thread;
    int status = -1;
    pthread_create(&thread, NULL, call, NULL);
    usleep(200000);
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        _exit(ask());
    }
    waitpid(child, &status, 0);
    pthread_join(thread, NULL);
    printf("child: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    return 0;
}
