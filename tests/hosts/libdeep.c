/* Linked to the driver; opened with RTLD_DEEPBIND it prefers its own dependencies to whatever was
 * preloaded. */
#include "linked.h"

void deep_ask(void);

void deep_ask(void)
{
    ask_print("a library's links", linked_lookup);
}
