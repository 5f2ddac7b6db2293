/* Threads, functions of the program's that streams call, and a graph that was captured with a fork and a join. */
#include "driver.h"

#include <fenv.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_READY 600
#define THREADS   4
#define EACH      50

typedef void *handle;

static handle new_stream(unsigned flags)
{
    handle stream;
    ok(cu("cuStreamCreate", (handle *, unsigned), (&stream, flags)));
    return stream;
}

static handle new_event(unsigned flags)
{
    handle event;
    ok(cu("cuEventCreate", (handle *, unsigned), (&event, flags)));
    return event;
}

static void call_in(handle stream, void (*function)(void *), void *argument)
{
    ok(cu("cuLaunchHostFunc", (handle, void (*)(void *), void *), (stream, function, argument)));
}

static void synchronize(handle stream)
{
    ok(cu("cuStreamSynchronize", (handle), (stream)));
}

/* ---- a function that waits for what its caller does later ---- */

static sem_t gate;
static pthread_t called_on;
static int rounding_inside, context_inside, stream_inside;

static void wait_at_gate(void *stream)
{
    handle context;

    sem_wait(&gate);
    called_on = pthread_self();
    rounding_inside = fegetround();
    context_inside = cu("cuStreamCreate", (handle *, unsigned), (&context, 0));
    stream_inside = cu("cuStreamSynchronize", (handle), (stream));
}

static void waits_for_its_caller(void)
{
    handle stream = new_stream(1), start = new_event(0), end = new_event(0);
    float milliseconds;

    ok(cu("cuEventRecord", (handle, handle), (start, stream)));
    call_in(stream, wait_at_gate, stream);
    ok(cu("cuEventRecord", (handle, handle), (end, stream)));
    printf("stream while the function waits: %d\n", cu("cuStreamQuery", (handle), (stream)) == NOT_READY);
    printf("event while the function waits: %d\n", cu("cuEventQuery", (handle), (end)) == NOT_READY);
    printf("other stream meanwhile: %d\n", cu("cuStreamQuery", (handle), (new_stream(1))));
    usleep(30000);
    sem_post(&gate);
    ok(cu("cuEventSynchronize", (handle), (end)));
    ok(cu("cuEventElapsedTime", (float *, handle, handle), (&milliseconds, start, end)));
    printf("the function took time: %d\n", milliseconds >= 30);
    printf("on another thread: %d\n", !pthread_equal(called_on, pthread_self()));
    printf("which rounds to nearest: %d\n", rounding_inside == FE_TONEAREST);
    printf("and may not ask: %d %d\n", context_inside, stream_inside);
    ok(cu("cuStreamDestroy_v2", (handle), (stream)));
}

/* ---- threads with streams of their own ---- */

static handle context;

struct sequence {
    int next, wrong;
};

struct number {
    struct sequence *of;
    int number;
};

static void check_number(void *argument)
{
    struct number *number = argument;
    number->of->wrong += number->of->next++ != number->number;
}

static void *one_thread(void *argument)
{
    struct sequence *sequence = argument;
    struct number numbers[EACH];

    ok(cu("cuCtxSetCurrent", (handle), (context)));
    for (int i = 0; i < EACH; i++) {
        numbers[i] = (struct number){sequence, i};
        ok(cu("cuLaunchHostFunc_ptsz", (handle, void (*)(void *), void *), (NULL, check_number, &numbers[i])));
    }
    ok(cu("cuStreamSynchronize_ptsz", (handle), (NULL)));
    sequence->wrong += sequence->next != EACH;
    return NULL;
}

static void threads_of_their_own(void)
{
    struct sequence sequences[THREADS] = {{0}};
    pthread_t threads[THREADS];
    int wrong = 0;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, one_thread, &sequences[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += sequences[i].wrong;
    }
    printf("out of order in %d threads: %d\n", THREADS, wrong);
}

/* ---- capture ---- */

static char line[64];
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static void add_letter(void *letter)
{
    pthread_mutex_lock(&writing);
    strcat(line, letter);
    pthread_mutex_unlock(&writing);
}

static void captured_graph(void)
{
    handle first = new_stream(1), second = new_stream(1), fork = new_event(2), join = new_event(2), graph, executable;
    int in_order = 1;

    ok(cu("cuStreamBeginCapture_v2", (handle, int), (first, 0)));
    call_in(first, add_letter, "a");
    ok(cu("cuEventRecord", (handle, handle), (fork, first)));
    ok(cu("cuStreamWaitEvent", (handle, handle, unsigned), (second, fork, 0)));
    call_in(first, add_letter, "b");
    call_in(second, add_letter, "c");
    ok(cu("cuEventRecord", (handle, handle), (join, second)));
    ok(cu("cuStreamWaitEvent", (handle, handle, unsigned), (first, join, 0)));
    call_in(first, add_letter, "d");
    ok(cu("cuStreamEndCapture", (handle, handle *), (first, &graph)));
    printf("done while it was captured: \"%s\"\n", line);
    ok(cu("cuGraphInstantiateWithFlags", (handle *, handle, unsigned long long), (&executable, graph, 0)));
    ok(cu("cuGraphDestroy", (handle), (graph)));
    for (int i = 0; i < 3; i++) {
        line[0] = 0;
        ok(cu("cuGraphLaunch", (handle, handle), (executable, first)));
        synchronize(first);
        in_order &= !strcmp(line, "abcd") || !strcmp(line, "acbd");
    }
    printf("replayed as captured: %d\n", in_order);
    ok(cu("cuGraphExecDestroy", (handle), (executable)));
}

/* ---- the end ---- */

static void never_returns(void *unused)
{
    for (;;)
        pause();
    (void)unused;
}

static void forked(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(cu("cuCtxSynchronize", (void), ()));
    waitpid(child, &status, 0);
    printf("in a child of fork: %d\n", WEXITSTATUS(status));
}

int main(void)
{
    int device;

    fesetround(FE_UPWARD);
    sem_init(&gate, 0, 0);
    ok(cu("cuInit", (unsigned), (0)));
    ok(cu("cuDeviceGet", (int *, int), (&device, 0)));
    ok(cu("cuDevicePrimaryCtxRetain", (handle *, int), (&context, device)));
    ok(cu("cuCtxSetCurrent", (handle), (context)));
    waits_for_its_caller();
    threads_of_their_own();
    captured_graph();
    forked();
    call_in(new_stream(1), never_returns, NULL);
    printf("rounding as before: %d\n", fegetround() == FE_UPWARD);
    return 0;
}
