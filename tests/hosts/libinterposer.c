/* Another library's dlsym and dlopen, as HAMi-core and memray have them; to be preloaded before
 * ours or after. */
#include "ask.h"

static int lookups;
int interposer_lookups(void);

int interposer_lookups(void)
{
    return lookups;
}

static void *real(const char *name)
{
    void *function = dlvsym(RTLD_NEXT, name, "GLIBC_2.34");
    return function ? function : dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5");
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    static void *(*real_dlsym)(void *, const char *);
    if (!real_dlsym)
        *(void **)&real_dlsym = real("dlsym");
    lookups++;
    return real_dlsym(handle, name);
}

void *dlopen(const char *file, int flags)
{
    static void *(*real_dlopen)(const char *, int);
    if (!real_dlopen)
        *(void **)&real_dlopen = real("dlopen");
    return real_dlopen(file, flags);
}
