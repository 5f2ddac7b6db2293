/* Fuzzes the files that say which Python to embed: the record beside the library and pyvenv.cfg, whose texts are the
 * two halves of the input. Whatever they hold, every field ends, and a refusal has a sentence. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *record, *config;
static size_t record_size, config_size;

static FILE *given(const char *path, const char *mode)
{
    size_t size = strstr(path, "pyvenv.cfg") ? config_size : record_size;
    const uint8_t *data = strstr(path, "pyvenv.cfg") ? config : record;
    (void)mode;
    return size ? fmemopen((void *)data, size, "r") : NULL;
}

#include "../../csrc/stub.h"

static int of_root(struct stat *is)
{
    *is = (struct stat){.st_mode = S_IFREG | 0644};
    return 0;
}

#define fopen                given
#define vgpu_fstat(file, is) of_root(is)
#define vgpu_stat(path, is)  of_root(is)
#include "../../csrc/python.c"

/* What is not read because others may write it: nothing here. */
void vgpu_log(enum vgpu_level level, const char *format, ...)
{
    (void)level;
    (void)format;
    abort();
}

struct vgpu_settings vgpu_settings_read = {.library = "/prefix/lib/pythonX/site-packages/vgpu_embed/libvgpu-cuda.so"};
int vgpu_settings_state = 2;

const struct vgpu_settings *vgpu_read_settings(void)
{
    return &vgpu_settings_read;
}

bool vgpu_beside(char *path, size_t size, const char *name)
{
    return snprintf(path, size, "/prefix/%s", name) < (int)size;
}

static void check_ended(const char *field, size_t size)
{
    if (strnlen(field, size) == size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vgpu_python python;
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    char error[1200] = "";

    record = data;
    record_size = cut ? (size_t)(cut - data) : size;
    config = cut ? cut + 1 : data + size;
    config_size = size - (size_t)(config - data);
    memset(&python, 0xff, sizeof python);
    if (!vgpu_find_python(&python, error, sizeof error) && !*error)
        abort();
    check_ended(python.libpython, sizeof python.libpython);
    check_ended(python.home, sizeof python.home);
    check_ended(python.executable, sizeof python.executable);
    check_ended(python.path, sizeof python.path);
    return 0;
}
