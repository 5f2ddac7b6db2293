/* The first call of all comes from a linked library's constructor, before main. */
#include "driver.h"

int calling_said(void);

int main(void)
{
    printf("constructor: %d\nmain: %d\n", calling_said(), ask());
    return 0;
}
