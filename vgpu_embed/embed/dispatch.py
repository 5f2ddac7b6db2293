"""What happens to a call that Python is asked about: the handlers of its function, in order, then the driver."""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed._core import ffi, lib
from vgpu_embed.asking import CALLERS, ask_of, caught, checked, effect_of, handlers_of, in_force, kept_of
from vgpu_embed.embed import log, state
from vgpu_embed.embed.guard import Overrun, describe
from vgpu_embed.embed.redirect import REGISTRATIONS, not_supported
from vgpu_embed.embed.session import Session
from vgpu_embed.frames import FrameCall, call_class, lasting_text
from vgpu_embed.policy import CallLog, Handler, Process, Result, matches, value_text
from vgpu_embed.predicates import EITHER
from vgpu_embed.tables import enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vgpu_embed.asking import Memory, Verdict


MASKS = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""What of the result register counts: of a code, of an address."""
FORWARDED: int = lib.VGPU_FORWARDED
REMEMBERED: int = lib.VGPU_REMEMBERED
NOWHERE: int = lib.VGPU_NOWHERE

DRIVEN = Result(0)
"""The driver's own success: the frame has it already."""

host_call = lib.host_call


class Chain:
    """One function's handlers and observers, as long as a set of policies is in force."""

    def __init__(self, function: tables.Function) -> None:
        self.function = function
        self.handlers: list[Handler] = []
        self.observers: list[Handler] = []
        self.memory: Memory = {}
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

    def calls_from(self, caller: str, through_c: bool = True) -> type[EmbeddedCall]:
        """The class of calls that a library or program of this file name makes: it has the handlers to ask.

        `through_c`: they come from a thunk, where C has evaluated a lone handler's predicate.
        """
        handlers = handlers_of(current.session.policies, self.function.name, current.session.program, caller)
        tested = through_c and len(self.handlers) == 1 and not current.session.is_virtual
        hooks = tuple(ask_of(handler, failed, self.memory, tested) for handler in handlers)
        base = LoaderCall if self.function.library == "loader" else EmbeddedCall
        answers = [handler for handler in handlers if handler.kind == "answer"]
        fields: dict[str, Any] = {
            "caller": caller,
            "hooks": hooks,
            "chain": self,
            "leaves": base is LoaderCall or not current.session.is_virtual,
            "mask": MASKS[self.function.result_kind == "pointer"],
            "asks_more": len(hooks) > 1,
            "alone": handlers[0] if tested and len(hooks) == 1 and not handlers[0].disabled else None,
            "remembers": bool(answers) and len(answers) == len(handlers),
        }
        if len(hooks) == 1:
            fields.update(run=hooks[0], _next=1)
        made = type(self.function.name, (call_class(self.function.name, base),), fields)
        assert issubclass(made, EmbeddedCall)
        return made

    def route(self) -> None:
        """Tells the library what to do with calls of this function."""
        asked = [handler for handler in self.handlers if in_force(handler)]
        route = lib.VGPU_ASK if asked or (current.session.is_virtual and self.function.library != "loader") else 0
        scalars = narrow = 0
        if any(handler.caller for handler in asked):  # that it is none of theirs is remembered, too
            route |= lib.VGPU_ANSWERS | lib.VGPU_BY_CALLER
        if any(handler.kind == "answer" for handler in asked):
            route |= lib.VGPU_ANSWERS
            for parameter in self.function.parameters or ():
                if parameter.direction == "in":
                    scalars |= 1 << parameter.location[1]
                    narrow |= (parameter.size <= 4) << parameter.location[1]
        if self.observers:
            route |= lib.VGPU_OBSERVED
        slot = self.function.index
        steps = [] if current.session.is_virtual else predicate_of(asked, self.function.name)
        lib.host_filter(slot, ffi.new("struct vgpu_operation[]", steps), len(steps))
        lib.host_route(slot, route, 0, scalars, narrow)


def predicate_of(handlers: list[Handler], function: str) -> list[tuple[int, int, int]]:
    """What C evaluates before it asks Python: one of the handlers' predicates is met. Empty where one has none."""
    steps: list[tuple[int, int, int]] = []
    for handler in handlers:
        if not handler.predicate:
            return []
        joined = bool(steps)
        steps += handler.predicate.operations(function)
        if joined:
            steps.append((EITHER, 0, 0))
    return steps


class Current:
    """What is in force: replaced as a whole."""

    session: Session
    installed = 0
    """How often that happened."""


current = Current()
chains: dict[int, Chain] = {}
"""The chain of each function that a policy wants, by slot."""


def install(session: Session) -> None:
    """Makes the chains of a session's policies and routes their functions to them, all others past them."""
    before = list(chains)
    fresh: dict[int, Chain] = {}
    for policy in session.policies:
        for handler in (*policy.handlers, *policy.observers):
            if matches(session.program, handler.program):
                for name in handler.functions:
                    function = tables.function(name)
                    chain = fresh.setdefault(function.index, Chain(function))
                    (chain.observers if handler.kind == "observe" else chain.handlers).append(handler)
    current.session = session
    chains.clear()
    chains.update(fresh)
    renew()
    for slot in before:
        if slot not in chains:
            chain_of(slot).route()
    for chain in list(chains.values()):
        chain.route()
    lib.host_forget()  # what was remembered by routes of before
    if session.is_virtual and not before:
        _route_virtual()


def renew() -> None:
    """Forgets what was prepared or remembered for the handlers of before."""
    current.installed += 1
    prepared.clear()
    made.clear()
    for chain in chains.values():
        chain.memory.clear()
    lib.host_forget()


_registered = ffi.new("uint64_t[2]")
"""What `__cudaRegisterFatBinary` points to in virtual mode; nobody looks inside."""


def _route_virtual() -> None:
    """Without a driver every function is asked about: what nobody answers has to be named."""
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            slot = tables.index(name)
            if slot not in chains and name not in REGISTRATIONS and library != "loader":
                lib.host_route(slot, lib.VGPU_ASK, 0, 0, 0)
    for name in REGISTRATIONS:
        slot = tables.index(name)
        lib.host_route(slot, lib.VGPU_CONSTANT, int(ffi.cast("uintptr_t", _registered)), 0, 0)


class EmbeddedCall(FrameCall):
    """A call that a thunk of the library received, or that virtual mode makes in a library's name."""

    ffi = ffi
    chain: Chain
    leaves: bool
    """A call without a verdict leaves by the library's jump; otherwise there is nowhere to go."""
    mask: int
    alone: Handler | None
    """The only one that is asked, and whose predicate C has evaluated."""
    asks_more: bool
    """There are hooks behind the first."""
    remembers: bool
    """Whether C may repeat what this call is answered."""
    program = ffi.string(lib.host_info().program).decode(errors="replace")
    process = Process(program)

    @property
    def log(self) -> CallLog:
        """Log lines that name this call's function."""
        return log.PolicyLog(self.function)

    def forward(self) -> Result:
        """`FrameCall.forward`, short where the driver comes next and has nothing to complain of."""
        if self.asks_more or self.has_forwarded:
            return FrameCall.forward(self)
        self.has_forwarded = True
        if register := host_call(self.frame):
            self.result = result = Result(self.code_of(register))
            return result
        self.result = DRIVEN
        return DRIVEN

    def real(self) -> int:
        """The driver's own function, with the interpreter lock released."""
        return self.code_of(host_call(self.frame))

    def code_of(self, register: int) -> int:
        """What a result register means; that there was nowhere to go is said once."""
        return unsupported(self.row) if register == NOWHERE else register & self.mask

    def made_class(self, function: str) -> type[FrameCall]:
        """See `FrameCall.made_class`."""
        return made[function, self.row.library]


class LoaderCall(EmbeddedCall):
    """A call of one of the loader's functions."""

    forward = FrameCall.forward

    def real(self) -> int:
        """There is no way."""
        raise RuntimeError(f"{self.function} depends on who calls it, so a hook cannot forward it: return None")


class MadeClasses(dict[tuple[str, str], "type[EmbeddedCall]"]):
    """Call classes by function and the library that calls it, made when a library first does."""

    def __missing__(self, key: tuple[str, str]) -> type[EmbeddedCall]:
        function, library = key
        slot = tables.function(function).index
        kind = chain_of(slot).calls_from(CALLERS[library], through_c=False)
        kind.target = lib.host_real(slot)
        self[key] = kind
        return kind


made = MadeClasses()


# ---- asking --------------------------------------------------------------------------------------------------------


def failed(handler: Handler, call: FrameCall, error: BaseException) -> Verdict:
    """The verdict of a handler that raised, said the first time; one that is disabled by it is said too."""
    said, disabled, end = handler.said, handler.disabled, ""
    try:
        verdict, end = effect_of(handler, call, cut=isinstance(error, Overrun))
        if end:
            file = handler.function.__code__.co_filename
            text = handler.disabled if isinstance(error, Overrun) else describe(error, file)
            place = "" if text.startswith(file) else f"{handler.place}: "
            state.error(f"{place}{text}, {end}")
    except MemoryError:  # it could not be said: the next attempt begins anew
        handler.failures -= 1
        handler.in_a_row -= 1
        handler.disabled = disabled
        if end:
            handler.said = said
        raise
    state.failed()
    if handler.disabled:
        disable(handler)
    return verdict


def disable(handler: Handler) -> None:
    """Takes a handler out of force; the others stay."""
    for name in handler.functions:
        chain = chains.get(tables.function(name).index)
        if chain:
            chain.route()
    renew()
    state.publish()


_unsupported: set[int] = set()


def unsupported(row: tables.Function) -> int:
    """The answer to a function that nothing implements; names it the first time."""
    code = not_supported(row)
    if row.index not in _unsupported:
        _unsupported.add(row.index)
        state.error(f"{row.name}() is not implemented here and returns {result_text(row, code)}")
        chain = chain_of(row.index)
        if not chain.handlers and not chain.observers:
            lib.host_route(row.index, lib.VGPU_CONSTANT, code, 0, 0)
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
    if isinstance(error, MemoryError):  # the program's own shortage
        return 0
    text = describe(error.with_traceback(trace))
    if text not in _reported:
        _reported.add(text)
        state.error(f"{text}: a defect of vgpu_embed; the call is forwarded")
    return 0


class Prepared(dict[int, "Callable[[Any], int]"]):
    """What is done with a frame, by slot and caller, made at a function's first call from each library."""

    def __missing__(self, key: int) -> Callable[[Any], int]:
        slot, caller = key >> 16, ffi.string(lib.host_caller(key & 0xFFFF)).decode(errors="replace")
        begun = current.installed
        kind = chain_of(slot).calls_from(caller)
        if not kind.hooks and kind.leaves and not shows:
            made = passing(key & 0xFFFF)
        else:
            made = remembering(kind, key & 0xFFFF) if kind.remembers else deciding(kind)
        self[key] = made
        if begun != current.installed:  # of handlers that are not in force any more
            self.pop(key, None)
        return made


prepared = Prepared()
shows: bool = log.level >= log.INFO


@ffi.def_extern(onerror=report)
def vgpu_decide(frame: Any, key: int) -> int:
    """Asks the policies about one call. 0: forward it. 1: `frame.result` is the answer.

    `key` is the slot times 65536 plus the number of the calling file.
    """
    return prepared[key](frame)


def deciding(kind: type[EmbeddedCall]) -> Callable[[Any], int]:
    """`vgpu_decide` for one function and caller."""
    run, leaves = kind.run, kind.leaves
    if kind.alone and leaves and not shows:
        return deciding_alone(kind, kind.alone)

    def decide(frame: Any) -> int:
        call = kind(frame)
        verdict = run(call)
        if shows and call.chain.is_shown(call):
            return shown(call, verdict)
        if verdict is None:
            if leaves:
                return 0
            verdict = call.real()
        frame.result = verdict if type(verdict) is Result else register_of(verdict)
        return 1

    return decide


def passing(caller: int) -> Callable[[Any], int]:
    """`vgpu_decide` where no policy has a say about this caller: from then on C knows."""

    def decide(frame: Any) -> int:
        lib.host_remember(frame, caller, frame.generation, FORWARDED, ffi.NULL, 0)
        return 0

    return decide


def deciding_alone(kind: type[EmbeddedCall], handler: Handler) -> Callable[[Any], int]:
    """`deciding` for the usual case, a lone hook: `ask_of` written out, since each step of Python counts here."""
    function = handler.function

    def decide(frame: Any) -> int:
        call = kind(frame)
        try:
            verdict: Verdict = function(call)
            if handler.in_a_row:
                handler.in_a_row = 0
            if verdict is None:
                if not call.has_forwarded:
                    return 0
                verdict = call.result
            if verdict is DRIVEN:
                return 1
            if type(verdict) is not Result:
                verdict = checked(call, verdict)
        except BaseException as error:
            verdict = caught(handler, call, error, failed)
            if verdict is None:
                return 0
        frame.result = verdict if type(verdict) is Result else register_of(verdict)  # type: ignore[arg-type]
        return 1

    return decide


def remembering(kind: type[EmbeddedCall], number: int) -> Callable[[Any], int]:
    """`deciding` for a function whose handlers are answers: C repeats what they say."""
    caller = number if any(handler.caller for handler in kind.chain.handlers) else 0

    def decide(frame: Any) -> int:
        call = kind(frame)
        generation = frame.generation
        verdict = call.run()
        if verdict is None and kind.leaves and not shows:
            if not call.failed:
                lib.host_remember(frame, caller, generation, FORWARDED, ffi.NULL, 0)
            return 0
        answered = verdict is not None and not call.failed
        if verdict is None:
            verdict = call.forward()
        frame.result = register_of(verdict)
        kept = kept_of(call, verdict) if answered and log.level < log.DEBUG else None
        if kept:
            outputs = [(parameter.location[1], len(data)) for parameter, data in kept.outputs]
            rows = ffi.new("struct vgpu_output[]", outputs)
            lib.host_remember(frame, caller, generation, REMEMBERED, rows, len(outputs))
        if shows and call.chain.is_shown(call):
            show(call, frame.result)
        return 1

    return decide


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
        return value_text(int(value))
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
            return value_text(text)
        return shown_value(pointer[0])
    except Exception:  # no type to read it with
        return "?"


def announce(session: Session) -> None:
    """The start-up line."""
    mode = "virtual" if session.is_virtual else "native"
    shown = ", ".join(f"{n}={p.id}" for n, p in enumerate(session.profiles)) or "the driver's own"
    names = ", ".join(policy.path for policy in session.user) or "none"
    log.write(log.INFO, f"ready: {session.program}, mode {mode}, devices {shown}, policies {names}")
