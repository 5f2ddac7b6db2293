/* The service thread: of a process whose policy comes from a file, and of no other. It looks whether the file has
 * changed, gives recorded calls to observers, sees hooks that take too long, and answers `vgpu-embed set` and `command`
 * on a socket that only this user and root can open. It enters Python only where there is something to do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

#define FILES       32
#define LIBRARIES   100 /* that a policy may want to load */
#define MESSAGE     65536
#define CLIENTS     128 /* that may wait in the socket's queue */
#define FIRST_MS    10
#define LOOK_MS     250   /* how often files are looked at */
#define PATIENCE_MS 2000  /* for a client that does not go on */
#define EXIT_MS     1000  /* how long the end of the program, or a fork, waits for what the thread is doing */
#define LOADING_MS  10000 /* and a fork for policies that are loaded again */

struct watched {
    char *path;
    uint64_t known[4], seen[4]; /* device, inode, size, ns of last change */
};

static struct watched files[FILES];
static int file_count;
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER; /* of `files` */
static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;    /* the thread is in Python */
static uint32_t interval;                                   /* ms; 0: no thread is wanted */
static uint32_t observes;
static pthread_mutex_t living = PTHREAD_MUTEX_INITIALIZER; /* held to make the thread, or to end it for a fork */
static bool running;
static pthread_t service;
enum { GOES_ON, TO_END, ENDS };
static uint32_t life;    /* of the thread, one of these; a futex */
static bool loading;     /* it loads policies again */
static uint64_t looked;  /* ns; when it has last looked at files */
static uint32_t rounds;  /* how often it has come round */
static uint32_t late_in; /* the round that a fork has waited for in vain */
uint32_t vgpu_service_awaited;
static int listening = -1;
static struct vgpu_file socket_is;

/* Past interposers of poll (libfaketime), which the program's end takes down while this thread still waits. */
static bool wait_for(struct pollfd *one, uint32_t milliseconds)
{
    return syscall(SYS_poll, one, 1, milliseconds) > 0;
}

static void sleep_for(uint32_t milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    syscall(SYS_futex, &life, FUTEX_WAIT_PRIVATE, GOES_ON, &time, NULL, 0);
}

/* ---- files ---- */

static bool identify(const char *path, uint64_t identity[4])
{
    struct stat is;

    if (vgpu_stat(path, &is) != 0)
        return false;
    identity[0] = is.st_dev;
    identity[1] = is.st_ino;
    identity[2] = is.st_size;
    identity[3] = is.st_mtim.tv_sec * 1000000000ull + is.st_mtim.tv_nsec;
    return true;
}

void vgpu_watch(const char *path, const uint64_t *identity)
{
    pthread_mutex_lock(&listing);
    if (!path) {
        while (file_count > 0)
            free(files[--file_count].path);
    } else if (file_count < FILES && (files[file_count].path = strdup(path))) {
        memcpy(files[file_count].known, identity, sizeof files->known);
        memcpy(files[file_count].seen, identity, sizeof files->seen);
        file_count++;
    }
    pthread_mutex_unlock(&listing);
}

/* Whether a file is another one than the one that was loaded, and has been for two looks: who writes it has finished.
 */
static bool changed(void)
{
    uint64_t now[4];
    bool is = false;

    pthread_mutex_lock(&listing);
    for (int i = 0; i < file_count; i++) {
        struct watched *file = &files[i];
        if (!identify(file->path, now)) /* being replaced */
            continue;
        if (memcmp(now, file->known, sizeof now) != 0 && memcmp(now, file->seen, sizeof now) == 0) {
            memcpy(file->known, now, sizeof now);
            is = true;
        }
        memcpy(file->seen, now, sizeof now);
    }
    pthread_mutex_unlock(&listing);
    return is;
}

/* ---- socket ---- */

static bool name_socket(struct sockaddr_un *address)
{
    const char *path = vgpu_process_path(), *dot = path ? strrchr(path, '.') : NULL;

    address->sun_family = AF_UNIX;
    return dot && snprintf(address->sun_path, sizeof address->sun_path, "%.*s.sock", (int)(dot - path), path) <
                      (int)sizeof address->sun_path;
}

/* In a folder of this user's that nobody else may enter, and nobody else may connect. */
static void open_socket(void)
{
    struct sockaddr_un address;
    int made;

    if (!name_socket(&address) || (made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return;
    made = vgpu_out_of_the_way(made);
    fchmod(made, 0600);       /* what bind makes the file with */
    unlink(address.sun_path); /* our own, where the program has closed the descriptor */
    if (bind(made, (struct sockaddr *)&address, sizeof address) == 0 && chmod(address.sun_path, 0600) == 0 &&
        listen(made, CLIENTS) == 0 && vgpu_identify(made, &socket_is))
        listening = made;
    else
        close(made);
}

static bool is_allowed(int client)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

/* Waits until the deadline at most. */
static bool ready_by(int client, short events, uint64_t deadline)
{
    struct pollfd one = {.fd = client, .events = events};
    uint64_t now = vgpu_now();
    return now < deadline && wait_for(&one, (deadline - now) / 1000000 + 1);
}

/* One line; false where it does not come. */
static bool read_line(int client, char *line, size_t size)
{
    uint64_t deadline = vgpu_now() + PATIENCE_MS * 1000000ull;
    size_t used = 0;

    while (used < size - 1 && !memchr(line, '\n', used)) {
        ssize_t got = ready_by(client, POLLIN, deadline) ? recv(client, line + used, size - 1 - used, 0) : 0;
        if (got <= 0)
            break;
        used += got;
    }
    line[used] = 0;
    return memchr(line, '\n', used) && strlen(line) == used;
}

static void reply_to(int client, const char *text)
{
    uint64_t deadline = vgpu_now() + PATIENCE_MS * 1000000ull;
    size_t size = strlen(text);

    while (size > 0) {
        ssize_t sent = ready_by(client, POLLOUT, deadline) ? send(client, text, size, MSG_NOSIGNAL) : -1;
        if (sent <= 0)
            return;
        text += sent;
        size -= sent;
    }
}

/* ---- Python ---- */

static void in_python(int (*function)(void *), void *argument)
{
    pthread_mutex_lock(&busy);
    vgpu_in_python(function, argument);
    pthread_mutex_unlock(&busy);
}

struct message {
    const char *request;
    char *reply;
};

static int call_command(void *argument)
{
    struct message *message = argument;
    vgpu_core.command(message->request, message->reply, MESSAGE);
    return 1;
}

static int call_overrun(void *argument)
{
    struct vgpu_stuck *stuck = argument;
    vgpu_core.overrun(stuck->thread, stuck->seconds);
    return 1;
}

static int call_reload(void *phase)
{
    vgpu_core.reload(*(int *)phase);
    return 1;
}

static void load_behind_gate(void)
{
    vgpu_core.reload(VGPU_RELOAD_BEHIND_GATE);
}

/* Finds the files changed at the next look: what stood in the way may have passed. */
static void look_again(void)
{
    pthread_mutex_lock(&listing);
    for (int i = 0; i < file_count; i++)
        memset(files[i].known, 0, sizeof files->known);
    pthread_mutex_unlock(&listing);
}

/* A policy's imports may open libraries: the loader's lock comes first then, as at the start. It is let go before
 * anything is put in force. */
static void reload(void)
{
    int prepare = VGPU_RELOAD_PREPARE, finish = VGPU_RELOAD_FINISH;

    pthread_mutex_lock(&busy);
    __atomic_store_n(&loading, true, __ATOMIC_RELAXED);
    vgpu_in_python(call_reload, &prepare);
    if (!vgpu_through_gate(load_behind_gate))
        look_again();
    vgpu_in_python(call_reload, &finish);
    __atomic_store_n(&loading, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&busy);
}

static bool client_waits(uint32_t milliseconds)
{
    return wait_for(&(struct pollfd){.fd = listening, .events = POLLIN}, milliseconds) &&
           vgpu_is_file(listening, &socket_is);
}

static void serve_clients(void)
{
    static char request[MESSAGE], reply[MESSAGE];

    for (int i = 0; i < CLIENTS && client_waits(0); i++) {
        int client = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) { /* no descriptor is left: the client stays in the queue */
            sleep_for(LOOK_MS);
            return;
        }
        if (is_allowed(client)) {
            strcpy(reply, "{\"error\": \"a request is a line of JSON of less than 64 KiB\"}\n");
            if (read_line(client, request, sizeof request))
                in_python(call_command, &(struct message){request, reply});
            reply_to(client, reply);
        }
        close(client);
    }
}

static void look_for_stuck(void)
{
    struct vgpu_stuck stuck[16];
    int count = vgpu_stuck(stuck, 16);

    for (int i = 0; i < count; i++)
        in_python(call_overrun, &stuck[i]);
}

/* ---- the thread ---- */

/* Until a client comes, the time is up, or the thread is to end. */
static void wait_a_while(uint32_t milliseconds)
{
    if (vgpu_is_file(listening, &socket_is))
        client_waits(milliseconds);
    else
        sleep_for(milliseconds);
}

static bool is_to_end(void)
{
    uint32_t to_end = TO_END;
    return __atomic_compare_exchange_n(&life, &to_end, ENDS, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A thread goes round once at least: a program that forks all the time is served, too. */
static void *serve(void *unused)
{
    pthread_setname_np(pthread_self(), "vgpu-service");
    in_python(vgpu_call_void, &vgpu_core.begin);
    do {
        uint64_t now;
        wait_a_while(looked ? interval : FIRST_MS);
        if (vgpu_is_file(listening, &socket_is))
            serve_clients();
        if (observes)
            in_python(vgpu_call_void, &vgpu_core.drain);
        look_for_stuck();
        now = vgpu_now();
        if (now - looked >= LOOK_MS * 1000000ull) {
            looked = now;
            vgpu_record_keep();
            if (!vgpu_is_file(listening, &socket_is))
                open_socket();
            if (changed())
                reload();
        }
        __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    } while (!is_to_end());
    return unused;
}

/* Makes the thread, if one is wanted and this process has none. */
void vgpu_service_start(void)
{
    if (!interval)
        return;
    pthread_mutex_lock(&living);
    __atomic_store_n(&vgpu_service_awaited, 0, __ATOMIC_RELAXED);
    if (!running) {
        if (vgpu_record_start() && !vgpu_is_file(listening, &socket_is))
            open_socket();
        running = vgpu_make_thread(&service, VGPU_STACK, serve, NULL) == 0;
        if (!running)
            vgpu_log(VGPU_LOG_ERROR, "no thread could be made: the policy is not loaded again when its file changes, "
                                     "observers see nothing, and hooks are not cut");
    }
    pthread_mutex_unlock(&living);
}

void vgpu_serve(uint32_t milliseconds, uint32_t has_observers)
{
    observes = has_observers;
    __atomic_store_n(&interval, milliseconds, __ATOMIC_RELEASE);
}

/* ---- fork ---- */

/* Whether the thread has ended by then. ThreadSanitizer knows this function and not pthread_clockjoin_np. */
static bool ends_in(uint32_t milliseconds)
{
    struct timespec end;
    uint64_t then;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &end); /* past libfaketime */
    then = end.tv_nsec + milliseconds * 1000000ull;
    end.tv_sec += then / 1000000000;
    end.tv_nsec = then % 1000000000;
    return pthread_timedjoin_np(service, NULL, &end) == 0;
}

/* Wakes the thread where it waits: by a client that says nothing, or by the futex. */
static void knock(void)
{
    struct sockaddr_un address;
    int client = name_socket(&address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;

    syscall(SYS_futex, &life, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    if (client >= 0) {
        connect(client, (struct sockaddr *)&address, sizeof address);
        close(client);
    }
}

static void joined(void)
{
    running = false;
    __atomic_exchange_n(&life, GOES_ON, __ATOMIC_ACQ_REL);
}

/* Before a fork the thread ends: a child made while it loads policies would have half of them, and the loader would be
 * caught in the middle. It is not waited for twice in the same round. The lock is held until the fork is over. */
void vgpu_service_pause(void)
{
    uint32_t round;
    bool waits;

    pthread_mutex_lock(&living);
    if (!running || pthread_equal(service, pthread_self()))
        return;
    round = __atomic_load_n(&rounds, __ATOMIC_RELAXED) + 1;
    waits = late_in != round;
    __atomic_store_n(&life, TO_END, __ATOMIC_RELEASE);
    knock();
    if (ends_in(!waits ? 0 : __atomic_load_n(&loading, __ATOMIC_RELAXED) ? LOADING_MS : EXIT_MS))
        joined();
    else
        late_in = round;
}

/* Python from 3.12 on looks how many threads there are after a fork, and warns. */
static bool is_in_python_program(void)
{
    static int is = -1;
    struct link_map *object = vgpu_first();

    if (is < 0) {
        while (object && !vgpu_symbol(object, "PyOS_AfterFork_Parent"))
            object = object->l_next;
        is = object != NULL;
    }
    return is;
}

/* After it there is a thread again: at once, or in a Python program from the next call on that a policy wants. */
void vgpu_service_resume(void)
{
    uint32_t to_end = TO_END;

    if (running && !pthread_equal(service, pthread_self()) &&
        !__atomic_compare_exchange_n(&life, &to_end, GOES_ON, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        pthread_join(service, NULL);
        joined();
    }
    if (!running)
        __atomic_store_n(&vgpu_service_awaited, interval != 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&living);
    if (!is_in_python_program())
        vgpu_service_start();
}

/* In a child of fork there is no such thread; one is made when a policy is asked. */
void vgpu_service_forked(void)
{
    pthread_mutex_init(&listing, NULL);
    pthread_mutex_init(&busy, NULL);
    pthread_mutex_init(&living, NULL);
    if (vgpu_is_file(listening, &socket_is))
        close(listening);
    listening = -1;
    running = loading = false;
    life = GOES_ON;
    vgpu_service_awaited = 0;
}

/* ---- exit ---- */

/* Keeps the thread out of Python from now on; false where it does not come out. */
bool vgpu_service_stop(void)
{
    struct timespec moment = {0, 1000000};

    if (running)
        pthread_detach(service);
    for (int i = 0; i < EXIT_MS && pthread_mutex_trylock(&busy) != 0; i++) {
        if (i == EXIT_MS - 1)
            return false;
        syscall(SYS_nanosleep, &moment, NULL);
    }
    return true;
}
