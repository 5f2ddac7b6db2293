"""What happens to a call that Python is asked about: the hooks of its function, in order, then the driver."""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed._core import ffi, lib
from vgpu_embed.embed import log
from vgpu_embed.embed.guard import describe
from vgpu_embed.embed.redirect import DENIED, NOT_SUPPORTED, REGISTRATIONS
from vgpu_embed.embed.session import Session
from vgpu_embed.frames import FrameCall, call_class, lasting_text
from vgpu_embed.policy import CallLog, Hook, Process, Result
from vgpu_embed.tables import enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Verdict = int | str | bytes | None
    Ask = Callable[[FrameCall], Verdict]


MASKS = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""What of the result register counts: of a code, of an address."""

host_call = lib.host_call


class Chain:
    """The hooks of one function, in the order in which they are asked."""

    def __init__(self, function: tables.Function) -> None:
        self.function = function
        self.hooks: list[Hook] = []
        self._queried = [p.attribute for p in function.parameters or () if p.enum and p.direction == "in"]
        self._shown: set[tuple[Any, ...]] = set()

    def is_shown(self, call: FrameCall) -> bool:
        """Whether this call has a line: the first one of each function, and of each enum argument of a query."""
        if log.level >= log.DEBUG:
            return True
        key = tuple(getattr(call, name) for name in self._queried)
        first = key not in self._shown
        self._shown.add(key)
        return first

    def calls_from(self, caller: str) -> type[EmbeddedCall]:
        """The class of calls that a library or program of this file name makes: it has the hooks to ask."""
        hooks = tuple(guarded(hook) for hook in self.hooks if matches(caller, hook.caller))
        base = LoaderCall if self.function.library == "loader" else EmbeddedCall
        made = type(
            self.function.name,
            (call_class(self.function.name, base),),
            {
                "caller": caller,
                "hooks": hooks,
                "chain": self,
                "leaves": base is LoaderCall or not lib.host_info().is_virtual,
                "words": self.function.stack_words,
                "mask": MASKS[self.function.result_kind == "pointer"],
            },
        )
        assert issubclass(made, EmbeddedCall)
        return made


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file name matches one of the patterns; no patterns match everything."""
    if not patterns or name in patterns:
        return True
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


chains: dict[int, Chain] = {}
"""The chain of each function that a policy wants, by slot."""


def install(session: Session) -> None:
    """Makes the chains of a session's policies and routes their functions to them, all others past them."""
    for policy in session.policies:
        for hook in policy.hooks:
            if matches(session.program, hook.program):
                for name in hook.functions:
                    function = tables.function(name)
                    chains.setdefault(function.index, Chain(function)).hooks.append(hook)
    for slot in chains:
        lib.host_route(slot, lib.VGPU_ASK, 0)
    if session.is_virtual:
        _route_virtual()


_registered = ffi.new("uint64_t[2]")
"""What `__cudaRegisterFatBinary` points to in virtual mode; nobody looks inside."""


def _route_virtual() -> None:
    """Without a driver every function is asked about: what nobody answers has to be named."""
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            slot = tables.index(name)
            if slot not in chains and name not in REGISTRATIONS and library != "loader":
                lib.host_route(slot, lib.VGPU_ASK, 0)
    for name in REGISTRATIONS:
        slot = tables.index(name)
        lib.host_route(slot, lib.VGPU_CONSTANT, int(ffi.cast("uintptr_t", _registered)))


class EmbeddedCall(FrameCall):
    """A call that a thunk of the library received, or that virtual mode makes in a library's name."""

    ffi = ffi
    chain: Chain
    leaves: bool
    """A call without a verdict leaves by the library's jump; otherwise there is nowhere to go."""
    words: int
    mask: int
    program = ffi.string(lib.host_info().program).decode(errors="replace")
    process = Process(program)

    @property
    def log(self) -> CallLog:
        """Log lines that name this call's function."""
        return log.PolicyLog(self.function)

    def real(self) -> int:
        """The driver's own function, with the interpreter lock released."""
        register: int = host_call(self.frame, self.words)
        if register == lib.VGPU_NOWHERE:
            return unsupported(self.row)
        return register & self.mask

    def made_class(self, function: str) -> type[FrameCall]:
        """See `FrameCall.made_class`."""
        return made[function, self.row.library]


CALLERS = {
    "driver": "libcuda.so.1",
    "runtime": "libcudart.so",
    "cublas": "libcublas.so",
    "nvml": "libnvidia-ml.so.1",
}
"""File names under which a library's own calls are known to `caller=` patterns."""


class LoaderCall(EmbeddedCall):
    """A call of one of the loader's functions."""

    def real(self) -> int:
        """There is no way."""
        raise RuntimeError(f"{self.function} depends on who calls it, so a hook cannot forward it: return None")


class MadeClasses(dict[tuple[str, str], "type[EmbeddedCall]"]):
    """Call classes by function and the library that calls it, made when a library first does."""

    def __missing__(self, key: tuple[str, str]) -> type[EmbeddedCall]:
        function, library = key
        slot = tables.function(function).index
        kind = chain_of(slot).calls_from(CALLERS[library])
        kind.target = lib.host_real(slot)
        self[key] = kind
        return kind


made = MadeClasses()


# ---- asking --------------------------------------------------------------------------------------------------------

failures: dict[Hook, int] = {}
"""How often each hook has failed."""


def guarded(hook: Hook) -> Ask:
    """A hook as it is asked: whatever goes wrong in it is said once and is no verdict, or a refusal."""

    function = hook.function

    def ask(call: FrameCall) -> Verdict:
        try:
            verdict = function(call)
            if verdict is None:
                return call.forwarded_result() if call.has_forwarded else None
            if isinstance(verdict, int) or (isinstance(verdict, (str, bytes)) and call.row.result_kind == "pointer"):
                return verdict
            raise TypeError(f"a hook returns None or a CUresult, not {type(verdict).__name__}")
        except BaseException as error:
            return failed(hook, call, error)

    return ask


def failed(hook: Hook, call: FrameCall, error: BaseException) -> int | None:
    """The verdict of a hook that raised. What the driver has already answered stays."""
    failures[hook] = failures.get(hook, 0) + 1
    result = call.forwarded_result()
    denies = hook.on_error == "deny" and result is None
    if failures[hook] == 1:
        effect = "refused" if denies else "forwarded"
        file = hook.function.__code__.co_filename
        text = describe(error, file)
        place = "" if text.startswith(file) else f"{hook.where}: "
        log.write(log.ERROR, f"{place}{text}, in a hook of {call.function}; such calls are {effect}")
    return DENIED[call.row.library] if denies else result


_unsupported: set[int] = set()


def unsupported(row: tables.Function) -> int:
    """The answer to a function that nothing implements; names it the first time."""
    code = NOT_SUPPORTED[row.library]
    if row.index not in _unsupported:
        _unsupported.add(row.index)
        log.write(log.ERROR, f"{row.name}() is not implemented here and returns {result_text(row, code)}")
        if not chain_of(row.index).hooks:
            lib.host_route(row.index, lib.VGPU_CONSTANT, code)
    return code


def result_text(row: tables.Function, result: int) -> str:
    """A result by its full name in the header (CUDA_SUCCESS), else as a number."""
    if row.result_kind == "pointer":
        return hex(result)
    name = row.result_enum and enumerations.c_name(row.result_enum, result)
    return name or str(result)


_reported: set[str] = set()


def report(_type: type[BaseException], error: BaseException, trace: Any) -> int:
    """A failure of ours, not of a hook's: said once, and the call is forwarded."""
    text = describe(error.with_traceback(trace))
    if text not in _reported:
        _reported.add(text)
        log.write(log.ERROR, f"{text}: a defect of vgpu_embed; the call is forwarded")
    return 0


class Prepared(dict[int, "type[EmbeddedCall]"]):
    """Call classes by slot and caller, made at a function's first call from each library."""

    def __missing__(self, key: int) -> type[EmbeddedCall]:
        slot, caller = key >> 16, ffi.string(lib.host_caller(key & 0xFFFF)).decode(errors="replace")
        made = self[key] = chain_of(slot).calls_from(caller)
        return made


prepared = Prepared()
shows: bool = log.level >= log.INFO


@ffi.def_extern(onerror=report)
def vgpu_decide(frame: Any, key: int) -> int:
    """Asks the policies about one call. 0: forward it. 1: `frame.result` is the answer.

    `key` is the slot times 65536 plus the number of the calling file.
    """
    call = prepared[key](frame)
    verdict = call.run()
    if shows and call.chain.is_shown(call):
        return shown(call, verdict)
    if verdict is None:
        if call.leaves:
            return 0
        verdict = call.real()
    frame.result = verdict if type(verdict) is Result else register_of(verdict)
    return 1


def shown(call: EmbeddedCall, verdict: Verdict) -> int:
    """Like the end of `vgpu_decide`, with the CALLED line. A call that nobody answered is made here for its result."""
    if verdict is None:
        if call.row.library == "loader":
            return 0
        verdict = call.result = Result(call.real())
    call.frame.result = register_of(verdict)
    show(call, call.frame.result)
    return 1


def register_of(verdict: int | str | bytes) -> int:
    """A verdict as the register's value; text becomes a C string that stays."""
    if isinstance(verdict, int):
        return verdict & 0xFFFFFFFFFFFFFFFF
    text = verdict.encode() if isinstance(verdict, str) else verdict
    return int(ffi.cast("uintptr_t", lasting_text(ffi, text)))


def chain_of(slot: int) -> Chain:
    """The chain of a function; an empty one where no policy wants it."""
    found = chains.get(slot)
    if found is None:
        found = chains[slot] = Chain(tables.function(slot))
    return found


# ---- log lines -----------------------------------------------------------------------------------------------------


def show(call: EmbeddedCall, register: int) -> None:
    """The CALLED line of a call: inputs, result, outputs."""
    inputs, outputs = [], []
    for parameter in call.row.parameters or ():
        if parameter.direction == "in":
            inputs.append(f"{parameter.name}={shown_value(getattr(call, parameter.attribute))}")
        else:
            outputs.append(f"{parameter.name}={shown_output(call, parameter)}")
    tail = f" ({', '.join(outputs)})" if outputs and register == 0 else ""
    result = result_text(call.row, register & call.mask)
    log.write(log.INFO, f"{call.function}() CALLED ({', '.join(inputs)}) -> {result}{tail}")


def shown_value(value: Any) -> str:
    """An argument in a log line."""
    if isinstance(value, int):
        return log.value_text(int(value))
    if isinstance(value, str):
        return f'"{value}"'
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return repr(value)
    try:
        return hex(int(ffi.cast("uintptr_t", value)))
    except TypeError:
        return "{…}"


def shown_output(call: FrameCall, parameter: tables.Parameter) -> str:
    """What a call has written, in a log line."""
    try:
        pointer = getattr(call, parameter.attribute)
        if not pointer:
            return "NULL"
        if parameter.pointee == "char":
            text: bytes = ffi.string(ffi.cast("char *", pointer), 96)
            return log.value_text(text)
        return shown_value(pointer[0])
    except Exception:  # no type to read it with
        return "?"


def announce(session: Session) -> None:
    """The start-up line."""
    mode = "virtual" if session.is_virtual else "native"
    shown = ", ".join(f"{n}={p.id}" for n, p in enumerate(session.profiles)) or "the driver's own"
    names = ", ".join(policy.path for policy in session.user) or "none"
    log.write(log.INFO, f"ready: {session.program}, mode {mode}, devices {shown}, policies {names}")
