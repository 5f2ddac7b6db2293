/* ggml_devices FOLDER: loads the real libggml-cuda.so of a folder and lists the devices that it
 * finds. Exit status: 0 if there is one, 1 if there is none, 2 if the folder is no good. */
#include "ggml.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: ggml_devices FOLDER-WITH-libggml-cuda.so\n");
        return 2;
    }
    struct ggml ggml = ggml_load(argv[1]);
    char path[4096];
    snprintf(path, sizeof path, "%s/libggml-cuda.so", argv[1]);
    if (!ggml.backend_load(path)) {
        fprintf(stderr, "ggml_devices: libggml-cuda.so does not load, so no GPU is usable\n");
        return 1;
    }
    return ggml_list_devices(&ggml) > 0 ? 0 : 1;
}
