/* Random operations of csrc/memory.c against a model of what each range holds. The argument is the seed. */
#include "../../csrc/memory.c"

#include <stdio.h>

#define MIB    (1ull << 20)
#define MAPPED (2 * MIB)
enum { RANGES = 64, PLACES = 16, PHYSICAL = 4, PARTS = 32, STEPS = 3000, SAMPLE = 5000, ALL = 3 };

static struct {
    uint64_t base, size;
    unsigned char *bytes;
} ranges[RANGES];

static int mapped[PLACES]; /* which part of the physical memory is at a place; -1: none */
static unsigned char physical[PHYSICAL * MAPPED];
static uint64_t twins[PARTS]; /* where a part of the arena is mapped a second time that has been shared */
static struct vgpu_space *space;
static uint64_t arena, home, places;
static const uint64_t arena_size = 64 * MIB;

static uint64_t below(uint64_t limit)
{
    static uint64_t state = 0x9E3779B97F4A7C15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static void expect(int holds, const char *what)
{
    if (!holds) {
        printf("%s\n", what);
        exit(1);
    }
}

static int is_free(uint64_t from, uint64_t to)
{
    for (int n = 0; n < RANGES; n++)
        if (ranges[n].base && ranges[n].base < to && from < ranges[n].base + ranges[n].size)
            return 0;
    return 1;
}

static void allocate(int n)
{
    uint64_t size = 1 + below(below(2) ? 3000 : 300000), base = arena + 512 * below((arena_size - size) / 512);
    if (ranges[n].base)
        return;
    int fits = is_free(base, base + size);
    expect(space_insert(space, base, size, base, ALL) == (fits ? OK : INVALID_VALUE), "insert");
    if (!fits)
        return;
    ranges[n].base = base;
    ranges[n].size = size;
    ranges[n].bytes = malloc(size);
    expect(space_copy(space, (uint64_t)ranges[n].bytes, base, size, SPACE_TARGET_ANY) == OK, "read what is new");
}

static void release(int n)
{
    uint64_t base = ranges[n].base, size = ranges[n].size;
    if (!base)
        return;
    expect(space_remove(space, base) == OK, "remove");
    expect(space_remove(space, base) == INVALID_VALUE, "remove again");
    ranges[n].base = 0;
    free(ranges[n].bytes);
    if (is_free(base & ~(PAGE - 1), (base + size + PAGE - 1) & ~(PAGE - 1)))
        space_empty(space, base, size);
}

static void fill(int n)
{
    if (!ranges[n].base)
        return;
    uint64_t offset = below(ranges[n].size), count = 1 + below(ranges[n].size);
    unsigned char value = (unsigned char)below(256);
    int fits = offset + count <= ranges[n].size;
    uint32_t result = space_fill(space, ranges[n].base + offset, 0, value, 1, count, 1);
    expect(result == (fits ? OK : INVALID_VALUE), "fill");
    if (fits)
        memset(ranges[n].bytes + offset, value, count);
}

static void copy(int n, int m)
{
    if (!ranges[n].base || !ranges[m].base || n == m)
        return;
    uint64_t count = 1 + below(ranges[n].size + 9);
    int fits = count <= ranges[n].size && count <= ranges[m].size;
    expect(space_copy(space, ranges[n].base, ranges[m].base, count, 0) == (fits ? OK : INVALID_VALUE), "copy");
    if (fits)
        memmove(ranges[n].bytes, ranges[m].bytes, count);
}

static void compare(int n)
{
    if (!ranges[n].base)
        return;
    unsigned char *seen = malloc(ranges[n].size);
    expect(space_copy(space, (uint64_t)seen, ranges[n].base, ranges[n].size, SPACE_TARGET_ANY) == OK, "read");
    expect(!memcmp(seen, ranges[n].bytes, ranges[n].size), "what is read");
    free(seen);
}

static void map(int n)
{
    uint64_t base = places + (unsigned)n * MAPPED;
    if (mapped[n] >= 0) {
        expect(space_remove(space, base) == OK, "remove a mapping");
        space_unmap(space, base, MAPPED);
        mapped[n] = -1;
    } else {
        mapped[n] = (int)below(PHYSICAL);
        uint64_t backing = home + (unsigned)mapped[n] * MAPPED;
        expect(space_insert(space, base, MAPPED, backing, ALL) == OK, "insert a mapping");
        expect(space_map(space, base, MAPPED, backing) == OK, "map");
    }
}

static void fill_mapped(int n)
{
    uint64_t begin = (unsigned)n * MAPPED + below(MAPPED), end = begin + 1 + below(2 * MAPPED);
    unsigned char value = (unsigned char)below(256);
    int fits = end <= PLACES * MAPPED;
    for (uint64_t place = begin / MAPPED; fits && place <= (end - 1) / MAPPED; place++)
        fits = mapped[place] >= 0;
    uint32_t result = space_fill(space, places + begin, 0, value, 1, end - begin, 1);
    expect(result == (fits ? OK : INVALID_VALUE), "fill mappings");
    for (uint64_t at = begin; fits && at < end; at++)
        physical[(unsigned)mapped[at / MAPPED] * MAPPED + at % MAPPED] = value;
}

static void compare_mapped(int n)
{
    unsigned char seen[SAMPLE];
    uint64_t offset = below(MAPPED - SAMPLE), base = places + (unsigned)n * MAPPED + offset;
    uint32_t result = space_copy(space, (uint64_t)seen, base, SAMPLE, SPACE_TARGET_ANY);
    expect(result == (mapped[n] >= 0 ? OK : INVALID_VALUE), "read a mapping");
    if (mapped[n] >= 0)
        expect(!memcmp(seen, physical + (unsigned)mapped[n] * MAPPED + offset, SAMPLE), "what a mapping has");
}

/* Whether a range begins on one side of an address and ends on the other. */
static int is_crossed(uint64_t border)
{
    return !is_free(border - 1, border) && !is_free(border, border + 1) &&
           space_find(space, border - 1, NULL) == space_find(space, border, NULL);
}

static void share(int n)
{
    uint64_t base = arena + (unsigned)n * MAPPED;
    if (space_is_shared(space, base) || is_crossed(base) || is_crossed(base + MAPPED))
        return;
    int file = space_file(MAPPED);
    expect(file >= 100, "a file");
    expect(space_share(space, base, MAPPED, file) == OK, "share");
    if (twins[n])
        space_return(space, twins[n]);
    twins[n] = space_adopt(space, file, 0, MAPPED, 2 * MIB, SPACE_PRIVATE);
    expect(twins[n] && twins[n] % (2 * MIB) == 0, "adopt");
    close(file);
}

static void compare_shared(int n)
{
    uint64_t base = arena + (unsigned)n * MAPPED, offset = below(MAPPED - SAMPLE);
    if (space_is_shared(space, base))
        expect(!memcmp((void *)(base + offset), (void *)(twins[n] + offset), SAMPLE), "what others have");
}

/* Pages of a file are granted once, whoever makes them. */
static void grants(void)
{
    int file = space_file(MAPPED);
    uint64_t base = space_adopt(space, file, 0, MAPPED, 2 * MIB, SPACE_PRIVATE);
    uint64_t other = space_adopt(space, file, 0, MAPPED, 2 * MIB, SPACE_PRIVATE), missing = MAPPED - 3 * PAGE;
    expect(base && other && space_insert(space, base, MAPPED, base, ALL) == OK, "a file twice");
    expect(space_missing(space, base, MAPPED, SPACE_WRITE) == MAPPED, "nothing is there");
    memset((void *)other, 1, 3 * PAGE);
    expect(space_missing(space, base, MAPPED, SPACE_WRITE) == missing, "what another process has made is there");
    expect(space_missing(space, base, MAPPED, SPACE_READ) == missing, "to read makes pages");
    space_grant(space, missing - 1);
    expect(space_fill(space, base, 0, 2, 1, MAPPED, 1) == SPACE_WANTS_ROOM, "no grant");
    space_grant(space, missing);
    expect(space_fill(space, base, 0, 2, 1, MAPPED, 1) == OK, "a grant");
    expect(!space_missing(space, base, MAPPED, SPACE_WRITE), "all is there");
    expect(space_remove(space, base) == OK, "remove");
    space_return(space, base);
    space_return(space, other);
    close(file);
}

int main(int count, char **words)
{
    for (uint64_t seed = count > 1 ? strtoull(words[1], NULL, 10) : 1; seed--;)
        below(1);
    space = space_new();
    arena = space_reserve(space, arena_size, 2 * MIB, 0, SPACE_PRIVATE);
    home = space_reserve(space, sizeof physical, 0, 0, SPACE_SHARED);
    places = space_reserve(space, PLACES * MAPPED, 2 * MIB, 0, SPACE_ADDRESSES);
    expect(arena && home && places, "reserve");
    space_grant(space, 1ull << 40);
    memset(mapped, -1, sizeof mapped);
    for (int step = 0; step < STEPS; step++) {
        int n = (int)below(RANGES), place = n % PLACES;
        switch (below(10)) {
        case 0:
            allocate(n);
            break;
        case 1:
            release(n);
            break;
        case 2:
            fill(n);
            break;
        case 3:
            copy(n, (int)below(RANGES));
            break;
        case 4:
            compare(n);
            break;
        case 5:
            map(place);
            break;
        case 6:
            fill_mapped(place);
            break;
        case 7:
            share(n % PARTS);
            break;
        case 8:
            compare_shared(n % PARTS);
            break;
        default:
            compare_mapped(place);
        }
    }
    grants();
    expect(!space_pending(space), "nothing is pending");
    for (int n = 0; n < RANGES; n++)
        release(n);
    space_delete(space);
    puts("as the model has it");
    return 0;
}
