/* A pool that two processes have, by the runtime's functions and a descriptor that is sent over a socket. */
#include "driver.h"
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PINNED = 1, DEVICE = 1, FILE_DESCRIPTOR = 1, TO_HOST = 2 };

struct properties {
    int kind, handles, location, id;
    void *security;
    size_t most;
    unsigned short usage;
    unsigned char reserved[54];
};

struct pointer {
    unsigned char reserved[64];
};

static void exchange(int channel, int *descriptor, struct pointer *pointer, int is_sent)
{
    char room[CMSG_SPACE(sizeof *descriptor)] = {0};
    struct iovec content = {pointer, sizeof *pointer};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *beside = CMSG_FIRSTHDR(&message);
    beside->cmsg_level = SOL_SOCKET;
    beside->cmsg_type = SCM_RIGHTS;
    beside->cmsg_len = CMSG_LEN(sizeof *descriptor);
    if (is_sent)
        memcpy(CMSG_DATA(beside), descriptor, sizeof *descriptor);
    ok((is_sent ? sendmsg(channel, &message, 0) : recvmsg(channel, &message, 0)) != sizeof *pointer);
    if (!is_sent)
        memcpy(descriptor, CMSG_DATA(beside), sizeof *descriptor);
}

static void importer(int channel)
{
    struct pointer pointer;
    void *pool, *memory;
    char bytes[8];
    int descriptor;
    exchange(channel, &descriptor, &pointer, 0);
    ok(cu("cudaMemPoolImportFromShareableHandle", (void **, void *, int, unsigned),
          (&pool, (void *)(long)descriptor, FILE_DESCRIPTOR, 0)));
    ok(cu("cudaMemPoolImportPointer", (void **, void *, struct pointer *), (&memory, pool, &pointer)));
    ok(cu("cudaMemcpy", (void *, void *, size_t, int), (bytes, (char *)memory + SIZE - 8, 8, TO_HOST)));
    printf("read %.8s\n", bytes);
    ok(cu("cudaMemset", (void *, int, size_t), (memory, 'i', SIZE)));
    ok(cu("cudaFreeAsync", (void *, void *), (memory, NULL)));
    ok(cu("cudaDeviceSynchronize", (void), ()));
    ok(cu("cudaMemPoolDestroy", (void *), (pool)));
}

int main(int count, char **words)
{
    struct properties properties = {PINNED, FILE_DESCRIPTOR, DEVICE, 0, NULL, 0, 0, {0}};
    struct pointer pointer;
    void *pool, *memory;
    int channel[2], descriptor, status;
    char bytes[8], number[16];
    if (count > 1) {
        importer(atoi(words[1]));
        return 0;
    }
    ok(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
    if (!fork()) {
        snprintf(number, sizeof number, "%d", channel[0]);
        execl("/proc/self/exe", words[0], number, NULL);
    }
    ok(cu("cudaMemPoolCreate", (void **, struct properties *), (&pool, &properties)));
    ok(cu("cudaMemPoolExportToShareableHandle", (int *, void *, int, unsigned),
          (&descriptor, pool, FILE_DESCRIPTOR, 0)));
    ok(cu("cudaMallocFromPoolAsync", (void **, size_t, void *, void *), (&memory, SIZE, pool, NULL)));
    ok(cu("cudaMemset", (void *, int, size_t), (memory, 'x', SIZE)));
    ok(cu("cudaMemPoolExportPointer", (struct pointer *, void *), (&pointer, memory)));
    exchange(channel[1], &descriptor, &pointer, 1);
    ok(wait(&status) < 0 || status);
    ok(cu("cudaMemcpy", (void *, void *, size_t, int), (bytes, (char *)memory + SIZE - 8, 8, TO_HOST)));
    printf("then %.8s\n", bytes);
    ok(cu("cudaFreeAsync", (void *, void *), (memory, NULL)));
    ok(cu("cudaMemPoolDestroy", (void *), (pool)));
    return 0;
}
