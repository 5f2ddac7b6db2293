#include "ways.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    THREADS = 8,
    STACK = 16384,
    FORKS = 40,
    STARTS = 2,
    REPEATS = 100,
    KEYS = 400,
    ENDED = 2048,
    TIME_LIMIT = 60,
    DIFFERENT = 2
};

extern char **environ;

typedef void *(*thread_function)(void *);

/* ---- how this program asks ---- */

static void *by_dlsym(const char *name)
{
    if (!ask_driver)
        ask_driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return ask_driver ? dlsym(ask_driver, name) : NULL;
}

static void close_driver(void)
{
    dlclose(ask_driver);
    ask_driver = NULL;
}

static struct ways program = {.lookup = by_dlsym, .close = close_driver};
static struct ask_answers main_answers, answers[THREADS];

static void *ask_into(void *found)
{
    if (program.ask)
        program.ask(found, program.lookup);
    else
        ask(found, program.lookup);
    return NULL;
}

static void say(const char *heading, const struct ask_answers *found)
{
    printf("%s\n%s", heading, found->text);
    fflush(stdout);
}

static void say_main(const char *heading)
{
    ask_into(&main_answers);
    say(heading, &main_answers);
}

static bool same(const struct ask_answers *found)
{
    return found->length && strcmp(found->text, main_answers.text) == 0;
}

/* ---- threads ---- */

static pthread_t start(thread_function run, void *argument, const pthread_attr_t *attributes)
{
    pthread_t thread;
    int error = pthread_create(&thread, attributes, run, argument);
    if (error) {
        printf("pthread_create: %s\n", strerror(error));
        exit(1);
    }
    return thread;
}

static void on_thread(thread_function run, void *argument, const pthread_attr_t *attributes)
{
    pthread_join(start(run, argument, attributes), NULL);
}

static pthread_barrier_t together;

static void *ask_together(void *found)
{
    pthread_barrier_wait(&together);
    return ask_into(found);
}

/* How many of eight threads that call at once get the answers of the first of them. */
static int ask_from_eight(void)
{
    pthread_t threads[THREADS];
    int agreeing = 0;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(ask_together, &answers[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        agreeing += answers[0].length && strcmp(answers[i].text, answers[0].text) == 0;
    }
    return agreeing;
}

static void eight_threads(void)
{
    printf("%d of %d threads agree\n", ask_from_eight(), THREADS);
    say("the first", &answers[0]);
}

/* The pages below cannot be touched, so that an overflow ends the program. */
static void small_stack(void)
{
    char *memory = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    mprotect(memory, STACK, PROT_NONE);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, memory + STACK, STACK);
    on_thread(ask_into, &answers[0], &attributes);
    say("16 KiB", &answers[0]);
}

static void *ask_blocked(void *found)
{
    sigset_t all, after;
    int blocked = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    ask_into(found);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < NSIG; number++)
        blocked += sigismember(&after, number) == 1;
    printf("blocked: %d\n", blocked);
    return NULL;
}

static void blocked_signals(void)
{
    on_thread(ask_blocked, &answers[0], NULL);
    say("on that thread", &answers[0]);
}

static pthread_key_t late;

static void at_thread_end(void *found)
{
    ask_into(found);
}

static void *end_late(void *found)
{
    pthread_setspecific(late, found);
    return NULL;
}

static void thread_data(void)
{
    pthread_key_create(&late, at_thread_end);
    on_thread(end_late, &answers[0], NULL);
    say("destructor", &answers[0]);
}

static void *ask_once(void *right)
{
    ask_get_attribute get = (ask_get_attribute)program.lookup("cuDeviceGetAttribute");
    char expected[64];
    int value = -1, result = get ? get(&value, ASK_COMPUTE_MAJOR, 0) : -1;
    snprintf(expected, sizeof expected, "(%d, 0) = %d %d\n", ASK_COMPUTE_MAJOR, result, value);
    *(atomic_int *)right += strstr(main_answers.text, expected) != NULL;
    return NULL;
}

static void ended_threads(void)
{
    enum { AT_ONCE = 16 };
    atomic_int right = 0;
    pthread_attr_t attributes;
    say_main("main");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    for (int done = 0; done < ENDED; done += AT_ONCE) {
        pthread_t threads[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            threads[i] = start(ask_once, &right, &attributes);
        for (int i = 0; i < AT_ONCE; i++)
            pthread_join(threads[i], NULL);
    }
    printf("%d of %d threads agree\n", right, ENDED);
}

static pthread_key_t keys[2 * KEYS];
static atomic_int destroyed;

static void count_destroyed(void *value)
{
    destroyed += value != NULL;
}

static void make_keys(int from)
{
    for (int i = from; i < from + KEYS; i++) {
        int error = pthread_key_create(&keys[i], count_destroyed);
        if (error)
            printf("key %d: %s\n", i, strerror(error));
        pthread_setspecific(keys[i], (void *)(uintptr_t)(i + 1));
    }
}

static int count_kept(int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        kept += pthread_getspecific(keys[i]) == (void *)(uintptr_t)(i + 1);
    return kept;
}

static void *keep(void *found)
{
    for (int i = 0; i < 2 * KEYS; i++)
        pthread_setspecific(keys[i], (void *)(uintptr_t)(i + 1));
    ask_into(found);
    printf("a thread keeps %d\n", count_kept(2 * KEYS));
    return NULL;
}

static void many_keys(void)
{
    make_keys(0);
    say_main("main");
    printf("kept: %d\n", count_kept(KEYS));
    make_keys(KEYS);
    for (int i = 0; i < THREADS / 2; i++)
        on_thread(keep, &answers[0], NULL);
    printf("kept: %d, destroyed: %d, the same: %d\n", count_kept(2 * KEYS), destroyed, same(&answers[0]));
}

/* ---- libraries ---- */

void ways_in_constructor(void)
{
    ask_into(&answers[0]);
}

static void open_constructor(void)
{
    Dl_info own;
    char path[PATH_MAX] = "";
    if (dladdr((void *)ways_run, &own))
        snprintf(path, sizeof path, "%.*slibways_constructor.so",
                 (int)(strrchr(own.dli_fname, '/') + 1 - own.dli_fname), own.dli_fname);
    if (!dlopen(path, RTLD_NOW | RTLD_LOCAL))
        printf("%s\n", dlerror());
}

static void constructor(void)
{
    open_constructor();
    say("constructor", &answers[0]);
}

/* The tests' policy for this way imports for a while in the first call's hook. */
static void importing(void)
{
    pthread_t thread = start(ask_into, &answers[1], NULL);
    usleep(150000);
    open_constructor();
    say("constructor", &answers[0]);
    pthread_join(thread, NULL);
    say("the thread", &answers[1]);
}

static void closed(void)
{
    for (int i = 0; i < 3; i++) {
        say_main("opened");
        program.close();
    }
    say_main("opened again");
}

static void unloaded(void)
{
    say_main("opened");
    program.close();
    printf("%s\n", dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD) ? "still loaded" : "unloaded");
}

static void called_back(void *found)
{
    ask_into(found);
}

static void callback(void)
{
    int (*launch)(void *, void (*)(void *), void *) = program.lookup("cuLaunchHostFunc");
    int (*synchronize)(void) = program.lookup("cuCtxSynchronize");
    ask_init init = (ask_init)program.lookup("cuInit");
    if (!launch || !synchronize || !init) {
        printf("a function is not found\n");
        return;
    }
    printf("cuInit = %d\n", init(0));
    printf("cuLaunchHostFunc = %d\n", launch(NULL, called_back, &answers[0]));
    printf("cuCtxSynchronize = %d\n", synchronize());
    say("callback", &answers[0]);
}

static void exiting(void)
{
    say_main("atexit");
}

static void at_exit(void)
{
    atexit(exiting);
}

/* ---- children ---- */

/* The functions, looked up before a child is made. */
static struct {
    char name[32];
    void *function;
} fixed[] = {
    {"cuInit", NULL},          {"cuDriverGetVersion", NULL},   {"cuDeviceGetCount", NULL},    {"cuDeviceGet", NULL},
    {"cuDeviceGetName", NULL}, {"cuDeviceGetAttribute", NULL}, {"cuDeviceTotalMem_v2", NULL},
};

enum { FIXED = sizeof fixed / sizeof *fixed };

static void *by_fixed(const char *name)
{
    for (size_t i = 0; i < FIXED; i++)
        if (strcmp(fixed[i].name, name) == 0)
            return fixed[i].function;
    return NULL;
}

static void *keep_calling(void *end)
{
    while (!*(atomic_bool *)end)
        ask_into(&answers[1]);
    return NULL;
}

/* Counts a child that ended well; tells how another did. */
static int ended_well(pid_t child)
{
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        printf("child: %s\n", strerror(errno));
    else if (status)
        printf("child: %s %d\n", WIFSIGNALED(status) ? "signal" : "exit status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return child > 0 && status == 0;
}

static void fork_children(void)
{
    atomic_bool end = false;
    int good = 0;
    for (size_t i = 0; i < FIXED; i++)
        fixed[i].function = program.lookup(fixed[i].name);
    program.lookup = by_fixed;
    say_main("parent");
    pthread_t busy = start(keep_calling, &end, NULL);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(TIME_LIMIT);
            ask_into(&answers[0]);
            _exit(same(&answers[0]) ? 0 : DIFFERENT);
        }
        good += ended_well(child);
    }
    end = true;
    pthread_join(busy, NULL);
    printf("%d of %d children good\n", good, FORKS);
}

/* Each child's first call comes from eight threads at once, and it forks in its turn. */
static void races(void)
{
    int good = 0;
    for (int i = 0; i < REPEATS; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(TIME_LIMIT);
            int agreeing = ask_from_eight();
            pid_t grandchild = fork();
            if (grandchild == 0) {
                alarm(TIME_LIMIT);
                _exit(ask_from_eight() == THREADS ? 0 : DIFFERENT);
            }
            _exit(agreeing == THREADS && ended_well(grandchild) ? 0 : DIFFERENT);
        }
        good += ended_well(child);
    }
    printf("%d of %d children good\n", good, REPEATS);
    say_main("parent");
}

static char command[4096];

/* This program's own arguments; returns the last. */
static char *read_command(char **arguments, int most)
{
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t length = file ? fread(command, 1, sizeof command - 1, file) : 0;
    int count = 0;
    if (file)
        fclose(file);
    for (char *place = command; place < command + length && count < most - 1; place += strlen(place) + 1)
        arguments[count++] = place;
    arguments[count] = NULL;
    return count ? arguments[count - 1] : command;
}

/* Executes this program again, for the way "main". */
static void run_again(bool by_vfork)
{
    char *arguments[16], *last = read_command(arguments, 16);
    int good = 0;
    memcpy(last, "main", sizeof "main");
    say_main("parent");
    for (int i = 0; i < STARTS; i++) {
        pid_t child = -1;
        if (by_vfork) {
            child = vfork();
            if (child == 0) {
                execve("/proc/self/exe", arguments, environ);
                _exit(127);
            }
        } else if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) != 0)
            child = -1;
        good += ended_well(child);
    }
    printf("%d of %d children good\n", good, STARTS);
}

static void by_vfork(void)
{
    run_again(true);
}

static void by_spawn(void)
{
    run_again(false);
}

/* ---- the list ---- */

static void in_main(void)
{
    say_main("main");
}

static const struct {
    const char *name;
    void (*take)(void);
} ways[] = {
    {"main", in_main},
    {"constructor", constructor},
    {"eight_threads", eight_threads},
    {"small_stack", small_stack},
    {"blocked_signals", blocked_signals},
    {"thread_data", thread_data},
    {"at_exit", at_exit},
    {"importing", importing},
    {"callback", callback},
    {"closed", closed},
    {"unloaded", unloaded},
    {"fork", fork_children},
    {"vfork", by_vfork},
    {"spawn", by_spawn},
    {"keys", many_keys},
    {"ended_threads", ended_threads},
    {"races", races},
};

void ways_run(const struct ways *given)
{
    char *arguments[16], *way = read_command(arguments, 16);
    if (given)
        program = *given;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, way) == 0) {
            ways[i].take();
            fflush(stdout);
            return;
        }
    printf("no way \"%s\"\n", way);
    exit(2);
}
