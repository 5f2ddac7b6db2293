/* Every descriptor is in use at the first call, and none some time later. */
#include "driver.h"

#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
    struct rlimit few = {0, 0}, before;
    getrlimit(RLIMIT_NOFILE, &before);
    few.rlim_cur = 3;
    few.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    printf("none left: %d\n", ask());
    setrlimit(RLIMIT_NOFILE, &before);
    int said = -1;
    for (int i = 0; i < 100 && (said = ask()) != 4242; i++)
        usleep(100000);
    printf("released: %d\n", said);
    return 0;
}
