"""What is done with policies while a program runs, but for its calls: options, commands, batches for observers.

The same in a preloaded process and under `vgpu_embed.testing`.
"""

from __future__ import annotations

from vgpu_embed.events import Events
from vgpu_embed.policy import Handler, Policy, PolicyError, apply_settings, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def change(policies: list[Policy], setting: str) -> None:
    """Sets an option by `name=value` in every policy that has it. Raises PolicyError, and then nothing has changed."""
    options = [option for policy in policies for option in policy.options.values()]
    before = [option.value for option in options]
    try:
        apply_settings(policies, [setting])
    except PolicyError:
        for option, value in zip(options, before, strict=True):
            option.value = value
        for policy in policies:
            policy.configured()
        raise


def command(policies: list[Policy], name: str, arguments: dict[str, str]) -> Any:
    """Calls a command of the first policy that has it. Raises PolicyError where none has, and what it raises."""
    for policy in policies:
        if name in policy.commands:
            _check_arguments(name, policy.commands[name], arguments)
            return policy.commands[name](**arguments)
    known = sorted(name for policy in policies for name in policy.commands)
    has = f"there is {', '.join(known)}" if known else "none has any"
    raise PolicyError(f"no policy has a command {name!r}; {has}")


def _check_arguments(name: str, function: Any, arguments: dict[str, str]) -> None:
    """Raises PolicyError where a command is given arguments that it does not take, or too few."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    optional = len(function.__defaults__ or ()) + len(function.__kwdefaults__ or ())
    missing = [n for n in names[: len(names) - optional] if n not in arguments]
    unknown = [] if code.co_flags & 8 else [n for n in arguments if n not in names]  # CO_VARKEYWORDS
    if missing or unknown:
        what = f"needs {missing[0]}" if missing else f"has no argument {unknown[0]!r}"
        raise PolicyError(f"command {name} {what}; it takes {', '.join(names) or 'none'}")


def give(observer: Handler, events: Events, failed: Callable[[Handler, BaseException, str], None]) -> None:
    """Gives an observer the events that are for it.

    `failed` is told what it raises, with the end of a sentence where it is to be said: the first time, and when the
    observer is disabled by it.
    """
    functions = frozenset(observer.functions)
    batch = Events(e for e in events if e.function in functions and matches(e.caller, observer.caller))
    batch.dropped = events.dropped
    if observer.disabled or not (batch or batch.dropped):
        return
    try:
        observer.function(batch)
        observer.in_a_row = 0
    except BaseException as error:
        observer.failures += 1
        observer.in_a_row += 1
        if observer.in_a_row >= observer.policy.failures:
            observer.disabled = f"it failed {observer.in_a_row} times in a row"
        tail = f"; {observer.disabled} and is disabled" if observer.disabled else ""
        failed(observer, error, f"in an observer{tail}" if observer.failures == 1 or tail else "")
