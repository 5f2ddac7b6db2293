/* First entry from the constructor of a library that another thread opens, while the main thread
 * calls as well. */
#include "sibling.h"

#include <pthread.h>

static const char *said = "not opened\n";

static void *open_it(void *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *(*constructor_said)(void) = library ? dlsym(library, "constructor_said") : NULL;
    said = constructor_said ? constructor_said() : "cannot be opened\n";
    return NULL;
}

int main(void)
{
    char path[PATH_MAX];
    pthread_t thread;
    struct ask_answers answers;
    ask_open();
    pthread_create(&thread, NULL, open_it, (void *)sibling(path, "libopened.so"));
    ask(&answers, ask_dlsym);
    pthread_join(thread, NULL);
    printf("the constructor\n%smain\n%s", said, answers.text);
    return 0;
}
