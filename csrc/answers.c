/* What Python has decided, for C to repeat: answers by scalar arguments, and `where` expressions.
 *
 * Readers take no lock. An entry counts if its generation is the present one; a writer (one at a time, others give up)
 * takes the generation away, fills the entry and gives it back, and a reader looks again after it has copied: every
 * load of an entry is an acquire and every store a release, so that neither is passed by those of the generation.
 * Forgetting everything is one more generation. */
#include <stdlib.h>
#include <string.h>

#include "stub.h"

#define ANSWERS 4096 /* 2 to the 12th */
#define PROBES  8
#define DATA    (1u << 17) /* 8-byte words */
#define SCALARS 5
#define OUTPUTS 6

struct answer {
    uint64_t whose; /* whose_of(); 0: empty, or being written */
    uint64_t scalars[SCALARS];
    uint64_t result;
    uint32_t data; /* in `data`: the outputs, each from a new word on */
    uint16_t verdict, outputs;
    struct vgpu_output output[OUTPUTS];
};

static struct answer answers[ANSWERS];
static uint64_t data[DATA];
static uint32_t data_used, data_generation, generation = 1;
static int writing;

uint8_t vgpu_scalars[VGPU_SLOTS], vgpu_narrow[VGPU_SLOTS];

/* The registers that the answer depends on, in order. Returns how many. */
static inline uint32_t scalars_of(const struct vgpu_frame *frame, uint64_t scalars[SCALARS])
{
    uint32_t which = vgpu_scalars[frame->slot], narrow = vgpu_narrow[frame->slot], count = 0;

    for (; which && count < SCALARS; which &= which - 1) {
        uint32_t place = __builtin_ctz(which);
        scalars[count++] = narrow >> place & 1 ? (uint32_t)frame->gp[place] : frame->gp[place];
    }
    return count;
}

/* Generation, slot and caller in one word, so that an entry is seen to be for a call by one comparison. */
static inline uint64_t whose_of(uint32_t in_generation, uint32_t slot, uint32_t caller)
{
    return (uint64_t)in_generation << 32 | slot << 16 | caller;
}

/* Arguments that follow one another come to lie far apart: each has a factor of its own, and the upper bits count. */
static inline uint32_t place_of(uint64_t whose, const uint64_t scalars[SCALARS], uint32_t count)
{
    static const uint64_t factors[SCALARS] = {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, 0xd6e8feb86659fd93u,
                                              0xff51afd7ed558ccdu, 0xc4ceb9fe1a85ec53u};
    uint64_t hash = (uint32_t)whose * 0x9e3779b97f4a7c15u;

    for (uint32_t i = 0; i < count; i++)
        hash += scalars[i] * factors[i];
    return hash >> 52;
}

static inline bool is_for(const struct answer *answer, const uint64_t scalars[SCALARS], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (__atomic_load_n(&answer->scalars[i], __ATOMIC_ACQUIRE) != scalars[i])
            return false;
    return true;
}

static inline bool still(const struct answer *answer, uint64_t whose)
{
    return __atomic_load_n(&answer->whose, __ATOMIC_RELAXED) == whose &&
           __atomic_load_n(&generation, __ATOMIC_RELAXED) == whose >> 32;
}

static void copy(char *to, const uint64_t *from, uint32_t size)
{
    for (; size >= 8; size -= 8, to += 8, from++) {
        uint64_t word = __atomic_load_n(from, __ATOMIC_ACQUIRE);
        memcpy(to, &word, 8);
    }
    if (size) {
        uint64_t word = __atomic_load_n(from, __ATOMIC_ACQUIRE);
        memcpy(to, &word, size);
    }
}

/* Writes the outputs; the sizes and places were seen to be this call's before the first byte is written. */
static bool write_outputs(const struct answer *answer, struct vgpu_frame *frame, uint64_t whose)
{
    struct vgpu_output output[OUTPUTS];
    uint32_t count = __atomic_load_n(&answer->outputs, __ATOMIC_ACQUIRE);
    uint32_t from = __atomic_load_n(&answer->data, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < count && i < OUTPUTS; i++) {
        output[i].place = __atomic_load_n(&answer->output[i].place, __ATOMIC_ACQUIRE);
        output[i].size = __atomic_load_n(&answer->output[i].size, __ATOMIC_ACQUIRE);
    }
    frame->result = __atomic_load_n(&answer->result, __ATOMIC_ACQUIRE);
    if (!still(answer, whose))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        char *to = (char *)frame->gp[output[i].place];
        if (!to) /* what that means is for Python to say */
            return false;
        copy(to, data + from, output[i].size);
        from += (output[i].size + 7) / 8;
    }
    return still(answer, whose);
}

/* What to do with a call (enum vgpu_verdict), or -1 where Python has to be asked: what is forgotten from now on stays
 * so. */
int vgpu_remembered(struct vgpu_frame *frame, uint32_t caller)
{
    uint32_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    uint64_t scalars[SCALARS], whose = whose_of(now, frame->slot, caller);
    uint32_t count = scalars_of(frame, scalars), place = place_of(whose, scalars, count);

    frame->generation = now;
    for (uint32_t i = 0; i < PROBES; i++) {
        const struct answer *answer = &answers[(place + i) & (ANSWERS - 1)];
        uint64_t is = __atomic_load_n(&answer->whose, __ATOMIC_ACQUIRE);
        if (is == whose && is_for(answer, scalars, count)) {
            int verdict = __atomic_load_n(&answer->verdict, __ATOMIC_ACQUIRE);
            if (verdict == VGPU_FORWARDED ? still(answer, whose) : write_outputs(answer, frame, whose))
                return verdict;
            return -1;
        }
        if (is >> 32 != now)
            return -1;
    }
    return -1;
}

void vgpu_forget(void)
{
    __atomic_add_fetch(&generation, 1, __ATOMIC_ACQ_REL);
}

/* In a child of fork, where the thread that was writing does not exist. */
void vgpu_answers_forked(void)
{
    vgpu_forget();
    writing = 0;
}

/* An entry for this call, or NULL. Where there is no room everything is forgotten: who still asks is answered anew. */
static struct answer *room(uint64_t *whose, const uint64_t scalars[SCALARS], uint32_t count, uint32_t words)
{
    uint32_t place = place_of(*whose, scalars, count), now = *whose >> 32, next = now + 1;

    if (words > DATA || now != __atomic_load_n(&generation, __ATOMIC_ACQUIRE)) /* an answer of before */
        return NULL;
    if (data_generation != now)
        data_used = 0;
    data_generation = now;
    for (uint32_t i = 0; data_used + words <= DATA && i < PROBES; i++) {
        struct answer *answer = &answers[(place + i) & (ANSWERS - 1)];
        if (answer->whose >> 32 != now)
            return answer;
        if (answer->whose == *whose && is_for(answer, scalars, count)) /* another thread was asked meanwhile */
            return NULL;
    }
    if (!__atomic_compare_exchange_n(&generation, &now, next, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return NULL;
    *whose = (uint64_t)next << 32 | (uint32_t)*whose;
    data_generation = next;
    data_used = 0;
    return &answers[place & (ANSWERS - 1)];
}

static void store(uint64_t *to, const char *from, uint32_t size)
{
    for (; size; to++) {
        uint64_t word = 0;
        uint32_t part = size < 8 ? size : 8;
        memcpy(&word, from, part);
        __atomic_store_n(to, word, __ATOMIC_RELEASE);
        from += part;
        size -= part;
    }
}

static void fill(struct answer *answer, const struct vgpu_frame *frame, const uint64_t scalars[SCALARS],
                 uint32_t how_many, uint32_t verdict, const struct vgpu_output *outputs, uint32_t count)
{
    for (uint32_t i = 0; i < how_many; i++)
        __atomic_store_n(&answer->scalars[i], scalars[i], __ATOMIC_RELEASE);
    __atomic_store_n(&answer->result, frame->result, __ATOMIC_RELEASE);
    __atomic_store_n(&answer->verdict, verdict, __ATOMIC_RELEASE);
    __atomic_store_n(&answer->outputs, count, __ATOMIC_RELEASE);
    __atomic_store_n(&answer->data, data_used, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < count; i++) {
        __atomic_store_n(&answer->output[i].place, outputs[i].place, __ATOMIC_RELEASE);
        __atomic_store_n(&answer->output[i].size, outputs[i].size, __ATOMIC_RELEASE);
        store(data + data_used, (const char *)frame->gp[outputs[i].place], outputs[i].size);
        data_used += (outputs[i].size + 7) / 8;
    }
}

void vgpu_remember(const struct vgpu_frame *frame, uint32_t caller, uint32_t asked_in, uint32_t verdict,
                   const struct vgpu_output *outputs, uint32_t count)
{
    uint64_t scalars[SCALARS], whose = whose_of(asked_in, frame->slot, caller);
    uint32_t words = 0, how_many = scalars_of(frame, scalars);
    struct answer *answer;

    for (uint32_t i = 0; i < count; i++)
        words += (outputs[i].size + 7) / 8;
    if (count > OUTPUTS || __atomic_exchange_n(&writing, 1, __ATOMIC_ACQUIRE))
        return;
    answer = room(&whose, scalars, how_many, words);
    if (answer) {
        __atomic_store_n(&answer->whose, 0, __ATOMIC_RELAXED);
        fill(answer, frame, scalars, how_many, verdict, outputs, count);
        __atomic_store_n(&answer->whose, whose, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&writing, 0, __ATOMIC_RELEASE);
}

/* ---- where ---- */

#define DEPTH 16 /* as in predicates.py, which refuses what is deeper or wider than this */

struct filter {
    uint32_t count;
    struct vgpu_operation steps[];
};

static const struct filter *filters[VGPU_SLOTS];

enum {
    CONSTANT,
    REGISTER,
    STACK,
    NOT,
    NEGATE,
    INVERT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    LEFT,
    RIGHT,
    AND,
    OR,
    XOR,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    EQUAL,
    NOT_EQUAL,
    BOTH,
    EITHER
};

static __int128 operand(const struct vgpu_frame *frame, const struct vgpu_operation *step)
{
    uint64_t word;
    int unused = 64 - 8 * abs(step->size);

    if (step->operation == CONSTANT)
        return step->size ? (__int128)(uint64_t)step->value : step->value;
    word = step->operation == STACK ? frame->stack[step->value] : frame->gp[step->value];
    word <<= unused;
    return step->size < 0 ? (__int128)((int64_t)word >> unused) : (__int128)(word >> unused);
}

static __int128 combined(int operation, __int128 a, __int128 b)
{
    switch (operation) {
    case ADD:
        return a + b;
    case SUBTRACT:
        return a - b;
    case MULTIPLY:
        return a * b;
    case LEFT:
        return a * ((__int128)1 << b);
    case RIGHT:
        return a >> b;
    case AND:
        return a & b;
    case OR:
        return a | b;
    case XOR:
        return a ^ b;
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case GREATER:
        return a > b;
    case GREATER_EQUAL:
        return a >= b;
    case EQUAL:
        return a == b;
    case NOT_EQUAL:
        return a != b;
    case BOTH:
        return a ? b : a;
    default:
        return a ? a : b;
    }
}

/* Whether a call is to be asked about. */
bool vgpu_passes(const struct vgpu_frame *frame)
{
    const struct filter *filter = __atomic_load_n(&filters[frame->slot], __ATOMIC_ACQUIRE);
    __int128 values[DEPTH + 1];
    int top = -1;

    if (!filter)
        return true;
    for (uint32_t i = 0; i < filter->count; i++) {
        const struct vgpu_operation *step = &filter->steps[i];
        if (step->operation <= STACK)
            values[++top] = operand(frame, step);
        else if (step->operation == NOT)
            values[top] = !values[top];
        else if (step->operation == NEGATE)
            values[top] = -values[top];
        else if (step->operation == INVERT)
            values[top] = ~values[top];
        else
            top--, values[top] = combined(step->operation, values[top], values[top + 1]);
    }
    return values[0] != 0;
}

/* A filter that is replaced stays, for threads that are reading it: a few hundred bytes each time a policy changes. */
void vgpu_filter(uint32_t slot, const struct vgpu_operation *steps, uint32_t count)
{
    struct filter *filter = count ? malloc(sizeof *filter + count * sizeof *steps) : NULL;

    if (filter) {
        filter->count = count;
        memcpy(filter->steps, steps, count * sizeof *steps);
    }
    __atomic_store_n(&filters[slot], filter, __ATOMIC_RELEASE);
}
