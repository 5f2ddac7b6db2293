/* What Node loads to take a way: loading it is taking it. */
#include "ways.h"

void *napi_register_module_v1(void *env, void *exports);
int node_api_module_get_api_version_v1(void);

int node_api_module_get_api_version_v1(void)
{
    return 8;
}

void *napi_register_module_v1(void *env, void *exports)
{
    (void)env;
    ways_run(NULL);
    return exports;
}
