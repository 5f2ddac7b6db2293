"""`vgpu-embed scan`."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from vgpu_embed import options
from vgpu_embed.cli import complete, validation
from vgpu_embed.cli.failure import NOTHING, Failure, warn
from vgpu_embed.cli.launch import LaunchCommand, from_table
from vgpu_embed.cli.output import progress, table
from vgpu_embed.inspect import maps
from vgpu_embed.inspect.elf import NotElf

if TYPE_CHECKING:
    from vgpu_embed.analysis.serving import Serving
    from vgpu_embed.inspect.cuda import Binary

SHOWN = 4  # so many functions of a problem are named, the rest is counted
OURS = ("libvgpu-cuda.so",)


@click.command(cls=LaunchCommand)
@click.argument("target", metavar="FILE|DIR|PID", shell_complete=complete.files_and_pids)
@from_table("gpu")
@from_table("policy")
@from_table("set")
@from_table("mode")
@click.option("--names", is_flag=True, help="Lists each function, also of a folder or a process.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts.")
def scan(
    target: str,
    names: bool,
    as_json: bool,
    gpu: tuple[str, ...],
    policy: tuple[str, ...],
    set: tuple[str, ...],
    mode: str | None,
) -> None:
    """Lists which CUDA functions a file, all files of a folder, or a process want, and what we do with each.

    Functions are wanted by an undefined symbol (linked), by a name in a file that calls dlsym, or by one in a file that
    asks cuGetProcAddress, as libcudart does, its own or one that is linked in (static). A name may be there without
    ever being asked for. CODE is what the file's fatbinaries have: machine code (sm) and PTX (compute). What the GPUs
    and policies that are given cannot serve comes first, and makes the exit code 1. With GPUs they are virtual, unless
    --mode is native. A number is a process id; write ./4711 for a file.

    \b
    vgpu-embed scan libggml-cuda.so
    vgpu-embed scan --gpu h100 /usr/local/lib/ollama
    vgpu-embed scan --policy quota.py 4711
    """
    from vgpu_embed.analysis.serving import Serving

    if mode is not None and mode not in options.option("mode").choices:
        raise Failure(f"--mode {mode} is not one of {', '.join(options.option('mode').choices)}")
    loaded = validation.policies(policy, set)
    profiles = validation.profiles(loaded, gpu)
    serving = Serving(loaded, profiles, mode == "virtual" or (mode is None and bool(profiles)))
    if serving.is_virtual and not profiles:
        raise Failure("--mode virtual needs a GPU, such as --gpu h100 (see `vgpu-embed list gpus`)")
    found = list(read(of_process(int(target)) if target.isdecimal() else below(target)))
    if not found:
        raise Failure(f"nothing in {target} has to do with CUDA", NOTHING)
    problems = [(one, sentence) for one in found for sentence in sentences(one, serving)]
    if as_json:
        click.echo(json.dumps({"files": [described(one, serving) for one in found]}, indent=2))
    else:
        show(found, problems, serving, names or os.path.isfile(target))
    if problems and (gpu or policy or mode):
        sys.exit(1)


# ---- which files -----------------------------------------------------------------------------------------------------


def below(path: str) -> list[str]:
    """A file, or all files of a folder that may be ELF files, each once. Failure where there is none."""
    if not os.path.exists(path):
        raise Failure(f"there is no file {path}", NOTHING)
    if not os.path.isdir(path):
        return [path]
    found: dict[tuple[int, int], str] = {}

    def refused(error: OSError) -> None:
        warn(f"{error.filename} cannot be read: {error.strerror}")

    for folder, _, files in os.walk(path, onerror=refused):
        for name in sorted(files):
            inside = os.path.join(folder, name)
            status = os.lstat(inside)
            if stat.S_ISREG(status.st_mode) and (".so" in name or status.st_mode & 0o111):
                found.setdefault((status.st_dev, status.st_ino), inside)
    return sorted(found.values())


def of_process(pid: int) -> list[str]:
    """What a process has mapped, as it can be opened from here; ours left out. Failure where that may not be."""
    try:
        mapped = maps.mapped_files(pid)
    except maps.Unreadable:
        raise Failure(f"process {pid} cannot be read: you may not look into it", NOTHING) from None
    except ProcessLookupError:
        raise Failure(f"there is no process {pid}", NOTHING) from None
    return [
        maps.reachable(pid, path)
        for path in mapped
        if path.startswith("/") and os.path.basename(path) not in OURS and not path.endswith(maps.ALIAS)
    ]


def read(paths: list[str]) -> Iterator[Binary]:
    """Those that have to do with CUDA."""
    from vgpu_embed.inspect.cuda import Binary

    with progress("scanning", len(paths)) as advance:
        for path in paths:
            try:
                binary = Binary(path)
            except NotElf:
                if len(paths) == 1:
                    raise Failure(f"{path} is not an ELF file", NOTHING) from None
            except OSError as error:
                warn(f"{path} cannot be read: {error.strerror}")
            else:
                if binary:
                    yield binary
            advance()


# ---- what is said of them --------------------------------------------------------------------------------------------


def sentences(binary: Binary, serving: Serving) -> Iterator[str]:
    """What it cannot be given."""
    failing: dict[str, list[str]] = {}
    for name, route in sorted(binary.names.items()):
        served = serving.of(name, route)
        if served.fails:
            failing.setdefault(f"{served.how} ({route})", []).append(name)
    yield from serving.problems(binary)
    for how, functions in failing.items():
        rest = f" and {len(functions) - SHOWN} more" if len(functions) > SHOWN else ""
        yield f"{how}: {', '.join(functions[:SHOWN])}{rest}"


def described(binary: Binary, serving: Serving) -> dict[str, Any]:
    """Everything, for JSON."""
    functions = []
    for name, route in ordered(binary, serving):
        served = serving.of(name, route)
        functions.append({"name": name, "route": route, "how": served.how, "fails": served.fails})
    return {
        "path": binary.path,
        "problems": list(sentences(binary, serving)),
        "cuda": binary.version,
        "needed": binary.needed,
        "provides": binary.provides,
        "static_runtime": binary.static_runtime,
        "code": [str(one) for one in binary.code],
        "functions": functions,
    }


def ordered(binary: Binary, serving: Serving) -> Iterable[tuple[str, str]]:
    """Functions and routes, those that cannot be served first."""
    return sorted(binary.names.items(), key=lambda item: (not serving.of(*item).fails, item[1], item[0]))


def show(found: list[Binary], problems: list[tuple[Binary, str]], serving: Serving, in_full: bool) -> None:
    """Prints what cannot be served, a row a file, and functions."""
    from vgpu_embed.analysis.serving import shown_code

    if problems:
        table(("", "FILE", "CANNOT BE SERVED"), [("problem", one.path, sentence) for one, sentence in problems])
    rows = []
    for one in found:
        routes = Counter(one.names.values())
        runtime = "static" if one.static_runtime else ""
        needs = " ".join([*one.needed, *([runtime] if runtime else [])]) or "-"
        counts = [str(routes[route]) for route in ("linked", "dlsym", "cuGetProcAddress")]
        rows.append(("file", one.path, one.version or "-", needs, *counts, shown_code(one)))
    table(("", "FILE", "CUDA", "NEEDS", "LINKED", "DLSYM", "CUGETPROCADDRESS", "CODE"), rows)
    if in_full:
        functions = [
            ("function", name, route, serving.of(name, route).how)
            for one in found
            for name, route in ordered(one, serving)
        ]
        if functions:
            table(("", "FUNCTION", "ROUTE", "WHAT WE DO"), functions)
