/* Call sites: the file that a return address lies in, looked up once per address. A table that fills only ever grows
 * by one entry a site, is read without a lock, and when full is answered without being remembered. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "stub.h"

#define SITES   VGPU_SITES
#define CALLERS 1024

/* One word a site, so that it is there whole or not at all: the address (47 bits), whether it is one of the driver's,
 * and the caller's number. */
uint64_t vgpu_sites[SITES];
#define sites     vgpu_sites
#define OF_DRIVER VGPU_OF_DRIVER
static const char *callers[CALLERS] = {"?"};

/* The driver's own libraries by exact stem: what they look up and call is their own business. */
static const char *const driver_stems[] = {"libcuda.so", "libcudadebugger.so", "libdxcore.so", "libnvcuvid.so",
                                           "libnvidia-"};

const char *vgpu_caller(uint32_t number)
{
    const char *name = number < CALLERS ? __atomic_load_n(&callers[number], __ATOMIC_ACQUIRE) : NULL;
    return name ? name : "?";
}

static bool of_driver(uint32_t number)
{
    const char *name = vgpu_caller(number);

    for (size_t i = 0; i < sizeof driver_stems / sizeof *driver_stems; i++)
        if (strncmp(name, driver_stems[i], strlen(driver_stems[i])) == 0)
            return true;
    return false;
}

/* The number of a name; a copy is kept for ever, since the loader's goes when its library is closed. */
uint32_t vgpu_caller_number(const char *name)
{
    char *copy = NULL;

    for (uint32_t i = 1; i < CALLERS; i++) {
        const char *known = __atomic_load_n(&callers[i], __ATOMIC_ACQUIRE);
        if (!known) {
            if (!copy && !(copy = strdup(name)))
                break;
            if (__atomic_compare_exchange_n(&callers[i], &known, copy, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
                return i;
        }
        if (strcmp(known, name) == 0) {
            free(copy);
            return i;
        }
    }
    free(copy);
    return 0;
}

static uint32_t caller_at(void *address)
{
    struct link_map *object;
    const char *slash;
    Dl_info info;

    if (!dladdr1(address, &info, (void **)&object, RTLD_DL_LINKMAP))
        return 0;
    if (!object->l_name || !*object->l_name)
        return vgpu_caller_number(vgpu_settings()->program);
    slash = strrchr(object->l_name, '/');
    return vgpu_caller_number(slash ? slash + 1 : object->l_name);
}

struct vgpu_site vgpu_find_site(void *return_address)
{
    uintptr_t address = (uintptr_t)return_address;
    size_t first = vgpu_site_place(address);
    uint32_t caller;

    for (size_t i = first; i < first + 16; i++) {
        uint64_t entry = __atomic_load_n(&sites[i & (SITES - 1)], __ATOMIC_ACQUIRE), found;
        if (entry >> 16 == address)
            return vgpu_site_in(entry);
        if (!entry) {
            caller = caller_at(return_address);
            found = (uint64_t)address << 16 | caller | (of_driver(caller) ? OF_DRIVER : 0);
            __atomic_compare_exchange_n(&sites[i & (SITES - 1)], &entry, found, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED);
            return vgpu_site_in(found);
        }
    }
    caller = caller_at(return_address);
    return (struct vgpu_site){caller, of_driver(caller)};
}
