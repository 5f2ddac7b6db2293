"""`vgpu-embed doctor`."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vgpu_embed.cli.failure import NOTHING, USAGE, Failure
from vgpu_embed.cli.launch import Launch, LaunchCommand, with_options
from vgpu_embed.cli.output import progress, table

if TYPE_CHECKING:
    from vgpu_embed.doctor import Finding, Subject
    from vgpu_embed.inspect.unit import Unit

STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}


@click.command(cls=LaunchCommand, options_metavar="[OPTION]…")
@click.argument("program", required=False)
@click.option("--read", metavar="FILE", help="A log to judge, of ollama or of the library; - is stdin.")
@click.option("--json", "as_json", is_flag=True, help="Prints JSON.")
@click.option("--root", "root", metavar="DIR", default="/", help="The root of another system.  [default: /]")
@with_options
def doctor(program: str | None, read: str | None, as_json: bool, root: str, **flags: Any) -> None:
    """Looks at everything that could stop it, and names the remedy of what does.

    PROGRAM is a program or a systemd service. With options it is looked at as `run` would start it;
    without, as the service's drop-in or the shell's environment says. Exit code 1 if something is in the way.

    \b
    vgpu-embed doctor                              the installation
    vgpu-embed doctor ./train --policy quota.py
    vgpu-embed doctor ollama                       the service, its processes, its backends
    journalctl -u ollama | vgpu-embed doctor ollama --read -
    """
    from vgpu_embed import doctor as doctors

    with progress("looking"):
        findings = list(doctors.examine(subject(program, Path(root), read, flags)))
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        show(findings)
    if any(finding.state == doctors.FAULT for finding in findings):
        sys.exit(NOTHING)


def subject(program: str | None, root: Path, log: str | None, flags: dict[str, Any]) -> Subject:
    """What the arguments name; Failure where there is nothing of that name."""
    from vgpu_embed.doctor import Subject

    unit = service(program, root) if program else None
    path = executable(unit, program, root)
    environment = dict(os.environ)
    if unit is not None:
        environment = {"PATH": os.defpath, **unit.environment}
    if any(flags.values()):
        environment.update(Launch(flags, environment).over(environment))
    elif unit is None and "VGPU_GPU" not in environment and "VGPU_POLICY" not in environment:
        environment.update(Launch({"gpu": ("h100",), "mode": "virtual"}, environment).over(environment))
    return Subject(environment, path, user_of(unit), unit, text(log), root)


def service(name: str, root: Path) -> Unit | None:
    """The service of that name, or None."""
    from vgpu_embed.inspect.unit import NoUnit, Unit

    try:
        return None if "/" in name else Unit(name, root)
    except NoUnit:
        return None


def executable(unit: Unit | None, program: str | None, root: Path) -> str | None:
    """The program's path; Failure where there is none."""
    if unit is not None:
        words = unit.value("ExecStart").lstrip("-@:+!").split()
        return str(root / words[0].lstrip("/")) if words else None
    if program is None:
        return None
    found = shutil.which(program)
    if found is None:
        raise Failure(f"there is no program and no service {program}: give its path, or its name on PATH", NOTHING)
    return os.path.abspath(found)


def user_of(unit: Unit | None) -> int:
    """The number of the user that runs it; nobody's where the unit's user is not known here."""
    if unit is None:
        return os.getuid()
    name = unit.value("User", "root")
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        return 65534


def text(log: str | None) -> str | None:
    """What a log says; Failure if it cannot be read."""
    if log is None:
        return None
    try:
        with click.open_file(log, errors="replace") as file:
            return str(file.read())
    except OSError as error:
        raise Failure(f"--read {log}: {error.strerror}", USAGE) from error


def show(findings: list[Finding]) -> None:
    """Prints the findings: on a terminal each with its remedy below, else as lines of a table."""
    if not sys.stdout.isatty():
        table((), [(one.state, one.check, one.what, one.remedy or "-") for one in findings])
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console()
    for one in findings:
        console.print(Text.assemble((f"{one.state:<5} ", STYLES[one.state]), (one.check, "bold"), "  ", one.what))
        if one.remedy:
            console.print(Padding(Text(f"→ {one.remedy}"), (0, 0, 0, 6)))
