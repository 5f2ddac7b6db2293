/* Changes its environment between calls, so that the array of variables moves and the old one is
 * freed and written over. */
#include "driver.h"

#include <string.h>

int main(void)
{
    int good = 0, first = ask();
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 200; i++) {
            char name[32];
            snprintf(name, sizeof name, "STORM_%d_%d", round, i);
            setenv(name, "some value that is not short", 1);
        }
        for (size_t size = 1024; size < 1 << 17; size *= 2) {
            char *memory = malloc(size);
            memset(memory, 0x5a, size);
            free(memory);
        }
        good += ask() == first;
    }
    clearenv();
    printf("main: %d, %d of 50 again, after clearenv %d\n", first, good, ask());
    return 0;
}
