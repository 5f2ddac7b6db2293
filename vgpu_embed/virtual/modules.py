"""Modules and libraries of the driver: what is loaded, the functions and variables in it.

A library belongs to no context: in each it becomes a module when something of it is first needed there. Results are
those of driver 580.159.04 on an H100 as far as tests/devices/data/h100.json has them, else those of CUDA's manual.
"""

from __future__ import annotations

from array import array

from vgpu_embed.virtual import code, jit
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.contexts import closing
from vgpu_embed.virtual.functions import INVALID_HANDLE, Function, in_any_context
from vgpu_embed.virtual.image import Entry
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_FOUND, initialised
from vgpu_embed.virtual.memory.heap import VARIABLE, free
from vgpu_embed.virtual.memory.managed import GLOBAL, made_managed
from vgpu_embed.virtual.memory.space import SOURCE_ANY
from vgpu_embed.virtual.order import NOT_PERMITTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vgpu_embed.devices import Profile
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.code import Code
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.image import Image, Variable
    from vgpu_embed.virtual.machine import Machine
    from vgpu_embed.virtual.memory.heap import Allocation

FILE_NOT_FOUND = 301
"""CUDA_ERROR_FILE_NOT_FOUND."""
BINARY_IS_PRESERVED = 1
"""CU_LIBRARY_BINARY_IS_PRESERVED."""
LAZY = 2
"""CU_MODULE_LAZY_LOADING."""
LIBRARY_OPTIONS = 2
"""From this number on there are no more of them."""

answers = Answers(ready=initialised)


class Module:
    """A program that is loaded in a context.

    Attributes:
        handle: the CUmodule, as a number.
        code: what it was loaded from.
        image: what the code is on the context's device.
        functions: by name, those that were asked for.
        is_of_library: whether it ends with a library.
    """

    def __init__(self, machine: Machine, context: Context, code: Code) -> None:
        self.context = context
        self.code = code
        self.image = code.image(capability(context))
        if code.reason:
            machine.programs.say(
                code.reason, f"an image cannot be read: {code.reason}; its kernels' needs are not known"
            )
        self.handle = machine.handle()
        self.functions: dict[str, Function] = {}
        self.is_of_library = False
        self._variables: dict[str, tuple[int, int]] = {}
        machine.programs.modules[self.handle] = self

    def function(self, machine: Machine, name: str) -> Function:
        """A kernel by its name; refuses with CUDA_ERROR_NOT_FOUND."""
        found = self.functions.get(name)
        if found is None:
            entry = self.image.entries.get(name)
            if entry is None:
                if not self.code.reason:
                    raise Refused(NOT_FOUND)
                entry = Entry(name, None)
            found = self.functions[name] = Function(machine.handle(), self, entry)
            machine.programs.functions[found.handle] = found
        return found

    def variable(self, machine: Machine, name: str) -> tuple[int, int]:
        """Address and size of a variable; refuses with CUDA_ERROR_NOT_FOUND. It has its memory from now on."""
        found = self._variables.get(name)
        if found is None:
            said = self.image.variables.get(name)
            if said is None:
                raise Refused(NOT_FOUND)
            if said.is_managed:
                made = managed(machine, self.code, said)
            else:
                made = self.context.heap.allocate(said.size, VARIABLE)
                begin(machine, made, said)
            found = self._variables[name] = made.address, said.size
        return found

    def unload(self, machine: Machine) -> None:
        """Takes it away with all that is in it."""
        del machine.programs.modules[self.handle]
        for function in self.functions.values():
            del machine.programs.functions[function.handle]
        for address, _ in self._variables.values():
            allocation = machine.allocations.get(address)
            if allocation and allocation.kind == VARIABLE:  # not gone with its context, nor the code's
                free(machine, allocation)


class Kernel:
    """A kernel of a library, which is a function in each context."""

    def __init__(self, handle: int, library: Library, name: str) -> None:
        self.handle = handle
        self.library = library
        self.name = name
        self._functions: dict[Context, Function] = {}

    def function(self, machine: Machine, context: Context) -> Function:
        """The function that it is in a context. Raises Refused."""
        found = self._functions.get(context)
        if found is None or found.handle not in machine.programs.functions:
            found = self._functions[context] = self.library.module(machine, context).function(machine, self.name)
        return found


class Library:
    """Code that any context may use.

    Attributes:
        handle: the CUlibrary, as a number.
        kernels: by name, those that were asked for.
    """

    def __init__(self, machine: Machine, code: Code) -> None:
        self.code = code
        self.handle = machine.handle()
        self.kernels: dict[str, Kernel] = {}
        self._modules: dict[Context, Module] = {}
        machine.programs.libraries[self.handle] = self

    def module(self, machine: Machine, context: Context) -> Module:
        """The module that it is in a context. Raises Refused."""
        found = self._modules.get(context)
        if found is None or found.handle not in machine.programs.modules:
            found = self._modules[context] = Module(machine, context, self.code)
            found.is_of_library = True
        return found

    def kernel(self, machine: Machine, name: str) -> Kernel:
        """A kernel by its name; refuses with CUDA_ERROR_NOT_FOUND. No code for this device is for launches to say."""
        found = self.kernels.get(name)
        if found is None:
            if not self._has(machine, name):
                raise Refused(NOT_FOUND)
            found = self.kernels[name] = Kernel(machine.handle(), self, name)
            machine.programs.kernels[found.handle] = found
        return found

    def _has(self, machine: Machine, name: str) -> bool:
        try:
            return name in self.image(machine).entries or bool(self.code.reason)
        except Refused as refused:
            if refused.result != code.NO_BINARY_FOR_GPU:
                raise
            return True

    def image(self, machine: Machine) -> Image:
        """What it is on the current context's device, or where there is none on the first. Raises Refused."""
        if machine.thread.stack:
            return self.code.image(capability(machine.current()))
        return self.code.image(capability_of(machine.device(0)))

    def unload(self, machine: Machine) -> None:
        """Takes it away, in all contexts."""
        del machine.programs.libraries[self.handle]
        for kernel in self.kernels.values():
            del machine.programs.kernels[kernel.handle]
        for module in self._modules.values():
            if module.handle in machine.programs.modules:
                module.unload(machine)
        for made in self.code.managed.values():
            free(machine, made)


def managed(machine: Machine, code: Code, variable: Variable) -> Allocation:
    """The memory of a managed variable. Raises Refused."""
    made = code.managed.get(variable.name)
    if made is None:
        made = code.managed[variable.name] = made_managed(machine, None, variable.size, GLOBAL)
        begin(machine, made, variable)
    return made


def begin(machine: Machine, made: Allocation, variable: Variable) -> None:
    """Writes what a variable begins with into its memory. Raises Refused."""
    if variable.data:
        data = array("B", variable.data)
        machine.space.copy(made.address, data.buffer_info()[0], len(data), SOURCE_ANY)


def capability(context: Context) -> int:
    """The compute capability of a context's device, 90 for 9.0."""
    return capability_of(context.profile)


def capability_of(profile: Profile) -> int:
    """The compute capability of a device."""
    major, minor = profile.compute_capability
    return 10 * major + minor


def close_context(machine: Machine, context: Context) -> None:
    """Modules end with their context."""
    for module in [module for module in machine.programs.modules.values() if module.context is context]:
        module.unload(machine)


closing.append(close_context)


def module_of(machine: Machine, handle: int) -> Module:
    """The module of a handle, in whichever context. Raises Refused."""
    return in_any_context(machine, machine.programs.modules, handle)


def library_of(machine: Machine, handle: int) -> Library:
    """The library of a handle. Raises Refused."""
    return known(machine.programs.libraries, handle, INVALID_HANDLE)


def kernel_of(machine: Machine, handle: int) -> Kernel:
    """The kernel of a handle. Raises Refused."""
    return known(machine.programs.kernels, handle, INVALID_HANDLE)


def read_bytes(path: str | None) -> bytes:
    """What is in a file. Raises Refused."""
    if not path:
        raise Refused(INVALID_VALUE)
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise Refused(FILE_NOT_FOUND) from None


def read_file(path: str | None) -> Code:
    """The code in a file. Raises Refused."""
    return code.of(memoryview(read_bytes(path)))


def code_at(address: int, is_preserved: bool = False) -> Code:
    """The code at an address of the program's. Raises Refused."""
    if not address:
        raise Refused(INVALID_VALUE)
    return code.at(address, is_preserved)


# ---- modules -------------------------------------------------------------------------------------------------------


@answers("cuModuleLoad")
def load(machine: Machine, call: AnyCall) -> int:
    return _load(machine, call, lambda: read_file(call.fname))


@answers("cuModuleLoadData")
def load_data(machine: Machine, call: AnyCall) -> int:
    return _load(machine, call, lambda: code_at(call.number("image")))


@answers("cuModuleLoadDataEx")
def load_data_with_options(machine: Machine, call: AnyCall) -> int:
    """The compiler's log says why PTX is refused."""
    options = jit.Options(call)
    if options.given.get(jit.MAX_REGISTERS) == 0:
        return INVALID_VALUE
    try:
        return _load(machine, call, lambda: code_at(call.number("image")))
    except code.NotCompiled as refused:
        options.log(refused.log)
        raise


@answers("cuModuleLoadFatBinary")
def load_fat_binary(machine: Machine, call: AnyCall) -> int:
    return _load(machine, call, lambda: code_at(call.number("fatCubin")))


def _load(machine: Machine, call: AnyCall, given: Callable[[], Code]) -> int:
    context = machine.current()
    if not call.number("module"):
        return INVALID_VALUE
    module = Module(machine, context, given())
    for variable in module.image.variables:
        module.variable(machine, variable)
    return call.reply(module=module.handle)


@answers("cuModuleUnload")
def unload(machine: Machine, call: AnyCall) -> int:
    module = module_of(machine, call.number("hmod"))
    if module.is_of_library:
        return NOT_PERMITTED
    module.unload(machine)
    return 0


@answers("cuModuleGetFunction")
def get_function(machine: Machine, call: AnyCall) -> int:
    module = module_of(machine, call.number("hmod"))
    if not call.name:
        return INVALID_VALUE
    return call.reply(hfunc=module.function(machine, call.name).handle)


@answers("cuModuleGetFunctionCount")
def function_count(machine: Machine, call: AnyCall) -> int:
    return call.reply(count=len(module_of(machine, call.number("mod")).image.entries))


@answers("cuModuleEnumerateFunctions")
def enumerate_functions(machine: Machine, call: AnyCall) -> int:
    module = module_of(machine, call.number("mod"))
    names = list(module.image.entries)[: call.numFunctions]
    return _listed(call.number("functions"), [module.function(machine, name).handle for name in names])


@answers("cuModuleGetGlobal_v2", "cuModuleGetGlobal")
def get_global(machine: Machine, call: AnyCall) -> int:
    module = module_of(machine, call.number("hmod"))
    return _variable(machine, call, module)


def _variable(machine: Machine, call: AnyCall, module: Module) -> int:
    """Either output may be NULL. The size of what there is not is 0."""
    if call.name is None or not (call.number("dptr") or call.number("bytes")):
        return INVALID_VALUE
    try:
        if not call.name or call.name in module.image.entries:
            raise Refused(INVALID_VALUE)
        address, size = module.variable(machine, call.name)
    except Refused as refused:
        return call.reply(refused.result, bytes=0) if call.number("bytes") else refused.result
    outputs = {"dptr": address, "bytes": size}
    return call.reply(**{name: value for name, value in outputs.items() if call.number(name)})


def _listed(address: int, handles: list[int]) -> int:
    """Writes handles into the program's array."""
    if not address:
        return INVALID_VALUE
    code.memory(address, 8 * len(handles)).cast("B").cast("Q")[:] = array("Q", handles)
    return 0


@answers("cuModuleGetLoadingMode")
def loading_mode(machine: Machine, call: AnyCall) -> int:
    return call.reply(mode=LAZY)


# ---- libraries -----------------------------------------------------------------------------------------------------


@answers("cuLibraryLoadData")
def load_library(machine: Machine, call: AnyCall) -> int:
    return _load_library(machine, call, lambda: code_at(call.number("code"), _is_preserved(call)))


@answers("cuLibraryLoadFromFile")
def load_library_file(machine: Machine, call: AnyCall) -> int:
    return _load_library(machine, call, lambda: read_file(call.fileName))


def _load_library(machine: Machine, call: AnyCall, given: Callable[[], Code]) -> int:
    """What is in it is looked at when something of it is first needed, as with a driver that loads lazily."""
    if not call.number("library"):
        return INVALID_VALUE
    if any(call.jitOptions[number] >= jit.NUMBER for number in range(call.numJitOptions)):
        return INVALID_VALUE
    if any(call.libraryOptions[number] >= LIBRARY_OPTIONS for number in range(call.numLibraryOptions)):
        return INVALID_VALUE
    return call.reply(library=Library(machine, given()).handle)


def _is_preserved(call: AnyCall) -> bool:
    return any(
        call.libraryOptions[number] == BINARY_IS_PRESERVED and call.address_of(call.libraryOptionValues[number])
        for number in range(call.numLibraryOptions)
    )


@answers("cuLibraryUnload")
def unload_library(machine: Machine, call: AnyCall) -> int:
    library_of(machine, call.number("library")).unload(machine)
    return 0


@answers("cuLibraryGetKernel")
def get_kernel(machine: Machine, call: AnyCall) -> int:
    library = library_of(machine, call.number("library"))
    if call.name is None:
        return INVALID_VALUE
    return call.reply(pKernel=library.kernel(machine, call.name).handle)


@answers("cuLibraryGetKernelCount")
def kernel_count(machine: Machine, call: AnyCall) -> int:
    return call.reply(count=len(library_of(machine, call.number("lib")).image(machine).entries))


@answers("cuLibraryEnumerateKernels")
def enumerate_kernels(machine: Machine, call: AnyCall) -> int:
    library = library_of(machine, call.number("lib"))
    names = list(library.image(machine).entries)[: call.numKernels]
    return _listed(call.number("kernels"), [library.kernel(machine, name).handle for name in names])


@answers("cuLibraryGetModule")
def get_module(machine: Machine, call: AnyCall) -> int:
    return call.reply(pMod=library_of(machine, call.number("library")).module(machine, machine.current()).handle)


@answers("cuLibraryGetManaged")
def get_managed(machine: Machine, call: AnyCall) -> int:
    """Either output may be NULL."""
    library = library_of(machine, call.number("library"))
    said = library.image(machine).variables.get(call.name or "")
    if said is None or not said.is_managed:
        return NOT_FOUND if call.name else INVALID_VALUE
    outputs = {"dptr": managed(machine, library.code, said).address, "bytes": said.size}
    return call.reply(**{name: value for name, value in outputs.items() if call.number(name)})


@answers("cuLibraryGetGlobal")
def get_library_global(machine: Machine, call: AnyCall) -> int:
    module = library_of(machine, call.number("library")).module(machine, machine.current())
    return _variable(machine, call, module)
