/* The core's C half: starts the interpreter with explicit settings and gives the library its way in. Lives in the
 * namespace, where libpython was loaded first; it does not link it. core_build.py appends this to cffi's output. */
#include <string.h>

void __ctype_init(void); /* libc's, per thread; exported for its own libraries */

static const struct vgpu_host *host;
static const struct vgpu_frames *frames; /* there from the first start on that has succeeded */
static PyThreadState *main_state;
static PyGILState_STATE fork_state;

#define ROOM (1 << 20) /* memory that there has to be for a thread's first steps in Python */

static uint64_t host_call(struct vgpu_frame *frame)
{
    host->call(frame);
    return frame->result;
}

static void host_route(uint32_t slot, uint32_t route, uint64_t constant, uint32_t scalars, uint32_t narrow)
{
    host->route(slot, route, constant, scalars, narrow);
}

static void host_filter(uint32_t slot, const struct vgpu_operation *steps, uint32_t count)
{
    host->filter(slot, steps, count);
}

static void host_remember(const struct vgpu_frame *frame, uint32_t caller, uint32_t generation, uint32_t verdict,
                          const struct vgpu_output *outputs, uint32_t count)
{
    host->remember(frame, caller, generation, verdict, outputs, count);
}

static void host_forget(void)
{
    host->forget();
}

static void host_chunks(struct vgpu_chunks *about)
{
    host->chunks(about);
}

static void host_release(char *chunk)
{
    host->release(chunk);
}

static void host_publish(const char *text)
{
    host->publish(text);
}

static void host_machine(uint64_t high, uint64_t low)
{
    host->machine(high, low);
}

static void host_hold(uint32_t device, uint64_t bytes)
{
    host->hold(device, bytes);
}

static void host_watch(const char *path, const uint64_t *identity)
{
    host->watch(path, identity);
}

static void host_serve(uint32_t milliseconds, uint32_t observes)
{
    host->serve(milliseconds, observes);
}

/* Raises guard.Overrun in a thread, at its next step in Python. */
static void interrupt(uint64_t thread)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *module = PyImport_ImportModule("vgpu_embed.embed.guard");
    PyObject *overrun = module ? PyObject_GetAttrString(module, "Overrun") : NULL;

    if (overrun)
        PyThreadState_SetAsyncExc((unsigned long)thread, overrun);
    else
        PyErr_Clear();
    Py_XDECREF(overrun);
    Py_XDECREF(module);
    PyGILState_Release(state);
}

/* The policies' own events, of which most are nobody's business: a hook in Python would be asked about each, and has no
 * memory to run in where a policy has used it up. */
static int audit(const char *event, PyObject *arguments, void *unused)
{
    PyObject *guard, *result;

    (void)unused;
    if (strcmp(event, "import") == 0 ? PyTuple_GET_ITEM(arguments, 1) == Py_None : strncmp(event, "ctypes.dl", 9) != 0)
        return 0;
    guard = PyImport_ImportModule("vgpu_embed.embed.guard");
    result = guard ? PyObject_CallMethod(guard, "check", "sO", event, arguments) : NULL;
    Py_XDECREF(guard);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static void check_events(void)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PySys_AddAuditHook(audit, NULL);
    PyGILState_Release(state);
}

/* Where a policy has used up the memory, whatever is cleaned up meanwhile may fail: the hook's failure says it all. */
static PyObject *unraisable(PyObject *self, PyObject *arguments)
{
    PyObject *usual = PySys_GetObject("__unraisablehook__");

    (void)self;
    if (PyTuple_GET_ITEM(arguments, 0) == PyExc_MemoryError || !usual)
        Py_RETURN_NONE;
    return PyObject_CallOneArg(usual, arguments);
}

static PyMethodDef unraisable_method = {"unraisablehook", unraisable, METH_O, NULL};

static void *host_thunk(uint32_t slot)
{
    return host->thunk(slot);
}

static void *host_real(uint32_t slot)
{
    return host->real(slot);
}

static int host_registered(uint64_t address, struct vgpu_registration *found)
{
    return host->registered(address, found);
}

static int host_registration(uint64_t binary, uint32_t number, struct vgpu_registration *found)
{
    return host->registration(binary, number, found);
}

static uint32_t host_registrations_gone(void)
{
    return host->registrations_gone();
}

static const char *host_caller(uint32_t number)
{
    return host->caller(number);
}

static uint32_t host_number(const char *caller)
{
    return host->number(caller);
}

static const char *host_driver(void)
{
    return host->driver();
}

static const char *host_setting(const char *name)
{
    return host->setting(name);
}

static void host_log(int level, const char *text)
{
    host->log(level, text);
}

static int host_start_work(uint64_t number)
{
    return host->start_work(number);
}

static void host_ring(uint32_t *bell)
{
    host->ring(bell);
}

static void *host_await(void)
{
    return host->await;
}

static const struct vgpu_host *host_info(void)
{
    return host;
}

static void *pointer_of(void *address, void *type)
{
    return _cffi_from_c_pointer(address, type);
}

static void *address_of(void *pointer, void *type)
{
    return _cffi_to_c_pointer(pointer, type);
}

/* What a start makes stays: looking through it for garbage would take a twentieth of the time. */
static int start(uint32_t *retry_seconds)
{
    PyGILState_STATE state = PyGILState_Ensure();
    int next;

    PyGC_Disable();
    PyGILState_Release(state);
    next = vgpu_start(retry_seconds);
    state = PyGILState_Ensure();
    PyGC_Enable();

    if (next == VGPU_READY && !frames && (frames = PyCapsule_Import("vgpu_embed._frames.api", 0)))
        frames->connect(host, pointer_of, address_of);
    if (PyErr_Occurred())
        PyErr_Print();
    PyGILState_Release(state);
    return next;
}

static int decide(struct vgpu_frame *frame, uint32_t key)
{
    int answered = frames ? frames->decide(frame, key) : -1;
    return answered < 0 ? vgpu_decide(frame, key) : answered;
}

/* The namespace's C library has to be told of each thread that the program made. The thread's state is made here,
 * where no fork can come in between; cffi finds and uses it. */
static int thread_begin(void)
{
    void *room = PyMem_RawMalloc(ROOM); /* PyThreadState_New goes through NULL where it gets none (3.11) */

    if (!room)
        return 0;
    PyMem_RawFree(room);
    __ctype_init();
    PyGILState_Ensure();
    PyEval_SaveThread();
    return 1;
}

static void thread_end(void)
{
    PyThreadState *state = PyGILState_GetThisThreadState();

    if (!state || state == main_state)
        return;
    PyGILState_Ensure();
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
}

static void before_fork(void)
{
    fork_state = PyGILState_Ensure();
    PyOS_BeforeFork();
}

static void after_fork_parent(void)
{
    PyOS_AfterFork_Parent();
    PyGILState_Release(fork_state);
}

/* The child has this thread's state alone; the interpreter's first one is gone with its thread. CPython wants one that
 * stays (it would take its static first one again, which is still marked as in use), so this one does. */
static void after_fork_child(void)
{
    PyOS_AfterFork_Child();
    main_state = PyGILState_GetThisThreadState();
    if (fork_state == PyGILState_UNLOCKED)
        PyEval_SaveThread();
    else
        PyGILState_Release(fork_state);
}

/* The last events and a policy's atexit functions; an embedded interpreter is not finalized. */
static void at_exit(void)
{
    PyGILState_STATE state;
    PyObject *module, *result;

    vgpu_drain();
    state = PyGILState_Ensure();
    module = PyImport_ImportModule("atexit");
    result = module ? PyObject_CallMethod(module, "_run_exitfuncs", NULL) : NULL;
    if (!result)
        PyErr_Print();
    Py_XDECREF(result);
    Py_XDECREF(module);
    PyGILState_Release(state);
}

static PyStatus append_paths(PyConfig *config, const char *paths)
{
    PyStatus status = PyStatus_Ok();
    char folder[4096];

    while (*paths && !PyStatus_Exception(status)) {
        size_t length = strcspn(paths, ":");
        wchar_t *wide;
        if (length >= sizeof folder)
            return PyStatus_Error("a search path is too long");
        memcpy(folder, paths, length);
        folder[length] = 0;
        paths += length + (paths[length] == ':');
        wide = Py_DecodeLocale(folder, NULL);
        if (!wide)
            return PyStatus_NoMemory();
        status = PyWideStringList_Append(&config->module_search_paths, wide);
        PyMem_RawFree(wide);
    }
    return status;
}

#define TRY(step)                       \
    do {                                \
        status = (step);                \
        if (PyStatus_Exception(status)) \
            goto done;                  \
    } while (0)

/* Nothing is guessed from PATH, the environment or the current folder. */
static const char *start_interpreter(const struct vgpu_python *python)
{
    PyPreConfig before;
    PyConfig config;
    PyStatus status;

    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyConfig_InitIsolatedConfig(&config);
    TRY(Py_PreInitialize(&before));
    config.site_import = 0;
    config.install_signal_handlers = 0;
    config.write_bytecode = 0;
    config.configure_c_stdio = 0;
    TRY(PyConfig_SetBytesString(&config, &config.home, python->home));
    if (*python->executable)
        TRY(PyConfig_SetBytesString(&config, &config.executable, python->executable));
    TRY(PyConfig_SetBytesString(&config, &config.program_name,
                                *python->executable ? python->executable : "vgpu_embed"));
    config.module_search_paths_set = 1;
    TRY(append_paths(&config, python->path));
    TRY(Py_InitializeFromConfig(&config));
    PySys_SetObject("unraisablehook", PyCFunction_New(&unraisable_method, NULL));
    if (!PyImport_ImportModule("_cffi_backend")) /* cffi would say so in twenty lines */
        status = PyStatus_Error("the package cffi is not on its search path; install it beside vgpu_embed, or run "
                                "`vgpu-embed env` once, which records where it is");
done:
    PyConfig_Clear(&config);
    return PyStatus_Exception(status) ? (status.err_msg ? status.err_msg : "it exited") : NULL;
}

__attribute__((visibility("default"))) const char *
vgpu_core_open(const struct vgpu_host *the_host, const struct vgpu_python *python, struct vgpu_core *core)
{
    const char *problem;

    host = the_host;
    __ctype_init();
    problem = start_interpreter(python);
    if (problem)
        return problem;
    main_state = PyEval_SaveThread();
    *core = (struct vgpu_core){
        .start = start,
        .decide = decide,
        .thread_begin = thread_begin,
        .thread_end = thread_end,
        .before_fork = before_fork,
        .after_fork_parent = after_fork_parent,
        .after_fork_child = after_fork_child,
        .at_exit = at_exit,
        .begin = vgpu_begin,
        .reload = vgpu_reload,
        .command = vgpu_command,
        .drain = vgpu_drain,
        .overrun = vgpu_overrun,
        .work = vgpu_work,
    };
    return NULL;
}
