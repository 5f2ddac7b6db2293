"""What a shell may complete: names of GPUs, policies, functions, options, and processes with the library in them.

Nothing of a user's is run for it: a policy's file is a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from click import Context, Parameter
from click.shell_completion import CompletionItem

Items = list[CompletionItem]
Completer = Callable[[Context, Parameter, str], Items]


def _beginning(incomplete: str, names: dict[str, str], before: str = "") -> Items:
    """Those that begin so, with what they are."""
    return [CompletionItem(before + name, help=text) for name, text in names.items() if name.startswith(incomplete)]


def one_of(*choices: str) -> Completer:
    """One of these words."""
    return lambda context, parameter, incomplete: _beginning(incomplete, dict.fromkeys(choices, ""))


def files(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Files, as the shell completes them."""
    return [CompletionItem(incomplete, type="file")]


def folders(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Folders, as the shell completes them."""
    return [CompletionItem(incomplete, type="dir")]


def gpus(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """`2xh1` becomes `2xh100`."""
    from vgpu_embed import devices

    count, times, name = incomplete.partition("x") if incomplete[:1].isdigit() else ("", "", incomplete)
    return _beginning(name, {one: devices.load(one).name for one in devices.names()}, count + times)


def functions(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Every function that a policy may name."""
    from vgpu_embed import tables

    known = [name for library in tables.LIBRARIES for name in tables.names(library)]
    return _beginning(incomplete, dict.fromkeys(known, ""))


def built_in_policies(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Policies that have a name."""
    from vgpu_embed.cli.list import built_in, purpose

    return _beginning(incomplete, {name: purpose(path) for name, path in built_in().items()})


def policies(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """The same, and files. Files come first: bash forgets for them what it has been offered before."""
    return [*files(context, parameter, incomplete), *built_in_policies(context, parameter, incomplete)]


def settings(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Options of the built-in policies that are given, as `name=`."""
    from vgpu_embed.cli.list import built_in
    from vgpu_embed.policy import load

    given = context.params.get("policy") or context.params.get("policies") or ()
    loaded = [load(str(path)) for name, path in built_in().items() if name in given]
    return _beginning(incomplete, {f"{o.name}=": o.help for policy in loaded for o in policy.options.values()})


def pids(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Processes that have the library in them."""
    from vgpu_embed.inspect import maps

    return _beginning(incomplete, {str(one.pid): one.name for one in maps.scan([]) if one.pid != os.getpid()})


def processes(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """The same, and their names."""
    found = {str(one.value): one.help or "" for one in pids(context, parameter, "")}
    return _beginning(incomplete, found | dict.fromkeys(found.values(), ""))


def files_and_pids(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Files, and processes that have the library in them."""
    return [*files(context, parameter, incomplete), *pids(context, parameter, incomplete)]


def settings_in_force(context: Context, parameter: Parameter, incomplete: str) -> Items:
    """Options of a process's policies, with their values."""
    from vgpu_embed.inspect import maps
    from vgpu_embed.inspect.state import State

    try:
        found = maps.preloaded(context.params["pid"])
    except (KeyError, OSError):
        return []
    known = State(found).info.get("options", {}) if found else {}
    return _beginning(incomplete, {f"{name}=": f"is {value}" for name, value in known.items()})


LAUNCH: dict[str, Completer] = {
    "gpu": gpus,
    "policy": policies,
    "set": settings,
    "log": one_of("off", "error", "info", "debug"),
    "log_file": files,
    "trace": files,
}
"""For what the one options table has, by name; those with choices have these."""
