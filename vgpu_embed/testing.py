"""A policy's unit test in an ordinary Python process: no GPU, no program, nothing preloaded.

    driver = FakeDriver("limit.py", gpu="h100", options={"limit": "4GiB"})
    assert driver.cuMemAlloc_v2(bytesize=8 << 30).result == CUresult.ERROR_OUT_OF_MEMORY

Which handlers are asked, in what order, and what becomes of what they say, is decided as in a preloaded process. Below
them are the answers of `--mode virtual`; a function that has none there succeeds, and nothing happens.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cffi
from cffi import recompiler

from vgpu_embed import asking, control, enums, tables
from vgpu_embed import policy as policies
from vgpu_embed.devices import Profile
from vgpu_embed.embed.redirect import not_supported
from vgpu_embed.events import Event, Events, word_of
from vgpu_embed.frames import LAYOUTS, FrameCall, argument, call_class, kind_of, lasting_text, sentence_of
from vgpu_embed.policy import CallLog, Handler, Policy, Process, Result, matches
from vgpu_embed.virtual import answering, contexts
from vgpu_embed.virtual.machine import Machine

if TYPE_CHECKING:
    from vgpu_embed._frames import Kind

ROOM = 256
"""Length of a text buffer where a test does not say it."""
FIRST_THUNK = 0x10000
"""cuGetProcAddress gives this plus the function's slot: an address, but nothing is there."""
SCRATCH = 4096
"""Bytes behind an output whose size no header tells."""
LAZY = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
"""Memory that costs nothing until it is touched; MAP_NORESERVE has no name before Python 3.11."""


def _types() -> Any:
    """The headers' types, without a compiler: half a second once, where cffi's other way takes 50 ms for each type."""
    declared = cffi.FFI()
    for name in ("types", "frame"):
        declared.cdef((Path(tables.__file__).parent / f"{name}.cdef").read_text())
    source = io.StringIO()
    recompiler.make_py_source(declared, "vgpu_types", source)
    module: dict[str, Any] = {}
    exec(source.getvalue(), module)
    return module["ffi"]


ffi = _types()


class Called:
    """One call. Inputs and outputs are attributes under the header's names.

    Attributes:
        function, caller: as a hook sees them.
        result: an enum of the headers, a number, text, or None where the function returns nothing.
        forwarded: whether it reached the driver.
    """

    def __init__(self, call: HostCall, values: dict[str, Any], verdict: Any) -> None:
        self.function = call.function
        self.caller = call.caller
        self.result = shown_result(call.row, verdict)
        self.forwarded = call._reached
        self._values = values
        self._arguments = call._arguments  # pointers among the values point there

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(policies.unknown_field(self.function, name))
        return self._values[name]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{self.function}({values}) -> {self.result!r}"


class FakeDriver:
    """A program with policies, over a driver that is not there. Every CUDA function is a method, see `call`.

    Args:
        policy: a file, the name of a built-in policy, a Policy, or a list of them.
        gpu: the devices, as for `--gpu`, or profiles; what a policy says by `device(...)` outranks it.
        options: what `--set` would say.
        program: file name of the executable.
        environment: the program's, for what CUDA reads there (CUDA_VISIBLE_DEVICES).
        initialised: whether cuInit was called and device 0's context is current on this thread.

    Attributes:
        calls: what reached the driver, in order, as `Called`: inputs and the driver's result.
        answers: what the driver says, by function: a result, or a function of the call as hooks are.
        log: the lines that policies wrote, whatever the level, and those about hooks that failed.
        ffi: makes pointers and structs of the headers' types.

    Raises PolicyError.
    """

    def __init__(
        self,
        policy: str | os.PathLike[str] | Policy | Iterable[str | os.PathLike[str] | Policy] = (),
        *,
        gpu: str | Iterable[Profile] = "h100",
        options: Mapping[str, object] | None = None,
        program: str = "python3",
        environment: Mapping[str, str] | None = None,
        initialised: bool = True,
    ) -> None:
        self.log: list[str] = []
        self._enter()
        given = [policy] if isinstance(policy, str | os.PathLike | Policy) else list(policy)
        self.policies = [p if isinstance(p, Policy) else policies.load(os.fspath(p)) for p in given]
        policies.apply_settings(self.policies, [f"{name}={value}" for name, value in (options or {}).items()])
        profiles = policies.profiles_of(self.policies, gpu if isinstance(gpu, str) else "")
        if not profiles and not isinstance(gpu, str):
            profiles = list(gpu)
        self.program = program
        self.process = Process(program)
        self.ffi = ffi
        self.calls: list[Called] = []
        self.answers: dict[str, int | Callable[[Any], Any]] = {}
        settings = {} if environment is None else environment
        self.machine = Machine(profiles, settings.get, lambda slot: FIRST_THUNK + slot)
        self.below = answering(self.machine)
        """The policies that are the driver."""
        for policy in self.below:
            policy.join(self.policies)
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._driver_kinds: dict[tuple[str, str], Kind] = {}
        self._makes: dict[str, dict[str, Kind]] = {library: {} for library in tables.LIBRARIES}
        self._memories: dict[str, asking.Memory] = {}
        self._events: list[Event] = []
        if initialised and self.machine.start() == 0:
            self.machine.thread.stack.append(contexts.retain(self.machine, 0))

    def __getattr__(self, function: str) -> Callable[..., Called]:
        try:
            tables.function(function)
        except tables.UnknownFunction as error:
            raise AttributeError(str(error)) from None
        return partial(self.call, function)

    def call(self, function: str, *arguments: Any, caller: str | None = None, **inputs: Any) -> Called:
        """Calls a function, as code of `caller` does: a file name, the program's own if not given.

        Inputs are given by name, or in the header's order as in C. They are numbers, text, bytes, None for NULL, what
        `ffi` makes, and dicts and lists for what a pointer to structs or numbers points to. What is left out is 0.
        Outputs need not be given. Raises TypeError for a parameter that the function does not have.
        """
        row = tables.function(function)
        if row.parameters is None:
            raise TypeError(f"{function}: its parameters are in no CUDA header, so it cannot be called")
        names = [parameter.attribute for parameter in row.parameters]
        if len(arguments) > len(names):
            raise TypeError(
                f"{function} takes {len(names)} arguments, not {len(arguments)}: {', '.join(names) or 'none'}"
            )
        for name in inputs:
            if name not in names:
                raise TypeError(policies.unknown_field(function, name))
        passed = Arguments(row, {**inputs, **dict(zip(names, arguments, strict=False))})
        call = self.host_kind(function, caller or self.program)(passed.address)
        call._arguments = passed
        self._enter()
        start = time.monotonic_ns()
        verdict = call.run()
        if verdict is None:
            verdict = call.real()
        called = Called(call, passed.values(call), verdict)
        if any(function in observer.functions for policy in self.policies for observer in policy.observers):
            verdict = 0 if call._reached else 2 - call.repeated
            result = int(called.result) if isinstance(called.result, int) else 0
            thread, end = threading.get_native_id(), time.monotonic_ns()
            self._events.append(Event(row, call.caller, thread, start, end, result, verdict, passed.words(row)))
        return called

    def set(self, option: str, value: object) -> None:
        """Changes an option as `vgpu-embed set` does. Raises PolicyError, and then nothing has changed."""
        self._enter()
        control.change(self.policies, f"{option}={value}")
        self._forget()

    def command(self, name: str, **arguments: object) -> Any:
        """Runs a policy's command as `vgpu-embed command` does: arguments are text, the result is what JSON holds.

        Observers get what there is before. Raises PolicyError where there is no such command, and what it raises.
        """
        self.flush()
        texts = {key: str(value) for key, value in arguments.items()}
        return json.loads(json.dumps(control.command(self.policies, name, texts)))

    def flush(self) -> None:
        """Gives observers the calls since the last time, as the library does by itself and soon."""
        self._enter()
        events, self._events = Events(self._events), []
        for policy in self.policies:
            for observer in policy.observers:
                if matches(self.program, observer.program):
                    control.give(observer, events, self._say)

    def _enter(self) -> None:
        """Lines of `policy.log` are this driver's from here on."""
        policies.log_of = partial(Log, self.log)

    def _failed(self, handler: Handler, call: FrameCall, error: BaseException) -> asking.Verdict:
        """The verdict of a handler that raised."""
        verdict, end = asking.effect_of(handler, call)
        self._say(handler, error, end)
        if handler.disabled:
            self._forget()
        return verdict

    def _say(self, handler: Handler, error: BaseException, end: str) -> None:
        """Keeps a line about a handler that has raised, where there is an end to the sentence."""
        file = handler.function.__code__.co_filename
        place = f"{file}:{policies._line_of(error, file)}"
        if end:
            self.log.append(f"{place}: {type(error).__name__}: {sentence_of(error)}, {end}")

    def _forget(self) -> None:
        """Drops what answers are remembered, and which handlers are asked."""
        self._kinds.clear()
        for made in self._makes.values():
            made.clear()
        self._memories.clear()

    def unanswered(self, call: DriverCall) -> int:
        """What a function does that no policy answers.

        The driver's succeed, with new handles where handles are asked for. Those of the other libraries are not
        supported, as in virtual mode.
        """
        if call.row.library != "driver":
            return self.machine.handle() if call.row.library == "loader" else not_supported(call.row)
        for parameter in call.row.parameters or ():
            pointer = argument(call, parameter) if is_handle(parameter) else None
            if pointer:
                pointer[0] = ffi.cast(ffi.typeof(pointer).item, self.machine.handle())
        return 0

    def host_kind(self, function: str, caller: str) -> Kind:
        """A function's calls from a library: they have the handlers to ask."""
        found = self._kinds.get((function, caller))
        if found is None:
            memory = self._memories.setdefault(function, {})
            hooks = tuple(
                asking.ask_of(handler, self._failed, memory)
                for handler in asking.handlers_of(self.policies, function, self.program, caller)
            )
            found = self._kinds[function, caller] = self._kind(self.host_class(function), caller, hooks)
        return found

    def host_class(self, function: str) -> type[FrameCall]:
        """The class of a function's calls, whoever makes them."""
        return call_class(function, HostCall)

    def driver_kind(self, function: str, caller: str) -> Kind:
        """A function's calls from a library where they have passed the policies."""
        found = self._driver_kinds.get((function, caller))
        if found is None:
            hooks = tuple(handler.function for handler in asking.handlers_of(self.below, function, "", ""))
            found = self._driver_kinds[function, caller] = self._kind(call_class(function, DriverCall), caller, hooks)
        return found

    def _kind(self, calls: type[FrameCall], caller: str, hooks: tuple[Any, ...]) -> Kind:
        return kind_of(calls, caller, hooks, self._makes[calls.row.library], owner=self)

    def made_kind(self, function: str, library: str) -> Kind:
        """A function's calls as code of a library makes them."""
        found = self._makes[library][function] = self.host_kind(function, asking.CALLERS[library])
        return found


class HostCall(FrameCall):
    """A call of the program, or one that is made in a library's name."""

    ffi = ffi
    _reached = False
    _arguments: Arguments | None = None

    @property
    def _driver(self) -> FakeDriver:
        driver: FakeDriver = self._kind.owner
        return driver

    @property
    def program(self) -> str:  # type: ignore[override]
        """The executable's file name."""
        return self._driver.program

    @property
    def process(self) -> Process:  # type: ignore[override]
        """The process."""
        return self._driver.process

    @property
    def log(self) -> CallLog:
        """Lines into the driver's list."""
        return Log(self._driver.log, self.function)

    def forward(self) -> Result:
        """See `Call.forward`."""
        if self.row.library == "loader":
            raise RuntimeError(f"{self.function} depends on who calls it, so a hook cannot forward it: return None")
        return super().forward()

    def real(self) -> int:
        """What the driver answers."""
        self._reached = True
        answer = self._driver.answers.get(self.function)
        call = self._driver.driver_kind(self.function, self.caller)(self.address)
        call.result = Result(0)  # outputs are there to be written
        verdict = answer(call) if callable(answer) else answer
        if verdict is None:
            verdict = call.run()
        if verdict is None:
            verdict = call.real()
        self._driver.calls.append(Called(self, inputs_of(self), verdict))
        if isinstance(verdict, str):
            return int(ffi.cast("uintptr_t", lasting_text(ffi, verdict.encode())))
        return int(verdict)

    def _made_kind(self, function: str) -> Kind:
        return self._driver.made_kind(function, self.row.library)


class DriverCall(HostCall):
    """The same call, below the policies."""

    def real(self) -> int:
        """There is nothing further down."""
        return self._driver.unanswered(self)


class Log(CallLog):
    """Keeps lines."""

    def __init__(self, lines: list[str], name: str) -> None:
        self.lines = lines
        self.name = name

    def error(self, text: str, **fields: Any) -> None:
        """Keeps one."""
        self.lines.append(policies.log_line(self.name, text, fields))

    info = debug = error


# ---- arguments and results -----------------------------------------------------------------------------------------


class Arguments:
    """A call's frame, and the memory that its arguments point to."""

    def __init__(self, row: tables.Function, given: dict[str, Any]) -> None:
        self.frame = ffi.new("struct vgpu_frame *")
        self.address = int(ffi.cast("uintptr_t", self.frame))
        self.stack = self.frame.stack = ffi.new("uint64_t[]", row.stack_words or 1)
        self.passed: dict[str, Any] = {}
        """Arguments by the headers' names: numbers, structs, and pointers that keep their memory."""
        parameters = row.parameters or ()
        missing = [p for p in parameters if p.attribute not in given and p.direction != "in"]
        for parameter in missing:
            if parameter.pointee == "char" and str(parameter.out_size).isidentifier():
                given.setdefault(str(parameter.out_size), ROOM)
        for parameter in parameters:
            if parameter not in missing:
                self.passed[parameter.name] = as_passed(parameter, given.get(parameter.attribute))
        for parameter in sorted(missing, key=lambda one: one.direction):  # "inout" first: lengths are there
            self.passed[parameter.name] = self.room(parameter)
        for parameter in parameters:
            self.put(parameter, self.passed[parameter.name])

    def room(self, parameter: tables.Parameter) -> Any:
        """Memory for an output; NULL for none."""
        item, size = pointed_at(parameter), self.size(parameter)
        if item is None:
            return ffi.from_buffer("char[]", mmap.mmap(-1, size, LAZY)) if size else ffi.NULL
        count = size // ffi.sizeof(item)
        return ffi.new(ffi.getctype(item, "[]"), count) if count else ffi.NULL

    def size(self, parameter: tables.Parameter) -> int:
        """Bytes that may be written to an output."""
        if not isinstance(parameter.out_size, str):
            return parameter.out_size or SCRATCH
        try:
            return int(eval(parameter.out_size, {"__builtins__": {}}, self.passed))
        except (RuntimeError, TypeError, ZeroDivisionError):  # NULL for a length
            return 0

    def place(self, parameter: tables.Parameter) -> Any:
        """Where an argument lies."""
        kind, place = parameter.location
        return {"gp": self.frame.gp, "fp": self.frame.xmm, "stack": self.frame.stack}[kind] + place

    def put(self, parameter: tables.Parameter, value: Any) -> None:
        """Puts an argument where a caller does."""
        words = self.place(parameter)
        if isinstance(value, ffi.CData) and ffi.typeof(value).kind in ("struct", "union"):
            ffi.memmove(words, ffi.addressof(value), parameter.size)
        elif parameter.kind in ("float", "double"):
            ffi.cast(parameter.kind + " *", words)[0] = value
        else:
            ffi.cast("uint64_t *", words)[0] = int(ffi.cast("uintptr_t", value)) & 0xFFFFFFFFFFFFFFFF

    def words(self, row: tables.Function) -> list[int]:
        """The arguments as a recording has them."""
        found: dict[int, int] = {}
        for parameter in row.parameters or ():
            words = ffi.cast("uint64_t *", self.place(parameter))
            for number in range((parameter.size + 7) // 8):
                found[word_of(row, parameter) + number] = words[number]
        return [found.get(number, 0) for number in range(max(found, default=-1) + 1)]

    def values(self, call: FrameCall) -> dict[str, Any]:
        """Inputs and outputs."""
        outputs = [parameter for parameter in call.row.parameters or () if parameter.direction != "in"]
        return {**inputs_of(call), **{p.attribute: self.output(p, self.passed[p.name]) for p in outputs}}

    def output(self, parameter: tables.Parameter, pointer: Any) -> Any:
        """What lies in an output: text, a number, an address, a struct, a list of them; else the pointer itself."""
        if not pointer or pointed_at(parameter) is None or ffi.typeof(pointer).item.kind == "void":
            return pointer or None
        if ffi.typeof(pointer).item.cname == "char":
            return ffi.string(pointer, self.size(parameter)).decode(errors="surrogateescape")
        if isinstance(parameter.out_size, str) and ffi.typeof(pointer).kind == "array":
            return [plain(parameter, one) for one in pointer]
        return plain(parameter, pointer[0])


def as_passed(parameter: tables.Parameter, value: Any) -> Any:
    """What a test gives, as C passes it. Raises TypeError for a value where there has to be room for one."""
    item = pointed_at(parameter)
    if isinstance(value, str | bytes):
        return ffi.new("char[]", value.encode(errors="surrogateescape") if isinstance(value, str) else value)
    if value is None or isinstance(value, ffi.CData):
        return ffi.NULL if value is None and parameter.kind == "pointer" else value or 0
    if parameter.kind == "struct" and isinstance(value, dict | list | tuple):
        return ffi.new(parameter.ctype + " *", value)[0]
    if item and isinstance(value, dict | list | tuple):
        return ffi.new(ffi.getctype(item, "*" if isinstance(value, dict) else "[]"), value)
    if item and parameter.direction == "out":
        raise TypeError(f"{parameter.name} is written, not read: leave it out, or give a pointer or None")
    if item and parameter.direction == "inout":
        return ffi.new(ffi.getctype(item, "*"), value)
    return ffi.cast("void *", value) if parameter.direction != "in" else value


def pointed_at(parameter: tables.Parameter) -> Any:
    """The type that a pointer points to; None where that has no size, and for what is no pointer."""
    ctype = LAYOUTS.get((parameter.ctype, parameter.out_size)) or parameter.ctype.replace("const ", "")
    try:
        item = ffi.typeof(ctype).item
        ffi.sizeof(item)
    except (AttributeError, ValueError, ffi.error):
        return None
    return item


def is_handle(parameter: tables.Parameter) -> bool:
    """Whether it is an output for one handle or address."""
    item = pointed_at(parameter) if isinstance(parameter.out_size, int) else None
    if item is None or parameter.direction != "out":
        return False
    return parameter.ctype in NUMBERS or (item.kind == "pointer" and item != ffi.typeof("char *"))


NUMBERS = frozenset(
    f"{name} *"
    for name in ("CUdeviceptr", "CUdeviceptr_v1", "CUmemGenericAllocationHandle", "CUtexObject", "CUsurfObject")
)
"""Handles and addresses whose type is a number's."""


def inputs_of(call: FrameCall) -> dict[str, Any]:
    """The inputs of a call."""
    inputs = [parameter for parameter in call.row.parameters or () if parameter.direction == "in"]
    return {parameter.attribute: plain(parameter, argument(call, parameter)) for parameter in inputs}


def plain(parameter: tables.Parameter, value: Any) -> Any:
    """A value as tests compare it: handles and addresses as numbers, enums as enums, None for NULL, structs copied."""
    if parameter.direction != "in" and isinstance(value, int) and parameter.pointee_enum:
        return getattr(enums, parameter.pointee_enum)(value)
    if not isinstance(value, ffi.CData):
        return value
    kind = ffi.typeof(value)
    if kind.kind in ("struct", "union"):
        return ffi.new(ffi.getctype(kind, "*"), value)[0]
    if kind == ffi.typeof("char *") and parameter.direction != "in":
        return ffi.string(value).decode(errors="surrogateescape") if value else None
    if parameter.direction == "in" and pointed_at(parameter) is not None:
        return value or None
    return int(ffi.cast("uintptr_t", value))


def shown_result(row: tables.Function, verdict: Any) -> Any:
    """A verdict as tests compare it."""
    if row.result_kind == "void":
        return None
    if isinstance(verdict, str | bytes):
        return verdict if isinstance(verdict, str) else verdict.decode(errors="surrogateescape")
    if row.result == "const char *":
        return ffi.string(ffi.cast("char *", verdict)).decode() if verdict else None
    value = int(verdict) & ((1 << 8 * row.result_size) - 1)
    return getattr(enums, row.result_enum)(value) if row.result_enum else value
