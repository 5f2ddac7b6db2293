/* Opened by libways.so: its constructor calls the driver as the program does. */
#include "ways.h"

__attribute__((constructor)) static void at_load(void)
{
    ways_in_constructor();
}
