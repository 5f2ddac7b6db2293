"""What happens to a call that Python is asked about: the handlers of its function, in order, then the driver."""

from __future__ import annotations

from vgpu_embed import _frames, tables
from vgpu_embed._core import ffi, lib
from vgpu_embed.asking import CALLERS, ask_of, effect_of, handlers_of, in_force, kept_of
from vgpu_embed.embed import log, state
from vgpu_embed.embed.guard import Overrun, describe
from vgpu_embed.embed.redirect import REGISTRATIONS, not_supported
from vgpu_embed.embed.session import Session
from vgpu_embed.frames import FrameCall, call_class, kind_of
from vgpu_embed.policy import CallLog, Handler, Process, Result, matches, value_text
from vgpu_embed.predicates import EITHER
from vgpu_embed.tables import enumerations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vgpu_embed._frames import Kind
    from vgpu_embed.asking import Memory, Verdict

FORWARDED: int = lib.VGPU_FORWARDED
REMEMBERED: int = lib.VGPU_REMEMBERED


class Chain:
    """One function's handlers and observers, as long as a set of policies is in force."""

    def __init__(self, function: tables.Function) -> None:
        self.function = function
        self.handlers: list[Handler] = []
        self.observers: list[Handler] = []
        self.memory: Memory = {}
        self._shown: set[tuple[Any, ...]] = set()

    def is_shown(self, call: FrameCall) -> bool:
        """Whether this call has a line: the first one of each function, and of each enum argument of a query."""
        if log.level >= log.DEBUG:
            return True
        queried = [p.attribute for p in self.function.parameters or () if p.enum and p.direction == "in"]
        key = tuple(getattr(call, name) for name in queried)
        first = key not in self._shown
        self._shown.add(key)
        return first

    def calls_from(self, caller: str, number: int) -> Kind:
        """The calls that a library or program of this file name makes, `number` among callers, as a thunk gets them."""
        # Where there is one handler, C has evaluated its predicate.
        tested = len(self.handlers) == 1 and not current.session.is_virtual
        handlers = handlers_of(current.session.policies, self.function.name, current.session.program, caller)
        answers = [handler for handler in handlers if handler.kind == "answer"]
        decide: Callable[[EmbeddedCall], int] | None = None
        if answers and len(answers) == len(handlers):
            decide = remembering(self, number)
        elif shows:
            decide = showing
        elif not handlers and self.leaves:
            decide = passing(number)
        return self._kind(caller, handlers, tested, decide)

    def calls_made(self, library: str) -> Kind:
        """The calls that are made from Python in a library's name. The driver's own are no business of recordings."""
        caller = CALLERS[library]
        handlers = handlers_of(current.session.policies, self.function.name, current.session.program, caller)
        number = 0 if library == "driver" else lib.host_number(caller.encode())
        return self._kind(caller, handlers, False, None, number)

    def _kind(
        self,
        caller: str,
        handlers: list[Handler],
        tested: bool,
        decide: Callable[[EmbeddedCall], int] | None,
        recorded: int = 0,
    ) -> Kind:
        is_loader = self.function.library == "loader"
        return kind_of(
            call_class(self.function.name, LoaderCall if is_loader else EmbeddedCall),
            caller,
            tuple(ask_of(handler, failed, self.memory, tested) for handler in handlers),
            made[self.function.library],
            owner=self,
            decide=decide,
            target=int(ffi.cast("uintptr_t", lib.host_real(self.function.index))),
            leaves=self.leaves,
            through_host=not is_loader,
            recorded=recorded,
        )

    @property
    def leaves(self) -> bool:
        """Whether a call without a verdict leaves by the library's jump; otherwise there is nowhere to go."""
        return self.function.library == "loader" or not current.session.is_virtual

    def route(self) -> None:
        """Tells the library what to do with calls of this function."""
        if self.function.name in REGISTRATIONS:
            return
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
    stack = session.policies
    for policy in stack:
        policy.join(stack)
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
    _frames.forget()
    for kinds in made.values():
        kinds.clear()
    for chain in chains.values():
        chain.memory.clear()
    lib.host_forget()


def _route_virtual() -> None:
    """Without a driver every function is asked about: what nobody answers has to be named."""
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            slot = tables.index(name)
            if slot not in chains and name not in REGISTRATIONS and library != "loader":
                lib.host_route(slot, lib.VGPU_ASK, 0, 0, 0)


class EmbeddedCall(FrameCall):
    """A call that a thunk of the library received, or that is made from Python in a library's name."""

    __slots__ = ()
    ffi = ffi
    _any_pointer = ffi.typeof("void *")
    program = ffi.string(lib.host_info().program).decode(errors="replace")
    process = Process(program)

    @property
    def chain(self) -> Chain:
        """Its function's."""
        chain: Chain = self._kind.owner
        return chain

    @property
    def log(self) -> CallLog:
        """Log lines that name this call's function."""
        return log.PolicyLog(self.function)

    def _unsupported(self) -> int:
        return unsupported(self.row)

    def _made_kind(self, function: str) -> Kind:
        library = self.row.library
        begun = current.installed
        kind = chain_of(tables.function(function).index).calls_made(library)
        made[library][function] = kind
        if begun != current.installed:  # of handlers that are not in force any more
            made[library].pop(function, None)
        return kind


class LoaderCall(EmbeddedCall):
    """A call of one of the loader's functions."""

    __slots__ = ()

    def real(self) -> int:
        """There is no way."""
        raise RuntimeError(f"{self.function} depends on who calls it, so a hook cannot forward it: return None")


made: dict[str, dict[str, Kind]] = {library: {} for library in tables.LIBRARIES}
"""Calls that are made from Python, by the library in whose name, and by function."""


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
        from vgpu_embed.virtual.error_log import of_process

        state.error(f"{row.name}() is not implemented here and returns {result_text(row, code)}")
        for log in of_process:
            log.failed(row.name, code, f"{row.name} is not implemented by virtual GPUs")
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


shows: bool = log.level >= log.INFO
_frames.on_error(report)


@ffi.def_extern(onerror=report)
def vgpu_decide(frame: Any, key: int) -> int:
    """Asks the policies about a function's first call from a library; with the next ones C knows what to do.

    0: forward it. 1: `frame.result` is the answer. `key` is the slot times 65536 plus the number of the calling file.
    """
    slot, number = key >> 16, key & 0xFFFF
    begun = current.installed
    kind = chain_of(slot).calls_from(ffi.string(lib.host_caller(number)).decode(errors="replace"), number)
    _frames.prepare(key, kind)
    if begun != current.installed:  # of handlers that are not in force any more
        _frames.forget()
    return kind.decide(int(ffi.cast("uintptr_t", frame)))


def passing(number: int) -> Callable[[EmbeddedCall], int]:
    """What is done with a call where no policy has a say about this caller: from then on C knows."""

    def decide(call: EmbeddedCall) -> int:
        frame = call.frame
        lib.host_remember(frame, number, frame.generation, FORWARDED, ffi.NULL, 0)
        return 0

    return decide


def remembering(chain: Chain, number: int) -> Callable[[EmbeddedCall], int]:
    """What is done with a call whose handlers are answers: C repeats what they say."""
    caller = number if any(handler.caller for handler in chain.handlers) else 0

    def decide(call: EmbeddedCall) -> int:
        frame = call.frame
        generation = frame.generation
        verdict = call.run()
        if verdict is None and chain.leaves and not shows:
            if not call.failed:
                lib.host_remember(frame, caller, generation, FORWARDED, ffi.NULL, 0)
            return 0
        answered = verdict is not None and not call.failed
        if verdict is None:
            verdict = call.forward()
        frame.result = register_of(call, verdict)
        kept = kept_of(call, verdict) if answered and log.level < log.DEBUG else None
        if kept:
            outputs = [(parameter.location[1], len(data)) for parameter, data in kept.outputs]
            rows = ffi.new("struct vgpu_output[]", outputs)
            lib.host_remember(frame, caller, generation, REMEMBERED, rows, len(outputs))
        if shows and chain.is_shown(call):
            show(call, frame.result)
        return 1

    return decide


def showing(call: EmbeddedCall) -> int:
    """What is done with a call while log lines are written: those that have one are made here, for their result."""
    verdict = call.run()
    is_shown = call.chain.is_shown(call) and not (verdict is None and call.row.library == "loader")
    if verdict is None:
        if call.chain.leaves and not is_shown:
            return 0
        verdict = call.result = Result(call.real())
    call.frame.result = register_of(call, verdict)
    if is_shown:
        show(call, call.frame.result)
    return 1


def register_of(call: EmbeddedCall, verdict: int | str | bytes) -> int:
    """A verdict as the register's value; text becomes a C string that stays."""
    return verdict & 0xFFFFFFFFFFFFFFFF if isinstance(verdict, int) else call._register(verdict)


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
    result = result_text(call.row, register & call._kind.mask)
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
