/* The slots, routes and thunks of the library with a driver and a Python that do as they are told: what the model in
 * test_model.py drives. Includes stub.c for what is static there. */
#include "../../csrc/stub.c"

#include <stdlib.h>

#define ARGUMENTS 8

static bool present[VGPU_SLOTS], ready, settled;
static struct {
    bool answers;
    uint64_t answer;
} verdicts[VGPU_SLOTS];
static unsigned asked, reached;

/* What every function of this driver returns. */
static uint64_t mix(const uint64_t *argument)
{
    uint64_t sum = 0;
    for (int i = 0; i < ARGUMENTS; i++)
        sum = sum * 31 + argument[i];
    return sum;
}

static uint64_t driver_function(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
                                uint64_t h)
{
    __atomic_add_fetch(&reached, 1, __ATOMIC_RELAXED);
    return mix((uint64_t[]){a, b, c, d, e, f, g, h});
}

bool vgpu_driver_open(bool load)
{
    return !load;
}

int vgpu_driver_slot(const void *address)
{
    (void)address;
    return -1;
}

void *vgpu_target(uint32_t slot)
{
    return present[slot] ? (void *)driver_function : NULL;
}

void *vgpu_real(uint32_t slot)
{
    return vgpu_target(slot);
}

bool vgpu_is_virtual(void)
{
    return false;
}

int vgpu_state = VGPU_STARTING; /* so that it is this that is asked: */
int *vgpu_not_forked;

bool vgpu_start_python(void)
{
    return ready;
}

bool vgpu_python_settled(void)
{
    return settled;
}

int vgpu_ask(struct vgpu_frame *frame, uint32_t caller)
{
    (void)caller;
    __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);
    frame->result = verdicts[frame->slot].answer;
    return verdicts[frame->slot].answers;
}

/* No thread and no recording here. */
uint32_t vgpu_service_awaited;

void vgpu_service_start(void)
{
}

uint64_t (*vgpu_claim_counters(void))[3]
{
    static uint64_t counters[VGPU_SLOTS][3];
    return counters;
}

uint64_t vgpu_stamp(void)
{
    return 0;
}

bool vgpu_trace_ready(void)
{
    return false;
}

void vgpu_event(const struct vgpu_frame *frame, uint32_t caller, uint32_t verdict, uint64_t start, uint64_t end)
{
    (void)frame, (void)caller, (void)verdict, (void)start, (void)end;
}

EXPORTED void model_reset(void);
EXPORTED void model_route(uint32_t slot, int route, uint64_t constant);
EXPORTED void model_python(bool is_ready, bool is_settled);
EXPORTED void model_verdict(uint32_t slot, bool answers, uint64_t answer);
EXPORTED void model_driver(uint32_t slot, bool has);
EXPORTED uint64_t model_call(uint32_t slot, const uint64_t *argument);
EXPORTED uint64_t model_mix(const uint64_t *argument);
EXPORTED unsigned model_asked(void);
EXPORTED unsigned model_reached(void);
EXPORTED int model_slot_of(const char *name);
EXPORTED const char *model_listed_library(const char *path);

void model_reset(void)
{
    for (uint32_t slot = 0; slot < VGPU_SLOTS; slot++) {
        vgpu_route(slot, 0, 0, 0, 0);
        model_driver(slot, false);
        verdicts[slot].answers = false;
    }
    ready = settled = false;
    asked = reached = 0;
}

void model_route(uint32_t slot, int route, uint64_t constant)
{
    vgpu_route(slot, (uint32_t)route, constant, 0, 0);
}

void model_python(bool is_ready, bool is_settled)
{
    vgpu_settings();
    vgpu_settings_read.active = true; /* there is something to ask about */
    ready = is_ready;
    settled = is_settled;
}

void model_verdict(uint32_t slot, bool answers, uint64_t answer)
{
    verdicts[slot].answers = answers;
    verdicts[slot].answer = answer;
}

void model_driver(uint32_t slot, bool has)
{
    present[slot] = has;
    targets[slot] = NULL;
}

/* As a program calls: through the thunk, with two arguments on the stack. Aborts if errno is not what it was. */
uint64_t model_call(uint32_t slot, const uint64_t *argument)
{
    uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
        vgpu_thunk(slot);
    uint64_t result;

    errno = 4711;
    result = function(argument[0], argument[1], argument[2], argument[3], argument[4], argument[5], argument[6],
                      argument[7]);
    if (errno != 4711)
        abort();
    return result;
}

uint64_t model_mix(const uint64_t *argument)
{
    return mix(argument);
}

unsigned model_asked(void)
{
    return __atomic_load_n(&asked, __ATOMIC_RELAXED);
}

unsigned model_reached(void)
{
    return __atomic_load_n(&reached, __ATOMIC_RELAXED);
}

int model_slot_of(const char *name)
{
    return vgpu_slot_of(name);
}

const char *model_listed_library(const char *path)
{
    return listed_library(path);
}
