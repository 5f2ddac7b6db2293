/* libways.so: the ways in which programs come to call the driver, for a program in any language. */
#pragma once

#include "ask.h"

struct ways {
    ask_lookup lookup;                                       /* how the program finds the driver's functions */
    void (*close)(void);                                     /* closes what `lookup` opened */
    void (*ask)(struct ask_answers *answers, ask_lookup by); /* asks, as `ask` does; NULL: it */
};

/* Takes the way that is the program's last argument, as its first contact with the driver, and prints the answers.
 * Without `ways`: dlopen and dlsym. */
void ways_run(const struct ways *ways);

/* What libways_constructor.so calls from its constructor. */
void ways_in_constructor(void);
