/* Fuzzes what names go through: the table of functions, against a search of the whole list, and the file names of
 * watched libraries. */
#include "model.c"

/* In place of entry.S, which would put our dlsym before the sanitizer's. */
char vgpu_thunks[VGPU_THUNK * VGPU_DRIVER_SLOTS];
void *vgpu_slots[VGPU_DRIVER_SLOTS];
uint64_t vgpu_constants[VGPU_SLOTS];

void vgpu_entry(void)
{
}

void vgpu_constant(void)
{
}

void vgpu_call(void *function, struct vgpu_frame *frame, uint32_t stack_words)
{
    (void)function, (void)frame, (void)stack_words;
}

/* But what is in the list and not ours to look up: the loader's functions, and variables. */
static int search(const char *name)
{
    for (int i = 0; i < (int)VGPU_SLOTS; i++)
        if (vgpu_results[i] != VGPU_IS_VARIABLE && strcmp(vgpu_name(i), name) == 0 && strncmp(name, "dl", 2) != 0)
            return i;
    return -1;
}

static void check_library(const char *path)
{
    const char *name = listed_library(path), *slash = strrchr(path, '/');

    if (name && name != (slash ? slash + 1 : path))
        abort();
    for (size_t i = 0; i < sizeof vgpu_libraries / sizeof *vgpu_libraries; i++)
        if (!name && strcmp(slash ? slash + 1 : path, vgpu_libraries[i]) == 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = 0;
    if (vgpu_slot_of(text) != search(text))
        abort();
    check_library(text);
    free(text);
    return 0;
}
