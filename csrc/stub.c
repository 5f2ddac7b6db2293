/* The preloaded library: a thunk per exported name jumps through its slot; lookups hand out thunks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stub.h"

#define CHECK_OFFSET(field, offset) _Static_assert(offsetof(struct vgpu_frame, field) == (offset), #field)
CHECK_OFFSET(gp, VGPU_FRAME_GP);
CHECK_OFFSET(xmm, VGPU_FRAME_XMM);
CHECK_OFFSET(result, VGPU_FRAME_RESULT);
CHECK_OFFSET(target, VGPU_FRAME_TARGET);
CHECK_OFFSET(stack, VGPU_FRAME_STACK);
CHECK_OFFSET(return_address, VGPU_FRAME_CALLER);
CHECK_OFFSET(slot, VGPU_FRAME_SLOT);
_Static_assert(sizeof(struct vgpu_frame) == VGPU_FRAME_SIZE, "struct vgpu_frame");

__thread struct vgpu_thread vgpu_thread;

static uint8_t routes[VGPU_SLOTS]; /* enum vgpu_route */
static void *targets[VGPU_SLOTS];  /* the real functions, once they were needed */
static char *virtual_thunks;       /* of the alias library, */
static void **virtual_slots;       /* and where they jump to */

int vgpu_slot_of(const char *name)
{
    if (name[0] != 'c' && name[0] != 'n' && name[0] != '_')
        return -1;
    for (uint32_t i = vgpu_name_hash(name);; i++) {
        uint16_t entry = vgpu_name_table[i & (VGPU_NAME_TABLE - 1)];
        if (entry == 0)
            return -1;
        if (vgpu_same(vgpu_name(entry - 1), name))
            return entry - 1;
    }
}

void *vgpu_thunk(uint32_t slot)
{
    if (slot < VGPU_DRIVER_SLOTS)
        return vgpu_thunks + VGPU_THUNK * slot;
    return virtual_thunks ? virtual_thunks + VGPU_THUNK * (slot - VGPU_DRIVER_SLOTS) : NULL;
}

bool vgpu_is_thunk(const void *address)
{
    const char *a = address;
    return (a >= vgpu_thunks && a < vgpu_thunks + VGPU_THUNK * VGPU_DRIVER_SLOTS) ||
           (virtual_thunks && a >= virtual_thunks &&
            a < virtual_thunks + VGPU_THUNK * (VGPU_VIRTUAL_END - VGPU_DRIVER_SLOTS));
}

static struct link_map *alias(void)
{
    struct link_map *object = vgpu_first();
    while (object && !vgpu_symbol(object, "vgpu_virtual_thunks"))
        object = object->l_next;
    return object;
}

bool vgpu_alias_loaded(void)
{
    return alias() != NULL;
}

static char *alias_paths[VGPU_ALIASES];

bool vgpu_virtual_open(void)
{
    struct link_map *object;
    char path[2048];

    if (__atomic_load_n(&virtual_thunks, __ATOMIC_ACQUIRE))
        return true;
    object = alias();
    if (!object && vgpu_beside(path, sizeof path, "virtual/lib/libcuda.so.1"))
        object = vgpu_real_dlopen()(path, RTLD_NOW | RTLD_GLOBAL);
    if (!object) {
        vgpu_log(VGPU_LOG_ERROR, "%s could not be loaded: %s; reinstall vgpu_embed", path, dlerror());
        return false;
    }
    for (size_t i = 0; i < VGPU_ALIASES; i++) {
        snprintf(path, sizeof path, "virtual/lib/%s", vgpu_aliases[i]);
        if (vgpu_beside(path, sizeof path, strdupa(path)))
            alias_paths[i] = strdup(path);
    }
    __atomic_store_n(&virtual_slots, vgpu_symbol(object, "vgpu_virtual_slots"), __ATOMIC_RELEASE);
    __atomic_store_n(&virtual_thunks, vgpu_symbol(object, "vgpu_virtual_thunks"), __ATOMIC_RELEASE);
    return true;
}

static void aim(uint32_t slot, uint32_t route)
{
    void *entry = route == VGPU_CONSTANT ? (void *)vgpu_constant : (void *)vgpu_entry;
    if (slot < VGPU_DRIVER_SLOTS)
        __atomic_store_n(&vgpu_slots[slot], entry, __ATOMIC_SEQ_CST);
    else if (virtual_slots && slot < VGPU_VIRTUAL_END)
        __atomic_store_n(&virtual_slots[slot - VGPU_DRIVER_SLOTS], entry, __ATOMIC_SEQ_CST);
}

/* Takes effect for the next call; one that is to be forwarded finds the real function then, see settle(). */
void vgpu_route(uint32_t slot, uint32_t route, uint64_t constant, uint32_t scalars, uint32_t narrow)
{
    vgpu_constants[slot] = constant;
    if (route & VGPU_ANSWERS) { /* a thread may still be looking up what was remembered until now */
        vgpu_scalars[slot] = scalars;
        vgpu_narrow[slot] = narrow;
    }
    __atomic_store_n(&routes[slot], route, __ATOMIC_SEQ_CST);
    aim(slot, route);
}

#define UNKNOWN 255 /* how many words are on the stack */

static inline uint32_t route_of(uint32_t slot)
{
    uint32_t route = __atomic_load_n(&routes[slot], __ATOMIC_ACQUIRE);
    return vgpu_settings()->traced && vgpu_words[slot][2] != UNKNOWN ? route | VGPU_OBSERVED : route;
}

static void settle(struct vgpu_frame *frame)
{
    uint32_t slot = frame->slot, route;

    if (!frame->target || !vgpu_python_settled())
        return;
    __atomic_store_n(&vgpu_slots[slot], frame->target, __ATOMIC_SEQ_CST);
    route = __atomic_load_n(&routes[slot], __ATOMIC_SEQ_CST);
    if (route) /* since a moment ago */
        aim(slot, route);
}

/* What a function returns where there is nothing to forward to: what it says on a machine without a driver. */
static uint64_t absent(uint32_t slot)
{
    static uint64_t handle[2];
    static bool said;

    if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
        vgpu_log(VGPU_LOG_ERROR, "%s() has no driver to go to: %s", vgpu_name(slot),
                 vgpu_driver_open(false) ? "libcuda.so.1 does not have it" : "there is no libcuda.so.1");
    switch (vgpu_results[slot]) {
    case VGPU_RETURNS_TEXT:
        return (uintptr_t)"no CUDA driver (vgpu_embed)";
    case VGPU_RETURNS_HANDLE:
        return (uintptr_t)handle;
    case VGPU_RETURNS_NOTHING:
        return 0;
    }
    return vgpu_results[slot];
}

static inline void count(uint32_t slot, bool asked, bool answered)
{
    uint64_t (*counters)[3] = vgpu_thread.counters ? vgpu_thread.counters : vgpu_claim_counters();

    if (__atomic_load_n(&vgpu_service_awaited, __ATOMIC_RELAXED)) {
        int saved = errno;
        vgpu_service_start();
        errno = saved;
    }
    counters[slot][0]++;
    if (asked)
        counters[slot][1]++;
    if (answered)
        counters[slot][2]++;
}

static void *find_target(uint32_t slot)
{
    void *target = vgpu_target(slot);

    if (vgpu_real(slot))
        __atomic_store_n(&targets[slot], target, __ATOMIC_RELEASE);
    return target;
}

/* Where a call goes, looked up once. */
static inline void *target_of(uint32_t slot)
{
    void *target = __atomic_load_n(&targets[slot], __ATOMIC_ACQUIRE);
    return LIKELY(target != NULL) ? target : find_target(slot);
}

/* What the policies say of a call: enum vgpu_verdict. VGPU_FORWARDED: it is yet to be made, to frame->target. */
static int decided(struct vgpu_frame *frame, uint32_t route, uint32_t caller)
{
    int verdict = -1;
    bool asks;

    if (route & VGPU_ANSWERS)
        verdict = vgpu_remembered(frame, route & VGPU_BY_CALLER ? caller : 0);
    asks = verdict < 0 && route & VGPU_ASK && vgpu_passes(frame);
    if (asks && !vgpu_thread.counters) /* vgpu_made() may not claim them: it holds the interpreter's lock */
        vgpu_claim_counters();
    if (verdict != VGPU_REMEMBERED && !frame->target)
        frame->target = target_of(frame->slot);
    if (verdict < 0)
        verdict = asks && vgpu_ask(frame, caller) ? VGPU_ANSWERED : VGPU_FORWARDED;
    count(frame->slot, asks, verdict != VGPU_FORWARDED && !frame->forwarded);
    return verdict;
}

/* A call that is recorded is made from here, not by a jump: its end has to be seen. */
static void observed(struct vgpu_frame *frame, uint32_t route, uint32_t caller, bool ready, int saved)
{
    uint64_t start = vgpu_stamp();
    int verdict = ready ? decided(frame, route, caller) : VGPU_FORWARDED;

    if (!ready)
        frame->target = target_of(frame->slot);
    errno = saved;
    if (verdict == VGPU_FORWARDED && frame->target)
        vgpu_call(frame->target, frame, vgpu_words[frame->slot][2]);
    else if (verdict == VGPU_FORWARDED)
        frame->result = absent(frame->slot);
    vgpu_event(frame, caller, frame->forwarded ? VGPU_FORWARDED : verdict, start, vgpu_stamp());
}

uint64_t vgpu_making(uint32_t slot)
{
    return route_of(slot) & VGPU_OBSERVED ? vgpu_stamp() : 0;
}

void vgpu_made(const struct vgpu_frame *frame, uint32_t caller, uint64_t since)
{
    if (vgpu_thread.counters)
        count(frame->slot, true, !frame->forwarded);
    if (since)
        vgpu_event(frame, caller, frame->forwarded ? VGPU_FORWARDED : VGPU_ANSWERED, since, vgpu_stamp());
}

static __attribute__((noinline)) int enter_fully(struct vgpu_frame *frame)
{
    int saved = errno, verdict = VGPU_FORWARDED;
    bool ready = vgpu_python_ready(); /* before anything that may wait for the loader's lock, which a start holds */
    uint32_t route = route_of(frame->slot);

    if (route && !vgpu_thread.inside && !vgpu_thread.opening) {
        struct vgpu_site site = vgpu_site(frame->return_address);
        if (route & VGPU_OBSERVED && !site.of_driver && ((vgpu_settings()->traced && vgpu_trace_ready()) || ready)) {
            observed(frame, route, site.caller, ready, saved);
            return 1;
        }
        if (ready && !site.of_driver)
            verdict = decided(frame, route, site.caller);
    }
    if (verdict == VGPU_FORWARDED) {
        if (!frame->target)
            frame->target = target_of(frame->slot);
        if (!route)
            settle(frame);
        if (!frame->target) {
            frame->result = absent(frame->slot);
            verdict = VGPU_ANSWERED;
        }
    }
    errno = saved;
    return verdict != VGPU_FORWARDED;
}

/* A call that is recorded and no more, once thread and caller are known. */
static bool only_recorded(struct vgpu_frame *frame, uint32_t caller)
{
    bool ready = vgpu_python_is_ready();
    uint64_t start;

    if (!frame->target ||
        (ready ? !vgpu_thread.counters : vgpu_thread.opening || vgpu_settings()->active || !vgpu_trace_ready()))
        return false;
    start = vgpu_stamp();
    if (ready)
        count(frame->slot, false, false);
    vgpu_call(frame->target, frame, vgpu_words[frame->slot][2]);
    vgpu_event(frame, caller, VGPU_FORWARDED, start, vgpu_stamp());
    return true;
}

/* Returns 0 to leave by a jump to frame->target, 1 to return frame->result. What C repeats or records, once thread and
 * caller are known, is found here in the fewest steps; everything else in enter_fully(). */
HIDDEN int vgpu_enter(struct vgpu_frame *frame)
{
    uint32_t route = route_of(frame->slot);
    struct vgpu_site site;
    int verdict;

    frame->forwarded = 0;
    frame->generation = 0;
    frame->target = __atomic_load_n(&targets[frame->slot], __ATOMIC_ACQUIRE);
    if (route == VGPU_OBSERVED && vgpu_known_site(frame->return_address, &site) && !site.of_driver &&
        only_recorded(frame, site.caller))
        return 1;
    if ((route & (VGPU_ANSWERS | VGPU_OBSERVED)) != VGPU_ANSWERS || !vgpu_python_is_ready() || !vgpu_thread.counters ||
        !vgpu_known_site(frame->return_address, &site) || site.of_driver)
        return enter_fully(frame);
    verdict = vgpu_remembered(frame, route & VGPU_BY_CALLER ? site.caller : 0);
    if (verdict < 0 || (verdict == VGPU_FORWARDED && !frame->target))
        return enter_fully(frame);
    count(frame->slot, false, verdict != VGPU_FORWARDED);
    return verdict != VGPU_FORWARDED;
}

/* ---- lookups ---- */

/* In rax and rdx: the answer, and the function to leave by; see entry.S. */
struct lookup {
    void *value;
    void *leave;
};

/* Whether a lookup by this caller is any business of ours. */
static bool concerned(void *caller)
{
    return !vgpu_thread.inside && !vgpu_thread.opening && !vgpu_settings()->disabled && !vgpu_site(caller).of_driver;
}

/* The last part of a path where it names a library of the list, version or not: libcudart.so.12.8.90. */
static const char *listed_library(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof vgpu_libraries / sizeof *vgpu_libraries; i++) {
        size_t length = strlen(vgpu_libraries[i]);
        if (strncmp(name, vgpu_libraries[i], length) == 0 &&
            (name[length] == 0 ||
             (name[length] == '.' && strspn(name + length, ".0123456789") == strlen(name + length))))
            return name;
    }
    return NULL;
}

/* Whether a file name is that of an alias. Major versions differ in layout, except for the driver's libraries (.so.1),
 * whose files bear the driver's version. */
static bool is_alias(const char *name, const char *alias)
{
    size_t length = strlen(alias), stem = strcspn(alias, ".");
    bool driver = strcmp(alias + stem, ".so.1") == 0;

    if (driver)
        return strncmp(name, alias, stem + 4) == 0 && name[stem + 3] == '.';
    return strncmp(name, alias, length) == 0 &&
           (name[length] == 0 || (alias[length - 1] != 'o' && name[length] == '.'));
}

/* In virtual mode a listed library is its alias, wherever it was looked for. */
static const char *redirected_library(const char *path, const char *name)
{
    if (vgpu_is_virtual() && vgpu_virtual_open())
        for (size_t i = 0; i < VGPU_ALIASES; i++)
            if (is_alias(name, vgpu_aliases[i]) && alias_paths[i])
                return alias_paths[i];
    return path;
}

static inline uint32_t route_of_lookup(uint32_t slot)
{
    return __atomic_load_n(&routes[slot], __ATOMIC_ACQUIRE);
}

/* Asks about one of the loader's functions, if a policy hooks it. */
static bool answered(struct lookup *answer, uint32_t slot, const void *first, const void *second, const void *third,
                     void *caller)
{
    struct vgpu_frame frame;
    struct vgpu_site site;
    uint32_t route = route_of_lookup(slot);

    if (!route || vgpu_thread.opening || !vgpu_python_ready())
        return false;
    site = vgpu_site(caller);
    if (site.of_driver)
        return false;
    frame = (struct vgpu_frame){
        .gp = {(uintptr_t)first, (uintptr_t)second, (uintptr_t)third}, .return_address = caller, .slot = slot};
    if (decided(&frame, route, site.caller) == VGPU_FORWARDED)
        return false;
    *answer = (struct lookup){(void *)frame.result, NULL};
    return true;
}

HIDDEN struct lookup vgpu_dlopen(const char *path, int flags, void *unused, void *caller)
{
    struct lookup answer = {(void *)path, vgpu_real_dlopen()};
    const char *name = path ? listed_library(path) : NULL;
    int saved = errno;

    (void)unused;
    if (name && concerned(caller)) {
        vgpu_log(VGPU_LOG_INFO, "dlopen(\"%s\") - %s loading", path, name);
        if (vgpu_settings()->policies)
            vgpu_python_ready();
        answer.value = (void *)redirected_library(path, name);
    }
    answered(&answer, VGPU_SLOT_dlopen, path, (void *)(intptr_t)flags, NULL, caller);
    errno = saved;
    return answer;
}

static struct lookup hand_out(const char *name, int slot)
{
    void *thunk = vgpu_thunk(slot);
    vgpu_log(VGPU_LOG_INFO, "dlsym() REDIRECTED \"%s\" to shim at %p", name, thunk);
    return (struct lookup){thunk, NULL};
}

/* What to do with what the loader found for a listed name. */
static struct lookup found(void *value, const char *name, int slot)
{
    int of = vgpu_driver_slot(value);

    if (!value) /* before any other call of the loader's forgets the error */
        return (struct lookup){NULL, NULL};
    if (of < 0 && vgpu_driver_open(false))
        of = vgpu_driver_slot(value);
    if (of >= 0)
        return hand_out(name, of);
    if (!vgpu_is_thunk(value)) /* a namesake in another library, or not found */
        return (struct lookup){value, NULL};
    if (vgpu_is_virtual() || vgpu_real(slot))
        return hand_out(name, slot);
    /* Found in ourselves only: as if we were not there. This sets dlerror. */
    return (struct lookup){vgpu_real_dlsym()(RTLD_NEXT, name), NULL};
}

/* For callers that are not to notice us: the driver's own libraries, and everybody where we are switched off. Our names
 * are in the global scope, where the loader finds them first; behind us it finds what it would have found. */
static struct lookup unnoticed(void *value, void *handle, const char *name, bool of_driver)
{
    void *own = vgpu_is_thunk(value) && handle == RTLD_DEFAULT && of_driver ? vgpu_next(name) : NULL;

    if (own)
        value = own;
    else if (vgpu_is_thunk(value) && !vgpu_is_virtual())
        value = vgpu_real_dlsym()(RTLD_NEXT, name);
    return (struct lookup){value, NULL};
}

static void *ask_loader(void *handle, const char *name, const char *version)
{
    /* The aliases' functions carry no version, and satisfy each. */
    return version && !vgpu_is_virtual() ? vgpu_real_dlvsym()(handle, name, version) : vgpu_real_dlsym()(handle, name);
}

/* A name of the list, asked by somebody. */
static struct lookup listed(void *handle, const char *name, const char *version, uint32_t slot, void *caller)
{
    if (!concerned(caller))
        return unnoticed(ask_loader(handle, name, version), handle, name, vgpu_site(caller).of_driver);
    if (vgpu_is_virtual())
        vgpu_virtual_open();
    vgpu_log(VGPU_LOG_INFO, "dlsym(handle=%p, \"%s\") called", handle, name);
    vgpu_python_ready();
    return found(ask_loader(handle, name, version), name, slot);
}

/* RTLD_NEXT depends on who asks, and whoever asks for what comes after it must not get what comes before. */
static int listed_slot(void *handle, const char *name)
{
    int slot = name && handle != RTLD_NEXT ? vgpu_slot_of(name) : -1;
    return slot >= (int)VGPU_DRIVER_SLOTS && !vgpu_is_virtual() ? -1 : slot;
}

HIDDEN struct lookup vgpu_dlsym(void *handle, const char *name, void *unused, void *caller)
{
    struct lookup answer = {NULL, vgpu_real_dlsym()};
    int slot = listed_slot(handle, name), saved;

    (void)unused;
    if (LIKELY(slot < 0 && !route_of_lookup(VGPU_SLOT_dlsym)))
        return answer;
    saved = errno;
    if (!answered(&answer, VGPU_SLOT_dlsym, handle, name, NULL, caller) && slot >= 0)
        answer = listed(handle, name, NULL, slot, caller);
    errno = saved;
    return answer;
}

HIDDEN struct lookup vgpu_dlvsym(void *handle, const char *name, const char *version, void *caller)
{
    struct lookup answer = {NULL, vgpu_real_dlvsym()};
    int saved = errno, slot = version ? listed_slot(handle, name) : -1;

    if (!answered(&answer, VGPU_SLOT_dlvsym, handle, name, version, caller) && slot >= 0)
        answer = listed(handle, name, version, slot, caller);
    errno = saved;
    return answer;
}
