/* What a virtual GPU does at each allocation, of module vgpu_embed._frames: C functions that take moments, a lock, the
 * gaps of a piece of memory, what is allocated, what is held of a device. Every entry into this file holds the
 * interpreter lock. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <structmember.h>
#include <time.h>

/* A number as a word. Numbers of more than 30 bits are read faster as signed ones. */
static uint64_t word_of(PyObject *number)
{
    int overflow;
    long long found = PyLong_Check(number) ? PyLong_AsLongLongAndOverflow(number, &overflow) : -1;

    return found >= 0 ? (uint64_t)found : PyLong_AsUnsignedLongLong(number);
}

/* ---- short functions ---- */

/* A C function that returns within moments. cffi lets go of the interpreter for each call and takes it back, which
 * costs more than such a function does, and so does the tuple that it is given its arguments in. */
struct short_function {
    PyObject_HEAD vectorcallfunc call;
    uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    uint64_t mask; /* what of the result register counts */
    uint64_t first;
    bool has_first; /* each call's first argument is that one */
};

#define SHORT_ARGUMENTS 6

static uint64_t short_result(const struct short_function *self, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t w[] = {self->first, a, b, c, d, 0}, *first = self->has_first ? w : w + 1;
    return self->function(first[0], first[1], first[2], first[3], first[4], 0) & self->mask;
}

static PyObject *short_call(struct short_function *self, PyObject *const *arguments, size_t given, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(given);
    uint64_t words[1 + SHORT_ARGUMENTS] = {self->first}, *w = self->has_first ? words : words + 1;

    if (names || count + self->has_first > SHORT_ARGUMENTS)
        return PyErr_Format(PyExc_TypeError, "a short function takes %d numbers", SHORT_ARGUMENTS - self->has_first);
    for (Py_ssize_t i = 0; i < count; i++) {
        words[1 + i] = word_of(arguments[i]);
        if (words[1 + i] == UINT64_MAX && PyErr_Occurred())
            return NULL;
    }
    return PyLong_FromUnsignedLongLong(self->function(w[0], w[1], w[2], w[3], w[4], w[5]) & self->mask);
}

static PyObject *short_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static char *words[] = {"address", "size", "first", NULL};
    unsigned long long address;
    int size;
    PyObject *first = NULL;
    struct short_function *self;

    if (!PyArg_ParseTupleAndKeywords(arguments, names, "Ki|O!", words, &address, &size, &PyLong_Type, &first) ||
        !(self = (struct short_function *)type->tp_alloc(type, 0)))
        return NULL;
    self->call = (vectorcallfunc)short_call;
    memcpy(&self->function, &address, sizeof self->function);
    self->mask = size < 8 ? (UINT64_C(1) << 8 * size) - 1 : UINT64_MAX;
    self->has_first = first != NULL;
    self->first = first ? PyLong_AsUnsignedLongLongMask(first) : 0;
    return (PyObject *)self;
}

/* ---- locks ---- */

/* As threading.RLock, which takes an argument list apart each time and makes one to be left with. */
struct lock {
    PyObject_HEAD PyThread_type_lock lock;
    unsigned long owner;
    unsigned depth; /* how often the owner has entered it; 0: there is none */
};

static PyObject *lock_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    struct lock *self;

    if (!PyArg_ParseTuple(arguments, "") || names || !(self = (struct lock *)type->tp_alloc(type, 0)))
        return NULL;
    self->lock = PyThread_allocate_lock();
    if (!self->lock)
        Py_CLEAR(self);
    return self ? (PyObject *)self : PyErr_NoMemory();
}

static void lock_end(struct lock *self)
{
    if (self->lock)
        PyThread_free_lock(self->lock);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *lock_enter(struct lock *self, PyObject *unused)
{
    unsigned long me = PyThread_get_thread_ident();

    (void)unused;
    if (!self->depth || self->owner != me) {
        if (!PyThread_acquire_lock(self->lock, NOWAIT_LOCK)) {
            Py_BEGIN_ALLOW_THREADS;
            PyThread_acquire_lock(self->lock, WAIT_LOCK);
            Py_END_ALLOW_THREADS;
        }
        self->owner = me;
    }
    self->depth++;
    Py_RETURN_NONE;
}

static PyObject *lock_exit(struct lock *self, PyObject *const *unused, Py_ssize_t count)
{
    (void)unused, (void)count;
    if (!self->depth || self->owner != PyThread_get_thread_ident())
        return PyErr_Format(PyExc_RuntimeError, "the lock is not held");
    if (!--self->depth)
        PyThread_release_lock(self->lock);
    Py_RETURN_NONE;
}

/* ---- gaps ---- */

struct gap {
    uint64_t address, size;
};

struct gaps {
    PyObject_HEAD uint64_t address, size;
    uint64_t left; /* the sum of their sizes */
    Py_ssize_t count, room;
    struct gap *list; /* by address; no two touch */
    PyObject *owner;
};

/* Sees to it that there is room for one more. */
static bool gap_room(struct gaps *self)
{
    Py_ssize_t room = self->room ? 2 * self->room : 4;
    struct gap *larger;

    if (self->count < self->room)
        return true;
    larger = PyMem_Realloc(self->list, (size_t)room * sizeof *larger);
    if (!larger)
        return false;
    self->list = larger;
    self->room = room;
    return true;
}

static void gap_insert(struct gaps *self, Py_ssize_t place, uint64_t address, uint64_t size)
{
    memmove(self->list + place + 1, self->list + place, (size_t)(self->count++ - place) * sizeof *self->list);
    self->list[place] = (struct gap){address, size};
}

static void gap_remove(struct gaps *self, Py_ssize_t place)
{
    memmove(self->list + place, self->list + place + 1, (size_t)(--self->count - place) * sizeof *self->list);
}

static PyObject *gaps_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    unsigned long long address, size;
    struct gaps *self;

    if (!PyArg_ParseTuple(arguments, "KK", &address, &size) || names ||
        !(self = (struct gaps *)type->tp_alloc(type, 0)))
        return NULL;
    if (!gap_room(self)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->address = address;
    self->size = self->left = size;
    gap_insert(self, 0, address, size);
    return (PyObject *)self;
}

static int gaps_traverse(struct gaps *self, visitproc visit, void *arg)
{
    Py_VISIT(self->owner);
    return 0;
}

static int gaps_clear(struct gaps *self)
{
    Py_CLEAR(self->owner);
    return 0;
}

static void gaps_end(struct gaps *self)
{
    PyObject_GC_UnTrack(self);
    gaps_clear(self);
    PyMem_Free(self->list);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *gaps_take(struct gaps *self, PyObject *number)
{
    uint64_t size = word_of(number), address;
    Py_ssize_t place = self->count - 1;

    if (size == UINT64_MAX && PyErr_Occurred())
        return NULL;
    if (place < 0 || self->list[place].size <= size)
        for (place = 0; place < self->count && self->list[place].size < size; place++)
            ;
    if (place >= self->count)
        return PyLong_FromLong(0);
    address = self->list[place].address;
    self->list[place].address += size;
    self->list[place].size -= size;
    self->left -= size;
    if (!self->list[place].size)
        gap_remove(self, place);
    return PyLong_FromUnsignedLongLong(address);
}

/* Takes bytes back; there is room. */
static void gap_give(struct gaps *self, uint64_t address, uint64_t size)
{
    Py_ssize_t low = 0, high = self->count; /* those before `low` lie below the address */
    bool joins_before, joins_behind;

    self->left += size;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (self->list[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    joins_before = low && self->list[low - 1].address + self->list[low - 1].size == address;
    joins_behind = low < self->count && address + size == self->list[low].address;
    if (joins_before) {
        self->list[low - 1].size += size + (joins_behind ? self->list[low].size : 0);
        if (joins_behind)
            gap_remove(self, low);
    } else if (joins_behind) {
        self->list[low].address = address;
        self->list[low].size += size;
    } else {
        gap_insert(self, low, address, size);
    }
}

static PyObject *gaps_give(struct gaps *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint64_t address = count == 2 ? word_of(arguments[0]) : 0;
    uint64_t size = count == 2 ? word_of(arguments[1]) : 0;

    if (PyErr_Occurred())
        return NULL;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "give() takes an address and a size");
    if (!gap_room(self))
        return PyErr_NoMemory();
    gap_give(self, address, size);
    return PyLong_FromUnsignedLongLong(self->left);
}

/* ---- allocations ---- */

struct allocation {
    PyObject_HEAD PyObject *address, *size, *kind, *device, *context, *source, *flags;
    uint64_t number; /* 0: nobody has asked */
};

/* The class, called with these arguments in this order; the last one may be left out. */
static PyObject *allocation_new(PyObject *type, PyObject *const *given, size_t nargsf, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    struct allocation *self;

    if (names || count < 6 || count > 7)
        return PyErr_Format(PyExc_TypeError, "Allocation(address, size, kind, device, context, source, flags=0)");
    self = (struct allocation *)((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 0);
    if (!self)
        return NULL;
    self->address = Py_NewRef(given[0]);
    self->size = Py_NewRef(given[1]);
    self->kind = Py_NewRef(given[2]);
    self->device = Py_NewRef(given[3]);
    self->context = Py_NewRef(given[4]);
    self->source = Py_NewRef(given[5]);
    self->flags = count > 6 ? Py_NewRef(given[6]) : PyLong_FromLong(0);
    return (PyObject *)self;
}

/* The others are numbers. */
static int allocation_traverse(struct allocation *self, visitproc visit, void *arg)
{
    Py_VISIT(self->context);
    Py_VISIT(self->source);
    return 0;
}

static int allocation_clear(struct allocation *self)
{
    Py_CLEAR(self->context);
    Py_CLEAR(self->source);
    return 0;
}

static void allocation_end(struct allocation *self)
{
    PyObject_GC_UnTrack(self);
    allocation_clear(self);
    Py_XDECREF(self->address);
    Py_XDECREF(self->size);
    Py_XDECREF(self->kind);
    Py_XDECREF(self->device);
    Py_XDECREF(self->flags);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *allocation_number(struct allocation *self, void *unused)
{
    static uint64_t last;

    (void)unused;
    if (!self->number)
        self->number = ++last;
    return PyLong_FromUnsignedLongLong(self->number);
}

/* ---- what is held ---- */

/* The bytes that a process holds of each device of its machine, and what others were last seen to hold. */
struct held {
    PyObject_HEAD struct short_function *publish; /* makes known to others what is held; NULL: there are none */
    Py_ssize_t devices;
    uint64_t *bytes, *others;
    int64_t stale; /* nanoseconds of the monotonic clock, from when on others have to be looked at anew */
};

enum took { REFUSED, TOOK, STALE };

static PyTypeObject allocation_type, gaps_type, held_type, lock_type, shared_type, short_type;

static int64_t nanoseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void held_put(struct held *self, Py_ssize_t device, uint64_t bytes)
{
    self->bytes[device] = bytes;
    if (self->publish)
        self->publish->function((uint64_t)device, bytes, 0, 0, 0, 0);
}

static enum took held_take(struct held *self, Py_ssize_t device, uint64_t size, uint64_t most)
{
    uint64_t all;

    if (self->publish && nanoseconds() > self->stale)
        return STALE;
    if (__builtin_add_overflow(self->bytes[device] + self->others[device], size, &all) || all > most)
        return REFUSED;
    held_put(self, device, self->bytes[device] + size);
    return TOOK;
}

/* -1, with an exception set, if there is no such device. */
static Py_ssize_t held_device(const struct held *self, uint64_t number)
{
    if (!PyErr_Occurred() && number >= (uint64_t)self->devices)
        PyErr_SetString(PyExc_IndexError, "there is no such device");
    return PyErr_Occurred() ? -1 : (Py_ssize_t)number;
}

static PyObject *held_take_now(struct held *self, PyObject *const *given, Py_ssize_t count)
{
    uint64_t words[3] = {0};
    Py_ssize_t device;
    enum took took;

    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "take_now() takes a device, a size and the most there may be");
    for (Py_ssize_t i = 0; i < count; i++)
        words[i] = word_of(given[i]);
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) /* a size beyond all that there can be */
        PyErr_Clear();
    device = held_device(self, words[0]);
    if (device < 0)
        return NULL;
    took = held_take(self, device, words[1], words[2]);
    return took == STALE ? Py_NewRef(Py_None) : PyBool_FromLong(took == TOOK);
}

static PyObject *held_give(struct held *self, PyObject *const *given, Py_ssize_t count)
{
    uint64_t words[2] = {0};
    Py_ssize_t device;

    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "give() takes a device and a size");
    for (Py_ssize_t i = 0; i < count; i++)
        words[i] = word_of(given[i]);
    device = held_device(self, words[0]);
    if (device < 0)
        return NULL;
    held_put(self, device, self->bytes[device] - words[1]);
    Py_RETURN_NONE;
}

static PyObject *held_saw(struct held *self, PyObject *arguments)
{
    PyObject *others;
    double seconds;

    if (!PyArg_ParseTuple(arguments, "O!d", &PyList_Type, &others, &seconds))
        return NULL;
    for (Py_ssize_t i = 0; i < self->devices && i < PyList_GET_SIZE(others); i++)
        self->others[i] = word_of(PyList_GET_ITEM(others, i));
    self->stale = nanoseconds() + (int64_t)(seconds * 1e9);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *held_forget(struct held *self, PyObject *unused)
{
    (void)unused;
    memset(self->bytes, 0, (size_t)self->devices * sizeof *self->bytes);
    Py_RETURN_NONE;
}

static PyObject *held_list(struct held *self, void *unused)
{
    PyObject *list = PyList_New(self->devices);

    (void)unused;
    for (Py_ssize_t i = 0; list && i < self->devices; i++) {
        PyObject *number = PyLong_FromUnsignedLongLong(self->bytes[i]);
        if (number)
            PyList_SET_ITEM(list, i, number);
        else
            Py_CLEAR(list);
    }
    return list;
}

static int held_init(struct held *self, PyObject *arguments, PyObject *names)
{
    static char *words[] = {"devices", "publish", NULL};
    struct short_function *publish = NULL;
    Py_ssize_t devices;

    if (!PyArg_ParseTupleAndKeywords(arguments, names, "n|O!", words, &devices, &short_type, &publish) || self->bytes)
        return -1;
    self->bytes = PyMem_Calloc(2 * (size_t)devices + 1, sizeof *self->bytes);
    if (!self->bytes) {
        PyErr_NoMemory();
        return -1;
    }
    self->others = self->bytes + devices;
    self->devices = devices;
    self->publish = (struct short_function *)Py_XNewRef((PyObject *)publish);
    return 0;
}

static void held_end(struct held *self)
{
    PyMem_Free(self->bytes);
    Py_XDECREF((PyObject *)self->publish);
    Py_TYPE(self)->tp_free(self);
}

/* ---- parts of a device's memory ---- */

/* Part of a device's memory, in blocks: heap.Shared begins with it. */
struct shared {
    PyObject_HEAD struct held *held;
    PyObject *blocks; /* those with room, the newest last */
    PyObject *pieces; /* free addresses of the device's, lists of them by size */
    PyObject *spare;  /* a block that is nobody's, as far as the device is concerned; or None */
    uint64_t reserved, most;
    Py_ssize_t number; /* the device's in the machine */
    bool keeps_spare;
};

static int shared_init(struct shared *self, PyObject *arguments, PyObject *names)
{
    PyObject *held, *pieces;
    unsigned long long number, most;

    if (!PyArg_ParseTuple(arguments, "O!KKO!", &held_type, &held, &number, &most, &PyDict_Type, &pieces) || names ||
        self->blocks || held_device((struct held *)held, number) < 0)
        return -1;
    self->blocks = PyList_New(0);
    self->spare = Py_NewRef(Py_None);
    self->held = (struct held *)Py_NewRef(held);
    self->pieces = Py_NewRef(pieces);
    self->number = (Py_ssize_t)number;
    self->most = most;
    return self->blocks ? 0 : -1;
}

static int shared_traverse(struct shared *self, visitproc visit, void *arg)
{
    Py_VISIT(self->blocks);
    Py_VISIT(self->spare);
    Py_VISIT(self->pieces);
    return 0;
}

static int shared_clear(struct shared *self)
{
    Py_CLEAR(self->blocks);
    Py_CLEAR(self->spare);
    Py_CLEAR(self->pieces);
    return 0;
}

static void shared_end(struct shared *self)
{
    PyObject_GC_UnTrack(self);
    shared_clear(self);
    Py_CLEAR(self->held);
    Py_TYPE(self)->tp_free(self);
}

static bool shared_reserve(struct shared *self, uint64_t size)
{
    if (held_take(self->held, self->number, size, self->most) != TOOK)
        return false;
    self->reserved += size;
    return true;
}

static void shared_release(struct shared *self, uint64_t size)
{
    self->reserved -= size;
    held_put(self->held, self->number, self->held->bytes[self->number] - size);
}

/* ---- quick allocations ---- */

/* What most allocations and frees come to: those that share a page with others, and those of whole pages that were
 * freed before and that nobody has written. The interpreter lock keeps other threads out, and nothing is done here
 * while one of them is in the machine's lock. */
struct quick {
    PyObject_HEAD struct lock *lock;
    struct short_function *insert, *remove, *empty; /* space_insert, space_try_remove, space_try_empty */
    PyObject *allocations;                          /* the machine's, by address */
    unsigned long long sharing;                     /* the largest size that shares a page */
    unsigned long long grain, page;                 /* what sizes are rounded to: that one, and larger ones */
    unsigned long long access;                      /* of what is allocated */
};

static PyObject *quick_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *lock, *insert, *remove, *empty, *allocations;
    unsigned long long sharing, grain, page, access;
    struct quick *self;

    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O!KKKK", &lock_type, &lock, &short_type, &insert, &short_type, &remove,
                          &short_type, &empty, &PyDict_Type, &allocations, &sharing, &grain, &page, &access) ||
        names || !(self = (struct quick *)type->tp_alloc(type, 0)))
        return NULL;
    self->lock = (struct lock *)Py_NewRef(lock);
    self->insert = (struct short_function *)Py_NewRef(insert);
    self->remove = (struct short_function *)Py_NewRef(remove);
    self->empty = (struct short_function *)Py_NewRef(empty);
    self->allocations = Py_NewRef(allocations);
    self->sharing = sharing;
    self->grain = grain;
    self->page = page;
    self->access = access;
    return (PyObject *)self;
}

static int quick_traverse(struct quick *self, visitproc visit, void *arg)
{
    Py_VISIT(self->allocations);
    return 0;
}

static void quick_end(struct quick *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF((PyObject *)self->lock);
    Py_XDECREF((PyObject *)self->insert);
    Py_XDECREF((PyObject *)self->remove);
    Py_XDECREF((PyObject *)self->empty);
    Py_XDECREF(self->allocations);
    Py_TYPE(self)->tp_free(self);
}

static uint64_t quick_rounded(const struct quick *self, uint64_t size)
{
    uint64_t unit = size > self->sharing ? self->page : self->grain;
    return (size + unit - 1) / unit * unit;
}

/* What is freed last. */
static PyObject *last_of(PyObject *list)
{
    Py_ssize_t count = list && PyList_CheckExact(list) ? PyList_GET_SIZE(list) : 0;
    return count ? PyList_GET_ITEM(list, count - 1) : NULL;
}

static int remove_last(PyObject *list)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    return PyList_SetSlice(list, count - 1, count, NULL);
}

/* The free addresses of that size; NULL where there never were any. */
static PyObject *pieces_of(const struct shared *heap, uint64_t size)
{
    PyObject *number = PyLong_FromUnsignedLongLong(size), *found;

    found = number ? PyDict_GetItemWithError(heap->pieces, number) : NULL;
    Py_XDECREF(number);
    return found;
}

/* The last block, or the spare one where there is none, if a part of its last gap is enough: it stays among those that
 * have room. */
static struct gaps *quick_block(const struct quick *self, struct shared *heap, uint64_t size)
{
    struct gaps *last = (struct gaps *)last_of(heap->blocks);

    if (!last && heap->spare != Py_None) {
        if (!shared_reserve(heap, self->page))
            return NULL;
        if (PyList_Append(heap->blocks, heap->spare) != 0) {
            shared_release(heap, self->page);
            return NULL;
        }
        last = (struct gaps *)heap->spare;
        Py_SETREF(heap->spare, Py_NewRef(Py_None));
    }
    return last && last->count && last->list[last->count - 1].size > size ? last : NULL;
}

/* Puts an allocation where it is to be; false: it is not made, and nothing has changed. */
static bool quick_place(struct quick *self, struct allocation *made, PyObject *source, PyObject *address, uint64_t size)
{
    uint64_t word = word_of(address);

    Py_SETREF(made->source, Py_NewRef(source));
    Py_SETREF(made->address, Py_NewRef(address));
    if (PyDict_SetItem(self->allocations, address, (PyObject *)made) != 0)
        return false;
    if (short_result(self->insert, word, size, word, self->access) == 0)
        return true;
    PyDict_DelItem(self->allocations, address);
    return false;
}

static bool quick_allocate_pages(struct quick *self, struct shared *heap, struct allocation *made, uint64_t size)
{
    uint64_t rounded = quick_rounded(self, size);
    PyObject *pieces = pieces_of(heap, rounded), *address = last_of(pieces);

    if (!address || !shared_reserve(heap, rounded))
        return false;
    if (quick_place(self, made, (PyObject *)heap, address, size) && remove_last(pieces) == 0)
        return true;
    shared_release(heap, rounded);
    return false;
}

static bool quick_allocate_part(struct quick *self, struct shared *heap, struct allocation *made, uint64_t size)
{
    uint64_t rounded = quick_rounded(self, size);
    struct gaps *block = quick_block(self, heap, rounded);
    struct gap *gap = block ? &block->list[block->count - 1] : NULL;
    PyObject *address = gap ? PyLong_FromUnsignedLongLong(gap->address) : NULL;
    bool is_placed = address && quick_place(self, made, (PyObject *)block, address, size);

    Py_XDECREF(address);
    if (is_placed) {
        gap->address += rounded;
        gap->size -= rounded;
        block->left -= rounded;
    }
    return is_placed;
}

static PyObject *quick_allocate(struct quick *self, PyObject *const *given, Py_ssize_t count)
{
    struct allocation *made;
    uint64_t size;
    bool is_made;

    if (count != 5 || !PyObject_TypeCheck(given[0], &shared_type))
        return PyErr_Format(PyExc_TypeError, "allocate(heap, size, kind, device, context)");
    size = word_of(given[1]);
    if (size == UINT64_MAX && PyErr_Occurred())
        return NULL;
    made = (struct allocation *)allocation_new(
        (PyObject *)&allocation_type, (PyObject *[]){given[1], given[1], given[2], given[3], given[4], Py_None}, 6,
        NULL);
    if (!made)
        return NULL;
    is_made = !self->lock->depth && (size > self->sharing ? quick_allocate_pages : quick_allocate_part)(
                                        self, (struct shared *)given[0], made, size);
    if (is_made)
        return (PyObject *)made;
    Py_DECREF((PyObject *)made);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* How much of a free is done. */
enum freed { NOTHING, INVALID, ALL };

static enum freed quick_free_pages(struct quick *self, struct allocation *allocation, uint64_t address, uint64_t size)
{
    struct shared *heap = (struct shared *)allocation->source;
    PyObject *pieces = pieces_of(heap, size);

    if (!pieces || short_result(self->remove, address, 0, 0, 0))
        return NOTHING;
    if (short_result(self->empty, address, size, 0, 0) || PyList_Append(pieces, allocation->address) != 0)
        return INVALID;
    shared_release(heap, size);
    return ALL;
}

static enum freed quick_free_part(struct quick *self, struct allocation *allocation, uint64_t address, uint64_t size)
{
    struct gaps *block = (struct gaps *)allocation->source;
    struct shared *heap =
        block->owner && PyObject_TypeCheck(block->owner, &shared_type) ? (struct shared *)block->owner : NULL;
    bool is_last = block->left + size >= block->size; /* nobody is in the block any more */

    if (!block->left || !gap_room(block) ||
        (is_last &&
         (!heap || !heap->keeps_spare || heap->spare != Py_None || last_of(heap->blocks) != (PyObject *)block)) ||
        short_result(self->remove, address, 0, 0, 0))
        return NOTHING;
    gap_give(block, address, size);
    if (is_last) {
        Py_SETREF(heap->spare, Py_NewRef((PyObject *)block));
        remove_last(heap->blocks);
        shared_release(heap, block->size);
    }
    return ALL;
}

static PyObject *quick_free(struct quick *self, PyObject *object)
{
    struct allocation *allocation = (struct allocation *)object;
    enum freed (*free)(struct quick *, struct allocation *, uint64_t, uint64_t) = NULL;
    enum freed freed = NOTHING;
    uint64_t address, size;

    if (Py_TYPE(object) == &allocation_type && !self->lock->depth &&
        PyDict_GetItemWithError(self->allocations, allocation->address) == object)
        free = PyObject_TypeCheck(allocation->source, &gaps_type)     ? quick_free_part
               : PyObject_TypeCheck(allocation->source, &shared_type) ? quick_free_pages
                                                                      : NULL;
    if (free) {
        address = word_of(allocation->address);
        size = word_of(allocation->size);
        if (PyErr_Occurred())
            return NULL;
        freed = free(self, allocation, address, quick_rounded(self, size));
    }
    if (PyErr_Occurred() || (freed != NOTHING && PyDict_DelItem(self->allocations, allocation->address) != 0))
        return NULL;
    return PyLong_FromLong(freed);
}

/* ---- types ---- */

static PyTypeObject short_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Short",
    .tp_doc = "A C function of numbers that takes moments only: the interpreter is kept while it runs.",
    .tp_basicsize = sizeof(struct short_function),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = short_new,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(struct short_function, call),
};

static PyMethodDef lock_methods[] = {
    {"__enter__", (PyCFunction)lock_enter, METH_NOARGS, "Returns once no other thread is in it."},
    {"__exit__", (PyCFunction)(void (*)(void))lock_exit, METH_FASTCALL, "Leaves it as often as it was entered."},
    {NULL},
};

static PyTypeObject lock_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Lock",
    .tp_doc = "A lock that its owner may enter again.",
    .tp_basicsize = sizeof(struct lock),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = lock_new,
    .tp_dealloc = (destructor)lock_end,
    .tp_methods = lock_methods,
};

static PyMemberDef gaps_members[] = {
    {"address", T_ULONGLONG, offsetof(struct gaps, address), READONLY, "Where it begins."},
    {"size", T_ULONGLONG, offsetof(struct gaps, size), READONLY, "How large it is."},
    {"left", T_ULONGLONG, offsetof(struct gaps, left), READONLY, "How many bytes they have together."},
    {"owner", T_OBJECT_EX, offsetof(struct gaps, owner), 0, "Whose memory it is."},
    {NULL},
};

static PyMethodDef gaps_methods[] = {
    {"take", (PyCFunction)gaps_take, METH_O, "The address of so many bytes: of the last gap, else of the first; or 0."},
    {"give", (PyCFunction)(void (*)(void))gaps_give, METH_FASTCALL, "Takes bytes back: address, size. Returns `left`."},
    {NULL},
};

static PyTypeObject gaps_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Gaps",
    .tp_doc = "What of a piece of memory is free.",
    .tp_basicsize = sizeof(struct gaps),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = gaps_new,
    .tp_traverse = (traverseproc)gaps_traverse,
    .tp_clear = (inquiry)gaps_clear,
    .tp_dealloc = (destructor)gaps_end,
    .tp_members = gaps_members,
    .tp_methods = gaps_methods,
};

static PyMemberDef allocation_members[] = {
    {"address", T_OBJECT_EX, offsetof(struct allocation, address), READONLY, NULL},
    {"size", T_OBJECT_EX, offsetof(struct allocation, size), READONLY, NULL},
    {"kind", T_OBJECT_EX, offsetof(struct allocation, kind), READONLY, NULL},
    {"device", T_OBJECT_EX, offsetof(struct allocation, device), READONLY, NULL},
    {"context", T_OBJECT_EX, offsetof(struct allocation, context), READONLY, NULL},
    {"source", T_OBJECT_EX, offsetof(struct allocation, source), READONLY, NULL},
    {"flags", T_OBJECT_EX, offsetof(struct allocation, flags), 0, NULL},
    {NULL},
};

static PyGetSetDef allocation_getset[] = {
    {"number", (getter)allocation_number, NULL, NULL, NULL},
    {NULL},
};

static PyTypeObject allocation_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Allocation",
    .tp_doc = "What one call has allocated: see _frames.pyi.",
    .tp_basicsize = sizeof(struct allocation),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_vectorcall = allocation_new,
    .tp_traverse = (traverseproc)allocation_traverse,
    .tp_clear = (inquiry)allocation_clear,
    .tp_dealloc = (destructor)allocation_end,
    .tp_members = allocation_members,
    .tp_getset = allocation_getset,
};

static PyMethodDef held_methods[] = {
    {"take_now", (PyCFunction)(void (*)(void))held_take_now, METH_FASTCALL,
     "Holds more, unless all would then hold more than the most: device, size, most. None: look at others first."},
    {"give", (PyCFunction)(void (*)(void))held_give, METH_FASTCALL, "Holds so many bytes less: device, size."},
    {"saw", (PyCFunction)held_saw, METH_VARARGS, "What others hold, a number a device, and for how many seconds."},
    {"forget", (PyCFunction)held_forget, METH_NOARGS, "Holds nothing, and tells nobody."},
    {NULL},
};

static PyGetSetDef held_getset[] = {
    {"held", (getter)held_list, NULL, "Bytes that this process holds, by the device's number in the machine.", NULL},
    {NULL},
};

static PyTypeObject held_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Held",
    .tp_doc = "What a process holds of the devices of its machine.",
    .tp_basicsize = sizeof(struct held),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)held_init,
    .tp_dealloc = (destructor)held_end,
    .tp_methods = held_methods,
    .tp_getset = held_getset,
};

static PyMemberDef shared_members[] = {
    {"blocks", T_OBJECT_EX, offsetof(struct shared, blocks), READONLY, NULL},
    {"spare", T_OBJECT_EX, offsetof(struct shared, spare), 0, NULL},
    {"keeps_spare", T_BOOL, offsetof(struct shared, keeps_spare), 0, NULL},
    {"reserved", T_ULONGLONG, offsetof(struct shared, reserved), 0, NULL},
    {NULL},
};

static PyTypeObject shared_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Shared",
    .tp_doc = "Part of a device's memory, in blocks: see _frames.pyi.",
    .tp_basicsize = sizeof(struct shared),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)shared_init,
    .tp_traverse = (traverseproc)shared_traverse,
    .tp_clear = (inquiry)shared_clear,
    .tp_dealloc = (destructor)shared_end,
    .tp_members = shared_members,
};

static PyMethodDef quick_methods[] = {
    {"allocate", (PyCFunction)(void (*)(void))quick_allocate, METH_FASTCALL,
     "An allocation: heap, size, kind, device, context. None: there is more to do, and nothing is done."},
    {"free", (PyCFunction)quick_free, METH_O, "Ends an allocation; see _frames.pyi for what it says."},
    {NULL},
};

static PyTypeObject quick_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Quick",
    .tp_doc = "The commonest allocations and frees.",
    .tp_basicsize = sizeof(struct quick),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = quick_new,
    .tp_traverse = (traverseproc)quick_traverse,
    .tp_dealloc = (destructor)quick_end,
    .tp_methods = quick_methods,
};

PyTypeObject *const vgpu_quick_types[] = {&short_type, &lock_type,   &gaps_type,  &allocation_type,
                                          &held_type,  &shared_type, &quick_type, NULL};
