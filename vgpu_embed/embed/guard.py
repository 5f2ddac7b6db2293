"""The bootstrap guard: whether policies are in force.

not started → starting (by one thread) → ready | failed. The library keeps the state word, because there is no Python
before the start: it lets one thread start, forwards what that thread calls meanwhile, makes the others wait at a gate
with a time limit, and starts again where this module says after how many seconds. This module is the rest: what a
start consists of, and which failures may pass.
"""

from __future__ import annotations

import _thread
import errno
import gc
import os
import sys
import time

from vgpu_embed._core import ffi, lib
from vgpu_embed.policy import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PASSING = {
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.EINTR,
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
"""Errors of the operating system that another attempt may not meet."""

RETRY_SECONDS = 1


@ffi.def_extern()
def vgpu_start(retry_seconds: Any) -> int:
    """Loads the policies and routes what they want. Called by the library, on one thread at a time."""
    try:
        from vgpu_embed.embed import dispatch, service, session, state

        current = session.load()
        dispatch.install(current)
        service.begin(current)
        state.publish(current)
        dispatch.announce(current)
        lib.check_events()
        gc.freeze()  # what a start makes stays: looking through it for garbage would take a call ten milliseconds
    except PolicyError as error:
        failed(f"{error}; {without_policy()}")
        return int(lib.VGPU_FAILED)
    except OSError as error:
        if error.errno in PASSING:
            retry_seconds[0] = RETRY_SECONDS
            failed(f"{error}; {without_policy()} for now, the next attempt is in a second")
        else:
            failed(f"{error}; {without_policy()}")
        return int(lib.VGPU_FAILED)
    except BaseException as error:
        failed(f"{describe(error)}; {without_policy()}")
        return int(lib.VGPU_FAILED)
    return int(lib.VGPU_READY)


def failed(text: str) -> None:
    """Says why the start has failed."""
    from vgpu_embed.embed import state

    state.error(text)


def without_policy() -> str:
    """What a failed start means, for the end of a sentence."""
    program = ffi.string(lib.host_info().program).decode(errors="replace")
    return f"the policy is not in force, {program} runs on without it"


class LateLibrary(ImportError):
    """A library that was to be loaded from a hook."""


class Overrun(BaseException):
    """Raised in a hook that takes longer than its policy's budget."""


SLICE = 0.05
"""Seconds that a sleeping hook cannot be cut for."""
_sleep = time.sleep


def sleep(seconds: float, /) -> None:
    """`time.sleep` in slices: between them a hook that sleeps too long can be cut."""
    if not seconds > SLICE:
        return _sleep(seconds)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _sleep(min(left, SLICE))
    return None


def describe(error: BaseException, file: str = "") -> str:
    """An exception in one line: the last line of `file` that it went through, else where it arose; type; text.

    Modules that fail to import a part of themselves raise something else, so a `LateLibrary` behind it counts.
    """
    code, line, trace = None, 0, error.__traceback__
    while trace is not None:
        if file in ("", trace.tb_frame.f_code.co_filename):
            code, line = trace.tb_frame.f_code, trace.tb_lineno
        try:  # noqa: SIM105 - contextlib is slow to import
            trace.tb_frame.clear()  # a hook that has used up the memory still holds it
        except RuntimeError:
            pass  # one of ours, still running
        trace = trace.tb_next
    place = f"{code.co_filename}:{line}: " if code else ""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, LateLibrary):
        cause = cause.__cause__ or cause.__context__
    error = cause or error
    from vgpu_embed.frames import sentence_of

    return f"{place}{type(error).__name__}: {sentence_of(error)}"


def check(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises where a hook is about to load an extension module or open a library. Called by the core, see its `audit`.

    Lock order is the loader's lock, then the interpreter's: the start holds the first, a hook does not, and a hook
    that opened a library could stop the program for ever.
    """
    if _allowed == _thread.get_ident():
        return
    if _allowed and event == "ctypes.dlsym":
        raise LateLibrary(f"{arguments[1]} cannot be looked up while a policy is loaded: do it at its top")
    if event == "import":
        raise LateLibrary(
            f"{arguments[0]} is an extension module and cannot be loaded from a hook: "
            "import it at the top of the policy",
            name=arguments[0],
        )
    if event == "ctypes.dlopen":
        raise LateLibrary(f"{arguments[0]} cannot be opened from a hook: open it at the top of the policy")


_allowed = 0
"""The thread that may load extension modules."""


os.register_at_fork(after_in_child=lambda: allow_extensions(False))


def allow_extensions(allow: bool) -> None:
    """Allows this thread to load extension modules: it holds the loader's lock."""
    global _allowed
    _allowed = _thread.get_ident() if allow else 0


time.sleep = sleep  # type: ignore[assignment]
# What a policy prints must not get between the lines of a program whose output is parsed.
sys.stdout = sys.stderr
