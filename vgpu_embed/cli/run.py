"""`vgpu-embed run`."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from typing import Any, NoReturn

import click

from vgpu_embed import record
from vgpu_embed.cli import complete
from vgpu_embed.cli.failure import NOT_EXECUTABLE, NOT_FOUND, Failure, warn
from vgpu_embed.cli.launch import Launch, LaunchCommand, with_options
from vgpu_embed.inspect.elf import preload_refusal


@click.command(
    cls=LaunchCommand,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTION]…",
)
@with_options
@click.argument("program", metavar="[--] PROGRAM", required=False, shell_complete=complete.files)
@click.argument("arguments", metavar="[ARG]…", nargs=-1, type=click.UNPROCESSED, shell_complete=complete.files)
def run(program: str | None, arguments: tuple[str, ...], **flags: Any) -> None:
    """Runs a program with the library preloaded.

    Everything is checked before the program starts; then it takes our place, so exit code and
    signals are its own. Ours are 125 (our error), 126 (PROGRAM cannot be run), 127 (there is none).

    \b
    vgpu-embed run --gpu h100 -- ollama serve          one virtual H100
    vgpu-embed run --gpu 2xh100 --gpu t4 ./train       three virtual GPUs
    vgpu-embed run --policy quota.py ./train           a policy over the real driver
    vgpu-embed run --policy quota.py --set quota=8GiB --log info --log-file '/tmp/%p.log' ./train
    """
    if program is None:
        raise Failure("run needs a PROGRAM, as in: vgpu-embed run --gpu h100 -- ollama serve")
    environment = {**os.environ, **Launch(flags, os.environ).over(os.environ)}
    path = executable(program, environment.get("PATH", os.defpath))
    refusal = preload_refusal(path)
    if refusal:
        warn(f"{refusal}: the loader preloads nothing into it, so it runs without a policy")
    record.write()
    replace(path, [program, *arguments], environment)


def executable(program: str, search: str) -> str:
    """The path of a program, looked up on that PATH as a shell would; Failure with 126 or 127."""
    path = shutil.which(program, path=search)
    if path is not None:
        return path
    if "/" not in program:
        found = [os.path.join(folder, program) for folder in search.split(os.pathsep)]
        found = [candidate for candidate in found if os.path.isfile(candidate)]
        if not found:
            raise Failure(f"there is no program {program} on PATH", NOT_FOUND)
        program = found[0]
    if os.path.isdir(program):
        raise Failure(f"{program} is a folder, not a program", NOT_EXECUTABLE)
    if not os.path.exists(program):
        raise Failure(f"there is no file {program}", NOT_FOUND)
    raise Failure(f"{program} is not executable; make it so with chmod +x", NOT_EXECUTABLE)


def replace(path: str, arguments: list[str], environment: dict[str, str]) -> NoReturn:
    """Becomes the program; Failure with 126 or 127 if the kernel refuses."""
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(path, arguments, environment)
    except OSError as error:
        if error.errno == errno.ENOEXEC and not _is_elf(path):  # a script without #!, see execvp(3)
            os.execve("/bin/sh", ["sh", path, *arguments[1:]], environment)
        code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        raise Failure(f"{path} cannot be run: {error.strerror}", code) from error


def _is_elf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"
