/* cudnnCreate, curl_easy_init and their like, linked and looked up: each must stay its own
 * library's. */
#include "ask.h"

int cudnnCreate(void);
int curl_easy_init(void);

int main(void)
{
    static const char *const names[] = {"cudnnCreate", "cublasFoo", "curl_easy_init", "cufftPlan1d",   "cuFoo",
                                        "cu",          "cuda",      "cuInitialize",   "culaInitialize"};
    printf("linked: %d %d\n", cudnnCreate(), curl_easy_init());
    void *library = dlopen("libother.so", RTLD_NOW | RTLD_NOLOAD);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int (*by_handle)(void) = dlsym(library, names[i]);
        int (*by_default)(void) = dlsym(RTLD_DEFAULT, names[i]);
        int (*next)(void) = dlsym(RTLD_NEXT, names[i]);
        printf("%s: %d %d %d\n", names[i], by_handle ? by_handle() : -1, by_default ? by_default() : -1,
               next ? next() : -1);
    }
    ask_open();
    dlerror();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        printf("%s in the driver: %s\n", names[i], dlsym(ask_driver, names[i]) ? "found" : "not found");
    ask_print("dlsym", ask_dlsym);
    return 0;
}
