/* Which Python to embed: from a record beside the library, from the virtual environment or prefix that the library
 * is installed in, from the system's libraries. All without starting anything. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub.h"

#define SONAME "libpython" VGPU_PYTHON_VERSION ".so.1.0"
#define RECORD "libvgpu-cuda.python"

static void set(char *field, size_t size, const char *value)
{
    snprintf(field, size, "%s", value);
}

/* Appends to a colon-separated list. */
static void add_path(struct vgpu_python *python, const char *folder)
{
    size_t length = strlen(python->path);
    if (access(folder, R_OK) == 0)
        snprintf(python->path + length, sizeof python->path - length, "%s%s", length ? ":" : "", folder);
}

/* Whether somebody else could have written it: not root, nor who runs the program, nor whose library this is. What it
 * names becomes code of the program. */
static bool is_strange(FILE *file)
{
    struct stat is, library;

    if (vgpu_fstat(fileno(file), &is) != 0 || vgpu_stat(vgpu_settings()->library, &library) != 0)
        return true;
    return is.st_mode & S_IWOTH || (is.st_uid != 0 && is.st_uid != geteuid() && is.st_uid != library.st_uid);
}

/* Calls `line` for each "key = value" of a file. */
static bool read_file(const char *path, void (*line)(void *, const char *key, const char *value), void *context)
{
    char text[4200], *equals, *end;
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    if (is_strange(file)) {
        vgpu_log(VGPU_LOG_ERROR, "%s is not read: others may write it; chmod o-w, or remove it", path);
        fclose(file);
        return false;
    }
    while (fgets(text, sizeof text, file)) {
        if (*text == '#' || !(equals = strchr(text, '=')))
            continue;
        for (end = equals; end > text && end[-1] == ' '; end--)
            ;
        *end = 0;
        for (equals++; *equals == ' '; equals++)
            ;
        equals[strcspn(equals, "\r\n")] = 0;
        line(context, text, equals);
    }
    fclose(file);
    return true;
}

static void record_line(void *context, const char *key, const char *value)
{
    struct vgpu_python *python = context;

    if (strcmp(key, "libpython") == 0)
        set(python->libpython, sizeof python->libpython, value);
    else if (strcmp(key, "home") == 0)
        set(python->home, sizeof python->home, value);
    else if (strcmp(key, "executable") == 0)
        set(python->executable, sizeof python->executable, value);
    else if (strcmp(key, "path") == 0)
        add_path(python, value);
}

struct environment {
    char home[4096];
    bool system_site;
};

static void pyvenv_line(void *context, const char *key, const char *value)
{
    struct environment *environment = context;

    if (strcmp(key, "home") == 0)
        set(environment->home, sizeof environment->home, value);
    else if (strcmp(key, "include-system-site-packages") == 0)
        environment->system_site = strcmp(value, "true") == 0;
}

/* Cuts the last part off a path, in place. */
static bool parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = 0;
    return true;
}

static bool libpython_in(struct vgpu_python *python, const char *prefix)
{
    static const char *const folders[] = {"lib", "lib/" VGPU_MULTIARCH, "lib64"};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (snprintf(python->libpython, sizeof python->libpython, "%s/%s/" SONAME, prefix, folders[i]) >=
            (int)sizeof python->libpython)
            continue;
        if (access(python->libpython, R_OK) == 0) {
            set(python->home, sizeof python->home, prefix);
            return true;
        }
    }
    return false;
}

/* The standard library, where the interpreter would look for it. */
static void add_standard_library(struct vgpu_python *python)
{
    static const char *const folders[] = {"lib", "lib64"};
    char path[4200];

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s/python" VGPU_PYTHON_VERSION, python->home, folders[i]);
        add_path(python, path);
        snprintf(path, sizeof path, "%s/%s/python" VGPU_PYTHON_VERSION "/lib-dynload", python->home, folders[i]);
        add_path(python, path);
    }
}

/* The prefix of an installation …/lib/pythonX.Y/site-packages/vgpu_embed/libvgpu-cuda.so, and where its standard
 * library's own packages are. */
static bool installed_in(struct vgpu_python *python, char *prefix)
{
    struct environment environment = {"", false};
    char path[4200];

    snprintf(path, sizeof path, "%s/pyvenv.cfg", prefix);
    if (!read_file(path, pyvenv_line, &environment))
        return libpython_in(python, prefix) || libpython_in(python, "/usr");
    snprintf(python->executable, sizeof python->executable, "%s/bin/python", prefix);
    if (!parent(environment.home) || !libpython_in(python, environment.home))
        return false;
    if (environment.system_site) {
        snprintf(path, sizeof path, "%s/lib/python" VGPU_PYTHON_VERSION "/site-packages", environment.home);
        add_path(python, path);
        snprintf(path, sizeof path, "%s/lib/python3/dist-packages", environment.home);
        add_path(python, path);
    }
    return true;
}

bool vgpu_find_python(struct vgpu_python *python, char *error, size_t size)
{
    char site[4096], prefix[4096], record[4200];
    bool found = false;

    memset(python, 0, sizeof *python);
    set(site, sizeof site, vgpu_settings()->library);
    set(prefix, sizeof prefix, parent(site) && parent(site) ? site : "");
    if (vgpu_beside(record, sizeof record, RECORD) && read_file(record, record_line, python))
        found = access(python->libpython, R_OK) == 0;
    if (!found && parent(prefix) && parent(prefix) && parent(prefix))
        found = installed_in(python, prefix);
    add_standard_library(python);
    add_path(python, site);
    if (!found)
        snprintf(error, size,
                 "no shared " SONAME
                 " found for %.512s: install it (Debian, Ubuntu: apt install libpython" VGPU_PYTHON_VERSION
                 "; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install " VGPU_PYTHON_VERSION
                 ") or run `vgpu-embed env` once, which records where it is",
                 vgpu_settings()->library);
    return found;
}
