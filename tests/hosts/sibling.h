/* Files that were built beside the running program. */
#pragma once

#include "ask.h"

#include <limits.h>
#include <unistd.h>

static inline const char *sibling(char path[PATH_MAX], const char *name)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    snprintf(slash ? slash + 1 : path, PATH_MAX - (size_t)(slash ? slash + 1 - path : 0), "%s", name);
    return path;
}
