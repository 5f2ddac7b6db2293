"""`vgpu-embed list`."""

from __future__ import annotations

import ast
import fnmatch
from pathlib import Path

import click

from vgpu_embed import record
from vgpu_embed.cli import complete, validation
from vgpu_embed.cli.failure import NOTHING, USAGE, Failure
from vgpu_embed.cli.output import table
from vgpu_embed.devices.errors import suggestion

Row = tuple[str, ...]


@click.group("list")
def list_() -> None:
    """Lists the GPUs, functions or built-in policies there are.

    \b
    vgpu-embed list gpus
    vgpu-embed list gpus h100 --toml > mine.toml   a profile to change, for --gpu ./mine.toml
    vgpu-embed list functions 'cuMemcpy*'
    vgpu-embed list policies
    """


@list_.command()
@click.argument("pattern", required=False, shell_complete=complete.gpus)
@click.option("--toml", is_flag=True, help="Prints the profile itself.")
def gpus(pattern: str | None, toml: bool) -> None:
    """Lists the GPUs that --gpu knows: name, full name, architecture, compute capability, memory.

    \b
    vgpu-embed list gpus 'rtx*'
    vgpu-embed list gpus h100 --toml > mine.toml
    """
    from vgpu_embed import devices

    if toml:
        if pattern is None:
            raise Failure("--toml needs the name of a GPU, as in: vgpu-embed list gpus h100 --toml", USAGE)
        try:
            click.echo(devices.source(pattern), nl=False)
        except LookupError as error:
            raise Failure(str(error), NOTHING) from error
        return
    profiles = [devices.load(name) for name in select(pattern, devices.names(), "GPU")]
    table(
        ("NAME", "GPU", "ARCHITECTURE", "COMPUTE", "MEMORY"),
        [
            (
                profile.id,
                profile.name,
                profile.architecture,
                ".".join(map(str, profile.compute_capability)),
                f"{profile.memory / 2**30:.1f} GiB",
            )
            for profile in profiles
        ],
    )


@list_.command()
@click.argument("pattern", required=False, shell_complete=complete.functions)
def functions(pattern: str | None) -> None:
    """Lists the functions that a policy may name: name, library, CUDA version, prototype.

    \b
    vgpu-embed list functions 'cuMem*'
    vgpu-embed list functions occupancy     all that have the word in them
    """
    from vgpu_embed import tables

    known = [name for library in tables.LIBRARIES for name in tables.names(library)]
    rows = [function_row(name) for name in select(pattern, known, "function")]
    table(("NAME", "LIBRARY", "SINCE", "PROTOTYPE"), rows)


def function_row(name: str) -> Row:
    """The cells of a function."""
    from vgpu_embed import tables

    function = tables.function(name)
    since = f"{function.since // 1000}.{function.since % 1000 // 10}" if function.since else "-"
    if function.parameters is None:
        return (name, function.library, since, "-")
    parameters = ", ".join(f"{one.ctype} {one.name}" for one in function.parameters) or "void"
    parameters = parameters.replace("* ", "*")
    return (name, function.library, since, f"{function.result} ({parameters})")


@list_.command()
@click.argument("pattern", required=False, shell_complete=complete.built_in_policies)
def policies(pattern: str | None) -> None:
    """Lists the policies that are built in, and their options with what they are if not given.

    \b
    vgpu-embed list policies
    vgpu-embed run --policy quota --set memory=8GiB …
    """
    files = built_in()
    rows = []
    for name in select(pattern, sorted(files), "built-in policy"):
        rows.append((name, "", purpose(files[name])))
        (loaded,) = validation.policies([str(files[name])])
        rows += [(name, f"{option.name}={option.default}", option.help) for option in loaded.options.values()]
    table(("NAME", "OPTION", "PURPOSE"), rows)


def built_in() -> dict[str, Path]:
    """The files of the built-in policies, by name."""
    files = sorted(record.PACKAGE.glob("policies/[!_]*.py"))
    return {path.stem: path for path in files if "\npolicy = " in path.read_text("utf-8")}


def purpose(path: Path) -> str:
    """The first line of a module's docstring; the module is not run."""
    documentation = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "-"
    return documentation.splitlines()[0]


def select(pattern: str | None, known: list[str], kind: str) -> list[str]:
    """The names that match: all without a pattern, those that contain it if it has no wildcard.

    Raises:
        Failure: nothing matches.
    """
    if pattern is None:
        return known
    if pattern in known:
        return [pattern]
    wanted = pattern.lower()
    if not any(wildcard in wanted for wildcard in "*?["):
        wanted = f"*{wanted}*"
    chosen = [name for name in known if fnmatch.fnmatchcase(name.lower(), wanted)]
    if not chosen:
        raise Failure(f"there is no {kind} {pattern}{suggestion(pattern, known)}", NOTHING)
    return chosen
