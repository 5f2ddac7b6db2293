"""`vgpu-embed check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from vgpu_embed.cli import complete, validation
from vgpu_embed.cli.failure import warn
from vgpu_embed.cli.output import table

if TYPE_CHECKING:
    from vgpu_embed.policy import Handler, Policy

SHOWN = 3  # so many functions of a hook are named, the rest is counted


@click.command()
@click.argument("policy", metavar="POLICY", shell_complete=complete.policies)
def check(policy: str) -> None:
    """Loads a policy without a program, and says what it does.

    If it is wrong, the line is named and the exit code is not zero.

    \b
    vgpu-embed check quota.py && vgpu-embed run --policy quota.py ./train
    """
    (loaded,) = validation.policies([policy])
    rows = list(describe(loaded))
    if not rows:
        warn(f"{loaded.path} is a policy that does nothing: it has no device, hook, answer, observer or option")
    table(("", "WHAT", "HOW", "WHERE"), rows)


def describe(policy: Policy) -> Iterator[tuple[str, str, str, str]]:
    """A row for each device, handler and option of a policy."""
    for profile, changes in policy.devices:
        changed = ", ".join(f"{name}={_shown(value)}" for name, value in changes.items())
        yield "device", profile, changed, policy.path
    for handler in (*policy.handlers, *policy.observers):
        yield handler.kind, _functions(handler), _condition(handler), handler.place
    for option in policy.options.values():
        yield "option", f"{option.name}={option.default}", option.help, policy.path


def _shown(value: object) -> object:
    """A change to a profile; an option by its name, since its value is yet to be set."""
    from vgpu_embed.policy import Option

    return f"option {value.name}" if isinstance(value, Option) else value


def _functions(hook: Handler) -> str:
    rest = len(hook.functions) - SHOWN
    return ", ".join(hook.functions[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _condition(hook: Handler) -> str:
    given = (("caller", hook.caller), ("program", hook.program))
    texts = [f"{name} {' or '.join(patterns)}" for name, patterns in given if patterns]
    return "; ".join([*texts, f"where {hook.predicate.text}"] if hook.predicate else texts)
