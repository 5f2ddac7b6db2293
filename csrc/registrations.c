/* What CUDA code registers of itself while it loads, thousands of kernels in a large library, and the two halves of
 * `kernel<<<...>>>`. Nothing is decided here and nothing looked at: Python asks for what a program uses, when it does.
 * Slots hold these functions from the beginning, so that none of it waits for, or causes, Python's start. */
#include <stdlib.h>

#include "stub.h"

struct binary {
    struct binary *next;
    const void *wrapper; /* __fatBinC_Wrapper_t */
    struct vgpu_registration *entries;
    uint32_t count, room;
};

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;
static struct binary *binaries;
static uint32_t gone; /* how many have been taken away */

void **vgpu_register_fat_binary(void *wrapper)
{
    struct binary *binary = calloc(1, sizeof *binary);

    if (binary) {
        binary->wrapper = wrapper;
        pthread_mutex_lock(&registering);
        binary->next = binaries;
        binaries = binary;
        pthread_mutex_unlock(&registering);
    }
    return (void **)binary;
}

void vgpu_register_fat_binary_end(void **handle)
{
    (void)handle;
}

void vgpu_unregister_fat_binary(void **handle)
{
    struct binary **at;

    pthread_mutex_lock(&registering);
    for (at = &binaries; *at && *at != (struct binary *)handle; at = &(*at)->next)
        ;
    if (*at) {
        *at = (*at)->next;
        free(((struct binary *)handle)->entries);
        free(handle);
        __atomic_add_fetch(&gone, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&registering);
}

/* Where there is no memory for it the kernel is unknown when it is launched. */
static void add(void **handle, struct vgpu_registration entry)
{
    struct binary *binary = (struct binary *)handle;

    if (!binary)
        return;
    pthread_mutex_lock(&registering);
    if (binary->count == binary->room) {
        uint32_t room = binary->room ? 2 * binary->room : 16;
        void *larger = realloc(binary->entries, room * sizeof entry);
        if (larger) {
            binary->entries = larger;
            binary->room = room;
        }
    }
    if (binary->count < binary->room) {
        entry.binary = (uintptr_t)binary;
        entry.wrapper = (uintptr_t)binary->wrapper;
        binary->entries[binary->count++] = entry;
    }
    pthread_mutex_unlock(&registering);
}

void vgpu_register_function(void **handle, const char *host, char *device, const char *name)
{
    (void)device;
    add(handle, (struct vgpu_registration){.host = (uintptr_t)host, .name = name, .kind = VGPU_FUNCTION});
}

void vgpu_register_var(void **handle, char *host, char *device, const char *name, int external, size_t size)
{
    (void)device;
    (void)external;
    add(handle, (struct vgpu_registration){.host = (uintptr_t)host, .name = name, .size = size, .kind = VGPU_VARIABLE});
}

void vgpu_register_managed_var(void **handle, void **host, char *device, const char *name, int external, size_t size)
{
    (void)device;
    (void)external;
    add(handle, (struct vgpu_registration){.host = (uintptr_t)host, .name = name, .size = size, .kind = VGPU_MANAGED});
}

int vgpu_registered(uint64_t host, struct vgpu_registration *found)
{
    int known = 0;

    pthread_mutex_lock(&registering);
    for (const struct binary *binary = binaries; binary && !known; binary = binary->next)
        for (uint32_t i = 0; i < binary->count && !known; i++)
            if (binary->entries[i].host == host) {
                *found = binary->entries[i];
                known = 1;
            }
    pthread_mutex_unlock(&registering);
    return known;
}

int vgpu_registration(uint64_t handle, uint32_t number, struct vgpu_registration *found)
{
    int known = 0;

    pthread_mutex_lock(&registering);
    for (const struct binary *binary = binaries; binary && !known; binary = binary->next)
        if ((uintptr_t)binary == handle && number < binary->count) {
            *found = binary->entries[number];
            known = 1;
        }
    pthread_mutex_unlock(&registering);
    return known;
}

uint32_t vgpu_registrations_gone(void)
{
    return __atomic_load_n(&gone, __ATOMIC_ACQUIRE);
}

void vgpu_registrations_forked(void) /* another thread may have been registering */
{
    registering = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* ---- kernel<<<grid, block, shared, stream>>>(...) ---- */

struct dim3 {
    unsigned x, y, z;
};

#define DEEPEST 8 /* launches among the arguments of launches */

static __thread struct {
    struct {
        struct dim3 grid, block;
        size_t shared;
        void *stream;
    } at[DEEPEST];
    int depth;
} configured;

HIDDEN unsigned vgpu_push_call_configuration(struct dim3 grid, struct dim3 block, size_t shared, void *stream)
{
    if (configured.depth == DEEPEST)
        return 1; /* the caller leaves the launch out */
    configured.at[configured.depth].grid = grid;
    configured.at[configured.depth].block = block;
    configured.at[configured.depth].shared = shared;
    configured.at[configured.depth++].stream = stream;
    return 0;
}

#define MISSING_CONFIGURATION 52 /* cudaErrorMissingConfiguration */

int vgpu_pop_call_configuration(struct dim3 *grid, struct dim3 *block, size_t *shared, void **stream)
{
    if (!configured.depth)
        return MISSING_CONFIGURATION;
    configured.depth--;
    *grid = configured.at[configured.depth].grid;
    *block = configured.at[configured.depth].block;
    *shared = configured.at[configured.depth].shared;
    *stream = configured.at[configured.depth].stream;
    return 0;
}
