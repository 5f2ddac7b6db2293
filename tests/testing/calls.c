/* Makes the calls that it reads, a line each: `program` or `library`, a function, its arguments. An argument is a
 * number, :SIZE for so many bytes of room, each "w", or =TEXT. Prints the result, then what lies in each room, in hex.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 12, ROOM = 256 };

uint64_t make_call(void *function, const uint64_t *arguments);

static char room[ARGUMENTS][ROOM];

int main(void)
{
    char line[1024];
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *library = dlopen("libcaller.so", RTLD_NOW | RTLD_LOCAL);
    uint64_t (*call_from_library)(void *, const uint64_t *);

    if (!driver || !library || !(*(void **)&call_from_library = dlsym(library, "make_call")))
        return fprintf(stderr, "%s\n", dlerror()), 2;
    while (fgets(line, sizeof line, stdin)) {
        uint64_t arguments[ARGUMENTS] = {0};
        int sizes[ARGUMENTS] = {0}, count = 0;
        const char *whose = strtok(line, " \n"), *name = strtok(NULL, " \n");
        void *function = dlsym(driver, name);
        if (!function)
            return fprintf(stderr, "%s\n", dlerror()), 2;
        for (char *word; count < ARGUMENTS && (word = strtok(NULL, " \n")); count++) {
            if (*word == ':')
                sizes[count] = atoi(word + 1), memset(room[count], 'w', ROOM);
            arguments[count] = *word == ':'   ? (uintptr_t)room[count]
                               : *word == '=' ? (uintptr_t)(word + 1)
                                              : strtoull(word, NULL, 0);
        }
        printf("%x", (unsigned)(*whose == 'l' ? call_from_library : make_call)(function, arguments));
        for (int i = 0; i < count; i++) {
            if (sizes[i])
                putchar(' ');
            for (int byte = 0; byte < sizes[i]; byte++)
                printf("%02x", (unsigned char)room[i][byte]);
        }
        puts("");
        fflush(stdout);
    }
    return 0;
}
