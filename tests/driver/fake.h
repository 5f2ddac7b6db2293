/* A libcuda.so.1 without a GPU: what its files share. See README.md for what the environment tells it. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>

#include "functions.h"

#define EXPORTED            __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

struct fake_argument {
    const void *address;
    size_t size;
};

/* record.c: set where calls are recorded or fail; nothing else is read on a call's way. */
extern bool fake_watching;
/* Records a call; true where it is to return *result at once. */
bool fake_arrived(int place, const struct fake_argument *arguments, int count, const void *caller, CUresult *result);
/* Appends a line to the record, where there is one. */
void fake_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *fake_file_name(const void *address);

/* loader.c: calls back into the loader, as FAKE_CUDA_CONSTRUCTOR or FAKE_CUDA_CUINIT says. */
void fake_call_back(const char *when, const char *variable);

/* lookups.c and lacks.c, generated. */
struct fake_lookup {
    const char *symbol;
    int flags;
    int since;
    int place;
};
struct fake_result {
    unsigned number;
    const char *name;
};
extern const int fake_newest;
extern const struct fake_lookup fake_lookups[]; /* by symbol, flags, version */
extern const struct fake_result fake_results[];
extern const char *const fake_lacks[]; /* names that this variant does not export */

#endif
