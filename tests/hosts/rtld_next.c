/* dlsym(RTLD_NEXT, …) from the program, and from a library that defines the same names. */
#include "linked.h"

#include <unistd.h>

int next_driver_version(int *version);
const char *next_twice(void);

int main(void)
{
    printf("the program's getppid: %d\n", (int)getppid());
    printf("the library's RTLD_NEXT getppid: %s\n", next_twice());
    int version = -1;
    int result = next_driver_version(&version);
    printf("the library's RTLD_NEXT cuDriverGetVersion = %d %d\n", result, version);
    void *first = dlsym(RTLD_NEXT, "cuInit");
    void *second = dlsym(RTLD_NEXT, "cuInit");
    printf("the program's RTLD_NEXT cuInit: %s, %s\n", first ? "found" : "not found",
           first == second ? "twice the same" : "another at the second time");
    dlerror();
    void *absent = dlsym(RTLD_NEXT, "cuNoSuchFunction");
    printf("RTLD_NEXT cuNoSuchFunction: %s, %s\n", absent ? "found" : "not found",
           dlerror() ? "dlerror says so" : "dlerror silent");
    ask_print("linked", linked_lookup);
    return 0;
}
