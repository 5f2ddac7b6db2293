/* The real driver: found as the loader would find it, on first use. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "stub.h"

#define ADDRESSES 4096 /* a power of two, more than twice the driver's functions */

static void *real[VGPU_DRIVER_SLOTS];
/* Address and slot in one word, so that threads that fill the table at once agree: addresses have 47 bits. */
static uint64_t by_address[ADDRESSES];
static bool opened;
static char path[PATH_MAX];

static size_t place(uintptr_t address)
{
    return (address * 0x9e3779b97f4a7c15u >> 40) & (ADDRESSES - 1);
}

int vgpu_driver_slot(const void *function)
{
    uintptr_t address = (uintptr_t)function;
    uint64_t entry;

    for (size_t i = place(address); (entry = __atomic_load_n(&by_address[i], __ATOMIC_RELAXED));
         i = (i + 1) & (ADDRESSES - 1))
        if (entry >> 16 == address)
            return entry & 0xffff;
    return -1;
}

static void remember(uintptr_t address, uint32_t slot)
{
    for (size_t i = place(address);; i = (i + 1) & (ADDRESSES - 1)) {
        uint64_t entry = 0;
        if (__atomic_compare_exchange_n(&by_address[i], &entry, (uint64_t)address << 16 | slot, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED) ||
            entry >> 16 == address)
            return;
    }
}

/* Several threads may get here at once and do the same; nobody waits, because the driver's constructor may have
 * started threads of its own. Asked through the next dlsym, so that another interposer keeps its say; only for names
 * that are there, so that dlerror is left alone. */
bool vgpu_driver_open(bool load)
{
    struct vgpu_thread *thread = &vgpu_thread;
    void *handle;

    if (__atomic_load_n(&opened, __ATOMIC_ACQUIRE))
        return true;
    if (thread->opening)
        return false;
    thread->opening = true;
    handle = vgpu_real_dlopen()("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (!handle && load)
        handle = vgpu_real_dlopen()("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle && vgpu_symbol(handle, "vgpu_virtual_thunks"))
        handle = NULL; /* our own alias */
    for (uint32_t slot = 0; handle && slot < VGPU_DRIVER_SLOTS; slot++) {
        bool listed = vgpu_results[slot] != VGPU_IS_VARIABLE && vgpu_symbol(handle, vgpu_name(slot));
        void *address = listed ? vgpu_real_dlsym()(handle, vgpu_name(slot)) : NULL;
        if (address && !vgpu_is_thunk(address)) {
            remember((uintptr_t)address, slot);
            __atomic_store_n(&real[slot], address, __ATOMIC_RELEASE);
        }
    }
    if (handle) {
        if (!realpath(((struct link_map *)handle)->l_name, path))
            path[0] = 0;
        __atomic_store_n(&opened, true, __ATOMIC_RELEASE);
    }
    if (!handle && load)
        dlerror(); /* ours: the program did not ask */
    thread->opening = false;
    return handle != NULL;
}

const char *vgpu_driver_path(void)
{
    return __atomic_load_n(&opened, __ATOMIC_ACQUIRE) ? path : "";
}

void *vgpu_real(uint32_t slot)
{
    return slot < VGPU_DRIVER_SLOTS ? __atomic_load_n(&real[slot], __ATOMIC_ACQUIRE) : NULL;
}

/* The driver's answer names a function by address; what is handed out is the thunk of that very function, which is of
 * the version that was asked for whatever the name was. */
static void redirect(const char *symbol, void **function, int version)
{
    int slot = function ? vgpu_driver_slot(*function) : -1;

    if (slot < 0 || vgpu_settings()->disabled)
        return;
    *function = vgpu_thunk(slot);
    vgpu_log(VGPU_LOG_INFO, "cuGetProcAddress(\"%s\", %d) REDIRECTED \"%s\" to shim at %p", symbol, version,
             vgpu_name(slot), *function);
}

static int get_proc_address(const char *symbol, void **function, int version, uint64_t flags)
{
    int (*driver)(const char *, void **, int, uint64_t) = vgpu_real(VGPU_SLOT_cuGetProcAddress);
    int result = driver(symbol, function, version, flags);

    if (result == 0)
        redirect(symbol, function, version);
    return result;
}

static int get_proc_address_v2(const char *symbol, void **function, int version, uint64_t flags, void *status)
{
    int (*driver)(const char *, void **, int, uint64_t, void *) = vgpu_real(VGPU_SLOT_cuGetProcAddress_v2);
    int result = driver(symbol, function, version, flags, status);

    if (result == 0)
        redirect(symbol, function, version);
    return result;
}

void *vgpu_target(uint32_t slot)
{
    if (vgpu_is_virtual() || slot >= VGPU_DRIVER_SLOTS)
        return NULL;
    if (!vgpu_driver_open(true) && vgpu_thread.opening)
        return vgpu_next(vgpu_name(slot)); /* called by the driver's own constructor */
    if (vgpu_real(slot) && slot == VGPU_SLOT_cuGetProcAddress)
        return get_proc_address;
    if (vgpu_real(slot) && slot == VGPU_SLOT_cuGetProcAddress_v2)
        return get_proc_address_v2;
    return vgpu_real(slot);
}

/* Settled at first need, not while reading settings: opening a library takes the loader's lock. Threads that get here
 * at once come to the same answer. */
bool vgpu_is_virtual(void)
{
    static int mode; /* 0 unknown, 1 native, 2 virtual */
    int known = __atomic_load_n(&mode, __ATOMIC_RELAXED);
    const char *asked, *gpu;

    if (known)
        return known == 2;
    if (vgpu_thread.opening)
        return false;
    asked = vgpu_setting("VGPU_MODE");
    gpu = vgpu_setting("VGPU_GPU");
    if (vgpu_settings()->disabled)
        known = 1;
    else if (asked && *asked)
        known = strcmp(asked, "virtual") == 0 ? 2 : 1;
    else
        known = vgpu_alias_loaded() || (gpu && *gpu && !vgpu_driver_open(true)) ? 2 : 1;
    __atomic_store_n(&mode, known, __ATOMIC_RELAXED);
    return known == 2;
}
