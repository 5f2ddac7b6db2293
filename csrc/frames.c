/* Calls as a hook sees them: the C half of vgpu_embed/frames.py (module vgpu_embed._frames).
 *
 * What happens at each call is here; what happens at the first one of a kind, and what is rare (text, structs, errors),
 * is in Python: methods that begin with an underscore. Every entry into this file holds the interpreter lock, except
 * decide(). In a preloaded process the interpreter's namespace has this module, under vgpu_embed.testing any Python. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <structmember.h>

#include "vgpu.h"

#define RESULTS  1024 /* every library's codes are below */
#define PREPARED 8192 /* a power of two */
#define MEMBERS  1024 /* members of an enum that are kept by their number */

extern PyTypeObject *const vgpu_quick_types[]; /* quick.c: others of this module, which know nothing of calls */

static const struct vgpu_host *host; /* NULL outside of a preloaded process */
static void *(*cffi_pointer)(void *address, void *type), *(*cffi_address)(void *pointer, void *type); /* likewise */
static PyObject *result_type, *results[RESULTS];
static bool somebody_failed; /* a handler has, once: only then is there something to forgive */

static PyObject *word_argument, *word_no_field, *word_no_output, *word_unwritten, *word_store, *word_described,
    *word_real, *word_unsupported, *word_made_kind, *word_room, *word_value, *word_register, *word_result,
    *word_in_a_row, *word_any, *word_address_of;

/* ---- results ---- */

static PyObject *result_of(uint64_t code)
{
    PyObject *known = code < RESULTS ? results[code] : NULL;

    if (!known) {
        known = PyObject_CallFunction(result_type, "K", (unsigned long long)code);
        if (!known || code >= RESULTS)
            return known;
        results[code] = known;
    }
    return Py_NewRef(known);
}

static PyObject *result_from(PyObject *value)
{
    int overflow = 0;
    long long code;

    if (Py_TYPE(value) == (PyTypeObject *)result_type)
        return Py_NewRef(value);
    code = PyLong_Check(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : -1;
    return code >= 0 && !overflow ? result_of(code) : PyObject_CallOneArg(result_type, value);
}

/* ---- fields ---- */

enum { GENERAL, FLOATING, STACK };                            /* where an argument lies */
enum { INTEGER, UNSIGNED, FLOAT, DOUBLE, POINTER, OTHER };    /* what it is */
enum { IN, OUT, INOUT };                                      /* whether what it points to is written */
enum { NOT_DESCRIBED, SLOW, ADDRESS, SIGNED_NUMBER, NUMBER }; /* what an output is */

struct field {
    PyObject_HEAD PyObject *attribute, *parameter;
    PyObject *members;            /* of its enum, by number; NULL where it has none */
    PyObject *cast, *type, *item; /* once it is described: ffi.cast, its type, the type of what it points to */
    uint8_t place, where, kind, size, direction, output, output_size;
};

static void field_end(struct field *self)
{
    Py_XDECREF(self->attribute);
    Py_XDECREF(self->parameter);
    Py_XDECREF(self->members);
    Py_XDECREF(self->cast);
    Py_XDECREF(self->type);
    Py_XDECREF(self->item);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *field_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static char *words[] = {"parameter", "attribute", "where", "place", "kind", "size", "direction", "is_enum", NULL};
    struct field *self = (struct field *)type->tp_alloc(type, 0);
    int is_enum;

    if (!self)
        return NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "OUbbbbbp", words, &self->parameter, &self->attribute,
                                     &self->where, &self->place, &self->kind, &self->size, &self->direction,
                                     &is_enum)) {
        self->parameter = self->attribute = NULL;
        Py_DECREF(self);
        return NULL;
    }
    Py_INCREF(self->parameter);
    Py_INCREF(self->attribute);
    PyUnicode_InternInPlace(&self->attribute);
    if (is_enum && !(self->members = PyDict_New())) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static uint64_t *words_of(struct vgpu_frame *frame, const struct field *field)
{
    if (field->where == GENERAL)
        return &frame->gp[field->place];
    return field->where == STACK ? &frame->stack[field->place] : (uint64_t *)frame->xmm[field->place];
}

static PyObject *number_of(const struct field *field, uint64_t word)
{
    int unused = 64 - 8 * (field->size < 8 ? field->size : 8);

    word <<= unused;
    return field->kind == INTEGER ? PyLong_FromLongLong((int64_t)word >> unused)
                                  : PyLong_FromUnsignedLongLong(word >> unused);
}

/* Asks Python what the parameter's types are: (ffi.cast, its type, the type of what it points to, output, size). */
static bool described(struct field *field, PyObject *calls)
{
    PyObject *is = PyObject_CallMethodOneArg(calls, word_described, field->parameter);
    bool right = is && PyArg_ParseTuple(is, "OOObb", &field->cast, &field->type, &field->item, &field->output,
                                        &field->output_size);

    if (right) {
        Py_INCREF(field->cast);
        Py_INCREF(field->type);
        Py_INCREF(field->item);
    } else {
        field->cast = field->type = field->item = NULL;
        field->output = NOT_DESCRIBED;
    }
    Py_XDECREF(is);
    return right;
}

static PyObject *cast(const struct field *field, PyObject *to, uint64_t address)
{
    PyObject *number, *found = NULL;

    if (cffi_pointer)
        return cffi_pointer((void *)address, to);
    number = PyLong_FromUnsignedLongLong(address);
    if (number)
        found = PyObject_Vectorcall(field->cast, (PyObject *[]){to, number}, 2, NULL);
    Py_XDECREF(number);
    return found;
}

/* ---- kinds: the calls of one function by one library ---- */

struct kind {
    PyObject_HEAD PyTypeObject *type; /* class of the calls */
    PyObject *function, *caller;
    PyObject *hooks;  /* in the order in which they are asked */
    PyObject *fields; /* a tuple, in the parameters' order */
    PyObject *makes;  /* kinds of the calls that code of the function's library makes, by function */
    PyObject *owner;
    PyObject *decide; /* what Python does with such a call as a whole; None: decide() below */
    void *target;     /* where a call goes that is made */
    uint64_t mask;    /* what of the result register counts */
    uint32_t slot, stack_words, null_output;
    uint32_t recorded; /* number of the caller in whose name calls are made that are counted and recorded; 0: are not */
    bool through_host; /* the driver is asked by the library */
    bool leaves;       /* a call without a verdict leaves by the library's jump; else it is made here */
    bool gives_text;
};

struct call {
    PyObject_HEAD struct kind *kind;
    struct vgpu_frame *frame; /* NULL: it is over */
    PyObject *result;
    PyObject *written; /* bytes that `reply` has written, by output; NULL: none but those of `stored` */
    uint64_t stored;   /* outputs that were written as numbers: bits, by place among the fields */
    int next;          /* hooks before this one were asked */
    char has_forwarded, failed, repeated;
};

static int kind_traverse(struct kind *self, visitproc visit, void *arg)
{
    Py_VISIT(self->type);
    Py_VISIT(self->hooks);
    Py_VISIT(self->fields);
    Py_VISIT(self->makes);
    Py_VISIT(self->owner);
    Py_VISIT(self->decide);
    return 0;
}

static int kind_clear(struct kind *self)
{
    Py_CLEAR(self->makes);
    Py_CLEAR(self->owner);
    Py_CLEAR(self->decide);
    return 0;
}

static void kind_end(struct kind *self)
{
    PyObject_GC_UnTrack(self);
    kind_clear(self);
    Py_XDECREF(self->type);
    Py_XDECREF(self->function);
    Py_XDECREF(self->caller);
    Py_XDECREF(self->hooks);
    Py_XDECREF(self->fields);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *kind_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static char *words[] = {"type",   "function",    "caller",       "hooks",      "fields",   "makes",
                            "owner",  "decide",      "target",       "mask",       "slot",     "stack_words",
                            "leaves", "null_output", "through_host", "gives_text", "recorded", NULL};
    PyObject *calls, *function, *caller, *hooks, *fields, *makes, *owner, *decide;
    unsigned long long target, mask;
    unsigned slot, stack_words, null_output, recorded;
    int leaves, through_host, gives_text;
    struct kind *self;

    if (!PyArg_ParseTupleAndKeywords(arguments, names, "$O!UUO!O!O!OOKKIIpIppI", words, &PyType_Type, &calls, &function,
                                     &caller, &PyTuple_Type, &hooks, &PyTuple_Type, &fields, &PyDict_Type, &makes,
                                     &owner, &decide, &target, &mask, &slot, &stack_words, &leaves, &null_output,
                                     &through_host, &gives_text, &recorded))
        return NULL;
    self = (struct kind *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->type = (PyTypeObject *)Py_NewRef(calls);
    self->function = Py_NewRef(function);
    self->caller = Py_NewRef(caller);
    self->hooks = Py_NewRef(hooks);
    self->fields = Py_NewRef(fields);
    self->makes = Py_NewRef(makes);
    self->owner = Py_NewRef(owner);
    self->decide = Py_NewRef(decide);
    self->target = (void *)target;
    self->mask = mask;
    self->slot = slot;
    self->stack_words = stack_words;
    self->null_output = null_output;
    self->leaves = leaves;
    self->through_host = through_host;
    self->gives_text = gives_text;
    self->recorded = recorded;
    return (PyObject *)self;
}

static struct field *field_at(const struct kind *kind, Py_ssize_t place)
{
    return (struct field *)PyTuple_GET_ITEM(kind->fields, place);
}

/* A field's place, or -1. Names are mostly interned. */
static Py_ssize_t place_of(const struct kind *kind, PyObject *name)
{
    Py_ssize_t count = PyTuple_GET_SIZE(kind->fields);

    for (Py_ssize_t i = 0; i < count; i++)
        if (field_at(kind, i)->attribute == name)
            return i;
    for (Py_ssize_t i = 0; i < count && PyUnicode_Check(name); i++)
        if (PyUnicode_Compare(field_at(kind, i)->attribute, name) == 0)
            return i;
    return -1;
}

/* ---- calls ---- */

static struct call *call_of(struct kind *kind, struct vgpu_frame *frame)
{
    struct call *self = (struct call *)kind->type->tp_alloc(kind->type, 0);

    if (self) {
        self->kind = (struct kind *)Py_NewRef((PyObject *)kind);
        self->frame = frame;
    }
    return self;
}

static void call_end(struct call *self)
{
    Py_XDECREF(self->kind);
    Py_XDECREF(self->result);
    Py_XDECREF(self->written);
    Py_TYPE(self)->tp_free(self);
}

static struct vgpu_frame *frame_of(struct call *self)
{
    if (!self->frame)
        PyErr_Format(PyExc_RuntimeError, "%U: the call is over", self->kind->function);
    return self->frame;
}

static void set_result(struct call *self, PyObject *result)
{
    PyObject *before = self->result;

    self->result = result;
    Py_XDECREF(before);
}

/* The driver's result, as a Result. */
static PyObject *real(struct call *self)
{
    struct kind *kind = self->kind;
    struct vgpu_frame *frame = frame_of(self);
    uint64_t code = VGPU_NOWHERE;
    PyObject *found, *result;

    if (!frame)
        return NULL;
    if (kind->through_host && frame->target) {
        PyThreadState *state = PyEval_SaveThread();
        host->call(frame);
        code = frame->result;
        PyEval_RestoreThread(state);
    }
    if (code != VGPU_NOWHERE)
        return result_of(code & kind->mask);
    found = PyObject_CallMethodNoArgs((PyObject *)self, kind->through_host ? word_unsupported : word_real);
    result = found ? result_from(found) : NULL;
    Py_XDECREF(found);
    return result;
}

static PyObject *ask(PyObject *hook, struct call *call);

/* Asks the hooks that have not been asked yet: the first verdict, or None. */
static PyObject *run(struct call *self)
{
    PyObject *hooks = self->kind->hooks, *verdict;

    while (self->next < PyTuple_GET_SIZE(hooks)) {
        verdict = ask(PyTuple_GET_ITEM(hooks, self->next++), self);
        if (verdict != Py_None)
            return verdict;
        Py_DECREF(verdict);
    }
    return Py_NewRef(Py_None);
}

static PyObject *call_run(struct call *self, PyObject *unused)
{
    (void)unused;
    return run(self);
}

static PyObject *call_real(struct call *self, PyObject *unused)
{
    (void)unused;
    return self->kind->through_host ? real(self) : PyErr_Format(PyExc_NotImplementedError, "there is no driver");
}

static PyObject *call_forward(struct call *self, PyObject *unused)
{
    int place = self->next;
    PyObject *verdict, *result;

    (void)unused;
    if (self->has_forwarded)
        return PyErr_Format(PyExc_RuntimeError, "%U: forward() was called a second time", self->kind->function);
    verdict = run(self);
    if (!verdict)
        return NULL;
    result = verdict == Py_None ? real(self) : result_from(verdict);
    Py_DECREF(verdict);
    if (!result)
        return NULL;
    self->has_forwarded = true;
    self->next = place; /* the hooks in between forward once each, too */
    set_result(self, Py_NewRef(result));
    return result;
}

/* Writes a number or an address; false where that is for Python to do or to refuse. */
static bool stored(const struct field *field, void *pointer, PyObject *value)
{
    int overflow = 0, unused = 64 - 8 * field->output_size;
    long long number;
    uint64_t word;

    if (field->output == ADDRESS && (value == Py_None || PyLong_Check(value))) {
        *(uint64_t *)pointer = value == Py_None ? 0 : PyLong_AsUnsignedLongLongMask(value);
        return true;
    }
    if (field->output < SIGNED_NUMBER || !PyLong_Check(value))
        return false;
    number = PyLong_AsLongLongAndOverflow(value, &overflow);
    word = (uint64_t)number;
    if (overflow > 0 && field->output == NUMBER && field->output_size == 8) {
        word = PyLong_AsUnsignedLongLong(value);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return false;
        }
    } else if (overflow || (field->output == NUMBER ? number < 0 || word << unused >> unused != word
                                                    : (int64_t)(word << unused) >> unused != number)) {
        return false;
    }
    memcpy(pointer, &word, field->output_size);
    return true;
}

/* Writes one output. Returns 1, 0 where it is NULL, or -1. */
static int write_output(struct call *self, PyObject *name, PyObject *value, uint64_t *numbers, PyObject **sizes)
{
    Py_ssize_t place = place_of(self->kind, name);
    struct field *field = place < 0 ? NULL : field_at(self->kind, place);
    struct vgpu_frame *frame = frame_of(self);
    PyObject *size;
    void *pointer;
    int error;

    if (!frame)
        return -1;
    if (!field || field->direction == IN) {
        Py_XDECREF(PyObject_CallMethodOneArg((PyObject *)self, word_no_output, name));
        return -1;
    }
    pointer = (void *)*words_of(frame, field);
    if (!pointer)
        return 0;
    if (field->output == NOT_DESCRIBED && !described(field, (PyObject *)self->kind->type))
        return -1;
    if (place < 64 && stored(field, pointer, value)) {
        *numbers |= 1ull << place;
        return 1;
    }
    size = PyObject_CallMethodObjArgs((PyObject *)self, word_store, field->parameter, value, NULL);
    if (size && !*sizes)
        *sizes = self->written ? PyDict_Copy(self->written) : PyDict_New();
    error = size && *sizes ? PyDict_SetItem(*sizes, name, size) : -1;
    Py_XDECREF(size);
    return error ? -1 : 1;
}

static PyObject *call_reply(struct call *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *code = count ? arguments[0] : NULL, *sizes = NULL, *result = NULL;
    Py_ssize_t outputs = names ? PyTuple_GET_SIZE(names) : 0;
    uint64_t numbers = self->stored;
    int done = 1;

    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "reply() takes a result, and outputs by name");
    for (Py_ssize_t i = 0; i < outputs && done == 1; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i), *value = arguments[count + i];
        if (name == word_result)
            code = value;
        else
            done = write_output(self, name, value, &numbers, &sizes);
    }
    if (done == 1 && (result = code ? result_from(code) : result_of(0))) {
        self->stored = numbers;
        if (sizes) {
            Py_XDECREF(self->written);
            self->written = Py_NewRef(sizes);
        }
        set_result(self, Py_NewRef(result));
    } else if (done == 0) {
        result = result_of(self->kind->null_output);
    }
    Py_XDECREF(sizes);
    return result;
}

/* A struct that is passed in two words, the second one above the first. */
static PyObject *number_of_two(const struct field *field, const uint64_t *words)
{
    int unused = 128 - 8 * field->size;
    PyObject *low = PyLong_FromUnsignedLongLong(words[0]), *all = NULL;
    PyObject *high = PyLong_FromUnsignedLongLong(words[1] << unused >> unused), *bits = PyLong_FromLong(64);
    PyObject *above = high && bits ? PyNumber_Lshift(high, bits) : NULL;

    if (low && above)
        all = PyNumber_Or(low, above);
    Py_XDECREF(low);
    Py_XDECREF(high);
    Py_XDECREF(bits);
    Py_XDECREF(above);
    return all;
}

static PyObject *number_at(struct vgpu_frame *frame, const struct field *field)
{
    if (field->kind == OTHER && field->where != FLOATING && field->size > 8 && field->size <= 16)
        return number_of_two(field, words_of(frame, field));
    return number_of(field, *words_of(frame, field));
}

static PyObject *call_number(struct call *self, PyObject *name)
{
    Py_ssize_t place = place_of(self->kind, name);
    struct vgpu_frame *frame = frame_of(self);

    if (!frame)
        return NULL;
    if (place < 0)
        return PyObject_CallMethodOneArg((PyObject *)self, word_no_field, name);
    return number_at(frame, field_at(self->kind, place));
}

static PyObject *call_numbers(struct call *self, PyObject *unused)
{
    Py_ssize_t count = PyTuple_GET_SIZE(self->kind->fields);
    struct vgpu_frame *frame = frame_of(self);
    PyObject *numbers = frame ? PyTuple_New(count) : NULL, *number;

    (void)unused;
    for (Py_ssize_t i = 0; numbers && i < count; i++) {
        number = number_at(frame, field_at(self->kind, i));
        if (number)
            PyTuple_SET_ITEM(numbers, i, number);
        else
            Py_CLEAR(numbers);
    }
    return numbers;
}

/* The member of an enum that a number is. */
static PyObject *member_of(struct call *self, struct field *field, uint64_t word)
{
    PyObject *number = number_of(field, word), *member = NULL;

    if (number)
        member = Py_XNewRef(PyDict_GetItemWithError(field->members, number));
    if (number && !member && !PyErr_Occurred()) {
        member = PyObject_CallMethodOneArg((PyObject *)self, word_argument, field->parameter);
        if (member && PyDict_GET_SIZE(field->members) < MEMBERS && PyDict_SetItem(field->members, number, member) != 0)
            Py_CLEAR(member);
    }
    Py_XDECREF(number);
    return member;
}

static PyObject *pointer_of(struct call *self, struct field *field, uint64_t word)
{
    if (!field->cast && !described(field, (PyObject *)self->kind->type))
        return NULL;
    return cast(field, field->type, word);
}

static PyTypeObject call_type;

static PyObject *field_get(struct field *field, PyObject *object, PyObject *type)
{
    struct call *self = (struct call *)object;
    struct vgpu_frame *frame;
    uint64_t *words;

    (void)type;
    if (!object)
        return Py_NewRef((PyObject *)field);
    if (!PyObject_TypeCheck(object, &call_type))
        return PyErr_Format(PyExc_TypeError, "%U is a field of a call", field->attribute);
    if (!(frame = frame_of(self)))
        return NULL;
    if (field->direction == OUT && !self->result)
        return PyObject_CallMethodOneArg(object, word_unwritten, field->attribute);
    words = words_of(frame, field);
    switch (field->kind) {
    case INTEGER:
    case UNSIGNED:
        return field->members ? member_of(self, field, *words) : number_of(field, *words);
    case FLOAT:
        return PyFloat_FromDouble(*(float *)words);
    case DOUBLE:
        return PyFloat_FromDouble(*(double *)words);
    case POINTER:
        return pointer_of(self, field, *words);
    default:
        return PyObject_CallMethodOneArg(object, word_argument, field->parameter);
    }
}

static PyObject *call_address_of(struct call *self, PyObject *pointer)
{
    void *address = NULL;
    PyObject *any;

    if (PyLong_Check(pointer))
        return Py_NewRef(pointer);
    any = cffi_address ? PyObject_GetAttr((PyObject *)self, word_any) : NULL;
    if (any)
        address = cffi_address(pointer, any);
    Py_XDECREF(any);
    if (any && !PyErr_Occurred())
        return PyLong_FromVoidPtr(address);
    PyErr_Clear(); /* no pointer to an object */
    return PyObject_CallMethodOneArg((PyObject *)self, word_address_of, pointer);
}

static PyObject *call_address(struct call *self, void *unused)
{
    (void)unused;
    return frame_of(self) ? PyLong_FromVoidPtr(self->frame) : NULL;
}

static PyObject *call_caller(struct call *self, void *unused)
{
    (void)unused;
    return Py_NewRef(self->kind->caller);
}

static PyObject *call_kind(struct call *self, void *unused)
{
    (void)unused;
    return Py_NewRef((PyObject *)self->kind);
}

static PyObject *call_written(struct call *self, void *unused)
{
    PyObject *sizes = self->written ? PyDict_Copy(self->written) : PyDict_New();

    (void)unused;
    for (Py_ssize_t i = 0; sizes && i < PyTuple_GET_SIZE(self->kind->fields) && i < 64; i++)
        if (self->stored >> i & 1) {
            PyObject *size = PyLong_FromLong(field_at(self->kind, i)->output_size);
            if (!size || PyDict_SetItem(sizes, field_at(self->kind, i)->attribute, size) != 0)
                Py_CLEAR(sizes);
            Py_XDECREF(size);
        }
    return sizes;
}

static int call_set_written(struct call *self, PyObject *sizes, void *unused)
{
    (void)unused;
    self->stored = 0;
    Py_XDECREF(self->written);
    self->written = Py_XNewRef(sizes);
    return 0;
}

/* ---- calls that are made from Python ---- */

struct made {
    PyObject_VAR_HEAD PyObject *result;
    PyObject *fields;
    PyObject *values;   /* outputs that are no numbers, by name; NULL: there are none */
    uint64_t outputs[]; /* by place among the fields */
};

static void made_end(struct made *self)
{
    Py_XDECREF(self->result);
    Py_XDECREF(self->fields);
    Py_XDECREF(self->values);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *made_get(struct made *self, PyObject *name)
{
    Py_ssize_t count = Py_SIZE(self);

    if (name == word_result)
        return Py_NewRef(self->result);
    for (Py_ssize_t i = 0; i < count; i++) {
        struct field *field = (struct field *)PyTuple_GET_ITEM(self->fields, i);
        int unused = 64 - 8 * field->output_size;
        uint64_t word = self->outputs[i] << unused;
        PyObject *value;
        if (field->attribute != name || field->direction != OUT)
            continue;
        switch (field->output) {
        case ADDRESS:
            return cast(field, field->item, self->outputs[i]);
        case SIGNED_NUMBER:
            return PyLong_FromLongLong((int64_t)word >> unused);
        case NUMBER:
            return PyLong_FromUnsignedLongLong(word >> unused);
        default:
            value = self->values ? PyDict_GetItemWithError(self->values, name) : NULL;
            return value ? Py_NewRef(value) : PyObject_GenericGetAttr((PyObject *)self, name);
        }
    }
    return PyObject_GenericGetAttr((PyObject *)self, name);
}

static PyTypeObject made_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Made",
    .tp_doc = "A call that was made from Python: ``result`` and, under their names, the outputs; text as text.",
    .tp_basicsize = sizeof(struct made),
    .tp_itemsize = 8,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)made_end,
    .tp_getattro = (getattrofunc)made_get,
};

/* The values of a call that is being made, and what has to live as long. */
struct making {
    struct kind *kind;
    struct vgpu_frame *frame;
    PyObject *const *values;
    PyObject *names;
    PyObject *kept; /* texts, and outputs that Python has made, by name */
};

static bool keep(struct making *making, PyObject *name, PyObject *value)
{
    bool kept =
        value && (making->kept || (making->kept = PyDict_New())) && PyDict_SetItem(making->kept, name, value) == 0;
    Py_XDECREF(value);
    return kept;
}

/* Puts an input where a caller does. */
static bool put(struct making *making, const struct field *field, PyObject *value)
{
    uint64_t *words = words_of(making->frame, field);
    PyObject *text;

    if (PyLong_Check(value)) {
        *words = PyLong_AsUnsignedLongLongMask(value);
        return true;
    }
    if (value == Py_None)
        return true;
    if (PyFloat_Check(value) && field->kind == DOUBLE) {
        *(double *)words = PyFloat_AS_DOUBLE(value);
        return true;
    }
    if (PyFloat_Check(value) && field->kind == FLOAT) {
        *(float *)words = (float)PyFloat_AS_DOUBLE(value);
        return true;
    }
    if (PyBytes_Check(value) && field->kind == OTHER && PyBytes_GET_SIZE(value) == field->size) {
        memcpy(words, PyBytes_AS_STRING(value), field->size);
        return true;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%U of %U is a number, an address or text, not %s", field->attribute,
                     making->kind->function, Py_TYPE(value)->tp_name);
        return false;
    }
    text = PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape");
    *words = text ? (uintptr_t)PyBytes_AS_STRING(text) : 0;
    return keep(making, field->attribute, text);
}

static PyObject *inputs_of(const struct making *making)
{
    PyObject *inputs = PyDict_New();

    for (Py_ssize_t i = 0; inputs && making->names && i < PyTuple_GET_SIZE(making->names); i++)
        if (PyDict_SetItem(inputs, PyTuple_GET_ITEM(making->names, i), making->values[i]) != 0)
            Py_CLEAR(inputs);
    return inputs;
}

/* Room for an output: a word of `made`, or what Python makes: (object, its address). */
static bool make_room(struct making *making, struct made *made, Py_ssize_t place)
{
    struct field *field = field_at(making->kind, place);
    PyObject *calls = (PyObject *)making->kind->type, *inputs, *room, *kept;
    unsigned long long address;

    if (field->output == NOT_DESCRIBED && !described(field, calls))
        return false;
    *words_of(making->frame, field) = (uintptr_t)&made->outputs[place];
    if (field->output != SLOW)
        return true;
    inputs = inputs_of(making);
    room = inputs ? PyObject_CallMethodObjArgs(calls, word_room, field->parameter, inputs, NULL) : NULL;
    Py_XDECREF(inputs);
    if (!room || !PyArg_ParseTuple(room, "OK", &kept, &address)) {
        Py_XDECREF(room);
        return false;
    }
    *words_of(making->frame, field) = address;
    Py_INCREF(kept);
    Py_DECREF(room);
    return keep(making, field->attribute, kept);
}

static bool put_all(struct making *making, struct made *made)
{
    Py_ssize_t count = PyTuple_GET_SIZE(making->kind->fields);
    Py_ssize_t inputs = making->names ? PyTuple_GET_SIZE(making->names) : 0;
    uint64_t given = 0; /* an output that is given is written where it points */

    for (Py_ssize_t i = 0; i < inputs; i++) {
        PyObject *name = PyTuple_GET_ITEM(making->names, i);
        Py_ssize_t place = place_of(making->kind, name);
        if (place < 0) {
            Py_XDECREF(PyObject_CallMethodOneArg((PyObject *)making->kind->type, word_no_field, name));
            return false;
        }
        if (!put(making, field_at(making->kind, place), making->values[i]))
            return false;
        given |= UINT64_C(1) << place;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (field_at(making->kind, i)->direction == OUT && !(given >> i & 1) && !make_room(making, made, i))
            return false;
    }
    return true;
}

/* What Python made for outputs becomes what the caller reads. */
static bool take_values(struct making *making, struct made *made)
{
    for (Py_ssize_t i = 0; making->kept && i < PyTuple_GET_SIZE(making->kind->fields); i++) {
        struct field *field = field_at(making->kind, i);
        PyObject *room, *value;
        if (field->direction != OUT || field->output != SLOW)
            continue;
        room = PyDict_GetItemWithError(making->kept, field->attribute);
        if (!room && !PyErr_Occurred())
            continue; /* it was written where the caller said */
        value = room ? PyObject_CallMethodOneArg((PyObject *)making->kind->type, word_value, room) : NULL;
        if (!value || !(made->values || (made->values = PyDict_New())) ||
            PyDict_SetItem(made->values, field->attribute, value) != 0) {
            Py_XDECREF(value);
            return false;
        }
        Py_DECREF(value);
    }
    return true;
}

/* Asks the policies, then the driver. */
static PyObject *asked(struct kind *kind, struct vgpu_frame *frame)
{
    uint64_t since = kind->recorded ? host->making(kind->slot) : 0;
    struct call *call = call_of(kind, frame);
    PyObject *verdict = call ? run(call) : NULL, *result = NULL;

    if (verdict)
        result = verdict == Py_None ? real(call) : result_from(verdict);
    if (result && kind->recorded) {
        frame->result = PyLong_AsUnsignedLongLongMask(result);
        host->made(frame, kind->recorded, since);
    }
    if (call)
        call->frame = NULL;
    Py_XDECREF(verdict);
    Py_XDECREF(call);
    return result;
}

static struct kind *kind_of(struct call *self, PyObject *function)
{
    PyObject *kind = Py_XNewRef(PyDict_GetItemWithError(self->kind->makes, function));

    if (!kind && !PyErr_Occurred())
        kind = PyObject_CallMethodOneArg((PyObject *)self, word_made_kind, function);
    return (struct kind *)kind;
}

static PyObject *call_make(struct call *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    struct vgpu_frame frame __attribute__((aligned(16))) = {.gp = {0}};
    struct making making = {.frame = &frame, .values = arguments + 1, .names = names};
    struct made *made;
    bool right;

    if (count != 1)
        return PyErr_Format(PyExc_TypeError, "make() takes a function's name, and inputs by name");
    making.kind = kind_of(self, arguments[0]);
    if (!making.kind)
        return NULL;
    uint64_t stack[making.kind->stack_words + 1];
    memset(stack, 0, sizeof stack);
    frame.stack = stack;
    frame.target = making.kind->target;
    frame.slot = making.kind->slot;
    made = PyObject_NewVar(struct made, &made_type, PyTuple_GET_SIZE(making.kind->fields));
    if (made) {
        memset(made->outputs, 0, 8 * Py_SIZE(made));
        made->fields = Py_NewRef(making.kind->fields);
        made->result = made->values = NULL;
        right = put_all(&making, made) && (made->result = asked(making.kind, &frame)) && take_values(&making, made);
        if (!right)
            Py_CLEAR(made);
    }
    Py_XDECREF(making.kept);
    Py_DECREF(making.kind);
    return (PyObject *)made;
}

/* ---- handlers ---- */

struct ask {
    PyObject_HEAD PyObject *handler, *function;
    PyObject *test;   /* its predicate, or None */
    PyObject *caught; /* what becomes of an exception */
    bool remembers;
};

static PyTypeObject ask_type;

static int ask_traverse(struct ask *self, visitproc visit, void *arg)
{
    Py_VISIT(self->handler);
    Py_VISIT(self->function);
    Py_VISIT(self->test);
    Py_VISIT(self->caught);
    return 0;
}

static void ask_end(struct ask *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->handler);
    Py_XDECREF(self->function);
    Py_XDECREF(self->test);
    Py_XDECREF(self->caught);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *ask_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static char *words[] = {"handler", "function", "test", "caught", "remembers", NULL};
    struct ask *self;
    PyObject *handler, *function, *test, *caught;
    int remembers;

    if (!PyArg_ParseTupleAndKeywords(arguments, names, "OOOOp", words, &handler, &function, &test, &caught,
                                     &remembers) ||
        !(self = (struct ask *)type->tp_alloc(type, 0)))
        return NULL;
    self->handler = Py_NewRef(handler);
    self->function = Py_NewRef(function);
    self->test = Py_NewRef(test);
    self->caught = Py_NewRef(caught);
    self->remembers = remembers;
    return (PyObject *)self;
}

static PyObject *called(PyObject *function, PyObject *argument)
{
    PyObject *arguments[] = {NULL, argument};
    return PyObject_Vectorcall(function, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Takes a handler's exception to Python. */
static PyObject *caught(struct ask *self, struct call *call)
{
    PyObject *type, *error, *trace, *verdict;

    somebody_failed = true;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace)
        PyException_SetTraceback(error, trace);
    verdict = PyObject_CallFunctionObjArgs(self->caught, self->handler, (PyObject *)call, error, NULL);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return verdict;
}

/* One that answers again has not failed in a row. */
static bool forgive(struct ask *self)
{
    PyObject *times = PyObject_GetAttr(self->handler, word_in_a_row), *none;
    int failed = times ? PyObject_IsTrue(times) : -1;

    Py_XDECREF(times);
    if (failed <= 0)
        return failed == 0;
    none = PyLong_FromLong(0);
    failed = none ? PyObject_SetAttr(self->handler, word_in_a_row, none) : -1;
    Py_XDECREF(none);
    return failed == 0;
}

/* Whether the predicate is met: -1 where it raises. */
static int meets(struct ask *self, struct call *call)
{
    PyObject *met = self->test == Py_None ? NULL : called(self->test, (PyObject *)call);
    int is = self->test == Py_None ? 1 : met ? PyObject_IsTrue(met) : -1;

    Py_XDECREF(met);
    return is;
}

/* Whether it is something that a handler may return; NULL is not, and has said why. */
static bool is_verdict(struct call *call, PyObject *verdict)
{
    PyObject *name;

    if (!verdict || verdict == Py_None || PyLong_Check(verdict) ||
        (call->kind->gives_text && (PyUnicode_Check(verdict) || PyBytes_Check(verdict))))
        return verdict != NULL;
    name = PyObject_GetAttrString((PyObject *)Py_TYPE(verdict), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "a hook returns None or a CUresult, not %U", name);
    Py_XDECREF(name);
    return false;
}

static PyObject *ask_handler(struct ask *self, struct call *call)
{
    int met = meets(self, call);
    PyObject *verdict;

    if (met == 0)
        return Py_NewRef(Py_None);
    verdict = met > 0 ? called(self->function, (PyObject *)call) : NULL;
    if (!is_verdict(call, verdict) || (somebody_failed && !(self->remembers && call->repeated) && !forgive(self))) {
        Py_XDECREF(verdict);
        return caught(self, call);
    }
    if (verdict == Py_None && call->has_forwarded && call->result) {
        Py_DECREF(verdict);
        return Py_NewRef(call->result);
    }
    return verdict;
}

static PyObject *ask(PyObject *hook, struct call *call)
{
    return Py_TYPE(hook) == &ask_type ? ask_handler((struct ask *)hook, call) : called(hook, (PyObject *)call);
}

/* ---- what the library asks ---- */

static struct {
    uint32_t key;
    struct kind *kind; /* NULL: none */
} prepared[PREPARED];
static int prepared_count;
static PyObject *report;

/* Also without the interpreter lock, for whether there is one. */
static struct kind *prepared_for(uint32_t key)
{
    for (uint32_t i = key * 2654435769u >> 19;; i++) {
        struct kind *kind = __atomic_load_n(&prepared[i & (PREPARED - 1)].kind, __ATOMIC_ACQUIRE);
        if (!kind || __atomic_load_n(&prepared[i & (PREPARED - 1)].key, __ATOMIC_RELAXED) == key)
            return kind;
    }
}

static PyObject *forget(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    for (int i = 0; i < PREPARED && prepared_count; i++) {
        struct kind *kind = prepared[i].kind;
        if (kind) {
            __atomic_store_n(&prepared[i].kind, NULL, __ATOMIC_RELEASE);
            prepared_count--;
            Py_DECREF(kind);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    unsigned key;
    struct kind *kind;

    if (!PyArg_ParseTuple(arguments, "IO", &key, &kind))
        return NULL;
    if (prepared_count >= PREPARED / 2)
        Py_XDECREF(forget(module, NULL));
    for (uint32_t i = key * 2654435769u >> 19; !prepared_for(key); i++)
        if (!prepared[i & (PREPARED - 1)].kind) {
            Py_INCREF((PyObject *)kind);
            prepared_count++;
            __atomic_store_n(&prepared[i & (PREPARED - 1)].key, key, __ATOMIC_RELAXED);
            __atomic_store_n(&prepared[i & (PREPARED - 1)].kind, kind, __ATOMIC_RELEASE);
            break;
        }
    Py_RETURN_NONE;
}

static PyObject *on_error(PyObject *module, PyObject *function)
{
    (void)module;
    Py_XSETREF(report, Py_NewRef(function));
    Py_RETURN_NONE;
}

/* A failure of ours, not of a hook's: the call is forwarded. */
static void say_failed(void)
{
    PyObject *type, *error, *trace, *said = NULL;

    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (report)
        said = PyObject_CallFunctionObjArgs(report, type, error, trace ? trace : Py_None, NULL);
    if (!said)
        PyErr_WriteUnraisable(report);
    Py_XDECREF(said);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
}

/* A verdict as the register's value; text becomes a C string that stays. */
static bool set_register(struct call *call, PyObject *verdict)
{
    PyObject *number = PyLong_Check(verdict) ? Py_NewRef(verdict)
                                             : PyObject_CallMethodOneArg((PyObject *)call, word_register, verdict);

    if (number)
        call->frame->result = PyLong_AsUnsignedLongLongMask(number);
    Py_XDECREF(number);
    return number != NULL;
}

/* 0: forward, 1: answered, -1: an exception. */
static int decided(struct call *call)
{
    struct kind *kind = call->kind;
    PyObject *verdict;
    int answered;

    if (kind->decide != Py_None) {
        verdict = called(kind->decide, (PyObject *)call);
        answered = verdict ? PyObject_IsTrue(verdict) : -1;
        Py_XDECREF(verdict);
        return answered;
    }
    verdict = run(call);
    if (verdict == Py_None && !kind->leaves) {
        Py_DECREF(verdict);
        verdict = real(call);
    }
    answered = !verdict ? -1 : verdict == Py_None ? 0 : set_register(call, verdict) ? 1 : -1;
    Py_XDECREF(verdict);
    return answered;
}

static int decide_as(struct kind *kind, struct vgpu_frame *frame)
{
    struct call *call = call_of(kind, frame);
    int answered = call ? decided(call) : -1;

    if (answered < 0) {
        say_failed();
        answered = 0;
    }
    if (call)
        call->frame = NULL;
    Py_XDECREF(call);
    return answered;
}

static int decide(struct vgpu_frame *frame, uint32_t key)
{
    PyGILState_STATE state;
    struct kind *kind;
    int answered = -1;

    if (!prepared_for(key))
        return -1;
    state = PyGILState_Ensure();
    kind = prepared_for(key);
    if (kind)
        answered = decide_as(kind, frame);
    PyGILState_Release(state);
    return answered;
}

static PyObject *kind_decide(struct kind *self, PyObject *address)
{
    struct vgpu_frame *frame = PyLong_AsVoidPtr(address);
    return frame ? PyLong_FromLong(decide_as(self, frame)) : NULL;
}

static PyObject *kind_call(struct kind *self, PyObject *arguments, PyObject *names)
{
    unsigned long long address;
    static char *words[] = {"frame", NULL};

    if (!PyArg_ParseTupleAndKeywords(arguments, names, "K", words, &address))
        return NULL;
    return (PyObject *)call_of(self, (struct vgpu_frame *)address);
}

static void connect_host(const struct vgpu_host *the_host, void *(*pointer)(void *, void *),
                         void *(*address)(void *, void *))
{
    host = the_host;
    cffi_pointer = pointer;
    cffi_address = address;
}

static const struct vgpu_frames api = {connect_host, decide};

/* ---- the module ---- */

static PyTypeObject field_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Field",
    .tp_doc = "A parameter, as an attribute of calls.",
    .tp_basicsize = sizeof(struct field),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = field_new,
    .tp_dealloc = (destructor)field_end,
    .tp_descr_get = (descrgetfunc)field_get,
};

static PyMemberDef kind_members[] = {
    {"function", T_OBJECT, offsetof(struct kind, function), READONLY, NULL},
    {"owner", T_OBJECT, offsetof(struct kind, owner), READONLY, NULL},
    {"hooks", T_OBJECT, offsetof(struct kind, hooks), READONLY, NULL},
    {"leaves", T_BOOL, offsetof(struct kind, leaves), READONLY, NULL},
    {"mask", T_ULONGLONG, offsetof(struct kind, mask), READONLY, NULL},
    {NULL},
};

static PyMethodDef kind_methods[] = {
    {"decide", (PyCFunction)kind_decide, METH_O, "Asks about the call of a frame. 0: forward it. 1: it is answered."},
    {NULL},
};

static PyTypeObject kind_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Kind",
    .tp_doc = "The calls of one function by one library, made from the address of a frame.",
    .tp_basicsize = sizeof(struct kind),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = kind_new,
    .tp_dealloc = (destructor)kind_end,
    .tp_traverse = (traverseproc)kind_traverse,
    .tp_clear = (inquiry)kind_clear,
    .tp_call = (ternaryfunc)kind_call,
    .tp_members = kind_members,
    .tp_methods = kind_methods,
};

static PyTypeObject ask_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Ask",
    .tp_doc = "A handler as it is asked.",
    .tp_basicsize = sizeof(struct ask),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = ask_new,
    .tp_dealloc = (destructor)ask_end,
    .tp_traverse = (traverseproc)ask_traverse,
};

static PyMemberDef call_members[] = {
    {"result", T_OBJECT, offsetof(struct call, result), 0, NULL},
    {"has_forwarded", T_BOOL, offsetof(struct call, has_forwarded), READONLY, NULL},
    {"failed", T_BOOL, offsetof(struct call, failed), 0, NULL},
    {"repeated", T_BOOL, offsetof(struct call, repeated), 0, NULL},
    {NULL},
};

static PyGetSetDef call_getset[] = {
    {"address", (getter)call_address, NULL, NULL, NULL},
    {"caller", (getter)call_caller, NULL, NULL, NULL},
    {"_kind", (getter)call_kind, NULL, NULL, NULL},
    {"written", (getter)call_written, (setter)call_set_written, NULL, NULL},
    {NULL},
};

static PyMethodDef call_methods[] = {
    {"forward", (PyCFunction)call_forward, METH_NOARGS, "See `Call.forward`."},
    {"reply", (PyCFunction)(void (*)(void))call_reply, METH_FASTCALL | METH_KEYWORDS, "See `Call.reply`."},
    {"make", (PyCFunction)(void (*)(void))call_make, METH_FASTCALL | METH_KEYWORDS, "See `Call.make`."},
    {"address_of", (PyCFunction)call_address_of, METH_O, "See `Call.address_of`."},
    {"number", (PyCFunction)call_number, METH_O, "See `Call.number`."},
    {"numbers", (PyCFunction)call_numbers, METH_NOARGS, "All arguments as `number` gives them, in their order."},
    {"run", (PyCFunction)call_run, METH_NOARGS, "Asks the hooks that have not been asked yet: a verdict, or None."},
    {"real", (PyCFunction)call_real, METH_NOARGS, "Makes the call itself."},
    {NULL},
};

static PyTypeObject call_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "vgpu_embed._frames.Call",
    .tp_doc = "A call whose arguments lie in a frame.",
    .tp_basicsize = sizeof(struct call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = (destructor)call_end,
    .tp_members = call_members,
    .tp_getset = call_getset,
    .tp_methods = call_methods,
};

static PyMethodDef functions[] = {
    {"prepare", prepare, METH_VARARGS, "Has C ask about calls of this slot and caller as of a kind."},
    {"forget", forget, METH_NOARGS, "Forgets what was prepared."},
    {"on_error", on_error, METH_O, "Sets who is told of what goes wrong here."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "vgpu_embed._frames",
    "The C half of vgpu_embed.frames.",
    -1,
    functions,
    NULL,
    NULL,
    NULL,
    NULL,
};

static bool intern_words(void)
{
    const struct {
        PyObject **word;
        const char *text;
    } words[] = {
        {&word_argument, "_argument"},
        {&word_no_field, "_no_field"},
        {&word_no_output, "_no_output"},
        {&word_unwritten, "_unwritten"},
        {&word_store, "_store"},
        {&word_described, "_described"},
        {&word_real, "real"},
        {&word_unsupported, "_unsupported"},
        {&word_made_kind, "_made_kind"},
        {&word_room, "_room"},
        {&word_value, "_value"},
        {&word_register, "_register"},
        {&word_result, "result"},
        {&word_in_a_row, "in_a_row"},
        {&word_any, "_any_pointer"},
        {&word_address_of, "_address_of"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!(*words[i].word = PyUnicode_InternFromString(words[i].text)))
            return false;
    return true;
}

PyMODINIT_FUNC PyInit__frames(void)
{
    PyObject *policy = PyImport_ImportModule("vgpu_embed.policy");
    PyObject *module = policy && intern_words() ? PyModule_Create(&definition) : NULL;
    PyObject *capsule = PyCapsule_New((void *)&api, "vgpu_embed._frames.api", NULL);
    bool right = module && capsule && (result_type = PyObject_GetAttrString(policy, "Result")) &&
                 PyModule_AddObjectRef(module, "api", capsule) == 0 && PyModule_AddType(module, &field_type) == 0 &&
                 PyModule_AddType(module, &kind_type) == 0 && PyModule_AddType(module, &call_type) == 0 &&
                 PyModule_AddType(module, &ask_type) == 0 && PyType_Ready(&made_type) == 0;
    for (int i = 0; right && vgpu_quick_types[i]; i++)
        right = PyModule_AddType(module, vgpu_quick_types[i]) == 0;

    Py_XDECREF(policy);
    Py_XDECREF(capsule);
    if (!right)
        Py_CLEAR(module);
    return module;
}
