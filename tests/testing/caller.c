/* A call of any function with whole-number arguments, as code of the file that this is compiled into. */
#include <stdint.h>

typedef uint64_t any_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                              uint64_t, uint64_t, uint64_t);

uint64_t make_call(any_function *function, const uint64_t *a)
{
    return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}
