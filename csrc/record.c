/* Recordings: files that a process writes by mapping them, so that what is in them outlives it. One is the process's
 * own (counters, state, a ring of events for observers), one is a trace that a user asked for. docs/traces.md has the
 * format.
 *
 * A thread writes into a chunk of its own and stores the chunk's length last. No byte is written to a page that was not
 * allocated before: a full disk is a dropped event, not a signal. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stub.h"

#define HELD_OFFSET    1024u
#define HELD_DEVICES   255u
#define INFO_OFFSET    4096u
#define NAMES_OFFSET   65536u
#define CALLERS_OFFSET (NAMES_OFFSET + 65536u)
#define HEADER_SIZE    (CALLERS_OFFSET + 32768u)
#define CHUNK_SIZE     65536u
#define RING_CHUNKS    128u
#define TRACE_CHUNKS   16384u /* 1 GiB */
#define AHEAD          4u
#define BLOCKS         256u
#define BLOCK_SIZE     ((VGPU_SLOTS * 24u + 4095u) & ~4095u)
#define CALLERS        1024u
#define FULL_NS        1000000u /* how long a full recording is not tried again */
#define LEAST_FILE     100      /* our descriptors are out of the way of a program's */

struct header {
    char magic[8];
    uint32_t header_size, chunk_size, pid, slots;
    uint64_t chunks, dropped, monotonic, realtime;
    uint32_t info_offset, info_size, names_offset, names_size, callers_offset, callers_size;
    uint64_t counters_offset;
    uint32_t block_size, blocks;
    uint64_t chunks_offset;
    uint32_t recycled, driver;
};
_Static_assert(offsetof(struct header, recycled) == 104, "the format in docs/traces.md");

struct chunk {
    uint32_t state, tid;
    uint64_t sequence;
    uint32_t used, pid;
    uint64_t rest[5];
};
_Static_assert(sizeof(struct chunk) == 64, "the format in docs/traces.md");

/* What a process holds of each device of its virtual machine. */
struct holdings {
    uint64_t machine[2], held[HELD_DEVICES]; /* bytes, by the device's number in the machine */
};
_Static_assert(HELD_OFFSET + sizeof(struct holdings) <= INFO_OFFSET, "the format in docs/traces.md");

enum { FREE, FILLING, FULL, LEFT, TAKEN }; /* LEFT: its thread has ended and another may go on; TAKEN: not begun yet */

struct record {
    uint16_t size, slot, caller;
    uint8_t general, verdict;
    uint64_t start, end, result, words[];
};

struct recording {
    struct header *header; /* NULL: not open */
    char *chunks;
    uint32_t room;      /* chunks that there is address space for */
    uint32_t allocated; /* chunks [0, allocated) have their pages; only for a ring */
    bool exhausted;
    bool created;
    int file;
    struct vgpu_file is;
    char path[4096];
    uint16_t callers[CALLERS]; /* number in the file, by number here; 0: not there yet */
};

static struct recording process, trace;
static struct holdings holdings;
static int opening; /* of the trace: 0 not yet, 1 under way, 2 done */
static int *owner;  /* reads 0 in a child of any kind of fork */
static uint8_t block_used[BLOCKS];
#define LEFT_CHUNKS 16
static char *left[LEFT_CHUNKS];         /* chunks with room that ended threads have left */
static uint64_t nowhere[VGPU_SLOTS][3]; /* counters that nobody reads, where there is no room for others */
static char *published;                 /* by Python, the last time */
static pthread_key_t leave_key;
static bool has_key;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER; /* of info and callers, of opening the process's own */

static bool is_owner(void)
{
    return owner && __atomic_load_n(owner, __ATOMIC_RELAXED);
}

/* ---- files ---- */

bool vgpu_identify(int file, struct vgpu_file *is)
{
    struct stat status;

    if (file < 0 || vgpu_fstat(file, &status) != 0)
        return false;
    *is = (struct vgpu_file){status.st_dev, status.st_ino};
    return true;
}

bool vgpu_is_file(int file, const struct vgpu_file *is)
{
    struct vgpu_file now;
    return vgpu_identify(file, &now) && now.device == is->device && now.inode == is->inode;
}

int vgpu_out_of_the_way(int file)
{
    int higher = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, LEAST_FILE);

    if (higher < 0)
        return file;
    close(file);
    return higher;
}

static struct flock on_byte(short type, off_t byte)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* Byte 0 is held by the owner, so that others see whether it lives. */
static bool lock_owner(int file)
{
    struct flock lock = on_byte(F_WRLCK, 0);
    return fcntl(file, F_SETLK, &lock) == 0;
}

/* Byte 1 is held by whichever process writes the header or a caller's name. */
static void lock_header(int file)
{
    struct flock lock = on_byte(F_WRLCK, 1);

    while (fcntl(file, F_SETLKW, &lock) != 0 && errno == EINTR)
        ;
}

static void unlock_header(int file)
{
    struct flock lock = on_byte(F_UNLCK, 1);
    fcntl(file, F_SETLK, &lock);
}

/* The descriptor, or a new one where the program has closed ours. */
static int file_of(struct recording *recording)
{
    int file;

    if (vgpu_is_file(recording->file, &recording->is))
        return recording->file;
    file = vgpu_out_of_the_way(open(recording->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
    if (!vgpu_is_file(file, &recording->is)) {
        if (file >= 0)
            close(file);
        return -1;
    }
    recording->file = file;
    if (recording == &process)
        lock_owner(file); /* went with the descriptor */
    return file;
}

/* Beyond a limit on file sizes is a signal. */
static bool may_reach(uint64_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

/* Allocates pages; false where there is no room. */
static bool allocate(int file, uint64_t offset, uint64_t size)
{
    int error = file < 0 || !may_reach(offset + size) ? ENOSPC : EINTR;

    while (error == EINTR)
        error = posix_fallocate(file, offset, size);
    return error == 0;
}

static struct header *map(struct recording *recording, uint32_t chunks_offset, uint32_t room)
{
    char *base = MAP_FAILED;

    for (; room > 0 && base == MAP_FAILED; room /= base == MAP_FAILED ? 4 : 1)
        base = mmap(NULL, chunks_offset + (size_t)room * CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                    recording->file, 0);
    if (base == MAP_FAILED)
        return NULL;
    recording->room = room;
    recording->chunks = base + chunks_offset;
    return (struct header *)base;
}

static void write_header(struct header *header, uint32_t blocks, bool recycled)
{
    struct timespec real;
    uint64_t magic;
    char *names = (char *)header + NAMES_OFFSET, *end = names;

    for (uint32_t i = 0; i < VGPU_SLOTS && end + strlen(vgpu_name(i)) + 1 < names + (CALLERS_OFFSET - NAMES_OFFSET);
         i++) {
        end = stpcpy(end, vgpu_name(i));
        *end++ = '\n';
    }
    *((char *)header + CALLERS_OFFSET) = '?';
    *((char *)header + CALLERS_OFFSET + 1) = '\n';
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    *header = (struct header){
        .header_size = HEADER_SIZE,
        .chunk_size = CHUNK_SIZE,
        .pid = getpid(),
        .slots = VGPU_SLOTS,
        .monotonic = vgpu_now(),
        .realtime = real.tv_sec * 1000000000ull + real.tv_nsec,
        .info_offset = INFO_OFFSET,
        .names_offset = NAMES_OFFSET,
        .names_size = end - names,
        .callers_offset = CALLERS_OFFSET,
        .callers_size = 2,
        .counters_offset = HEADER_SIZE,
        .block_size = BLOCK_SIZE,
        .blocks = blocks,
        .chunks_offset = HEADER_SIZE + blocks * BLOCK_SIZE,
        .recycled = recycled,
    };
    memcpy(&magic, "VGPUREC1", sizeof magic);
    __atomic_store_n((uint64_t *)header->magic, magic, __ATOMIC_RELEASE);
}

static bool is_header(const struct header *header)
{
    return memcmp(header->magic, "VGPUREC1", 8) == 0 && header->slots == VGPU_SLOTS &&
           header->header_size == HEADER_SIZE && header->chunks_offset == HEADER_SIZE && !header->recycled;
}

int *vgpu_fork_page(void)
{
    long size = sysconf(_SC_PAGESIZE);
    int *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED || madvise(page, size, MADV_WIPEONFORK) != 0)
        return NULL;
    *page = 1;
    return page;
}

static bool own(void)
{
    if (!owner)
        owner = vgpu_fork_page();
    return owner != NULL;
}

static void leave(void *unused);

static void make_key(void)
{
    if (has_key)
        return;
    has_key = pthread_key_create(&leave_key, leave) == 0;
    pthread_atfork(NULL, NULL, vgpu_record_forked);
}

/* ---- the process's own ---- */

static const char *folder_of(int choice, char *folder, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    switch (choice) {
    case 0:
        snprintf(folder, size, "/dev/shm/vgpu_embed-%u", (unsigned)geteuid());
        return folder;
    case 1:
        snprintf(folder, size, "%s/vgpu_embed", runtime ? runtime : "");
        return runtime && *runtime == '/' ? folder : NULL;
    default:
        snprintf(folder, size, "/tmp/vgpu_embed-%u", (unsigned)geteuid());
        return folder;
    }
}

/* Nobody else may look in, or put something there for us. */
static bool is_private(const char *folder)
{
    struct stat is;

    if (mkdir(folder, 0700) == 0)
        chmod(folder, 0700); /* whatever the umask */
    else if (errno != EEXIST)
        return false;
    return lstat(folder, &is) == 0 && S_ISDIR(is.st_mode) && is.st_uid == geteuid() && (is.st_mode & 077) == 0;
}

static struct holdings *holdings_in(struct header *header)
{
    return (struct holdings *)((char *)header + HELD_OFFSET);
}

static bool open_in(const char *folder)
{
    struct header *header;
    struct timespec t;
    uint64_t size = HEADER_SIZE + (uint64_t)BLOCKS * BLOCK_SIZE;

    if (!is_private(folder))
        return false;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
    snprintf(process.path, sizeof process.path, "%s/%d-%08x.proc", folder, (int)getpid(),
             (unsigned)(t.tv_nsec ^ t.tv_sec << 12));
    process.file = vgpu_out_of_the_way(open(process.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (process.file < 0)
        return false;
    fchmod(process.file, 0600); /* whatever the umask */
    if (lock_owner(process.file) && vgpu_identify(process.file, &process.is) &&
        allocate(process.file, 0, HEADER_SIZE) && may_reach(size + RING_CHUNKS * CHUNK_SIZE) &&
        ftruncate(process.file, size + (uint64_t)RING_CHUNKS * CHUNK_SIZE) == 0 &&
        (header = map(&process, size, RING_CHUNKS))) {
        write_header(header, BLOCKS, true);
        *holdings_in(header) = holdings;
        __atomic_store_n(&process.header, header, __ATOMIC_RELEASE);
        return true;
    }
    unlink(process.path);
    close(process.file);
    return false;
}

/* Opens it, once; where no folder can hold it, nothing is counted. */
static bool open_process(void)
{
    char folder[4096 - 64];

    for (int i = 0; i < 3; i++)
        if (folder_of(i, folder, sizeof folder) && open_in(folder))
            return true;
    vgpu_log(VGPU_LOG_INFO, "nothing is counted and observers see nothing: there is no room in /dev/shm, "
                            "XDG_RUNTIME_DIR or /tmp");
    return false;
}

/* Changes the path. */
static void remove_with_socket(char *path)
{
    unlink(path);
    strcpy(strrchr(path, '.'), ".sock");
    unlink(path);
}

static bool is_gone(const char *name)
{
    return kill(atoi(name), 0) != 0 && errno == ESRCH;
}

/* What dead processes of this user have left. The lock tells, but one that was made a moment ago may not have it yet,
 * and a process that has closed all descriptors has lost it. */
static void clean(void)
{
    char path[4096 + 256];
    const char *slash = process.header ? strrchr(process.path, '/') : NULL;
    int length = slash ? (int)(slash - process.path) : 0;
    struct dirent *entry;
    struct timespec t;
    DIR *folder;

    snprintf(path, sizeof path, "%.*s", length, process.path);
    folder = length ? opendir(path) : NULL;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
    while (folder && (entry = readdir(folder))) {
        char *dot = strrchr(entry->d_name, '.');
        struct flock lock = on_byte(F_WRLCK, 0);
        struct stat is;
        int file;
        snprintf(path, sizeof path, "%.*s/%s", length, process.path, entry->d_name);
        if (dot && strcmp(dot, ".sock") == 0 && is_gone(entry->d_name))
            unlink(path);
        if (!dot || strcmp(dot, ".proc") != 0 || strcmp(path, process.path) == 0) /* closing our own would unlock it */
            continue;
        file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (file >= 0 && fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK && vgpu_fstat(file, &is) == 0 &&
            is.st_mtime + 5 < t.tv_sec && is_gone(entry->d_name)) {
            remove_with_socket(path);
        }
        if (file >= 0)
            close(file);
    }
    if (folder)
        closedir(folder);
}

static bool process_tried;

/* Called before policies are loaded, and in a child of fork once it makes a call that a policy wants. */
bool vgpu_record_start(void)
{
    bool open;

    pthread_mutex_lock(&writing);
    if (!process_tried) {
        process_tried = true;
        make_key();
        if (own() && open_process())
            clean();
    }
    open = process.header != NULL;
    pthread_mutex_unlock(&writing);
    return open;
}

/* Takes the lock again where the program has closed our descriptor. */
void vgpu_record_keep(void)
{
    pthread_mutex_lock(&writing);
    if (process.header && is_owner())
        file_of(&process);
    pthread_mutex_unlock(&writing);
}

const char *vgpu_process_path(void)
{
    return process.header && is_owner() ? process.path : NULL;
}

/* ---- the trace ---- */

static bool trace_failed(const char *why)
{
    vgpu_log(VGPU_LOG_ERROR, "VGPU_TRACE %s: %s; nothing is traced", trace.path, why);
    if (trace.file >= 0)
        close(trace.file);
    return false;
}

static void name_trace(void)
{
    const char *name = vgpu_setting("VGPU_TRACE"), *percent = strstr(name, "%p");
    char folder[2048] = "";

    if (*name != '/' && !getcwd(folder, sizeof folder))
        folder[0] = 0;
    if (percent)
        snprintf(trace.path, sizeof trace.path, "%s%s%.*s%d%s", folder, *folder ? "/" : "", (int)(percent - name), name,
                 (int)getpid(), percent + 2);
    else
        snprintf(trace.path, sizeof trace.path, "%s%s%s", folder, *folder ? "/" : "", name);
}

/* Several processes may write one trace: whoever creates it fills the header in, under a lock. */
static bool open_trace(void)
{
    struct header header = {.slots = 0}, *mapped;
    ssize_t size;

    name_trace();
    trace.file = vgpu_out_of_the_way(open(trace.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
    if (trace.file < 0)
        return trace_failed(strerror(errno));
    lock_header(trace.file);
    size = pread(trace.file, &header, sizeof header, 0);
    if (size > 0 && !(size == sizeof header && is_header(&header)))
        return trace_failed("the file is there and is no trace of this version; remove it or name another");
    trace.created = size == 0;
    if (!vgpu_identify(trace.file, &trace.is) || !allocate(trace.file, 0, HEADER_SIZE))
        return trace_failed("there is no room for it");
    mapped = own() ? map(&trace, HEADER_SIZE, TRACE_CHUNKS) : NULL;
    if (mapped && trace.created)
        write_header(mapped, 0, false);
    unlock_header(trace.file);
    __atomic_store_n(&trace.header, mapped, __ATOMIC_RELEASE);
    return mapped || trace_failed("it cannot be mapped");
}

static void publish_in(struct recording *recording, const char *text);

/* Text as JSON has it. */
static const char *escaped(char *to, size_t size, const char *from)
{
    char *end = to + size - 8, *at = to;

    for (; *from && at < end; from++)
        if (*from == '"' || *from == '\\' || (unsigned char)*from < ' ')
            at += sprintf(at, "\\u%04x", (unsigned char)*from);
        else
            *at++ = *from;
    *at = 0;
    return to;
}

/* What the trace says of its process: what Python has published, or as much as is known without it. */
static void inform_trace(void)
{
    char text[2048], program[512], driver[1024];

    snprintf(text, sizeof text, "{\"library\": \"%s\", \"program\": \"%s\", \"pid\": %d, \"driver_path\": \"%s\"}",
             VGPU_VERSION, escaped(program, sizeof program, vgpu_settings()->program), (int)getpid(),
             escaped(driver, sizeof driver, vgpu_driver_path()));
    pthread_mutex_lock(&writing);
    publish_in(&trace, published ? published : text);
    pthread_mutex_unlock(&writing);
}

static bool open_trace_once(void)
{
    struct timespec moment = {0, 50000};
    int not_yet = 0, saved = errno;

    if (!__atomic_compare_exchange_n(&opening, &not_yet, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 1000 && __atomic_load_n(&opening, __ATOMIC_ACQUIRE) == 1; i++)
            syscall(SYS_nanosleep, &moment, NULL);
    } else {
        make_key();
        if (open_trace() && trace.created)
            inform_trace();
        __atomic_store_n(&opening, 2, __ATOMIC_RELEASE);
    }
    errno = saved;
    return trace.header != NULL;
}

bool vgpu_trace_ready(void)
{
    if (owner && !is_owner()) /* past the fork handlers */
        vgpu_record_forked();
    return __atomic_load_n(&opening, __ATOMIC_ACQUIRE) == 2 ? trace.header != NULL : open_trace_once();
}

/* ---- fork ---- */

static void let_go(struct recording *recording)
{
    if (recording->header) {
        munmap(recording->header, recording->chunks + (size_t)recording->room * CHUNK_SIZE - (char *)recording->header);
        if (vgpu_is_file(recording->file, &recording->is))
            close(recording->file);
    }
    memset(recording, 0, sizeof *recording);
}

/* In a child: nothing of the parent's is written to any more. */
void vgpu_record_forked(void)
{
    int saved = errno;

    pthread_mutex_init(&writing, NULL);
    vgpu_thread.counters = NULL;
    vgpu_thread.chunk = NULL;
    memset(block_used, 0, sizeof block_used);
    memset(left, 0, sizeof left);
    let_go(&process);
    process_tried = false;
    memset(holdings.held, 0, sizeof holdings.held); /* CUDA does not survive fork */
    if (trace.header && strstr(vgpu_setting("VGPU_TRACE"), "%p"))
        let_go(&trace);
    trace.created = false;
    opening = trace.header ? 2 : 0;
    if (owner)
        *owner = 1;
    errno = saved;
}

/* ---- events ---- */

static struct recording *events(void)
{
    return trace.header ? &trace : process.header ? &process : NULL;
}

static void exhausted(struct recording *recording)
{
    if (!__atomic_exchange_n(&recording->exhausted, true, __ATOMIC_RELAXED))
        vgpu_log(VGPU_LOG_ERROR, "%s has no more room: further calls are not recorded, only counted", recording->path);
}

/* Brings a new chunk's pages into memory. In a file on a disk, writing zeros costs a fifth of what page faults do. */
static void touch(struct recording *recording, char *chunk)
{
    static char zeros[CHUNK_SIZE]; /* never written: the kernel gives one page of zeros for all */
    int file = recording->header->recycled ? -1 : file_of(recording);

    if (file < 0 || pwrite(file, zeros, CHUNK_SIZE, chunk - (char *)recording->header) < 0) {
#ifdef MADV_POPULATE_WRITE
        madvise(chunk, CHUNK_SIZE, MADV_POPULATE_WRITE);
#endif
    }
}

static char *begin_chunk(struct recording *recording, uint32_t number)
{
    struct chunk *chunk = (struct chunk *)(recording->chunks + (size_t)number * CHUNK_SIZE);
    static uint64_t sequence;

    touch(recording, (char *)chunk);
    chunk->tid = gettid();
    chunk->pid = getpid();
    chunk->sequence = __atomic_add_fetch(&sequence, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&chunk->used, sizeof *chunk, __ATOMIC_RELEASE);
    __atomic_store_n(&chunk->state, FILLING, __ATOMIC_RELEASE);
    return (char *)chunk;
}

/* For a chunk of a file that grows; for several where there is room, which costs no more. */
static bool allocate_chunk(struct recording *recording, uint64_t number)
{
    uint64_t offset = HEADER_SIZE + number * CHUNK_SIZE;
    int file = file_of(recording);

    return (number % AHEAD == 0 && allocate(file, offset, AHEAD * CHUNK_SIZE)) || allocate(file, offset, CHUNK_SIZE);
}

/* The next chunk of a file that grows. Its pages come first: the count never exceeds what the file holds. */
static char *grow(struct recording *recording)
{
    uint64_t number = __atomic_load_n(&recording->header->chunks, __ATOMIC_ACQUIRE);

    if (__atomic_load_n(&recording->exhausted, __ATOMIC_RELAXED))
        return NULL;
    while (number < recording->room && allocate_chunk(recording, number))
        if (__atomic_compare_exchange_n(&recording->header->chunks, &number, number + 1, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return begin_chunk(recording, number);
    exhausted(recording);
    return NULL;
}

/* A free chunk of the ring, one that was read before or one that had no pages yet. */
static char *reuse(struct recording *recording)
{
    uint32_t have = __atomic_load_n(&recording->allocated, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < have; i++) {
        struct chunk *chunk = (struct chunk *)(recording->chunks + (size_t)i * CHUNK_SIZE);
        uint32_t is = FREE;
        if (__atomic_compare_exchange_n(&chunk->state, &is, TAKEN, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return begin_chunk(recording, i);
    }
    if (recording->exhausted || have >= recording->room)
        return NULL;
    if (!allocate(file_of(recording), recording->chunks - (char *)recording->header + (uint64_t)have * CHUNK_SIZE,
                  CHUNK_SIZE)) {
        exhausted(recording);
        return NULL;
    }
    if (__atomic_compare_exchange_n(&recording->allocated, &have, have + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        __atomic_add_fetch(&recording->header->chunks, 1, __ATOMIC_RELEASE);
    return reuse(recording);
}

/* Goes on in a chunk that an ended thread has left, after a word about whose the records are from here on. */
static char *adopt(void)
{
    for (int i = 0; i < LEFT_CHUNKS; i++) {
        char *found = __atomic_exchange_n(&left[i], NULL, __ATOMIC_ACQ_REL);
        if (found) {
            struct chunk *chunk = (struct chunk *)found;
            uint64_t *word = (uint64_t *)(found + chunk->used);
            word[0] = 16 | 0xffff0000u;
            word[1] = (uint64_t)getpid() << 32 | (uint32_t)gettid();
            __atomic_store_n(&chunk->used, chunk->used + 16, __ATOMIC_RELEASE);
            __atomic_store_n(&chunk->state, FILLING, __ATOMIC_RELEASE);
            return found;
        }
    }
    return NULL;
}

static void leave_chunk(struct vgpu_thread *thread)
{
    struct chunk *chunk = (struct chunk *)thread->chunk;
    struct recording *recording = events();

    thread->chunk = NULL;
    if (!chunk || !recording || !is_owner())
        return;
    if (!recording->header->recycled && chunk->used < CHUNK_SIZE - 1024) {
        __atomic_store_n(&chunk->state, LEFT, __ATOMIC_RELEASE);
        for (int i = 0; i < LEFT_CHUNKS; i++) {
            char *none = NULL;
            if (__atomic_compare_exchange_n(&left[i], &none, (char *)chunk, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                return;
        }
    }
    __atomic_store_n(&chunk->state, FULL, __ATOMIC_RELEASE);
}

static bool next_chunk(struct vgpu_thread *thread)
{
    struct recording *recording = events();
    int saved = errno;

    if (thread->chunk)
        __atomic_store_n(&((struct chunk *)thread->chunk)->state, FULL, __ATOMIC_RELEASE);
    thread->chunk = NULL;
    if (recording) {
        thread->chunk = recording->header->recycled ? reuse(recording) : adopt();
        if (!thread->chunk && !recording->header->recycled)
            thread->chunk = grow(recording);
    }
    if (thread->chunk && has_key)
        pthread_setspecific(leave_key, thread);
    errno = saved;
    return thread->chunk != NULL;
}

/* The caller's number in the file. */
static uint16_t caller_in(struct recording *recording, uint32_t caller)
{
    const char *name = vgpu_caller(caller);
    char *names = (char *)recording->header + CALLERS_OFFSET, *end, *line;
    uint32_t number = 0, found = 0;
    size_t length = strlen(name);
    int file, saved = errno;

    pthread_mutex_lock(&writing);
    file = file_of(recording);
    lock_header(file);
    end = names + recording->header->callers_size;
    for (line = names; line < end; line = memchr(line, '\n', end - line) + 1, number++)
        if ((size_t)((char *)memchr(line, '\n', end - line) - line) == length && memcmp(line, name, length) == 0)
            found = number;
    if (!found && end + length + 1 < (char *)recording->header + HEADER_SIZE) {
        found = number;
        memcpy(end, name, length);
        end[length] = '\n';
        __atomic_store_n(&recording->header->callers_size, end + length + 1 - names, __ATOMIC_RELEASE);
    }
    unlock_header(file);
    if (caller < CALLERS)
        __atomic_store_n(&recording->callers[caller], found, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&writing);
    errno = saved;
    return found;
}

static void note_version(uint32_t version)
{
    if (process.header)
        process.header->driver = version;
    if (trace.header)
        trace.header->driver = version;
}

void vgpu_event(const struct vgpu_frame *frame, uint32_t caller, uint32_t verdict, uint64_t start, uint64_t end)
{
    struct vgpu_thread *thread = &vgpu_thread;
    const uint8_t *words = vgpu_words[frame->slot];
    uint32_t size = sizeof(struct record) + 8 * (words[0] + words[1] + words[2]), used;
    struct recording *recording;
    struct record *record;
    struct chunk *chunk;
    uint16_t number;

    if (!is_owner())
        vgpu_record_forked();
    recording = events();
    if (!recording)
        return;
    if (frame->slot == VGPU_SLOT_cuDriverGetVersion && verdict == VGPU_FORWARDED && (uint32_t)frame->result == 0 &&
        frame->gp[0])
        note_version(*(uint32_t *)frame->gp[0]);
    number = caller < CALLERS ? __atomic_load_n(&recording->callers[caller], __ATOMIC_RELAXED) : 0;
    if (caller && !number)
        number = caller_in(recording, caller);
    if ((!thread->chunk || ((struct chunk *)thread->chunk)->used + size > CHUNK_SIZE) &&
        (end < thread->full_until || !next_chunk(thread))) {
        if (end >= thread->full_until)
            thread->full_until = end + FULL_NS;
        __atomic_add_fetch(&recording->header->dropped, 1, __ATOMIC_RELAXED);
        return;
    }
    chunk = (struct chunk *)thread->chunk;
    used = chunk->used;
    record = (struct record *)(thread->chunk + used);
    record->size = size;
    record->slot = frame->slot;
    record->caller = number;
    record->general = words[0];
    record->verdict = verdict;
    record->start = start;
    record->end = end;
    record->result = frame->result;
    for (uint32_t i = 0; i < words[0]; i++)
        record->words[i] = frame->gp[i];
    for (uint32_t i = 0; i < words[1]; i++)
        memcpy(&record->words[words[0] + i], &frame->xmm[i][0], 8);
    for (uint32_t i = 0; i < words[2]; i++)
        record->words[words[0] + words[1] + i] = frame->stack[i];
    __atomic_store_n(&chunk->used, used + size, __ATOMIC_RELEASE);
}

void vgpu_chunks(struct vgpu_chunks *about)
{
    struct recording *recording = is_owner() ? events() : NULL;
    uint64_t chunks = recording ? __atomic_load_n(&recording->header->chunks, __ATOMIC_ACQUIRE) : 0;

    *about = (struct vgpu_chunks){.pid = getpid()};
    if (!recording)
        return;
    about->count = chunks < recording->room ? chunks : recording->room;
    about->chunks = recording->chunks;
    about->callers = (char *)recording->header + CALLERS_OFFSET;
    about->callers_size = __atomic_load_n(&recording->header->callers_size, __ATOMIC_ACQUIRE);
    about->dropped = __atomic_load_n(&recording->header->dropped, __ATOMIC_RELAXED);
    about->recycled = recording->header->recycled;
}

void vgpu_release(char *chunk)
{
    struct recording *recording = events();

    if (!recording || !recording->header->recycled)
        return;
    __atomic_store_n(&((struct chunk *)chunk)->used, sizeof(struct chunk), __ATOMIC_RELEASE);
    __atomic_store_n(&((struct chunk *)chunk)->state, FREE, __ATOMIC_RELEASE);
}

/* ---- counters and info ---- */

/* A block of counters for this thread. One that an ended thread has left goes on from what it has. */
uint64_t (*vgpu_claim_counters(void))[3]
{
    struct vgpu_thread *thread = &vgpu_thread;
    int saved = errno;
    uint32_t number = 0;

    if (owner && !is_owner())
        vgpu_record_forked();
    thread->counters = NULL;
    vgpu_service_start(); /* in a child of fork it is not there yet */
    if (vgpu_record_start()) {
        while (number < BLOCKS - 1 && __atomic_exchange_n(&block_used[number], 1, __ATOMIC_ACQ_REL))
            number++; /* the last one is shared, and counts too few then */
        if (allocate(file_of(&process), HEADER_SIZE + (uint64_t)number * BLOCK_SIZE, BLOCK_SIZE)) {
            thread->counters = (void *)((char *)process.header + HEADER_SIZE + (size_t)number * BLOCK_SIZE);
            thread->block = number;
            if (has_key)
                pthread_setspecific(leave_key, thread);
        } else if (number < BLOCKS - 1) {
            __atomic_store_n(&block_used[number], 0, __ATOMIC_RELEASE);
        }
    }
    if (!thread->counters) {
        thread->counters = nowhere;
        thread->block = BLOCKS - 1;
    }
    errno = saved;
    return thread->counters;
}

/* A thread's end. */
static void leave(void *unused)
{
    struct vgpu_thread *thread = &vgpu_thread;

    (void)unused;
    leave_chunk(thread);
    if (thread->counters && is_owner() && thread->block < BLOCKS - 1)
        __atomic_store_n(&block_used[thread->block], 0, __ATOMIC_RELEASE);
    thread->counters = NULL;
}

static void publish_in(struct recording *recording, const char *text)
{
    size_t size = strlen(text);

    if (!recording->header || size > NAMES_OFFSET - INFO_OFFSET)
        return;
    __atomic_store_n(&recording->header->info_size, 0, __ATOMIC_RELEASE);
    memcpy((char *)recording->header + INFO_OFFSET, text, size);
    __atomic_store_n(&recording->header->info_size, size, __ATOMIC_RELEASE);
}

void vgpu_publish(const char *text)
{
    char *before;

    if (owner && !is_owner())
        return;
    pthread_mutex_lock(&writing);
    before = published;
    published = strdup(text);
    free(before); /* a fork in between leaks it, no more */
    publish_in(&process, text);
    if (trace.created)
        publish_in(&trace, text);
    pthread_mutex_unlock(&writing);
}

void vgpu_machine(uint64_t high, uint64_t low)
{
    holdings.machine[0] = high;
    holdings.machine[1] = low;
    if (process.header && is_owner())
        *holdings_in(process.header) = holdings;
}

void vgpu_hold(uint32_t device, uint64_t bytes)
{
    struct header *header = __atomic_load_n(&process.header, __ATOMIC_ACQUIRE);

    if (device >= HELD_DEVICES)
        return;
    holdings.held[device] = bytes;
    if (header && is_owner())
        __atomic_store_n(&holdings_in(header)->held[device], bytes, __ATOMIC_RELAXED);
}

/* A trace ends with its last chunk; the process's own file goes with it. */
__attribute__((destructor)) static void at_exit(void)
{
    if (process.header && is_owner())
        remove_with_socket(process.path);
}
