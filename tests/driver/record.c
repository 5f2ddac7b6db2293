/* What reached the driver, and what it was told to fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

bool fake_watching;
static const char *path; /* FAKE_CUDA_LOG */
static bool fails[FAKE_FUNCTIONS];
static CUresult failures[FAKE_FUNCTIONS];

static int place_of(const char *name, size_t length)
{
    for (int place = 0; place < FAKE_FUNCTIONS; place++)
        if (strncmp(fake_names[place], name, length) == 0 && fake_names[place][length] == 0)
            return place;
    return -1;
}

/* "cuMemAlloc_v2=2,cuInit=999" */
static void read_failures(const char *list)
{
    while (list && *list) {
        size_t length = strcspn(list, "=");
        int place = place_of(list, length);
        char *end;
        if (place < 0 || list[length] != '=') {
            dprintf(STDERR_FILENO, "fake driver: FAKE_CUDA_FAIL: no function at \"%.40s\"\n", list);
            abort();
        }
        fails[place] = true;
        failures[place] = strtoul(list + length + 1, &end, 0);
        list = end + strspn(end, ",");
        fake_watching = true;
    }
}

__attribute__((constructor)) static void begin(void)
{
    path = getenv("FAKE_CUDA_LOG");
    if (path && *path)
        fake_watching = true;
    else
        path = NULL;
    read_failures(getenv("FAKE_CUDA_FAIL"));
    fake_call_back("constructor", getenv("FAKE_CUDA_CONSTRUCTOR"));
}

const char *fake_file_name(const void *address)
{
    Dl_info info;
    const char *slash;

    if (!dladdr(address, &info) || !info.dli_fname)
        return "?";
    slash = strrchr(info.dli_fname, '/');
    return slash ? slash + 1 : info.dli_fname;
}

/* One write a line: lines of several threads and processes do not mix. */
static void append(const char *line, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (file < 0 || write(file, line, length) != (ssize_t)length)
        abort();
    close(file);
}

void fake_note(const char *format, ...)
{
    char line[512];
    int saved = errno, length;
    va_list arguments;

    if (!path)
        return;
    va_start(arguments, format);
    length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    append(line, length);
    errno = saved;
}

static void record(int place, const struct fake_argument *arguments, int count, const void *caller)
{
    char line[4096];
    size_t length = snprintf(line, sizeof line, "%s %s", fake_names[place], fake_file_name(caller));

    for (int i = 0; i < count; i++) {
        const unsigned char *bytes = arguments[i].address;
        line[length++] = ' ';
        for (size_t j = 0; j < arguments[i].size; j++)
            length += sprintf(line + length, "%02x", bytes[j]);
    }
    line[length++] = '\n';
    append(line, length);
}

bool fake_arrived(int place, const struct fake_argument *arguments, int count, const void *caller, CUresult *result)
{
    int saved = errno;

    if (path)
        record(place, arguments, count, caller);
    errno = saved;
    if (fails[place])
        *result = failures[place];
    return fails[place];
}
