"""Modules, libraries, linking, attributes of functions."""

from __future__ import annotations

from misuses.kernels import KERNELS
from misuses.session import Session, address, case, number, numbers, out, words

ERROR_LOG, ERROR_LOG_SIZE, INFO_LOG, INFO_LOG_SIZE = 5, 6, 3, 4


@case("module.load", alone=True)
def load(s: Session) -> None:
    s.ask("cuModuleLoadData", None, KERNELS["common"])
    s.ask("cuModuleLoadData", out(), None)
    s.ask("cuModuleLoadData", out(), b"\0" * 64)
    s.ask("cuModuleLoadData", out(), b"no image\0" + b"\0" * 64)
    s.ask("cuModuleLoadData", out(), b"\x7fELF" + b"\0" * 128)
    s.ask("cuModuleLoadFatBinary", out(), b"no image\0" + b"\0" * 64)
    s.ask("cuModuleLoadFatBinary", out(), None)
    s.ask("cuModuleLoad", out(), b"/nonexistent")
    s.ask("cuModuleLoad", out(), b"/dev/null")
    s.ask("cuModuleLoad", out(), b"")
    s.ask("cuModuleLoad", out(), None)
    s.ask("cuModuleUnload", 0)
    s.ask("cuModuleGetLoadingMode", None)
    s.ask_value("cuModuleGetLoadingMode")


for kind in ("syntax_error", "newer", "unknown_target", "newer_target", "unresolved"):

    @case(f"module.ptx.{kind}")
    def ptx(s: Session, kind: str = kind) -> None:
        s.ask("cuModuleLoadData", out(), KERNELS[kind])
        log, info = out(8192), out(8192)
        options = numbers(ERROR_LOG, ERROR_LOG_SIZE, INFO_LOG, INFO_LOG_SIZE)
        values = words(address(log), 8192, address(info), 8192)
        s.ask("cuModuleLoadDataEx", out(), KERNELS[kind], 4, options, values)
        s.say("errors", any(log))
        s.say("size", values[1] & 0xFFFFFFFF not in (0, 8192))
        s.say("info", any(info))
        s.ask("cuLibraryLoadData", out(), KERNELS[kind], options, values, 4, None, None, 0)


@case("module.clusters")
def clusters(s: Session) -> None:
    s.ask("cuModuleLoadData", out(), KERNELS["clusters"])


@case("module.options", alone=True)
def options(s: Session) -> None:
    image = KERNELS["common"]
    for option, value in (
        (0, 0),
        (0, 32),
        (0, 1 << 20),
        (1, 0),
        (1, 128),
        (1, 1 << 20),
        (4, 0),
        (6, 100),
        (7, 4),
        (7, 5),
        (9, 20),
        (9, 90),
        (9, 999),
        (10, 9),
        (11, 1),
        (14, 9),
        (31, 1 << 20),
        (36, 0),
        (99, 0),
        (-1, 0),
    ):
        made = s.ask_made("cuModuleLoadDataEx", image, 1, numbers(option & 0xFFFFFFFF), words(value))
        if made:
            s.must("cuModuleUnload", made)
    s.ask("cuModuleLoadDataEx", out(), image, 1, None, words(0))
    s.ask("cuModuleLoadDataEx", out(), image, 1, numbers(0), None)
    s.ask("cuModuleLoadDataEx", out(), image, 0, None, None)
    s.ask("cuModuleLoadDataEx", out(), image, 2, numbers(0, 0), words(32, 64))
    s.ask("cuModuleLoadDataEx", out(), KERNELS["syntax_error"], 1, numbers(ERROR_LOG), words(0))
    short = out(8)
    s.ask(
        "cuModuleLoadDataEx",
        out(),
        KERNELS["syntax_error"],
        2,
        numbers(ERROR_LOG, ERROR_LOG_SIZE),
        words(address(short), 4),
    )
    s.say("written", sum(byte != 0 for byte in short))


@case("module.names")
def names(s: Session) -> None:
    module = s.module()
    s.ask("cuModuleGetFunction", out(), module, b"no_such")
    s.ask("cuModuleGetFunction", out(), module, b"")
    s.ask("cuModuleGetFunction", out(), module, None)
    s.ask("cuModuleGetFunction", None, module, b"empty")
    s.ask("cuModuleGetFunction", out(), 0, b"empty")
    s.ask("cuModuleGetFunction", out(), module, b"counter")
    first, second = s.function("empty"), s.function("empty")
    s.say("same", first == second)
    size = words(0)
    for name in (b"counter", b"factor", b"no_such", b"empty", b"", None):
        s.ask("cuModuleGetGlobal_v2", out(), size, module, name)
        s.say("size", size[0])
    s.ask("cuModuleGetGlobal_v2", None, None, module, b"counter")
    s.ask("cuModuleGetGlobal_v2", out(), None, module, b"counter")
    s.ask("cuModuleGetGlobal_v2", out(), out(), 0, b"counter")
    s.ask("cuModuleGetTexRef", out(), module, b"no_such")
    s.ask("cuModuleGetSurfRef", out(), module, b"no_such")
    count = numbers(0)
    s.ask("cuModuleGetFunctionCount", count, module)
    s.say("count", count[0])
    s.ask("cuModuleGetFunctionCount", None, module)
    s.ask("cuModuleEnumerateFunctions", words(*[0] * 32), 32, module)
    s.ask("cuModuleEnumerateFunctions", words(*[0] * 32), 1, module)
    s.ask("cuModuleEnumerateFunctions", words(*[0] * 32), 0, module)
    s.ask("cuModuleEnumerateFunctions", None, 1, module)


@case("module.global_memory")
def global_memory(s: Session) -> None:
    counter, constant = (s.make("cuModuleGetGlobal_v2", None, s.module(), name) for name in (b"counter", b"factor"))
    for where in (counter, constant):
        base, size = out(), words(0)
        s.ask("cuMemGetAddressRange_v2", base, size, where)
        s.say("same", number(base) == where)
        s.ask("cuMemFree_v2", where)
        s.ask("cuMemcpyHtoD_v2", where, out(), 4)
        s.ask("cuMemcpyHtoD_v2", where, out(), 8)
        s.ask("cuPointerGetAttribute", kind := numbers(0), 2, where)
        s.say("type", kind[0])
    s.ask("cuCtxSynchronize")


@case("module.unloaded", alone=True)
def unloaded(s: Session) -> None:
    module = s.make("cuModuleLoadData", KERNELS["common"])
    s.must("cuModuleUnload", module)
    s.ask("cuModuleGetFunction", out(), module, b"empty")
    s.ask("cuModuleGetGlobal_v2", out(), out(), module, b"counter")
    s.ask("cuModuleUnload", module)


@case("module.unloaded_function", alone=True)
def unloaded_function(s: Session) -> None:
    module = s.make("cuModuleLoadData", KERNELS["common"])
    function = s.make("cuModuleGetFunction", module, b"empty")
    memory = s.make("cuModuleGetGlobal_v2", None, module, b"counter")
    s.must("cuModuleUnload", module)
    s.ask("cuMemcpyHtoD_v2", memory, out(), 4)
    s.ask("cuFuncGetAttribute", out(), 0, function)
    s.ask("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    s.ask("cuCtxSynchronize")


@case("link")
def link(s: Session) -> None:
    s.ask("cuLinkCreate_v2", 0, None, None, None)
    s.ask("cuLinkCreate_v2", 1, None, None, out())
    s.ask("cuLinkCreate_v2", 1, numbers(99), words(0), out())
    state = created(s)
    cubin, size = out(), words(0)
    add = "cuLinkAddData_v2"
    for kind in (0, 2, 3, 4, 5, 6, 9):
        s.ask(add, state, kind, b"no image\0", 9, b"name", 0, None, None)
    s.ask(add, state, 1, None, 0, b"name", 0, None, None)
    s.ask(add, state, 1, KERNELS["common"], 0, b"name", 0, None, None)
    s.ask(add, state, 1, KERNELS["syntax_error"], len(KERNELS["syntax_error"]), b"name", 0, None, None)
    s.ask("cuLinkAddFile_v2", state, 1, b"/nonexistent", 0, None, None)
    s.ask("cuLinkAddFile_v2", state, 1, None, 0, None, None)
    s.ask("cuLinkDestroy", state)
    state = created(s)
    s.ask("cuLinkComplete", state, cubin, size)
    s.ask("cuLinkDestroy", state)
    state = created(s)
    s.ask(add, state, 1, KERNELS["unresolved"], len(KERNELS["unresolved"]), None, 0, None, None)
    s.ask("cuLinkComplete", state, cubin, size)
    s.ask("cuLinkDestroy", state)
    state = created(s)
    s.ask(add, state, 1, KERNELS["common"], len(KERNELS["common"]), None, 0, None, None)
    s.ask("cuLinkComplete", state, None, None)
    s.ask("cuLinkDestroy", state)
    state = created(s)
    for _ in range(2):
        s.ask(add, state, 1, KERNELS["common"], len(KERNELS["common"]), b"name", 0, None, None)
    s.ask("cuLinkComplete", state, cubin, size)
    s.ask("cuLinkDestroy", state)


@case("link.none")
def link_none(s: Session) -> None:
    s.ask("cuLinkComplete", 0, out(), out())
    s.ask("cuLinkDestroy", 0)


def created(s: Session) -> int:
    state = out()
    s.must("cuLinkCreate_v2", 0, None, None, state)
    return number(state)


@case("library", alone=True)
def library(s: Session) -> None:
    load_data = "cuLibraryLoadData"
    rest = (None, None, 0, None, None, 0)
    s.ask(load_data, None, KERNELS["common"], *rest)
    s.ask(load_data, out(), None, *rest)
    s.ask(load_data, out(), b"no image\0" + b"\0" * 64, *rest)
    s.ask(load_data, out(), KERNELS["common"], numbers(99), words(0), 1, None, None, 0)
    s.ask(load_data, out(), KERNELS["common"], None, None, 0, numbers(99), words(0), 1)
    s.ask(load_data, out(), KERNELS["common"], None, None, 0, numbers(1), words(1), 1)
    s.ask("cuLibraryLoadFromFile", out(), b"/nonexistent", *rest)
    loaded = s.ask_made(load_data, KERNELS["common"], *rest)
    s.ask("cuLibraryGetKernel", out(), loaded, b"no_such")
    s.ask("cuLibraryGetKernel", out(), loaded, None)
    s.ask("cuLibraryGetKernel", None, loaded, b"empty")
    s.ask("cuLibraryGetKernel", out(), 0, b"empty")
    kernel = s.ask_made("cuLibraryGetKernel", loaded, b"several")
    s.ask("cuLibraryGetModule", None, loaded)
    module = s.ask_made("cuLibraryGetModule", loaded)
    s.ask("cuModuleUnload", module)
    s.ask("cuModuleGetFunction", out(), module, b"empty")
    for name in (b"counter", b"no_such"):
        s.ask("cuLibraryGetGlobal", out(), out(), loaded, name)
        s.ask("cuLibraryGetManaged", out(), out(), loaded, name)
    s.ask("cuLibraryGetUnifiedFunction", out(), loaded, b"no_such")
    count = numbers(0)
    s.ask("cuLibraryGetKernelCount", count, loaded)
    s.say("count", count[0])
    s.ask("cuLibraryEnumerateKernels", words(*[0] * 32), 1, loaded)
    s.ask("cuLibraryEnumerateKernels", None, 1, loaded)
    s.ask("cuKernelGetFunction", None, kernel)
    s.ask("cuKernelGetFunction", out(), 0)
    s.ask("cuKernelGetLibrary", found := out(), kernel)
    s.say("same", number(found) == loaded)
    s.ask("cuKernelGetName", None, kernel)
    for attribute in (0, 1, 9, 10, 17, 99, -1):
        s.ask("cuKernelGetAttribute", out(), attribute, kernel, 0)
    s.ask("cuKernelGetAttribute", out(), 0, kernel, 99)
    s.ask("cuKernelGetAttribute", None, 0, kernel, 0)
    for attribute, value in ((0, 1), (8, 1 << 20), (8, 1024), (8, -1), (9, 101), (9, 50), (99, 0)):
        s.ask("cuKernelSetAttribute", attribute, value, kernel, 0)
    s.ask("cuKernelSetAttribute", 9, 50, kernel, 99)
    s.ask("cuKernelSetCacheConfig", kernel, 9, 0)
    for index in (0, 1, 2, 3, 4, 1000):
        offset, size = words(0), words(0)
        s.ask("cuKernelGetParamInfo", kernel, index, offset, size)
        s.say("offset", offset[0])
        s.say("size", size[0])
    s.ask("cuLaunchKernel", kernel, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    s.ask("cuFuncGetAttribute", out(), 0, kernel)
    s.ask("cuLibraryUnload", 0)
    s.ask("cuLibraryUnload", loaded)


@case("library.unloaded", alone=True)
def library_unloaded(s: Session) -> None:
    loaded = s.make("cuLibraryLoadData", KERNELS["common"], None, None, 0, None, None, 0)
    s.must("cuLibraryUnload", loaded)
    s.ask("cuLibraryGetKernel", out(), loaded, b"empty")
    s.ask("cuLibraryUnload", loaded)


@case("library.without_context", bare=True)
def library_without_context(s: Session) -> None:
    loaded = s.ask_made("cuLibraryLoadData", KERNELS["common"], None, None, 0, None, None, 0)
    kernel = s.ask_made("cuLibraryGetKernel", loaded, b"empty")
    s.ask("cuKernelGetFunction", out(), kernel)
    s.ask("cuLibraryGetModule", out(), loaded)
    s.ask("cuLibraryGetGlobal", out(), out(), loaded, b"counter")
    s.ask("cuKernelGetAttribute", out(), 0, kernel, 0)
    s.ask("cuLibraryUnload", loaded)


@case("function.attributes", alone=True)
def attributes(s: Session) -> None:
    function, static = s.function("empty"), s.function("static_40k")
    for attribute in (*range(-1, 18), 99):
        value = out()
        s.ask("cuFuncGetAttribute", value, attribute, function)
        if attribute not in (4, 5, 6):
            s.say("value", number(value, 4))
    s.ask("cuFuncGetAttribute", None, 0, function)
    s.ask("cuFuncGetAttribute", out(), 0, 0)
    for attribute, values in (
        (0, (1,)),
        (1, (1,)),
        (8, (-1, 0, 1024, 49152, 49153, 1 << 17, 232448, 232449, 1 << 20)),
        (9, (-2, -1, 0, 50, 100, 101)),
        (10, (1,)),
        (11, (-1, 1, 2)),
        (14, (0, 1, 2)),
        (15, (0, 1, 2, 3)),
        (99, (0,)),
        (-1, (0,)),
    ):
        for given in values:
            s.ask("cuFuncSetAttribute", function, attribute, given)
            if attribute in (8, 9, 14, 15):
                s.ask_value("cuFuncGetAttribute", attribute, function)
    for given in (8192, 9216, 191488, 191489, 232448):
        s.ask("cuFuncSetAttribute", static, 8, given)
    s.ask("cuFuncSetAttribute", 0, 8, 0)
    for config in (0, 3, 4, -1):
        s.ask("cuFuncSetCacheConfig", function, config)
        s.ask("cuFuncSetSharedMemConfig", function, config)
    s.ask("cuFuncSetBlockShape", function, 0, 1, 1)
    s.ask("cuFuncSetSharedSize", function, 1 << 20)


@case("function.parameters")
def parameters(s: Session) -> None:
    function = s.function("several")
    for index in (0, 1, 2, 3, 4, 1 << 40):
        offset, size = words(0), words(0)
        s.ask("cuFuncGetParamInfo", function, index, offset, size)
        s.say("offset", offset[0])
        s.say("size", size[0])
    s.ask("cuFuncGetParamInfo", function, 0, None, size)
    s.ask("cuFuncGetParamInfo", function, 0, offset, None)
    s.ask("cuFuncGetParamInfo", s.function("empty"), 0, offset, size)
    s.ask("cuFuncGetParamCount", function, words(0))
    s.ask("cuFuncGetParamInfo", 0, 0, offset, size)


@case("function.others")
def others(s: Session) -> None:
    function = s.function("empty")
    s.ask("cuFuncLoad", function)
    s.ask("cuFuncLoad", 0)
    s.ask_value("cuFuncIsLoaded", function)
    s.ask("cuFuncIsLoaded", None, function)
    s.ask("cuFuncIsLoaded", out(), 0)
    s.ask("cuFuncGetModule", found := out(), function)
    s.say("same", number(found) == s.module())
    s.ask("cuFuncGetModule", out(), 0)
    s.ask("cuFuncGetModule", None, function)
    s.ask("cuFuncGetName", out(), 0)
    s.ask("cuFuncGetName", None, function)
