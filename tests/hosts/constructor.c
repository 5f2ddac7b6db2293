/* First entry from a library's constructor: of a library linked to the program, or, with "opened",
 * of one that it opens (the same, by another name). */
#include "sibling.h"

const char *constructor_said(void);

int main(int argc, char **argv)
{
    printf("a linked library's constructor\n%s", constructor_said());
    if (argc > 1 && strcmp(argv[1], "opened") == 0) {
        char path[PATH_MAX];
        void *library = dlopen(sibling(path, "libopened.so"), RTLD_NOW | RTLD_LOCAL);
        const char *(*opened_said)(void) = library ? dlsym(library, "constructor_said") : NULL;
        printf("an opened library's constructor\n%s", opened_said ? opened_said() : dlerror());
    }
    ask_open();
    ask_print("main", ask_dlsym);
    return 0;
}
