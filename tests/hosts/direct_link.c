/* Linked to libcuda.so.1: without a driver it does not even start. */
#include "linked.h"

int main(void)
{
    ask_print("linked", linked_lookup);
    return 0;
}
