/* Two processes with memory and an event in common, by the runtime's functions. The second is started by exec. */
#include "driver.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 8 << 20, LAZY_PEER_ACCESS = 1, INTERPROCESS = 2 | 4, TO_HOST = 2 };

struct handle {
    char reserved[64];
};

struct message {
    struct handle memory, event;
};

static void importer(int from)
{
    struct message message;
    void *memory, *event;
    char bytes[8];
    ok(read(from, &message, sizeof message) != sizeof message);
    ok(cu("cudaIpcOpenMemHandle", (void **, struct handle, unsigned), (&memory, message.memory, LAZY_PEER_ACCESS)));
    ok(cu("cudaIpcOpenEventHandle", (void **, struct handle), (&event, message.event)));
    ok(cu("cudaEventSynchronize", (void *), (event)));
    ok(cu("cudaMemcpy", (void *, void *, size_t, int), (bytes, (char *)memory + SIZE - 8, 8, TO_HOST)));
    printf("read %.8s\n", bytes);
    ok(cu("cudaMemset", (void *, int, size_t), (memory, 'i', SIZE)));
    ok(cu("cudaIpcCloseMemHandle", (void *), (memory)));
    printf("close again %d\n", cu("cudaIpcCloseMemHandle", (void *), (memory)));
}

int main(int count, char **words)
{
    struct message message;
    void *memory, *event;
    int channel[2], status;
    char bytes[8], number[16];
    if (count > 1) {
        importer(atoi(words[1]));
        return 0;
    }
    ok(pipe(channel));
    if (!fork()) {
        snprintf(number, sizeof number, "%d", channel[0]);
        execl("/proc/self/exe", words[0], number, NULL);
    }
    ok(cu("cudaMalloc", (void **, size_t), (&memory, SIZE)));
    ok(cu("cudaMemset", (void *, int, size_t), (memory, 'x', SIZE)));
    ok(cu("cudaEventCreateWithFlags", (void **, unsigned), (&event, INTERPROCESS)));
    ok(cu("cudaEventRecord", (void *, void *), (event, NULL)));
    ok(cu("cudaIpcGetMemHandle", (struct handle *, void *), (&message.memory, memory)));
    ok(cu("cudaIpcGetEventHandle", (struct handle *, void *), (&message.event, event)));
    ok(write(channel[1], &message, sizeof message) != sizeof message);
    ok(wait(&status) < 0 || status);
    ok(cu("cudaMemcpy", (void *, void *, size_t, int), (bytes, (char *)memory + SIZE - 8, 8, TO_HOST)));
    printf("then %.8s\n", bytes);
    ok(cu("cudaFree", (void *), (memory)));
    return 0;
}
