/* A name of the driver's list, in a library that is not the driver. */
int cuInit(unsigned flags);

int cuInit(unsigned flags)
{
    return flags ? -1 : 4711;
}
