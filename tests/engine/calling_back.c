/* A driver that calls host functions on the thread that asks for it, before it returns, and that sets errno. */
#include <errno.h>
#include <stddef.h>

int cuLaunchHostFunc(void *stream, void (*function)(void *), void *data)
{
    (void)stream;
    function(data);
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    if (attribute == 2)
        errno = 732;
    *value = attribute + device;
    return 0;
}
