/* Needs much of what the loader has put aside for thread-local variables of libraries that are
 * opened later. */
#include <string.h>

void use(void);

static __thread char variables[1600] __attribute__((tls_model("initial-exec")));

void use(void)
{
    memset(variables, 1, sizeof variables);
}
