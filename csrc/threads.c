/* Threads, which the program's libc has to make, and waiting outside of Python: a thread that waits in it would look as
 * if it were at work there. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

int vgpu_make_thread(pthread_t *thread, size_t stack, void *(*function)(void *), void *argument)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int problem;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    if (stack)
        pthread_attr_setstacksize(&attributes, stack);
    problem = pthread_create(thread, &attributes, function, argument);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

static int call_work(void *number)
{
    vgpu_core.work((uintptr_t)number);
    return 1;
}

static void *work(void *number)
{
    pthread_setname_np(pthread_self(), "vgpu-work");
    vgpu_in_python(call_work, number);
    return NULL;
}

int vgpu_start_work(uint64_t number)
{
    pthread_t thread;
    int problem = vgpu_make_thread(&thread, VGPU_STACK, work, (void *)(uintptr_t)number);

    if (!problem)
        pthread_detach(thread);
    return problem;
}

void vgpu_ring(uint32_t *bell)
{
    __atomic_add_fetch(bell, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, bell, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void vgpu_await(uint32_t *bell, uint32_t seen, uint64_t nanoseconds)
{
    struct timespec most = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    syscall(SYS_futex, bell, FUTEX_WAIT_PRIVATE, seen, nanoseconds == UINT64_MAX ? NULL : &most, NULL, 0);
}
