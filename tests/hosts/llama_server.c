/* Stands in for ollama's llama-server in its discovery: loads the real backends that lie beside it
 * and the one that GGML_BACKEND_PATH names, then either lists the devices on stdout
 * (--list-devices) or says "system_info:" on stderr and waits, without a model, to be killed. */
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ggml.h"

static void print_system_info(const struct ggml *ggml)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    fprintf(stderr, "system_info: n_threads = %ld (n_threads_batch = %ld) / %ld | ", processors, processors,
            processors);
    for (size_t i = 0; i < ggml->reg_count(); i++) {
        void *backend = ggml->reg_get(i);
        struct ggml_feature *(*get_features)(void *);
        *(void **)&get_features = ggml->reg_get_proc_address(backend, "ggml_backend_get_features");
        if (!get_features)
            continue;
        fprintf(stderr, "%s : ", ggml->reg_name(backend));
        for (struct ggml_feature *feature = get_features(backend); feature->name; feature++)
            fprintf(stderr, "%s = %s | ", feature->name, feature->value);
    }
    fprintf(stderr, "\n");
}

int main(int argc, char **argv)
{
    bool list = false;
    for (int i = 1; i < argc; i++)
        list |= strcmp(argv[i], "--list-devices") == 0;

    char program[PATH_MAX] = "";
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) {
        perror("/proc/self/exe");
        return 2;
    }
    const char *folder = dirname(program);
    struct ggml ggml = ggml_load(folder);
    const char *backend = getenv("GGML_BACKEND_PATH");
    if (backend)
        ggml.backend_load(backend);
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/libggml-cpu-x64.so", folder);
    ggml.backend_load(path);

    if (list) {
        printf("Available devices:\n");
        ggml_list_devices(&ggml);
        return 0;
    }
    print_system_info(&ggml);
    alarm(120); /* should nobody kill it */
    for (;;)
        pause();
}
