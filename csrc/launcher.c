/* nvidia-smi, as virtual mode puts it on PATH: a module of the package, run by the Python that the library embeds. So
 * it needs no Python on PATH, and works in a bundle. */
#include <Python.h> /* defines _GNU_SOURCE */

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stub.h"

#define LIBRARY   "libvgpu-cuda.so"
#define FAILED    255 /* of nvidia-smi: an error of another kind */
#define API(name) ((__typeof__(&name))dlsym(libpython, #name))

struct vgpu_settings vgpu_settings_read;
int vgpu_settings_state;
static char package[4096];

/* What python.c asks the library for. */
const struct vgpu_settings *vgpu_read_settings(void)
{
    return &vgpu_settings_read;
}

bool vgpu_beside(char *path, size_t size, const char *name)
{
    return snprintf(path, size, "%s/%s", package, name) < (int)size;
}

void vgpu_log(enum vgpu_level level, const char *format, ...)
{
    va_list arguments;

    (void)level;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* The package is two folders above this program's. */
static bool find_package(void)
{
    ssize_t length = readlink("/proc/self/exe", package, sizeof package - 1);

    for (int i = 0; i < 3 && length > 0; i++)
        for (length--; length > 0 && package[length] != '/'; length--)
            ;
    package[length > 0 ? length : 0] = 0;
    return vgpu_beside(vgpu_settings_read.library, sizeof vgpu_settings_read.library, LIBRARY);
}

static int fail(const char *what)
{
    fprintf(stderr, "vgpu_embed: nvidia-smi does not start: %s\n", what);
    return FAILED;
}

static PyStatus append_paths(void *libpython, PyConfig *config, char *paths)
{
    PyStatus status = API(PyStatus_Ok)();

    for (char *rest, *folder = strtok_r(paths, ":", &rest); folder && !API(PyStatus_Exception)(status);
         folder = strtok_r(NULL, ":", &rest))
        status = API(PyWideStringList_Append)(&config->module_search_paths, API(Py_DecodeLocale)(folder, NULL));
    config->module_search_paths_set = 1;
    return status;
}

static int run(void *libpython, struct vgpu_python *python, int count, char **arguments)
{
    PyPreConfig before;
    PyConfig config;
    PyStatus status;

    API(PyPreConfig_InitIsolatedConfig)(&before);
    before.utf8_mode = 1;
    status = API(Py_PreInitialize)(&before);
    if (API(PyStatus_Exception)(status))
        return fail(status.err_msg);
    API(PyConfig_InitIsolatedConfig)(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 1;
    if (API(PyStatus_Exception)(status = API(PyConfig_SetBytesArgv)(&config, count, arguments)) ||
        API(PyStatus_Exception)(status = API(PyConfig_SetBytesString)(&config, &config.home, python->home)) ||
        API(PyStatus_Exception)(status = append_paths(libpython, &config, python->path)) ||
        API(PyStatus_Exception)(status = API(PyConfig_SetString)(&config, &config.run_module, L"vgpu_embed.smi")) ||
        API(PyStatus_Exception)(status = API(Py_InitializeFromConfig)(&config)))
        return fail(status.err_msg ? status.err_msg : "Python has ended");
    return API(Py_RunMain)();
}

int main(int count, char **arguments)
{
    static struct vgpu_python python;
    char error[1024];
    void *libpython;

    vgpu_settings_state = 2;
    if (!find_package())
        return fail("its folder's name is too long");
    if (!vgpu_find_python(&python, error, sizeof error))
        return fail(error);
    libpython = dlopen(python.libpython, RTLD_NOW | RTLD_GLOBAL);
    return libpython ? run(libpython, &python, count, arguments) : fail(dlerror());
}
