"""What the service thread does in Python: loading the policies again, commands, batches for observers, hooks to cut."""

from __future__ import annotations

import gc
import os
import sys

from vgpu_embed import control
from vgpu_embed._core import ffi, lib
from vgpu_embed.embed import dispatch, guard, log, state
from vgpu_embed.embed.dispatch import chains, current
from vgpu_embed.embed.session import Session, load
from vgpu_embed.events import CHUNK_HEADER, FREE, FULL, Event, Events, counted, events_of
from vgpu_embed.policy import Handler, PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OBSERVING_MS = 50
WATCHING_MS = 250


def report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """A failure of ours is said once; the thread goes on."""
    dispatch.report(kind, error, trace)


def begin(session: Session) -> None:
    """Says which files to watch and how often to look; no thread where no policy comes from a file."""
    lib.host_watch(ffi.NULL, ffi.NULL)
    for policy in session.user:
        path = ffi.new("char[]", policy.path.encode(errors="surrogateescape"))
        lib.host_watch(path, ffi.new("uint64_t[4]", policy.identity))
    observes = any(policy.observers for policy in session.user)
    budgets = [int(policy.budget * 250) for policy in session.user if policy.budget < 3600]
    interval = max(10, min([OBSERVING_MS if observes else WATCHING_MS, *budgets]))
    lib.host_serve(interval if session.user else 0, observes)


@ffi.def_extern(onerror=report)
def vgpu_begin() -> None:
    """The thread has begun: in a child of fork, the state has yet to be written."""
    state.publish()


# ---- loading again -------------------------------------------------------------------------------------------------


class Reload:
    """A set of policies on its way in.

    It is loaded with the loader's lock held, as at the start: a policy may import what it likes. As long as that is
    held, nobody may wait for it with the interpreter's lock.
    """

    session: Session | None = None
    error: BaseException | None = None

    def load(self) -> None:
        """Loads the policies, and keeps what comes of it."""
        try:
            self.session = load(current.session)
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        """Puts what was loaded in force; if something was wrong, what was in force stays."""
        session, error = self.session, self.error
        self.session = self.error = None
        if error:
            state.reload_error = str(error) if isinstance(error, (PolicyError, OSError)) else guard.describe(error)
            state.error(f"{state.reload_error}; the policy of before stays in force")
        if session is None:
            return
        deliver()
        old = current.session.user
        state.reload_error = None
        state.generation += 1
        dispatch.install(session)
        begin(session)
        for policy in old:
            sys.modules.pop(policy.module, None)
        state.publish(session)
        gc.unfreeze()
        gc.collect()  # classes of the calls of before
        gc.freeze()
        log.write(log.INFO, f"loaded again: generation {state.generation}")


_reload = Reload()
PREPARE, BEHIND_GATE, FINISH = range(3)


@ffi.def_extern(onerror=report)
def vgpu_reload(phase: int) -> None:
    """Loads the policies again, in three steps: the second with the loader's lock held."""
    if phase == PREPARE:
        guard.allow_extensions(True)  # from here on nobody else looks names up
    elif phase == BEHIND_GATE:
        _reload.load()
    else:
        guard.allow_extensions(False)
        _reload.finish()


# ---- commands ------------------------------------------------------------------------------------------------------


@ffi.def_extern(onerror=report)
def vgpu_command(request: Any, reply: Any, size: int) -> None:
    """Carries out a request, a line of JSON, and writes the reply, another one."""
    import json  # does without its extension module, which may not be loaded here

    try:
        answer = json.dumps(carried_out(json.loads(ffi.string(request))))
    except (PolicyError, ValueError, OSError) as error:
        answer = json.dumps({"error": str(error)})
    except BaseException as error:
        answer = json.dumps({"error": guard.describe(error)})
    data = answer.encode() + b"\n\0"
    if len(data) > size:
        data = json.dumps({"error": f"the reply has {len(data)} bytes, the most is {size}"}).encode() + b"\n\0"
    ffi.memmove(reply, data, len(data))


def carried_out(request: Any) -> dict[str, Any]:
    """What a request gives. Raises PolicyError, ValueError or whatever a command raises."""
    if not isinstance(request, dict):
        raise ValueError("a request is an object")
    if "set" in request:
        return {"ok": True, "options": change(str(request["set"]))}
    if "command" in request:
        return {"ok": True, "value": command(str(request["command"]), dict(request.get("arguments") or {}))}
    raise ValueError('a request has "set" or "command"')


def change(setting: str) -> dict[str, Any]:
    """Sets an option, here and for policies that are loaded later; returns all options. Raises PolicyError."""
    session = current.session
    control.change(session.user, setting)
    session.settings.append(setting)
    dispatch.install(session)
    state.publish(session)
    return {name: option.value for policy in session.user for name, option in policy.options.items()}


def command(name: str, arguments: dict[str, str]) -> Any:
    """Calls a policy's command, after the observers have what was recorded until now."""
    deliver()
    return control.command(current.session.user, name, arguments)


# ---- observers -----------------------------------------------------------------------------------------------------

CHUNK = 65536
BEHIND = 128
"""Chunks that observers may be behind: as many as the ring has."""

_read: dict[int, tuple[int, int]] = {}
"""Of each chunk: how far it was read, and whose thread the records from there on are."""
_dropped = 0
_first = 0
"""Chunks before this one are read and over."""


def _begin_anew() -> None:
    """A child of fork has a recording of its own."""
    global _dropped, _first
    _first = 0
    _read.clear()
    _callers.clear()
    _dropped = 0


os.register_at_fork(after_in_child=_begin_anew)


@ffi.def_extern(onerror=report)
def vgpu_drain() -> None:
    """Gives what was recorded since the last time to observers."""
    deliver()


def deliver() -> None:
    """Gives what was recorded since the last time to observers. What they raise is said."""
    if not any(chain.observers for chain in chains.values()):
        return
    events = recorded()
    for handler in {id(h): h for chain in list(chains.values()) for h in chain.observers}.values():
        control.give(handler, events, failed)


def recorded() -> Events:
    """Every observed event that was not there the last time, in the order in which the calls began."""
    global _dropped, _first
    about = ffi.new("struct vgpu_chunks *")
    lib.host_chunks(about)
    slots = {slot for slot, chain in list(chains.items()) if chain.observers}
    events = Events()
    skipped = 0
    for number in range(_first, about.count):
        chunk = about.chunks + number * CHUNK
        header = ffi.cast("uint32_t *", chunk)
        state, used = header[0], header[4]
        if state == FREE or header[5] != about.pid:
            continue
        offset, thread = _read.get(number, (CHUNK_HEADER, header[1]))
        if number < about.count - BEHIND:  # of a trace that is written faster than it is read
            skipped += counted(ffi.buffer(chunk, used)[:], offset, slots)
        elif used > offset:
            found, thread = events_of(ffi.buffer(chunk, used)[:], offset, thread, _caller, slots)
            events += found
        _read[number] = used, thread
        if state == FULL and about.recycled:
            _read.pop(number, None)
            lib.host_release(chunk)
        elif state == FULL and number == _first:
            _first += 1
            _read.pop(number, None)
    events.sort(key=_start)
    events.dropped, _dropped = about.dropped - _dropped + skipped, about.dropped
    return events


_callers: list[str] = []


def _caller(number: int) -> str:
    """A file name by its number in the recording."""
    if number >= len(_callers):
        about = ffi.new("struct vgpu_chunks *")
        lib.host_chunks(about)
        _callers[:] = ffi.buffer(about.callers, about.callers_size)[:].decode(errors="replace").split("\n")[:-1]
    return _callers[number]


def _start(event: Event) -> int:
    return event.start


def failed(observer: Handler, error: BaseException, end: str) -> None:
    """Counts a failure of an observer, and says what it has raised where there is an end to the sentence."""
    state.failed()
    if end:
        state.error(f"{guard.describe(error, observer.function.__code__.co_filename)}, {end}")


# ---- hooks that take too long --------------------------------------------------------------------------------------


@ffi.def_extern(onerror=report)
def vgpu_overrun(thread: int, seconds: float) -> None:
    """A thread has been in Python for so long: cuts the hook that it is in, if its budget is less."""
    handlers = {h.function.__code__: h for policy in current.session.user for h in policy.handlers}
    frame = sys._current_frames().get(thread)
    while frame is not None:
        handler = handlers.get(frame.f_code)
        if handler:
            if seconds > handler.policy.budget:
                lib.interrupt(thread)
            return
        frame = frame.f_back
