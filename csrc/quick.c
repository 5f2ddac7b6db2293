/* What a virtual GPU does at each allocation, of module vgpu_embed._frames: C functions that take moments, a lock, the
 * gaps of a piece of memory, what is allocated. Every entry into this file holds the interpreter lock. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <structmember.h>

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

static void gaps_end(struct gaps *self)
{
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

/* ---- quick allocations ---- */

/* What most allocations and frees come to that share a page with others, where nothing begins or ends with them. The
 * interpreter lock keeps other threads out, and nothing is done here while one of them is in the machine's lock. */
struct quick {
    PyObject_HEAD struct lock *lock;
    struct short_function *insert, *remove; /* space_insert, space_try_remove */
    PyObject *allocations;                  /* the machine's, by address */
    unsigned long long grain, access;       /* what sizes are rounded to; of what is allocated */
};

static PyTypeObject allocation_type, gaps_type, lock_type, short_type;

static PyObject *quick_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    PyObject *lock, *insert, *remove, *allocations;
    unsigned long long grain, access;
    struct quick *self;

    if (!PyArg_ParseTuple(arguments, "O!O!O!O!KK", &lock_type, &lock, &short_type, &insert, &short_type, &remove,
                          &PyDict_Type, &allocations, &grain, &access) ||
        names || !(self = (struct quick *)type->tp_alloc(type, 0)))
        return NULL;
    self->lock = (struct lock *)Py_NewRef(lock);
    self->insert = (struct short_function *)Py_NewRef(insert);
    self->remove = (struct short_function *)Py_NewRef(remove);
    self->allocations = Py_NewRef(allocations);
    self->grain = grain;
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
    Py_XDECREF(self->allocations);
    Py_TYPE(self)->tp_free(self);
}

/* The last block, if a part of its last gap is enough: it stays among those that have room. */
static struct gaps *quick_block(const struct quick *self, PyObject *blocks, uint64_t size)
{
    Py_ssize_t count = PyList_GET_SIZE(blocks);
    struct gaps *last = count ? (struct gaps *)PyList_GET_ITEM(blocks, count - 1) : NULL;

    if (self->lock->depth || !last || !PyObject_TypeCheck((PyObject *)last, &gaps_type))
        return NULL;
    return last->count && last->list[last->count - 1].size > size ? last : NULL;
}

static PyObject *quick_allocate(struct quick *self, PyObject *const *given, Py_ssize_t count)
{
    uint64_t size, rounded;
    struct allocation *made;
    struct gaps *block;
    struct gap *gap;

    if (count != 5 || !PyList_CheckExact(given[0]))
        return PyErr_Format(PyExc_TypeError, "allocate(blocks, size, kind, device, context)");
    size = word_of(given[1]);
    if (size == UINT64_MAX && PyErr_Occurred())
        return NULL;
    rounded = (size + self->grain - 1) / self->grain * self->grain;
    if (!quick_block(self, given[0], rounded))
        Py_RETURN_NONE;
    made = (struct allocation *)allocation_new(
        (PyObject *)&allocation_type, (PyObject *[]){given[1], given[1], given[2], given[3], given[4], Py_None}, 6,
        NULL);
    block = made ? quick_block(self, given[0], rounded) : NULL; /* making it may have let others run */
    if (!block) {
        Py_XDECREF((PyObject *)made);
        return made ? Py_NewRef(Py_None) : NULL;
    }
    gap = &block->list[block->count - 1];
    Py_SETREF(made->source, Py_NewRef((PyObject *)block));
    Py_SETREF(made->address, PyLong_FromUnsignedLongLong(gap->address));
    if (!made->address || PyDict_SetItem(self->allocations, made->address, (PyObject *)made) != 0) {
        Py_DECREF((PyObject *)made);
        return NULL;
    }
    if (short_result(self->insert, gap->address, size, gap->address, self->access)) {
        int gone = PyDict_DelItem(self->allocations, made->address);
        Py_DECREF((PyObject *)made);
        return gone == 0 ? Py_NewRef(Py_None) : NULL;
    }
    gap->address += rounded;
    gap->size -= rounded;
    block->left -= rounded;
    return (PyObject *)made;
}

static PyObject *quick_free(struct quick *self, PyObject *object)
{
    struct allocation *allocation = (struct allocation *)object;
    struct gaps *block;
    uint64_t address, size;

    if (Py_TYPE(object) != &allocation_type || !allocation->source || self->lock->depth ||
        !PyObject_TypeCheck(allocation->source, &gaps_type))
        Py_RETURN_FALSE;
    block = (struct gaps *)allocation->source;
    address = word_of(allocation->address);
    size = word_of(allocation->size);
    if (PyErr_Occurred())
        return NULL;
    size = (size + self->grain - 1) / self->grain * self->grain;
    if (!block->left || block->left + size >= block->size || !gap_room(block) ||
        PyDict_GetItemWithError(self->allocations, allocation->address) != object ||
        short_result(self->remove, address, 0, 0, 0))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
    gap_give(block, address, size);
    return PyDict_DelItem(self->allocations, allocation->address) == 0 ? Py_NewRef(Py_True) : NULL;
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
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = gaps_new,
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

static PyMethodDef quick_methods[] = {
    {"allocate", (PyCFunction)(void (*)(void))quick_allocate, METH_FASTCALL,
     "An allocation in the last of these blocks: blocks, size, kind, device, context. None: there is more to do."},
    {"free", (PyCFunction)quick_free, METH_O, "Ends an allocation. False: there is more to do, and nothing is done."},
    {NULL},
};

static PyTypeObject quick_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Quick",
    .tp_doc = "Allocations and frees in a page that others are in.",
    .tp_basicsize = sizeof(struct quick),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = quick_new,
    .tp_traverse = (traverseproc)quick_traverse,
    .tp_dealloc = (destructor)quick_end,
    .tp_methods = quick_methods,
};

PyTypeObject *const vgpu_quick_types[] = {&short_type, &lock_type, &gaps_type, &allocation_type, &quick_type, NULL};
