/* A driver whose cuInit forks and waits for the child, as the real one's does for nvidia-modprobe.
 */
#include <sys/wait.h>
#include <unistd.h>

int cuInit(unsigned flags)
{
    int status = -1;
    pid_t child = fork();
    (void)flags;
    if (child == 0)
        _exit(7);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 999;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    *value = attribute + device;
    return 0;
}
