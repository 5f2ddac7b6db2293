/* Wrong arguments: the driver's own error comes back and nothing is written, or read, through a
 * pointer. */
#include "ask.h"

int main(void)
{
    ask_open();
    int (*init)(unsigned) = ask_dlsym("cuInit");
    int (*get_count)(int *) = ask_dlsym("cuDeviceGetCount");
    int (*get)(int *, int) = ask_dlsym("cuDeviceGet");
    int (*get_name)(char *, int, int) = ask_dlsym("cuDeviceGetName");
    int (*get_attribute)(int *, int, int) = ask_dlsym("cuDeviceGetAttribute");
    int (*get_total)(size_t *, int) = ask_dlsym("cuDeviceTotalMem_v2");
    int value = 12345;
    char name[8] = "kept";
    size_t total = 12345;
    printf("before cuInit: %d %d\n", get_count(&value), value);
    printf("flags 7: %d\n", init(7));
    printf("cuInit: %d\n", init(0));
    value = 12345;
    printf("NULL count: %d\n", get_count(NULL));
    printf("NULL device: %d\n", get(NULL, 0));
    printf("device 99: %d %d\n", get(&value, 99), value);
    printf("device -1: %d %d\n", get(&value, -1), value);
    printf("NULL attribute: %d\n", get_attribute(NULL, ASK_COMPUTE_MAJOR, 0));
    printf("attribute 0: %d %d\n", get_attribute(&value, 0, 0), value);
    printf("attribute 9999: %d %d\n", get_attribute(&value, 9999, 0), value);
    printf("attribute of device 99: %d %d\n", get_attribute(&value, ASK_COMPUTE_MAJOR, 99), value);
    printf("name of device 99: %d %s\n", get_name(name, sizeof name, 99), name);
    printf("NULL name: %d\n", get_name(NULL, 8, 0));
    printf("name of 8 bytes: %d %.7s\n", get_name(name, sizeof name, 0), name);
    printf("NULL total: %d\n", get_total(NULL, 0));
    printf("total of device 99: %d %zu\n", get_total(&total, 99), total);
    return 0;
}
