/* The environment before the first call and after, and changed by the program in between: setenv
 * moves the array, tzset and clearenv read and free it. Variables of the loader's and of ours (LD_,
 * VGPU_) are left out, as a run without the library lacks them. */
#include "ask.h"

#include <stdbool.h>
#include <time.h>

extern char **environ;

static bool shown(const char *entry)
{
    return strncmp(entry, "LD_", 3) != 0 && strncmp(entry, "VGPU_", 5) != 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show(const char *when)
{
    char *sorted[1024];
    size_t count = 0;
    for (char **entry = environ; entry && *entry && count < 1024; entry++)
        if (shown(*entry))
            sorted[count++] = *entry;
    qsort(sorted, count, sizeof *sorted, compare);
    printf("%s: %zu variables\n", when, count);
    for (size_t i = 0; i < count; i++)
        printf("  %s\n", sorted[i]);
}

int main(void)
{
    show("at start");
    ask_open();
    ask_print("main", ask_dlsym);
    show("after the first call");

    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "HOST_%03d", i);
        setenv(name, "set by the host", 1);
    }
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    ask_print("after setenv and tzset", ask_dlsym);
    time_t start = 0;
    printf("the hour is %d\n", localtime(&start)->tm_hour);
    printf("HOST_099: %s\n", getenv("HOST_099"));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "HOST_%03d", i);
        unsetenv(name);
    }
    ask_print("after unsetenv", ask_dlsym);
    show("after unsetenv");
    clearenv();
    ask_print("after clearenv", ask_dlsym);
    show("after clearenv");
    return 0;
}
