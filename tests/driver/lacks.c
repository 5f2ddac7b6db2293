/* What a variant of the driver does not export; the Makefile names it. */
#include "fake.h"

#ifndef LACKING
#define LACKING
#endif
const char *const fake_lacks[] = {LACKING NULL};
