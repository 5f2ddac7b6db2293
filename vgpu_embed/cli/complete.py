"""What a shell may complete: names of GPUs, policies, functions, and processes with the library in them."""

from __future__ import annotations

import os

from click import Context, Parameter
from click.shell_completion import CompletionItem

Items = list[CompletionItem]


def _beginning(incomplete: str, names: dict[str, str], before: str = "") -> Items:
    """Those that begin so, with what they are."""
    return [CompletionItem(before + name, help=text) for name, text in names.items() if name.startswith(incomplete)]


def gpus(_: Context, __: Parameter, incomplete: str) -> Items:
    """`2xh1` becomes `2xh100`."""
    from vgpu_embed import devices

    count, times, name = incomplete.partition("x") if incomplete[:1].isdigit() else ("", "", incomplete)
    return _beginning(name, {one: devices.load(one).name for one in devices.names()}, count + times)


def functions(_: Context, __: Parameter, incomplete: str) -> Items:
    """Every function that a policy may name."""
    from vgpu_embed import tables

    return _beginning(incomplete, {name: "" for library in tables.LIBRARIES for name in tables.names(library)})


def policies(_: Context, __: Parameter, incomplete: str) -> Items:
    """Built-in policies, and files."""
    from vgpu_embed.cli.list import built_in, purpose

    found = _beginning(incomplete, {name: purpose(path) for name, path in built_in().items()})
    return [*found, CompletionItem(incomplete, type="file")]


def built_in_policies(_: Context, __: Parameter, incomplete: str) -> Items:
    """Built-in policies."""
    return policies(_, __, incomplete)[:-1]


def gpu_names(_: Context, __: Parameter, incomplete: str) -> Items:
    """GPUs without a number of them."""
    return [] if incomplete[:1].isdigit() else gpus(_, __, incomplete)


def pids(_: Context, __: Parameter, incomplete: str) -> Items:
    """Processes that have the library in them."""
    from vgpu_embed.inspect import maps

    return _beginning(incomplete, {str(one.pid): one.name for one in maps.scan([]) if one.pid != os.getpid()})


def processes(_: Context, __: Parameter, incomplete: str) -> Items:
    """The same, and their names."""
    found = {str(one.value): one.help or "" for one in pids(_, __, "")}
    return _beginning(incomplete, found | dict.fromkeys(found.values(), ""))


def files(_: Context, __: Parameter, incomplete: str) -> Items:
    """Files, as the shell completes them."""
    return [CompletionItem(incomplete, type="file")]


def files_and_pids(_: Context, __: Parameter, incomplete: str) -> Items:
    """Files, and processes that have the library in them."""
    return [*pids(_, __, incomplete), *files(_, __, incomplete)]
