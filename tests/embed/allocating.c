/* Calls once, and goes on without a thread of its own: allocates and frees for as long as the
 * policy's answer stays 0, a call in between. Ends with what the policy said, and whether the C
 * library takes locks, which it leaves out where it knows of one thread only. */
#include "driver.h"

#include <string.h>
#include <sys/single_threaded.h>

enum { BLOCKS = 512, ROUNDS = 20000 };

int main(void)
{
    static char *blocks[BLOCKS];
    unsigned state = 1;
    int said;
    while ((said = ask()) == 0)
        for (int i = 0; i < ROUNDS; i++) {
            state = state * 1103515245 + 12345;
            size_t at = (state >> 16) % BLOCKS, size = 16 + (state >> 8) % 4000;
            free(blocks[at]);
            blocks[at] = malloc(size);
            memset(blocks[at], 1, size);
        }
    printf("main: %d, locks: %s\n", said, __libc_single_threaded ? "no" : "yes");
    return 0;
}
