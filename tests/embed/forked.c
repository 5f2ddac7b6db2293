/* Forks once. Prints how many threads it has before, and in which of child and parent there is how many after. */
#include "driver.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int threads(void)
{
    char line[256];
    int count = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof line, status) && sscanf(line, "Threads: %d", &count) != 1)
        ;
    fclose(status);
    return count;
}

int main(void)
{
    int answer = ask(), before = threads();
    pid_t child = fork();

    if (child == 0) {
        int first = threads();
        answer = ask();
        printf("child: %d, then %d, asked %d\n", first, threads(), answer);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("parent: %d, then %d, asked %d\n", before, threads(), answer);
    return 0;
}
