/* One call of each function of the list, with values that no other parameter of any function has. */
#ifndef CALLER_H
#define CALLER_H

#include "types.h"

struct caller {
    const char *name;
    void *linked;                     /* the function as the program is linked to it */
    CUresult (*call)(void *function); /* calls what it is given with the values of this function */
    const char *symbol;               /* what cuGetProcAddress knows it as, or NULL */
    int version, flags;
};
extern const struct caller callers[];
extern const uintptr_t caller_arena; /* where pointers among the values point to */
extern const size_t caller_arena_size;

#endif
