/* many_threads [COUNT]: starts and ends threads, 16 at a time, each of which calls once. The last
 * line is what the process grew by, in bytes of resident memory a thread, after the first 64. */
#include "ask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { AT_ONCE = 16, WARM_UP = 64, STACK = 128 * 1024 };

static int (*get_attribute)(int *, int, int);
static atomic_int right;

static void *run(void *unused)
{
    int value = -1;
    right += get_attribute(&value, ASK_COMPUTE_MAJOR, 0) == 0 && value > 0;
    return unused;
}

static void start_and_end(int count)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    for (int done = 0; done < count; done += AT_ONCE) {
        pthread_t threads[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            pthread_create(&threads[i], &attributes, run, NULL);
        for (int i = 0; i < AT_ONCE; i++)
            pthread_join(threads[i], NULL);
    }
}

static long resident(void)
{
    long size = 0, pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (statm)
        fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    int count = (argc > 1 ? atoi(argv[1]) : 2048) / AT_ONCE * AT_ONCE;
    ask_open();
    ask_print("main", ask_dlsym);
    *(void **)&get_attribute = ask_dlsym("cuDeviceGetAttribute");
    start_and_end(WARM_UP);
    long before = resident();
    start_and_end(count);
    printf("%s of %d threads got an answer\n", right == WARM_UP + count ? "all" : "not all", count);
    printf("bytes a thread: %ld\n", (resident() - before) / count);
    return 0;
}
