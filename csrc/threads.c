/* Threads that Python asks for, which the program's libc has to make, and waiting outside of Python: a thread that
 * waits in it would look as if it were at work there. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

#define WORK_STACK (16u << 20)

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
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    int problem;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, WORK_STACK);
    problem = pthread_create(&thread, &attributes, work, (void *)(uintptr_t)number);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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
