/* The environment as it was at first use, and log lines. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

static const char *const setting_names[] = {"VGPU_GPU", "VGPU_POLICY",   "VGPU_SET",   "VGPU_MODE",    "VGPU_KERNELS",
                                            "VGPU_LOG", "VGPU_LOG_FILE", "VGPU_TRACE", "VGPU_DISABLE", "VGPU_GATE"};
#define SETTINGS (sizeof setting_names / sizeof *setting_names)

struct vgpu_settings vgpu_settings_read;
int vgpu_settings_state; /* 0 unread, 1 being read, 2 read */
static const char *setting_values[SETTINGS];
static char text[32768]; /* the program may change or free its environment */
#define settings vgpu_settings_read
#define state    vgpu_settings_state

const char *vgpu_setting(const char *name)
{
    vgpu_settings();
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(setting_names[i], name) == 0)
            return setting_values[i];
    return getenv(name); /* not ours: as it is now */
}

static bool given(const char *name)
{
    const char *value = vgpu_setting(name);
    return value && *value;
}

static int log_level(const char *value)
{
    static const char *const levels[] = {"off", "error", "info", "debug"};
    for (int i = 0; value && i < 4; i++)
        if (strcmp(value, levels[i]) == 0)
            return i;
    return VGPU_LOG_ERROR;
}

static void read_program(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    const char *slash;

    path[length > 0 ? length : 0] = 0;
    slash = strrchr(path, '/');
    snprintf(settings.program, sizeof settings.program, "%s",
             length > 0 ? (slash ? slash + 1 : path) : program_invocation_short_name);
}

static void read_settings(void)
{
    size_t used = 0;

    for (size_t i = 0; i < SETTINGS; i++) {
        const char *value = getenv(setting_names[i]);
        size_t size = value ? strlen(value) + 1 : 0;
        if (size > sizeof text - used) {
            /* Half a policy list would be another policy. */
            dprintf(STDERR_FILENO, "[libvgpu-cuda] %s is longer than %zu bytes: the library does nothing (pid=%d)\n",
                    setting_names[i], sizeof text, (int)getpid());
            settings.disabled = true;
        } else if (size) {
            setting_values[i] = memcpy(text + used, value, size);
            used += size;
        }
    }
    read_program();
    snprintf(settings.library, sizeof settings.library, "%s", vgpu_self() ? vgpu_self()->l_name : "");
}

static void interpret(void)
{
    const char *value = vgpu_setting("VGPU_DISABLE");

    settings.disabled |= value && *value && strcmp(value, "0") != 0;
    settings.log_level = log_level(vgpu_setting("VGPU_LOG"));
    settings.policies = !settings.disabled && given("VGPU_POLICY");
    settings.active = settings.policies || (!settings.disabled && given("VGPU_GPU"));
    settings.traced = !settings.disabled && given("VGPU_TRACE");
}

const struct vgpu_settings *vgpu_read_settings(void)
{
    static __thread bool reading;
    int unread = 0;

    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == 2 || reading)
        return &settings;
    if (__atomic_compare_exchange_n(&state, &unread, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        int saved = errno;
        reading = true;
        read_settings();
        interpret();
        reading = false;
        __atomic_store_n(&state, 2, __ATOMIC_RELEASE);
        errno = saved;
    }
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 2)
        usleep(100);
    return &settings;
}

bool vgpu_beside(char *path, size_t size, const char *name)
{
    const char *library = vgpu_settings()->library, *slash = strrchr(library, '/');
    int folder = slash ? (int)(slash - library) : 1;
    return snprintf(path, size, "%.*s/%s", folder, slash ? library : ".", name) < (int)size;
}

/* A thread's stack may have 16 KiB in all: what lines need is small. */
#define LINE 1024

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
}

__attribute__((noinline)) static int open_log_of_process(const char *name, const char *percent)
{
    char path[LINE];
    snprintf(path, sizeof path, "%.*s%d%s", (int)(percent - name), name, (int)getpid(), percent + 2);
    return open_log(path);
}

/* Opened for each line: a program that closes all descriptors must not find ours among its own afterwards. */
static int log_descriptor(void)
{
    const char *name = vgpu_setting("VGPU_LOG_FILE"), *percent;

    if (!name || !*name)
        return -1;
    percent = strstr(name, "%p");
    return percent ? open_log_of_process(name, percent) : open_log(name);
}

/* Writing to a closed pipe or beyond a limit raises a signal, which by default ends the program: it is taken back. */
static void write_unharmed(int file, const char *line, size_t length)
{
    sigset_t ours, before, pending;
    struct timespec none = {0, 0};

    sigemptyset(&ours);
    sigaddset(&ours, SIGPIPE);
    sigaddset(&ours, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    sigpending(&pending);
    if (write(file, line, length) < 0 && (errno == EPIPE || errno == EFBIG) &&
        !sigismember(&pending, errno == EPIPE ? SIGPIPE : SIGXFSZ))
        sigtimedwait(&ours, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void write_to_file(const char *line, size_t length)
{
    int file = log_descriptor();

    write_unharmed(file < 0 ? STDERR_FILENO : file, line, length);
    if (file >= 0)
        close(file);
}

static void write_line(enum vgpu_level level, const char *line, size_t length)
{
    const char *name = vgpu_setting("VGPU_LOG_FILE");
    int saved = errno;

    if (name && strcmp(name, "journal:") == 0)
        vgpu_journal(level, line, length);
    else
        write_to_file(line, length);
    errno = saved;
}

/* A line is one write, so that lines of several threads and processes do not mix. */
void vgpu_log(enum vgpu_level level, const char *format, ...)
{
    char line[LINE];
    int length, tail;
    va_list arguments;

    if ((int)level > vgpu_settings()->log_level)
        return;
    length = snprintf(line, sizeof line, "[libvgpu-cuda] ");
    va_start(arguments, format);
    tail = vsnprintf(line + length, sizeof line - length - 32, format, arguments);
    va_end(arguments);
    length += tail < 0 ? 0 : tail < (int)sizeof line - length - 32 ? tail : (int)sizeof line - length - 33;
    length += snprintf(line + length, sizeof line - length, " (pid=%d)\n", (int)getpid());
    write_line(level, line, length);
}

void vgpu_log_text(enum vgpu_level level, const char *line)
{
    vgpu_log(level, "%s", line);
}
