/* Symbols of loaded objects, read from the loader's list. This library exports dlsym, so it can find the real one
 * neither through its own import of dlsym nor through dlvsym's; and constructors of libraries that were loaded before
 * ours call dlsym, so nothing can be found ahead of time. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "stub.h"

extern ElfW(Dyn) _DYNAMIC[] HIDDEN;

struct tables {
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *gnu_hash;
    const uint32_t *sysv_hash;
};

/* The loader relocates these addresses in place, except for the vDSO's. */
static const void *relocated(const struct link_map *object, ElfW(Addr) address)
{
    return (const void *)(address < object->l_addr ? object->l_addr + address : address);
}

static struct tables tables_of(const struct link_map *object)
{
    struct tables t = {0};

    for (const ElfW(Dyn) *d = object->l_ld; d->d_tag != DT_NULL; d++) {
        const void *address = relocated(object, d->d_un.d_ptr);
        if (d->d_tag == DT_SYMTAB)
            t.symbols = address;
        else if (d->d_tag == DT_STRTAB)
            t.strings = address;
        else if (d->d_tag == DT_GNU_HASH)
            t.gnu_hash = address;
        else if (d->d_tag == DT_HASH)
            t.sysv_hash = address;
    }
    return t;
}

static bool defines(const struct tables *t, uint32_t i, const char *name)
{
    const ElfW(Sym) *symbol = &t->symbols[i];
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 && ELF64_ST_TYPE(symbol->st_info) != STT_TLS &&
           vgpu_same(t->strings + symbol->st_name, name);
}

static uint32_t find_gnu(const struct tables *t, const char *name)
{
    const uint32_t *header = t->gnu_hash, buckets = header[0], first = header[1], bloom = header[2];
    const uint32_t *bucket = header + 4 + bloom * (sizeof(ElfW(Addr)) / 4), *chain = bucket + buckets;
    uint32_t hash = 5381, i;

    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        hash = hash * 33 + *c;
    i = bucket[hash % buckets];
    if (i < first)
        return 0;
    for (;; i++) {
        uint32_t other = chain[i - first];
        if ((other | 1) == (hash | 1) && defines(t, i, name))
            return i;
        if (other & 1)
            return 0;
    }
}

static uint32_t find_sysv(const struct tables *t, const char *name)
{
    uint32_t count = t->sysv_hash[1];
    for (uint32_t i = 1; i < count; i++)
        if (defines(t, i, name))
            return i;
    return 0;
}

void *vgpu_symbol(const struct link_map *object, const char *name)
{
    struct tables t = tables_of(object);
    uint32_t i;

    if (!t.symbols || !t.strings)
        return NULL;
    i = t.gnu_hash ? find_gnu(&t, name) : t.sysv_hash ? find_sysv(&t, name) : 0;
    return i ? (void *)(object->l_addr + t.symbols[i].st_value) : NULL;
}

struct link_map *vgpu_self(void)
{
    static struct link_map *self;
    struct link_map *found = __atomic_load_n(&self, __ATOMIC_RELAXED);
    Dl_info info;

    if (!found && dladdr1(_DYNAMIC, &info, (void **)&found, RTLD_DL_LINKMAP))
        __atomic_store_n(&self, found, __ATOMIC_RELAXED);
    return found;
}

struct link_map *vgpu_first(void)
{
    struct link_map *object = vgpu_self();
    while (object && object->l_prev)
        object = object->l_prev;
    return object;
}

/* The list is walked without the loader's lock: the definition looked for is at the latest libc's, which is loaded
 * at program start and stays, as does everything before it. */
void *vgpu_next(const char *name)
{
    struct link_map *self = vgpu_self();
    void *found = NULL;

    for (struct link_map *o = self ? self->l_next : NULL; o && !found; o = o->l_next)
        found = vgpu_symbol(o, name);
    /* We were not preloaded but opened, after libc. */
    for (struct link_map *o = vgpu_first(); o && o != self && !found; o = o->l_next)
        found = vgpu_symbol(o, name);
    return found;
}

#define REAL(name)                                                   \
    name##_fn *vgpu_real_##name(void)                                \
    {                                                                \
        static name##_fn *real;                                      \
        name##_fn *found = __atomic_load_n(&real, __ATOMIC_RELAXED); \
        if (!found) {                                                \
            found = (name##_fn *)vgpu_next(#name);                   \
            __atomic_store_n(&real, found, __ATOMIC_RELAXED);        \
        }                                                            \
        return found;                                                \
    }

REAL(dlopen)
REAL(dlsym)
REAL(dlvsym)
