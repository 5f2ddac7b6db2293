/* Log lines for systemd's journal, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram a line. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "stub.h"

static const struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
static const struct timeval patience = {1, 0}; /* for a journal that does not read its queue */
static unsigned lost;                          /* lines that it did not take since it last took one */

static bool send_line(int priority, unsigned before, const char *line, size_t length)
{
    char head[160];
    int size = snprintf(head, sizeof head, "SYSLOG_IDENTIFIER=libvgpu-cuda\nPRIORITY=%d\n", priority);
    uint64_t text = length - 1; /* its size stands before it, so that a line feed in it begins no field */
    struct iovec parts[] = {{head, 0}, {(char *)"MESSAGE\n", 8}, {&text, sizeof text}, {(char *)line, length}};
    struct msghdr message = {(void *)&journal, sizeof journal, parts, 4, NULL, 0, 0};
    int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent;

    if (file < 0)
        return false;
    if (before)
        size += snprintf(head + size, sizeof head - size, "VGPU_LOST=%u\n", before);
    parts[0].iov_len = size;
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    /* After a first line that it kept waiting for, the program does not wait again until one gets through. */
    sent = sendmsg(file, &message, MSG_NOSIGNAL | (before ? MSG_DONTWAIT : 0)) >= 0;
    close(file);
    return sent;
}

void vgpu_journal(enum vgpu_level level, const char *line, size_t length)
{
    static const int priorities[] = {[VGPU_LOG_ERROR] = 3, [VGPU_LOG_INFO] = 6, [VGPU_LOG_DEBUG] = 7};
    unsigned before = __atomic_exchange_n(&lost, 0, __ATOMIC_RELAXED);

    if (!send_line(priorities[level], before, line, length))
        __atomic_add_fetch(&lost, before + 1, __ATOMIC_RELAXED);
}
