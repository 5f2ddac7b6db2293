/* A library whose constructor calls the driver. */
#include "driver.h"

int calling_said(void);

static int said;

int calling_said(void)
{
    return said;
}

__attribute__((constructor)) static void at_load(void)
{
    said = ask();
}
