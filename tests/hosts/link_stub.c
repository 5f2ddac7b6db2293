/* What direct_link and its like are linked against: names only, under the driver's SONAME, never
 * loaded. */
#define NAME(name)  \
    int name(void); \
    int name(void)  \
    {               \
        return 999; \
    }

NAME(cuInit)
NAME(cuDriverGetVersion)
NAME(cuDeviceGetCount)
NAME(cuDeviceGet)
NAME(cuDeviceGetName)
NAME(cuDeviceGetAttribute)
NAME(cuDeviceTotalMem_v2)
NAME(cuLaunchHostFunc)
NAME(cuCtxSynchronize)
