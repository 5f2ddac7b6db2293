"""What a policy is written against, and how its file is loaded.

A policy file defines ``policy = Policy()`` and decorates functions with ``@policy.hook("cuMemAlloc_v2")``. Nothing
here needs a target process: ``vgpu-embed check`` and tests load policies with the same code.
"""

from __future__ import annotations

import os
import sys

import vgpu_embed.tables as tables
from vgpu_embed.trust import distrust

TYPE_CHECKING = False  # importing typing costs a start half of its time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import CodeType
    from typing import Any, Generic, TypeVar

    T = TypeVar("T")
    HookFunction = Callable[[Any], int | str | None]
    F = TypeVar("F", bound=HookFunction)
    G = TypeVar("G", bound=Callable[..., Any])

    from vgpu_embed.predicates import Predicate

    class Out(Generic[T]):
        """An out-parameter as a hook sees it: a pointer, readable by ``[0]`` after ``call.forward()``."""

        def __getitem__(self, index: int) -> T: ...


UNITS = {"B": 1}
for _power, _prefix in enumerate("KMGT", 1):
    UNITS[f"{_prefix}iB"] = 1 << 10 * _power
    UNITS[f"{_prefix}B"] = 1000**_power


class PolicyError(Exception):
    """What is wrong with a policy, in one sentence that begins with file:line where there is one."""


class Result(int):
    """What a CUDA function returned. ``ok`` is true for success; compares as the number."""

    @property
    def ok(self) -> bool:
        """Whether the function succeeded: every library's success is 0."""
        return self == 0


class Process:
    """The process that the policy runs in."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def pid(self) -> int:
        """Process id; another one in a child of fork."""
        return os.getpid()


class Call:
    """One call, as a hook receives it. Each parameter is an attribute under the header's name.

    Scalars are numbers, enums are enums, ``const char *`` is text, other pointers are cffi pointers. Out-parameters
    are readable after ``forward()`` or ``reply()``: they raise AttributeError before.
    """

    __slots__ = ()
    function: str
    """Exported name, for example ``cuMemAlloc_v2``."""
    caller: str
    """File name of the library or program whose code makes the call."""
    program: str
    """File name of the executable."""
    process: Process

    @property
    def log(self) -> CallLog:
        """Writes log lines that name this call's function."""
        raise NotImplementedError

    def forward(self) -> Result:
        """Lets the call happen: through the policies that come after this one, then the driver.

        The interpreter lock is released meanwhile. At most once a call; a second time raises RuntimeError.
        """
        raise NotImplementedError

    def reply(self, result: int = 0, **outputs: Any) -> Result:
        """Answers in the driver's place: writes the out-parameters that are named, returns ``result``.

        A NULL pointer for an output that is named makes the answer CUDA_ERROR_INVALID_VALUE, as the driver does. Text
        is cut to the buffer's length. Raises TypeError for a name that is no out-parameter of the function.
        """
        raise NotImplementedError

    def make(self, function: str, **inputs: Any) -> Any:
        """Makes another call, as code of this function's library would: the policies for it are asked.

        Inputs are given by name: numbers, addresses, texts, a struct as bytes. What comes back has ``result`` and,
        under their names, the outputs; one whose address is given is written there instead. Where there is no driver,
        nothing happens that no policy answers.
        """
        raise NotImplementedError

    def number(self, name: str) -> int:
        """The value of an enum parameter as a plain number: the headers' enums cost a start some milliseconds.

        Of a pointer or handle the address, of a small struct that is passed by value (dim3) its bytes.
        """
        raise NotImplementedError

    def address_of(self, pointer: Any) -> int:
        """The address that a pointer or handle is."""
        raise NotImplementedError


class KernelLaunch:
    """A launch of a kernel that a policy computes, as its body receives it.

    Attributes:
        name: the kernel's, as its module has it: mangled where it is C++.
        grid, block: their x, y and z.
        shared: bytes of shared memory that the launch gives each block beside the kernel's own.
        parameters: one value each, bytes where the body has not said of what type they are.
        device: the device's number.
    """

    name: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared: int
    parameters: tuple[Any, ...]
    device: int

    def array(self, pointer: int, dtype: Any, shape: int | tuple[int, ...]) -> Any:
        """Device memory, to be read and written: a NumPy array where the policy has imported NumPy, else a memoryview.

        `dtype` is NumPy's, or a code of module struct ("f", "i", "B"), `shape` how many of them there are. Raises
        IllegalAddress for what is no device memory, which ends the launch as it does on a GPU unless it is caught.
        """
        raise NotImplementedError

    def texture(self, handle: int) -> Texture:
        """What a texture object reads, and how. Raises IllegalAddress for a number that is none, or none any more."""
        raise NotImplementedError

    def surface(self, handle: int) -> Any:
        """The elements that a surface object reads and writes, shaped as those of a texture. Raises IllegalAddress."""
        raise NotImplementedError

    def variable(self, name: str) -> tuple[int, int]:
        """Where a variable of the kernel's module lies, and its size in bytes. Raises KeyError."""
        raise NotImplementedError

    @property
    def log(self) -> CallLog:
        """Writes log lines that begin with the kernel's name."""
        raise NotImplementedError


class Texture:
    """A texture object, as a kernel's body receives it. Nothing is filtered here: the elements are as they lie.

    Attributes:
        levels: elements, as `KernelLaunch.array` gives them, of each level of a mipmap; of anything else one. Their
            shape is the resource's: slices or layers first, then rows, columns, and channels where there are several.
        filter, mipmap_filter: "point" or "linear".
        address: of x, y and z what lies outside: "wrap", "clamp", "mirror" or "border".
        border: four numbers.
        normalized: whether coordinates go from 0 to 1, not from 0 to the length.
        as_floats: whether integers are read as numbers from 0 to 1, or from -1 to 1 with a sign.
    """

    levels: tuple[Any, ...]
    filter: str
    mipmap_filter: str
    address: tuple[str, str, str]
    border: tuple[float, float, float, float]
    normalized: bool
    as_floats: bool

    @property
    def elements(self) -> Any:
        """Those of the first level."""
        return self.levels[0]


class IllegalAddress(Exception):
    """A kernel's body has reached for memory that is not the device's, or an object that there is not."""


class CallLog:
    """Writes log lines that belong to a call."""

    def error(self, text: str, **fields: Any) -> None:
        """Shown unless the log is off."""
        raise NotImplementedError

    def info(self, text: str, **fields: Any) -> None:
        """Shown with ``--log info`` and ``debug``; fields as ``name=value``, numbers that are addresses in hex."""
        raise NotImplementedError

    def debug(self, text: str, **fields: Any) -> None:
        """Shown with ``--log debug``."""
        raise NotImplementedError


def log_line(name: str, text: str, fields: dict[str, Any]) -> str:
    """A policy's log line."""
    return f"{name}: {text}" + "".join(f" {key}={value_text(value)}" for key, value in fields.items())


def value_text(value: Any) -> str:
    """A value as log lines show it: text quoted, numbers that look like addresses in hex."""
    if isinstance(value, bytes):
        return '"' + value.decode(errors="replace") + '"'
    if isinstance(value, int):
        return hex(value) if value >= 1 << 32 else str(int(value))
    return str(value)


class PlainLog(CallLog):
    """Where nothing of ours is preloaded: lines on stderr."""

    def __init__(self, name: str) -> None:
        self.name = name

    def error(self, text: str, **fields: Any) -> None:
        """Writes the line."""
        print(f"[vgpu_embed] {log_line(self.name, text, fields)}", file=sys.stderr)

    info = debug = error


log_of: Callable[[str], CallLog] = PlainLog
"""Makes a policy's log by its name; a preloaded process and FakeDriver put theirs here."""


def _unseen() -> None:
    """Nobody looks at the state where nothing is preloaded."""


state_changed: Callable[[], None] = _unseen
"""Called when something of a policy has changed that `status` shows; a preloaded process puts its own here."""


class Handler:
    """A Python function that a policy has decorated, and which calls it is for.

    Attributes:
        function: what was decorated.
        kind: "hook", "answer" or "observe".
        functions: names of the CUDA functions.
        caller, program: patterns; empty ones match everything.
        predicate: what the scalar arguments have to meet, or None.
        policy: whose it is.
        place: file:line.
    """

    def __init__(
        self,
        policy: Policy,
        kind: str,
        function: HookFunction,
        functions: tuple[str, ...],
        caller: str | Iterable[str],
        program: str | Iterable[str],
        where: str = "",
    ) -> None:
        self.policy = policy
        self.kind = kind
        self.function = function
        self.functions = functions
        self.caller = _patterns(caller)
        self.program = _patterns(program)
        code: CodeType = function.__code__
        self.place = f"{code.co_filename}:{code.co_firstlineno}"
        self.predicate = self._predicate(where) if where else None
        self.disabled = ""
        """Why it is not asked any more."""
        self.failures = 0
        """How often it has failed."""
        self.in_a_row = 0
        self.said = 0
        """What the log has of that: 1 the first failure, 2 that it is disabled."""

    def _predicate(self, where: str) -> Predicate:
        from vgpu_embed.predicates import Predicate, PredicateError

        try:
            return Predicate(where, self.functions)
        except PredicateError as error:
            raise PolicyError(f"{self.place}: {error}") from None

    def is_for(self, program: str, caller: str) -> bool:
        """Whether calls of this library in this program are its business."""
        return matches(program, self.program) and matches(caller, self.caller)

    @property
    def name(self) -> str:
        """Where it is and what it is called, for lists."""
        return f"{self.place} {self.function.__name__}"


class KernelBody:
    """A Python function that a policy has decorated with `Policy.kernel`: what certain kernels compute.

    Attributes:
        policy, function, place: as a Handler's.
        names: patterns of the kernels' names.
        parameters: a code of module struct for each parameter, None where they are given as bytes.
        failures: how often it has raised.
    """

    def __init__(
        self, policy: Policy, function: Callable[..., Any], names: tuple[str, ...], parameters: str | None
    ) -> None:
        self.policy = policy
        self.function = function
        self.names = names
        code: CodeType = function.__code__
        self.place = f"{code.co_filename}:{code.co_firstlineno}"
        self.failures = 0
        self.parameters = None if parameters is None else _codes(parameters, self.place)
        takes = 1 if self.parameters is None else 1 + len(self.parameters)
        if code.co_argcount != takes and not code.co_flags & 4:  # CO_VARARGS
            values = f" and {takes - 1} values ({parameters})" if takes > 1 else ""
            raise PolicyError(
                f"{self.place}: a kernel's body takes the launch{values}, not {code.co_argcount} arguments"
            )

    def is_for(self, names: Iterable[str]) -> bool:
        """Whether it computes a kernel that has these names."""
        return any(matches(name, self.names) for name in names)


def _codes(text: str, place: str) -> tuple[str, ...]:
    """The codes of a kernel's parameters, "PPi12s" as ("P", "P", "i", "12s"). Raises PolicyError."""
    codes, digits = [], ""
    for letter in text.replace(" ", ""):
        if letter.isdecimal():
            digits += letter
        elif (letter == "s") != bool(digits) or letter not in "?bBhHiIqQnNefdPs":
            raise PolicyError(
                f"{place}: {digits}{letter} is no parameter: each is one of ? b B h H i I q Q e f d P, "
                "or 12s for 12 bytes"
            )
        else:
            codes.append(digits + letter)
            digits = ""
    if digits:
        raise PolicyError(f"{place}: {digits} is no parameter: 12s are 12 bytes")
    return tuple(codes)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file name matches one of the patterns; no patterns match everything."""
    if not patterns or name in patterns:
        return True
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Option:
    """A named value of a policy that ``--set name=value`` changes. Reads as ``option.value``."""

    def __init__(self, name: str, default: Any, help: str) -> None:
        self.name = name
        self.default = default
        self.help = help
        self.value = default

    def set(self, text: str) -> None:
        """Takes the value from text, in the type of the default; sizes may have a unit (20GiB)."""
        self.value = parse_value(text, self.default)

    def __repr__(self) -> str:
        return f"{self.name}={self.value!r}"


def parse_value(text: str, like: Any) -> Any:
    """Text as a value of the type of ``like``; raises ValueError naming what is expected."""
    if isinstance(like, bool):
        if text.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
            raise ValueError(f"{text!r} is not true or false")
        return text.lower() in ("true", "1", "yes", "on")
    if isinstance(like, int):
        digits = text if "0x" in text.lower() else text.rstrip("BKMGTi")
        unit = text[len(digits) :] or "B"
        try:
            number = float(digits) if "." in digits else int(digits, 0)
            return int(number * UNITS[unit])
        except (KeyError, ValueError, OverflowError):
            raise ValueError(f"{text!r} is not a number, nor a size such as 20GiB") from None
    if isinstance(like, float):
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
    return text


class Policy:
    """A user's decisions.

    on_error: what a call gets whose hook raised, "forward" or "deny".
    budget: seconds that a hook may take, `call.forward()` not counted; one that takes longer is cut and disabled.
    failures: how often in a row a hook may raise before it is disabled.
    """

    def __init__(self, on_error: str = "forward", budget: float = 10.0, failures: int = 10) -> None:
        if on_error not in ("forward", "deny"):
            raise PolicyError(f'on_error is "forward" or "deny", not {on_error!r}')
        if not budget > 0:
            raise PolicyError(f"budget is a number of seconds above 0, not {budget!r}")
        if failures < 1:
            raise PolicyError(f"failures is a number from 1, not {failures!r}")
        self.on_error = on_error
        self.budget = budget
        self.failures = failures
        self.path = ""
        self.source = b""
        self._sha256 = ""
        self.identity = (0, 0, 0, 0)
        """Of the file that was read: device, inode, size, nanoseconds of the last change."""
        self.module = ""
        self.handlers: list[Handler] = []
        """Hooks and answers, in the order in which they are asked."""
        self.observers: list[Handler] = []
        self.devices: list[tuple[str, dict[str, Any]]] = []
        self.options: dict[str, Option] = {}
        self.kernels: list[KernelBody] = []
        """What kernels compute on a virtual GPU; the first one that has a kernel's name does."""
        self.commands: dict[str, Callable[..., Any]] = {}
        self.stack: Sequence[Policy] = ()
        """All policies that are in force with this one, in the order in which they are asked."""
        self.joined: list[Callable[[], None]] = []
        """Called when they are others."""
        self.skipped: dict[str, int] = {}
        """Kernels that were launched and not computed, by name, and how often: a virtual GPU's policy says so."""
        self._configure: Callable[[], None] | None = None
        self._declared: list[int] | None = None

    def hook(
        self, *functions: str, caller: str | Iterable[str] = (), program: str | Iterable[str] = (), where: str = ""
    ) -> Callable[[F], F]:
        """Asks the decorated function at each call of ``functions`` (exported names or patterns, ``cuMemcpy*``).

        ``caller`` and ``program`` are patterns for the file name of the calling library and of the executable; where
        given, only such calls are asked about. ``where`` is an expression over scalar parameters that C evaluates:
        ``"bytesize >= 1 << 30"``. The function returns None (pass on), a CUresult or what ``call.forward()`` or
        ``call.reply(...)`` returned.
        """
        return self._decorator("hook", self.handlers, hookable, functions, caller, program, where)

    def answer(
        self, *functions: str, caller: str | Iterable[str] = (), program: str | Iterable[str] = ()
    ) -> Callable[[F], F]:
        """Like a hook, but asked once for each distinct set of scalar arguments: C repeats what it said.

        Only successes and None are remembered, until an option changes or the policy is loaded again. Raises
        PolicyError for functions whose answer depends on more than scalar arguments.
        """
        return self._decorator("answer", self.handlers, answerable, functions, caller, program)

    def observe(
        self, *functions: str, caller: str | Iterable[str] = (), program: str | Iterable[str] = ()
    ) -> Callable[[F], F]:
        """Gives the decorated function batches of `Event` objects, soon after they happened, on a thread of ours."""
        return self._decorator("observe", self.observers, observable, functions, caller, program)

    def _decorator(
        self,
        kind: str,
        to: list[Handler],
        names_of: Callable[[str], list[str]],
        functions: tuple[str, ...],
        caller: str | Iterable[str],
        program: str | Iterable[str],
        where: str = "",
    ) -> Callable[[F], F]:
        if not functions or not all(isinstance(name, str) for name in functions):
            raise PolicyError(f'{kind}() takes the names of CUDA functions: @policy.{kind}("cuMemAlloc_v2")')
        names: list[str] = []
        for pattern in functions:
            names += [name for name in names_of(pattern) if name not in names]

        def decorate(function: F) -> F:
            handler = Handler(self, kind, function, tuple(names), caller, program, where)
            check_fields(handler)
            to.append(handler)
            return function

        return decorate

    def kernel(self, *names: str, parameters: str | None = None) -> Callable[[G], G]:
        """Computes kernels on a virtual GPU: the decorated function is called at each launch of them, in stream order.

        ``names`` are names or patterns: mangled (``_Z10vector_addPfS_i``), or without C++'s parameters and templates,
        ``vector_add`` or ``ns::vector_add``. ``parameters`` has a code of module struct for each parameter of the
        kernel, ``"PPi"`` or ``"P12s"`` (pointers, numbers, 12 bytes of a struct). The function gets a `KernelLaunch`
        and the parameters. It returns None, or a CUresult with which the context is broken from then on, as by a fault
        on the GPU. Raises PolicyError.
        """
        if not names or not all(isinstance(name, str) for name in names):
            raise PolicyError('kernel() takes the names of kernels: @policy.kernel("vector_add")')

        def decorate(function: G) -> G:
            self.kernels.append(KernelBody(self, function, names, parameters))
            return function

        return decorate

    def join(self, stack: Sequence[Policy]) -> None:
        """Says with which policies this one is in force from now on."""
        self.stack = stack
        for function in self.joined:
            function()

    def command(self, function: G) -> G:
        """Makes a function callable while the program runs: ``vgpu-embed command PID name key=value``.

        Its parameters arrive as text; it returns what JSON can hold. It runs on a thread of its own.
        """
        self.commands[function.__name__] = function
        return function

    def configure(self, function: Callable[[], None]) -> Callable[[], None]:
        """Calls a function once the options are set, and again after each change: it may declare hooks by them.

        What it declared the last time is forgotten first. Raises PolicyError for a second one.
        """
        if self._configure:
            raise PolicyError("configure is given twice")
        self._configure = function
        return function

    def configured(self) -> None:
        """Runs the `configure` function. Raises PolicyError."""
        if not self._configure:
            return
        lists: tuple[list[Any], ...] = (self.handlers, self.observers, self.kernels)
        if self._declared is None:
            self._declared = [len(declared) for declared in lists]
        before = [list(declared) for declared in lists]
        for declared, count in zip(lists, self._declared, strict=True):
            del declared[count:]
        try:
            self._configure()
        except BaseException as error:
            for declared, old in zip(lists, before, strict=True):
                declared[:] = old
            if isinstance(error, PolicyError):
                raise
            place = _line_of(error, self.path) or 1
            raise PolicyError(f"{self.path}:{place}: {type(error).__name__}: {error}") from error

    def device(self, profile: str, **changes: Any) -> None:
        """Adds a device to what programs see: a profile (``"h100"``, a TOML file), changed in places.

        The first call stands for device 0 and so on. Over a real driver devices are changed, not added.
        """
        self.devices.append((profile, changes))

    @property
    def log(self) -> CallLog:
        """Writes log lines that belong to no call; they begin with the policy's name."""
        name = os.path.basename(self.path or "policy").removesuffix(".py")
        return log_of(name)

    @property
    def sha256(self) -> str:
        """Of the file's content, in hex."""
        if not self._sha256:
            try:
                from _sha2 import sha256  # hashlib loads OpenSSL
            except ImportError:  # until 3.11
                from _sha256 import sha256
            self._sha256 = str(sha256(self.source).hexdigest())
        return self._sha256

    def option(self, name: str, default: Any, help: str = "") -> Option:
        """Declares an option; its default fixes its type (bool, int, float or str)."""
        if name in self.options:
            raise PolicyError(f"option {name!r} is declared twice")
        self.options[name] = Option(name, default, help)
        return self.options[name]


def _patterns(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def hookable(pattern: str) -> list[str]:
    """The functions that a pattern names. An exact name has to have a known signature, a pattern leaves others out.

    Raises PolicyError where nothing is left.
    """
    try:
        found = tables.match(pattern)
    except tables.UnknownFunction as error:
        raise PolicyError(str(error)) from None
    known = [name for name in found if tables.function(name).is_known]
    if not known:
        raise PolicyError(f"{pattern}: its parameters are in no CUDA header, so it cannot be hooked")
    return known


def observable(pattern: str) -> list[str]:
    """The functions that a pattern names and whose end is seen. Raises PolicyError like `hookable`."""
    found = [name for name in hookable(pattern) if tables.function(name).library != "loader"]
    if not found:
        raise PolicyError(
            f"{pattern} leaves by a jump, since it depends on who calls it: hook it instead of observing it"
        )
    return found


FORGETFUL = {
    "context": "depends on the current context",
    "time": "changes with time",
    "pointer": "depends on what a pointer argument holds",
    "effect": "is not a question: it has an effect, or gives nothing back",
}


def answerable(pattern: str) -> list[str]:
    """The functions that a pattern names and whose answers may be remembered. Raises PolicyError like `hookable`."""
    found = hookable(pattern)
    known = [name for name in found if tables.function(name).answer == "yes"]
    if not known:
        why = FORGETFUL[tables.function(found[0]).answer]
        raise PolicyError(f"{found[0]} {why}, so its answer cannot be remembered: use hook")
    return known


# ---- loading -------------------------------------------------------------------------------------------------------


def _attributes(node: Any, argument: str) -> Iterable[tuple[str, int]]:
    """Every ``argument.name`` below a syntax node, with its line. Walks `_fields`: module ast is slow to import."""
    if type(node).__name__ == "Attribute" and getattr(node.value, "id", None) == argument:
        yield node.attr, node.lineno
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if hasattr(child, "_fields"):
                yield from _attributes(child, argument)


_trees: dict[str, Any] = {}


def check_fields(hook: Handler) -> None:
    """Raises PolicyError where the hook reads a field of its call that none of its functions has."""
    code = hook.function.__code__
    if code.co_argcount != 1:
        takes = (
            "an observer takes one argument, the events"
            if hook.kind == "observe"
            else "a hook takes one argument, the call"
        )
        raise PolicyError(f"{hook.place}: {takes}")
    if hook.kind == "observe":
        return
    tree = _trees.get(code.co_filename)
    if tree is None:
        return
    argument = code.co_varnames[0]
    fields = {p.attribute for name in hook.functions for p in tables.function(name).parameters or ()}
    fields.update(n for n in (*vars(Call), *Call.__annotations__) if not n.startswith("_"))
    for node in getattr(tree, "body", ()):
        if getattr(node, "name", None) != code.co_name or type(node).__name__ != "FunctionDef":
            continue
        for name, line in _attributes(node, argument):
            if name not in fields and not name.startswith("_"):
                raise PolicyError(f"{code.co_filename}:{line}: {unknown_field(hook.functions[0], name)}")


def unknown_field(function: str, name: str) -> str:
    """The sentence for a field that a function's call does not have."""
    parameters = ", ".join(p.attribute for p in tables.function(function).parameters or ())
    return f"{function} has no parameter {name!r}; it has {parameters or 'none'}"


def _line_of(error: BaseException, path: str) -> int | None:
    """The last line of the policy's own file in a traceback."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def find(path_or_name: str) -> str:
    """The file of a policy: a path, or the name of a built-in one. Raises PolicyError."""
    if os.path.isfile(path_or_name):
        return os.path.abspath(path_or_name)
    if os.sep not in path_or_name and not path_or_name.endswith(".py"):
        builtin = os.path.join(os.path.dirname(__file__), "policies", path_or_name + ".py")
        if os.path.isfile(builtin):
            return builtin
    reason = "is a directory" if os.path.isdir(path_or_name) else "does not exist"
    raise PolicyError(f"policy {path_or_name}: the file {reason}; give the path of a Python file")


_loaded = 0


def load(path_or_name: str) -> Policy:
    """Imports a policy file under a fresh name and returns its ``policy``.

    Raises PolicyError, file:line first; OSError where the file could not be read.
    """
    global _loaded
    path = find(path_or_name)
    reason = distrust(path)
    if reason:
        raise PolicyError(reason)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        source = file.read()
    _loaded += 1
    module = type(sys)(f"vgpu_policy_{_loaded}")
    module.__file__ = path
    sys.modules[module.__name__] = module
    try:
        _trees[path] = compile(source, path, "exec", 0x400)  # PyCF_ONLY_AST
        exec(compile(source, path, "exec"), module.__dict__)
    except SyntaxError as error:
        raise PolicyError(f"{path}:{error.lineno or 1}: {error.msg}") from None
    except PolicyError as error:
        text = str(error)
        raise PolicyError(text if text.startswith(path) else f"{path}:{_line_of(error, path) or 1}: {text}") from None
    except OSError:
        raise
    except BaseException as error:
        raise PolicyError(f"{path}:{_line_of(error, path) or 1}: {type(error).__name__}: {error}") from error
    finally:
        _trees.pop(path, None)
    policy = getattr(module, "policy", None)
    if not isinstance(policy, Policy):
        raise PolicyError(f"{path}:1: it defines no policy; write `policy = Policy()`")
    policy.path = path
    policy.source = source
    policy.identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    policy.module = module.__name__
    return policy


def apply_settings(policies: list[Policy], settings: Iterable[str]) -> None:
    """Sets options from ``name=value`` texts, in every policy that declares the name. Raises PolicyError."""
    for setting in settings:
        name, equals, value = setting.partition("=")
        holders = [p.options[name] for p in policies if name in p.options]
        if not equals:
            raise PolicyError(f"--set {setting}: write option=value")
        if not holders:
            known = sorted({n for p in policies for n in p.options})
            raise PolicyError(
                f"--set {setting}: no policy has an option {name!r}; "
                + (f"there is {', '.join(known)}" if known else "none has any option")
            )
        for option in holders:
            try:
                option.set(value)
            except ValueError as error:
                raise PolicyError(f"--set {setting}: {error}") from None
    for policy in policies:
        policy.configured()


def profiles_of(policies: list[Policy], gpu: str) -> list[Any]:
    """The devices to show: those that policies declare, else those of ``--gpu``. Raises PolicyError."""
    declared = [device for policy in policies for device in policy.devices]
    if not declared and not gpu:
        return []
    from vgpu_embed import devices

    try:
        if not declared:
            return list(devices.parse_spec(gpu))
        return list(
            devices.distinct(
                [
                    devices.load(
                        name,
                        **{k: v.value if isinstance(v, Option) else v for k, v in changes.items()},
                    )
                    for name, changes in declared
                ]
            )
        )
    except (devices.ProfileError, devices.UnknownProfile) as error:
        raise PolicyError(str(error)) from None
