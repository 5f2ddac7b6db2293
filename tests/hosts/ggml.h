/* What a program needs of ggml's public interface, taken from the real libraries with dlsym as
 * ollama does. */
#pragma once

#include <dlfcn.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum ggml_device_type { GGML_CPU, GGML_GPU, GGML_INTEGRATED_GPU, GGML_ACCELERATOR };

struct ggml_feature {
    const char *name;
    const char *value;
};

struct ggml {
    void *(*backend_load)(const char *path);
    size_t (*reg_count)(void);
    void *(*reg_get)(size_t index);
    const char *(*reg_name)(void *reg);
    void *(*reg_get_proc_address)(void *reg, const char *name);
    size_t (*dev_count)(void);
    void *(*dev_get)(size_t index);
    const char *(*dev_name)(void *device);
    const char *(*dev_description)(void *device);
    void (*dev_memory)(void *device, size_t *free, size_t *total);
    int (*dev_type)(void *device);
};

static inline void *ggml_open(const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "no file matches %s: run tests/real/fetch.py and give the folder it prints\n", pattern);
        exit(2);
    }
    void *handle = dlopen(found.gl_pathv[0], RTLD_NOW | RTLD_GLOBAL);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    globfree(&found);
    return handle;
}

static inline void *ggml_symbol(void *library, const char *name)
{
    void *address = dlsym(library, name);
    if (!address) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return address;
}

/* Opens libggml-base and libggml of a folder; the latter carries a version in its name in some
 * builds. */
static inline struct ggml ggml_load(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/libggml-base.so*", folder);
    void *base = ggml_open(path);
    snprintf(path, sizeof path, "%s/libggml.*so*", folder);
    void *registry = ggml_open(path);
    struct ggml ggml;
    *(void **)&ggml.backend_load = ggml_symbol(registry, "ggml_backend_load");
    *(void **)&ggml.reg_count = ggml_symbol(registry, "ggml_backend_reg_count");
    *(void **)&ggml.reg_get = ggml_symbol(registry, "ggml_backend_reg_get");
    *(void **)&ggml.dev_count = ggml_symbol(registry, "ggml_backend_dev_count");
    *(void **)&ggml.dev_get = ggml_symbol(registry, "ggml_backend_dev_get");
    *(void **)&ggml.reg_name = ggml_symbol(base, "ggml_backend_reg_name");
    *(void **)&ggml.reg_get_proc_address = ggml_symbol(base, "ggml_backend_reg_get_proc_address");
    *(void **)&ggml.dev_name = ggml_symbol(base, "ggml_backend_dev_name");
    *(void **)&ggml.dev_description = ggml_symbol(base, "ggml_backend_dev_description");
    *(void **)&ggml.dev_memory = ggml_symbol(base, "ggml_backend_dev_memory");
    *(void **)&ggml.dev_type = ggml_symbol(base, "ggml_backend_dev_type");
    return ggml;
}

/* One line a device that is not the processor, as `llama-server --list-devices` prints it; returns
 * how many. */
static inline int ggml_list_devices(const struct ggml *ggml)
{
    int listed = 0;
    for (size_t i = 0; i < ggml->dev_count(); i++) {
        void *device = ggml->dev_get(i);
        if (ggml->dev_type(device) == GGML_CPU)
            continue;
        size_t free = 0, total = 0;
        ggml->dev_memory(device, &free, &total);
        printf("  %s: %s (%zu MiB, %zu MiB free)\n", ggml->dev_name(device), ggml->dev_description(device), total >> 20,
               free >> 20);
        listed++;
    }
    return listed;
}
