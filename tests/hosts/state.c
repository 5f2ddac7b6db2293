/* What a call must leave as it was: errno, rounding mode and floating-point exceptions, locale,
 * folder, umask, limits, signal mask, number of threads, open files. What differs after the first
 * calls is printed. */
#include "ask.h"

#include <dirent.h>
#include <errno.h>
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xmmintrin.h>

enum { FILES = 256 };

struct state {
    char folder[512], locale[512];
    int rounding, exceptions, nice;
    unsigned control;
    mode_t mask;
    struct rlimit limits[RLIM_NLIMITS];
    sigset_t blocked;
    int threads;
    char files[FILES][256];
};

static int count_entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count - 2;
}

static void read_files(char files[FILES][256])
{
    for (int number = 0; number < FILES; number++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t length = readlink(path, files[number], 255);
        files[number][length > 0 ? length : 0] = '\0';
    }
}

static void read_state(struct state *state)
{
    memset(state, 0, sizeof *state);
    state->rounding = fegetround();
    state->exceptions = fetestexcept(FE_ALL_EXCEPT);
    state->control = _mm_getcsr();
    state->nice = getpriority(PRIO_PROCESS, 0);
    snprintf(state->locale, sizeof state->locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(state->folder, sizeof state->folder))
        state->folder[0] = '\0';
    state->mask = umask(0);
    umask(state->mask);
    for (int limit = 0; limit < RLIM_NLIMITS; limit++)
        getrlimit((__rlimit_resource_t)limit, &state->limits[limit]);
    sigprocmask(SIG_SETMASK, NULL, &state->blocked);
    state->threads = count_entries("/proc/self/task");
    read_files(state->files);
}

static void compare(const char *what, const void *before, const void *after, size_t size)
{
    printf("%s: %s\n", what, memcmp(before, after, size) == 0 ? "kept" : "CHANGED");
}

#define COMPARE(what, field) compare(what, &before.field, &after.field, sizeof before.field)

int main(void)
{
    static struct state before, after;
    struct ask_answers answers;
    ask_open();
    int (*init)(unsigned) = ask_dlsym("cuInit");
    int (*get_version)(int *) = ask_dlsym("cuDriverGetVersion");
    umask(027);
    setlocale(LC_ALL, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    read_state(&before);

    int version = 0;
    errno = 4711;
    int result = init(0);
    int errno_first = errno;
    errno = 4712;
    result |= get_version(&version);
    int errno_then = errno;
    read_state(&after);

    printf("results: %d\n", result);
    printf("errno: %s, %s\n", errno_first == 4711 ? "kept" : "CHANGED", errno_then == 4712 ? "kept" : "CHANGED");
    COMPARE("rounding mode", rounding);
    COMPARE("floating-point exceptions", exceptions);
    COMPARE("floating-point control", control);
    COMPARE("locale", locale);
    COMPARE("folder", folder);
    COMPARE("umask", mask);
    COMPARE("nice", nice);
    COMPARE("limits", limits);
    COMPARE("signal mask", blocked);
    COMPARE("threads", threads);
    for (int number = 0; number < FILES; number++)
        if (strcmp(before.files[number], after.files[number]) != 0)
            printf("file %d: %s before, %s after\n", number, before.files[number], after.files[number]);
    ask(&answers, ask_dlsym);
    fputs(answers.text, stdout);
    return 0;
}
