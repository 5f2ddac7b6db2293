/* Memory of virtual GPUs, as addresses of this process: what is valid there, copies, and pages made when written.
 *
 * A region is what the kernel was asked for; a range is an allocation, a mapping or registered memory, and what a copy
 * may touch. The bytes of a range lie in a region, for a mapping in another one than its addresses.
 *
 * No page is made before it is written, and none without a grant: whoever grants has looked at what the host can give,
 * so that a program meets CUDA_ERROR_OUT_OF_MEMORY and not the kernel's OOM killer. A bit for each page says whether it
 * is there. Freed pages go back to the kernel.
 *
 * What other processes have too lies in a file (memfd), whose pages are made by whoever is first: only the kernel knows
 * which are there. Private pages move into one when they are first shared, and are private again once they are freed.
 *
 * The lock is held for moments only, but while pages move. A long copy marks its ranges as used and lets go; who frees
 * one of them waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../vgpu_embed/virtual/memory.cdef"

enum { OK, INVALID_VALUE, OUT_OF_MEMORY };

#define PAGE  4096ull
#define WORD  64
#define SHORT (16 << 10) /* bytes that are copied with the lock held */
#define STEP  (2 << 20)  /* bytes that are there twice while pages move */
#define HIGH  100        /* descriptors begin here: programs may rely on getting the lowest ones */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What regions and ranges begin with. */
struct span {
    uint64_t base, size;
};

struct region {
    struct span span;
    uint32_t kind;
    uint64_t *made; /* a bit for each page that is there; NULL where that is not kept */
};

struct range {
    struct span span;
    struct region *home; /* whose pages these are; NULL for memory of the program's */
    uint64_t offset;     /* where in it they begin */
    uint32_t access, users;
};

struct table {
    struct span **spans; /* by address; they do not overlap */
    size_t count, room;
    size_t before; /* room before the first one, which frees in the order of addresses leave */
};

struct vgpu_space {
    pthread_mutex_t lock;
    struct table regions, ranges, shared; /* the last: parts of private regions that lie in files */
    uint64_t granted, pending;
    pid_t process;
};

/* ---- tables ---- */

/* How many spans begin at or before an address. */
static size_t place_of(const struct table *table, uint64_t address)
{
    size_t low = 0, high = table->count;
    if (high && table->spans[high - 1]->base <= address) /* addresses are mostly given out in their order */
        return high;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->spans[middle]->base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void *find(const struct table *table, uint64_t address)
{
    size_t place = place_of(table, address);
    struct span *span = place ? table->spans[place - 1] : NULL;
    return span && address - span->base < span->size ? span : NULL;
}

/* Sees to it that there is room behind the last one. */
static int has_room(struct table *table)
{
    struct span **all = table->spans - table->before;
    if (table->before + table->count < table->room)
        return 1;
    if (table->before > table->count) {
        memmove(all, table->spans, table->count * sizeof *all);
        table->before = 0;
    } else {
        size_t room = table->room ? 2 * table->room : 64;
        all = realloc(all, room * sizeof *all);
        if (!all)
            return 0;
        table->room = room;
    }
    table->spans = all + table->before;
    return 1;
}

static uint32_t insert(struct table *table, struct span *span)
{
    size_t place = place_of(table, span->base);
    if (place && span->base - table->spans[place - 1]->base < table->spans[place - 1]->size)
        return INVALID_VALUE;
    if (place < table->count && table->spans[place]->base - span->base < span->size)
        return INVALID_VALUE;
    if (table->before && place <= table->count / 2) {
        table->before--;
        table->spans--;
        memmove(table->spans, table->spans + 1, place * sizeof *table->spans);
        table->count++;
    } else {
        if (!has_room(table))
            return OUT_OF_MEMORY;
        memmove(table->spans + place + 1, table->spans + place, (table->count++ - place) * sizeof *table->spans);
    }
    table->spans[place] = span;
    return OK;
}

static void *take_at(struct table *table, size_t place)
{
    struct span *span = table->spans[place];
    table->count--;
    if (place <= table->count / 2) {
        memmove(table->spans + 1, table->spans, place * sizeof *table->spans);
        table->spans++;
        table->before++;
    } else {
        memmove(table->spans + place, table->spans + place + 1, (table->count - place) * sizeof *table->spans);
    }
    return span;
}

static void *take(struct table *table, uint64_t base)
{
    size_t place = place_of(table, base);
    return place && table->spans[place - 1]->base == base ? take_at(table, place - 1) : NULL;
}

/* ---- pages ---- */

static size_t words_of(uint64_t size)
{
    return (size / PAGE + WORD - 1) / WORD + 1;
}

/* How many of `count` pages are there, or not; or changes that. */
enum deed { COUNT_MISSING, COUNT_MADE, MAKE, FORGET };

static uint64_t pages(uint64_t *made, uint64_t first, uint64_t count, enum deed deed)
{
    uint64_t seen = 0;
    while (count) {
        uint64_t bit = first % WORD, here = count < WORD - bit ? count : WORD - bit;
        uint64_t mask = (here == WORD ? ~0ull : (1ull << here) - 1) << bit, *word = made + first / WORD;
        if (deed == COUNT_MISSING)
            seen += (uint64_t)__builtin_popcountll(~*word & mask);
        else if (deed == COUNT_MADE)
            seen += (uint64_t)__builtin_popcountll(*word & mask);
        else
            *word = deed == MAKE ? *word | mask : *word & ~mask;
        first += here;
        count -= here;
    }
    return seen;
}

/* The program writes there too, so that only the kernel knows which pages are there. */
static uint64_t missing_of_kernel(uint64_t address, uint64_t size)
{
    unsigned char there[1024];
    uint64_t missing = 0, end = address + size;
    for (address &= ~(PAGE - 1); address < end; address += sizeof there * PAGE) {
        uint64_t count = (end - address + PAGE - 1) / PAGE;
        count = count < sizeof there ? count : sizeof there;
        if (mincore((void *)address, count * PAGE, there))
            return missing + end - address;
        for (uint64_t page = 0; page < count; page++)
            missing += there[page] & 1 ? 0 : PAGE;
    }
    return missing;
}

/* What of a range lies between two addresses, as pages of its home. */
static uint64_t part(const struct range *range, uint64_t address, uint64_t end, uint64_t *count)
{
    uint64_t from = address > range->span.base ? address - range->span.base : 0;
    uint64_t to = end - range->span.base < range->span.size ? end - range->span.base : range->span.size;
    uint64_t first = (range->offset + from) / PAGE;
    *count = (range->offset + to + PAGE - 1) / PAGE - first;
    return first;
}

static int is_kind(const struct range *range, uint32_t kind)
{
    return range->home && (range->home->kind & ~(SPACE_DROPS | SPACE_IN_FILE)) == kind;
}

static int drops(const struct range *range)
{
    return range && range->home && range->home->kind & SPACE_DROPS;
}

/* The range after this one, if an operation may go on there: mappings that lie side by side. */
static struct range *next_of(struct vgpu_space *space, const struct range *range)
{
    struct range *next = find(&space->ranges, range->span.base + range->span.size);
    return next && is_kind(range, SPACE_SHARED) && is_kind(next, SPACE_SHARED) ? next : NULL;
}

/* Bytes of pages that are not there yet; with `make` they are from now on. */
static uint64_t missing(struct vgpu_space *space, struct range *range, uint64_t address, uint64_t size, int make)
{
    uint64_t sum = 0, end = address + size;
    for (; range && range->span.base < end; range = next_of(space, range)) {
        if (drops(range) || !range->home)
            continue;
        if (is_kind(range, SPACE_MANAGED) || range->home->kind & SPACE_IN_FILE) {
            uint64_t from = address > range->span.base ? address : range->span.base;
            uint64_t to = range->span.base + range->span.size < end ? range->span.base + range->span.size : end;
            sum += make ? 0 : missing_of_kernel(from, to - from);
        } else if (range->home->made) {
            uint64_t count, first = part(range, address, end, &count);
            sum += PAGE * pages(range->home->made, first, count, make ? MAKE : COUNT_MISSING);
        }
    }
    return sum;
}

/* ---- what an operation may touch ---- */

/* One side of an operation: its first range (NULL: memory that the space does not know) and its addresses. */
struct side {
    struct range *range;
    uint64_t address, size;
};

static const struct side nothing;

static uint32_t check(struct vgpu_space *space, struct side *side, uint32_t access, int any)
{
    uint64_t end = side->address + side->size;
    struct range *range = side->range = find(&space->ranges, side->address);
    if (!side->address || end < side->address)
        return INVALID_VALUE;
    if (!range)
        return any && !find(&space->regions, side->address) ? OK : INVALID_VALUE;
    for (;;) {
        if (access & ~range->access)
            return INVALID_VALUE;
        if (end - range->span.base <= range->span.size)
            return OK;
        range = next_of(space, range);
        if (!range)
            return INVALID_VALUE;
    }
}

static void use(struct vgpu_space *space, const struct side *side, int users)
{
    uint64_t end = side->address + side->size;
    struct range *range = side->range;
    for (; range && range->span.base < end; range = next_of(space, range))
        range->users += (uint32_t)users;
}

/* Bytes of pages that access to a side makes: a read makes those of a shared region or of a file, too. */
static uint64_t needed(struct vgpu_space *space, const struct side *side, uint32_t access, int make)
{
    int makes = side->range && (access & SPACE_WRITE || is_kind(side->range, SPACE_SHARED) ||
                                (side->range->home && side->range->home->kind & SPACE_IN_FILE));
    return makes ? missing(space, side->range, side->address, side->size, make) : 0;
}

/* Lets the pages be made that have to be, if so many are granted. */
static uint32_t commit(struct vgpu_space *space, const struct side *target, const struct side *source, uint64_t *taken)
{
    *taken = needed(space, target, SPACE_WRITE, 0) + needed(space, source, SPACE_READ, 0);
    if (*taken > space->granted)
        return SPACE_WANTS_ROOM;
    if (*taken) {
        needed(space, target, SPACE_WRITE, 1);
        needed(space, source, SPACE_READ, 1);
    }
    space->granted -= *taken;
    space->pending += *taken;
    return OK;
}

/* ---- operations ---- */

static void copy_rows(const struct vgpu_box *box, int dropped)
{
    for (uint64_t slice = 0; slice < box->depth; slice++)
        for (uint64_t row = 0; row < box->height; row++) {
            char *to = (char *)box->target + slice * box->target_slice + row * box->target_pitch;
            const char *from = (const char *)box->source + slice * box->source_slice + row * box->source_pitch;
            if (dropped)
                memset(to, 0, box->width);
            else
                memmove(to, from, box->width);
        }
}

static void fill_row(char *to, uint32_t value, uint32_t element, uint64_t width)
{
    if (element == 1) {
        memset(to, (int)value, width);
    } else if (element == 2) {
        uint16_t *words = (uint16_t *)to;
        while (width--)
            *words++ = (uint16_t)value;
    } else {
        uint32_t *words = (uint32_t *)to;
        while (width--)
            *words++ = value;
    }
}

/* From the first byte to the last one of a box; UINT64_MAX where that is no number. */
static uint64_t extent(const struct vgpu_box *box, uint64_t pitch, uint64_t slice)
{
    uint64_t rows, slices, sum;
    if (__builtin_mul_overflow(box->height - 1, pitch, &rows) ||
        __builtin_mul_overflow(box->depth - 1, slice, &slices) || __builtin_add_overflow(rows, slices, &sum) ||
        __builtin_add_overflow(sum, box->width, &sum))
        return UINT64_MAX;
    return sum;
}

uint32_t space_copy_box(struct vgpu_space *space, const struct vgpu_box *box, uint32_t roles)
{
    if (!box->width || !box->height || !box->depth)
        return OK;
    struct side target = {NULL, box->target, extent(box, box->target_pitch, box->target_slice)};
    struct side source = {NULL, box->source, extent(box, box->source_pitch, box->source_slice)};
    uint64_t taken;
    pthread_mutex_lock(&space->lock);
    uint32_t result = check(space, &target, SPACE_WRITE, roles & SPACE_TARGET_ANY);
    result = result ? result : check(space, &source, SPACE_READ, roles & SPACE_SOURCE_ANY);
    result = result ? result : commit(space, &target, &source, &taken);
    if (!result && !drops(target.range)) {
        int is_long = target.size > SHORT || source.size > SHORT;
        if (is_long) {
            use(space, &target, 1);
            use(space, &source, 1);
            pthread_mutex_unlock(&space->lock);
        }
        copy_rows(box, drops(source.range));
        if (is_long) {
            pthread_mutex_lock(&space->lock);
            use(space, &target, -1);
            use(space, &source, -1);
        }
    }
    if (!result)
        space->pending -= taken;
    pthread_mutex_unlock(&space->lock);
    return result;
}

uint32_t space_copy(struct vgpu_space *space, uint64_t target, uint64_t source, uint64_t size, uint32_t roles)
{
    struct vgpu_box box = {.target = target, .source = source, .width = size, .height = 1, .depth = 1};
    return space_copy_box(space, &box, roles);
}

uint32_t space_fill(struct vgpu_space *space, uint64_t target, uint64_t pitch, uint32_t value, uint32_t element,
                    uint64_t width, uint64_t height)
{
    struct vgpu_box box = {.height = height, .depth = 1};
    if (__builtin_mul_overflow(width, element, &box.width))
        return INVALID_VALUE;
    if (!width || !height)
        return OK;
    struct side side = {NULL, target, extent(&box, pitch, 0)};
    uint64_t taken;
    pthread_mutex_lock(&space->lock);
    uint32_t result = check(space, &side, SPACE_WRITE, 0);
    result = result ? result : commit(space, &side, &nothing, &taken);
    if (!result && !drops(side.range)) {
        use(space, &side, 1);
        pthread_mutex_unlock(&space->lock);
        for (uint64_t row = 0; row < height; row++)
            fill_row((char *)target + row * pitch, value, element, width);
        pthread_mutex_lock(&space->lock);
        use(space, &side, -1);
    }
    if (!result)
        space->pending -= taken;
    pthread_mutex_unlock(&space->lock);
    return result;
}

uint32_t space_check(struct vgpu_space *space, uint64_t address, uint64_t size, uint32_t access, uint32_t any)
{
    struct side side = {NULL, address, size};
    pthread_mutex_lock(&space->lock);
    uint32_t result = size ? check(space, &side, access, (int)any) : OK;
    pthread_mutex_unlock(&space->lock);
    return result;
}

uint32_t space_commit(struct vgpu_space *space, uint64_t address, uint64_t size)
{
    struct side side = {NULL, address, size};
    uint64_t taken = 0;
    if (!size)
        return OK;
    pthread_mutex_lock(&space->lock);
    uint32_t result = check(space, &side, SPACE_WRITE, 0);
    result = result ? result : commit(space, &side, &nothing, &taken);
    if (taken && !result) {
        uint64_t first = address & ~(PAGE - 1);
        madvise((void *)first, address + size - first, MADV_POPULATE_WRITE); /* older kernels: at the first write */
        space->pending -= taken;
    }
    pthread_mutex_unlock(&space->lock);
    return result;
}

uint64_t space_missing(struct vgpu_space *space, uint64_t address, uint64_t size, uint32_t access)
{
    pthread_mutex_lock(&space->lock);
    struct side side = {find(&space->ranges, address), address, size};
    uint64_t sum = needed(space, &side, access, 0);
    pthread_mutex_unlock(&space->lock);
    return sum;
}

uint64_t space_pending(struct vgpu_space *space)
{
    pthread_mutex_lock(&space->lock);
    uint64_t pending = space->pending;
    pthread_mutex_unlock(&space->lock);
    return pending;
}

void space_grant(struct vgpu_space *space, uint64_t bytes)
{
    pthread_mutex_lock(&space->lock);
    space->granted = bytes;
    pthread_mutex_unlock(&space->lock);
}

/* ---- ranges ---- */

uint32_t space_insert(struct vgpu_space *space, uint64_t base, uint64_t size, uint64_t backing, uint32_t access)
{
    struct range *range = malloc(sizeof *range);
    if (!range)
        return OUT_OF_MEMORY;
    pthread_mutex_lock(&space->lock);
    struct region *home = backing ? find(&space->regions, backing) : NULL;
    if (home && space->shared.count) {
        struct region *file = find(&space->shared, backing);
        home = file ? file : home;
    }
    *range = (struct range){{base, size}, home, home ? backing - home->span.base : 0, access, 0};
    uint32_t result = insert(&space->ranges, &range->span);
    pthread_mutex_unlock(&space->lock);
    if (result)
        free(range);
    return result;
}

uint32_t space_try_remove(struct vgpu_space *space, uint64_t base)
{
    uint32_t result = OK;
    pthread_mutex_lock(&space->lock);
    size_t place = place_of(&space->ranges, base);
    struct range *range = place ? (struct range *)space->ranges.spans[place - 1] : NULL;
    if (!range || range->span.base != base)
        result = INVALID_VALUE;
    else if (range->users)
        result = SPACE_TAKES_LONG;
    else
        take_at(&space->ranges, place - 1);
    pthread_mutex_unlock(&space->lock);
    if (!result)
        free(range);
    return result;
}

uint32_t space_remove(struct vgpu_space *space, uint64_t base)
{
    const struct timespec moment = {0, 50000};
    uint32_t result;
    while ((result = space_try_remove(space, base)) == SPACE_TAKES_LONG)
        nanosleep(&moment, NULL);
    return result;
}

uint64_t space_find(struct vgpu_space *space, uint64_t address, uint64_t *size)
{
    pthread_mutex_lock(&space->lock);
    const struct range *range = find(&space->ranges, address);
    if (size)
        *size = range ? range->span.size : 0;
    uint64_t base = range ? range->span.base : 0;
    pthread_mutex_unlock(&space->lock);
    return base;
}

uint32_t space_set_access(struct vgpu_space *space, uint64_t base, uint32_t access)
{
    pthread_mutex_lock(&space->lock);
    struct range *range = find(&space->ranges, base);
    if (range)
        range->access = access;
    pthread_mutex_unlock(&space->lock);
    return range ? OK : INVALID_VALUE;
}

/* ---- regions ---- */

#define LAZY    (MAP_ANONYMOUS | MAP_NORESERVE)
#define IN_FILE (MAP_SHARED | MAP_NORESERVE)

static int protection_of(uint32_t kind)
{
    return kind == SPACE_ADDRESSES ? PROT_NONE : PROT_READ | PROT_WRITE;
}

static int flags_of(uint32_t kind)
{
    return kind == SPACE_SHARED ? MAP_SHARED | LAZY
           : kind == SPACE_HOST ? MAP_PRIVATE | MAP_ANONYMOUS
                                : MAP_PRIVATE | LAZY;
}

/* Memory at a multiple of `alignment`; NULL if there is none. */
static char *map_aligned(uint64_t size, uint64_t alignment, uint64_t hint, int protection, int flags)
{
    uint64_t more = alignment > PAGE ? alignment : 0;
    char *start = mmap((void *)hint, size, protection, flags, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (!more || (uint64_t)start % more == 0)
        return start;
    munmap(start, size);
    start = mmap(NULL, size + more, protection, flags, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    char *aligned = (char *)(((uint64_t)start + more - 1) / more * more);
    if (aligned > start)
        munmap(start, (size_t)(aligned - start));
    munmap(aligned + size, (size_t)(start + more - aligned));
    return aligned;
}

/* Maps other pages at addresses that are there already. */
static int map_over(uint64_t base, uint64_t size, int flags, int file, uint64_t offset)
{
    void *mapped = mmap((void *)base, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, (off_t)offset);
    return mapped == MAP_FAILED || madvise(mapped, size, MADV_DONTFORK);
}

static uint64_t reserve(struct vgpu_space *space, uint64_t size, uint64_t alignment, uint64_t hint, uint32_t kind,
                        int file, uint64_t offset)
{
    uint32_t plain = kind & ~(uint32_t)SPACE_DROPS;
    struct region *region = calloc(1, sizeof *region);
    if (!region || size + alignment < size)
        goto refused;
    size = (size + PAGE - 1) & ~(PAGE - 1);
    char *start = map_aligned(size, alignment, hint, protection_of(plain), flags_of(plain));
    if (!start)
        goto refused;
    if (file >= 0 && map_over((uint64_t)start, size, IN_FILE, file, offset))
        goto unmap;
    *region = (struct region){{(uint64_t)start, size}, kind, NULL};
    if (plain == SPACE_PRIVATE || plain == SPACE_SHARED) {
        region->made = mmap(NULL, words_of(size) * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | LAZY, -1, 0);
        if (region->made == MAP_FAILED)
            goto unmap;
    }
    if (plain != SPACE_HOST && plain != SPACE_MANAGED)
        madvise(start, size, MADV_DONTFORK);
    if (plain == SPACE_HOST)
        madvise(start, size, MADV_POPULATE_WRITE);
    pthread_mutex_lock(&space->lock);
    uint32_t result = insert(&space->regions, &region->span);
    pthread_mutex_unlock(&space->lock);
    if (!result)
        return (uint64_t)start;
    if (region->made)
        munmap(region->made, words_of(size) * 8);
unmap:
    munmap(start, size);
refused:
    free(region);
    return 0;
}

uint64_t space_reserve(struct vgpu_space *space, uint64_t size, uint64_t alignment, uint64_t hint, uint32_t kind)
{
    return reserve(space, size, alignment, hint, kind, -1, 0);
}

uint64_t space_adopt(struct vgpu_space *space, int file, uint64_t offset, uint64_t size, uint64_t alignment,
                     uint32_t kind)
{
    return reserve(space, size, alignment, 0, kind | SPACE_IN_FILE, file, offset);
}

static void unmap_region(struct region *region)
{
    munmap((void *)region->span.base, region->span.size);
    if (region->made)
        munmap(region->made, words_of(region->span.size) * 8);
    free(region);
}

void space_return(struct vgpu_space *space, uint64_t base)
{
    pthread_mutex_lock(&space->lock);
    struct region *region = take(&space->regions, base);
    pthread_mutex_unlock(&space->lock);
    if (region)
        unmap_region(region);
}

uint32_t space_map(struct vgpu_space *space, uint64_t base, uint64_t size, uint64_t backing)
{
    (void)space;
    /* With an old size of 0, mremap maps shared pages once more instead of moving them. */
    void *mapped = mremap((void *)backing, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)base);
    if (mapped == MAP_FAILED)
        return OUT_OF_MEMORY;
    madvise(mapped, size, MADV_DONTFORK);
    return OK;
}

void space_unmap(struct vgpu_space *space, uint64_t base, uint64_t size)
{
    (void)space;
    mmap((void *)base, size, PROT_NONE, MAP_PRIVATE | LAZY | MAP_FIXED, -1, 0);
    madvise((void *)base, size, MADV_DONTFORK);
}

/* How many of a region's pages lie between two addresses as a whole, from `first` on; 0 if none of them is there. */
static uint64_t made_within(const struct region *region, uint64_t base, uint64_t size, uint64_t *first)
{
    if (!region || !region->made)
        return 0;
    *first = (base - region->span.base + PAGE - 1) / PAGE;
    uint64_t end = (base + size - region->span.base) / PAGE, count = end > *first ? end - *first : 0;
    return pages(region->made, *first, count, COUNT_MADE) ? count : 0;
}

/* ---- files ---- */

/* A limit on the size of files would be a signal (SIGXFSZ) otherwise. Nobody can make the file shorter: who reads
 * beyond its end gets SIGBUS. */
int space_file(uint64_t size)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_FSIZE, &most) || size > most.rlim_cur)
        return -1;
    int low = memfd_create("vgpu-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (low < 0)
        return -1;
    int file = fcntl(low, F_DUPFD_CLOEXEC, HIGH);
    close(low);
    if (file >= 0 &&
        (ftruncate(file, (off_t)size) || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))) {
        close(file);
        file = -1;
    }
    return file;
}

static int transfer(int file, uint64_t address, uint64_t offset, int out)
{
    for (uint64_t done = 0; done < PAGE;) {
        char *at = (char *)address + done;
        ssize_t moved = out ? pwrite(file, at, PAGE - done, (off_t)(offset + done))
                            : pread(file, at, PAGE - done, (off_t)(offset + done));
        if (moved <= 0)
            return -1;
        done += (uint64_t)moved;
    }
    return 0;
}

/* Moves the pages of addresses into a file, or back; how far it has got. */
static uint64_t move(struct region *region, uint64_t base, uint64_t size, int file, int out)
{
    for (uint64_t moved = 0; moved < size; moved += STEP) {
        uint64_t part = size - moved < STEP ? size - moved : STEP, first = base + moved - region->span.base;
        if (!out && map_over(base + moved, part, MAP_PRIVATE | LAZY, -1, 0))
            return moved;
        for (uint64_t at = 0; at < part; at += PAGE)
            if (pages(region->made, (first + at) / PAGE, 1, COUNT_MADE) &&
                transfer(file, base + moved + at, moved + at, out))
                return moved;
        if (out && map_over(base + moved, part, IN_FILE, file, moved))
            return moved;
    }
    return size;
}

/* The number of ranges that begin in a part of a region and that somebody copies from or to; they get another home. */
static uint32_t rehome(struct vgpu_space *space, uint64_t base, uint64_t size, struct region *home)
{
    uint32_t users = 0;
    for (size_t place = place_of(&space->ranges, base - 1); place < space->ranges.count; place++) {
        struct range *range = (struct range *)space->ranges.spans[place];
        if (range->span.base - base >= size)
            break;
        users += range->users;
        if (home) {
            range->home = home;
            range->offset = range->span.base - base;
        }
    }
    return users;
}

uint32_t space_share(struct vgpu_space *space, uint64_t base, uint64_t size, int file)
{
    const struct timespec moment = {0, 50000};
    uint32_t result = OUT_OF_MEMORY;
    struct region *part = calloc(1, sizeof *part);
    if (!part)
        return result;
    pthread_mutex_lock(&space->lock);
    while (rehome(space, base, size, NULL)) {
        pthread_mutex_unlock(&space->lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&space->lock);
    }
    struct region *region = find(&space->regions, base);
    int is_private = region && region->made && !find(&space->shared, base);
    uint64_t moved = is_private ? move(region, base, size, file, 1) : 0;
    if (moved == size) {
        *part = (struct region){{base, size}, region->kind | SPACE_IN_FILE, NULL};
        result = insert(&space->shared, &part->span);
    }
    if (!result) {
        rehome(space, base, size, part);
        pages(region->made, (base - region->span.base) / PAGE, size / PAGE, MAKE); /* so that they are given back */
    } else if (moved) {
        move(region, base, moved, file, 0);
    }
    pthread_mutex_unlock(&space->lock);
    if (result)
        free(part);
    return result;
}

uint32_t space_is_shared(struct vgpu_space *space, uint64_t base)
{
    pthread_mutex_lock(&space->lock);
    uint32_t is_shared = find(&space->shared, base) != NULL;
    pthread_mutex_unlock(&space->lock);
    return is_shared;
}

/* Makes addresses private again, whose pages stay with who else has the file. */
static void leave_files(struct vgpu_space *space, uint64_t base, uint64_t size)
{
    size_t place = place_of(&space->shared, base + size - 1);
    for (; place && space->shared.spans[place - 1]->base >= base; place--) {
        struct span *part = space->shared.spans[place - 1];
        if (part->base + part->size <= base + size) {
            take_at(&space->shared, place - 1);
            map_over(part->base, part->size, MAP_PRIVATE | LAZY, -1, 0);
            free(part);
        }
    }
}

void space_empty(struct vgpu_space *space, uint64_t base, uint64_t size)
{
    pthread_mutex_lock(&space->lock);
    struct region *region = find(&space->regions, base);
    uint64_t first, count = made_within(region, base, size, &first);
    if (space->shared.count)
        leave_files(space, base, size);
    if (region && region->kind & SPACE_IN_FILE)
        madvise((void *)base, size, MADV_REMOVE);
    else if (region && region->kind == SPACE_MANAGED)
        madvise((void *)base, size, MADV_DONTNEED);
    if (count) {
        pages(region->made, first, count, FORGET);
        madvise((char *)region->span.base + first * PAGE, count * PAGE, MADV_DONTNEED);
    }
    pthread_mutex_unlock(&space->lock);
}

uint32_t space_try_empty(struct vgpu_space *space, uint64_t base, uint64_t size)
{
    pthread_mutex_lock(&space->lock);
    struct region *region = find(&space->regions, base);
    uint64_t first, count = made_within(region, base, size, &first);
    int is_long = count || (region && (region->kind == SPACE_MANAGED || region->kind & SPACE_IN_FILE));
    pthread_mutex_unlock(&space->lock);
    return is_long ? SPACE_TAKES_LONG : OK;
}

uint32_t space_is_mapped(uint64_t address, uint64_t size)
{
    uint64_t first = address & ~(PAGE - 1);
    return !msync((void *)first, address + size - first, MS_ASYNC);
}

/* ---- spaces ---- */

struct vgpu_space *space_new(void)
{
    struct vgpu_space *space = calloc(1, sizeof *space);
    if (space) {
        pthread_mutex_init(&space->lock, NULL);
        space->process = getpid();
    }
    return space;
}

/* In a child of fork the kernel has left regions out, and others may lie there. */
void space_delete(struct vgpu_space *space)
{
    if (!space || space->process != getpid())
        return;
    for (size_t n = 0; n < space->ranges.count; n++)
        free(space->ranges.spans[n]);
    for (size_t n = 0; n < space->regions.count; n++)
        unmap_region((struct region *)space->regions.spans[n]);
    for (size_t n = 0; n < space->shared.count; n++)
        free(space->shared.spans[n]);
    free(space->shared.spans - space->shared.before);
    free(space->ranges.spans - space->ranges.before);
    free(space->regions.spans - space->regions.before);
    free(space);
}
