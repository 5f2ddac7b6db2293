"""`vgpu-embed install` and `uninstall`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vgpu_embed import options, record
from vgpu_embed.cli import validation
from vgpu_embed.cli.env import systemd_line
from vgpu_embed.cli.failure import NOTHING, Failure
from vgpu_embed.cli.launch import Launch, LaunchCommand, with_options

if TYPE_CHECKING:
    from vgpu_embed.bundle import Bundle
    from vgpu_embed.inspect.unit import Unit

BUNDLES = Path("opt/vgpu-embed")
"""One folder in it for each version that a service uses."""
COPIES = Path("etc/vgpu-embed")
"""One folder in it for each service: its policies and profiles."""
DROPIN = "vgpu-embed.conf"
"""Sorts after `override.conf` of systemctl edit: what else is preloaded is kept, and has to be seen before."""
HEAD = "# Written by vgpu-embed install, which keeps the options below when it is run again.\n"

root_option = click.option(
    "--root", "root", metavar="DIR", default="/", help="The root of another system, such as an image.  [default: /]"
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Says what would be done, and does nothing.")
bundle_option = click.option("--bundle", "bundle", metavar="DIR", help="A bundle to use, in place of one made now.")
restart_option = click.option("--restart", is_flag=True, help="Restarts the service without asking.")


@click.command(cls=LaunchCommand, options_metavar="[OPTION]…")
@click.argument("service")
@root_option
@dry_run_option
@restart_option
@bundle_option
@with_options
def install(service: str, root: str, dry_run: bool, restart: bool, bundle: str | None, **flags: Any) -> None:
    """Puts a systemd service under the library: a bundle in /opt/vgpu-embed, and a drop-in.

    Log lines go to the journal, at level info, if nothing else is said. Run again, it changes what
    is given and keeps the rest. Policies and profiles are copied to /etc/vgpu-embed/SERVICE.

    \b
    sudo vgpu-embed install ollama --gpu h100
    sudo vgpu-embed install ollama --policy quota --set memory=8GiB --mode native
    sudo vgpu-embed install ollama --gpu h100 --dry-run
    journalctl -t libvgpu-cuda
    """
    place = Place(service, Path(os.path.abspath(root)), dry_run)
    unit = place.unit()
    launch, copies = place.launch(flags)
    place.require_root()
    place.check_reach(unit.value("User", "root"))
    with a_bundle(bundle) as used:
        place.put_bundle(used)
        for target, content in copies.items():
            place.put(target, content)
        place.put(place.dropin, place.dropin_text(unit, launch, used))
    place.prune()
    place.conclude(restart)


@click.command()
@click.argument("service")
@root_option
@dry_run_option
@restart_option
def uninstall(service: str, root: str, dry_run: bool, restart: bool) -> None:
    """Takes a service from under the library, and everything away that install has put there.

    \b
    sudo vgpu-embed uninstall ollama
    """
    place = Place(service, Path(os.path.abspath(root)), dry_run)
    if not place.at(place.dropin).exists():
        raise Failure(f"{place.service} is not under vgpu-embed: there is no {place.at(place.dropin)}", NOTHING)
    place.require_root()
    place.remove(place.dropin)
    place.remove(place.copies)
    for folder in (place.dropin.parent, COPIES):
        place.remove_empty(folder)
    place.prune()
    place.remove_empty(BUNDLES)
    place.conclude(restart)


class Place:
    """A service below a root, and what is put there for it. Paths are relative to the root.

    Attributes:
        service: the unit's name.
        dropin: its drop-in of ours.
        copies: the folder of its policies and profiles.
    """

    def __init__(self, service: str, root: Path, dry_run: bool) -> None:
        self.service = service if service.endswith(".service") else f"{service}.service"
        self.root, self.dry_run = root, dry_run
        self.dropin = Path("etc/systemd/system", f"{self.service}.d", DROPIN)
        self.copies = COPIES / self.service.removesuffix(".service")
        self.changed = False

    def at(self, path: Path) -> Path:
        """Where that is."""
        return self.root / path

    def unit(self) -> Unit:
        """The service as its files describe it; Failure where there is none."""
        from vgpu_embed.inspect.unit import NoUnit, Unit

        try:
            return Unit(self.service, self.root)
        except NoUnit as error:
            raise Failure(str(error), NOTHING) from error

    def require_root(self) -> None:
        """Failure for who is not root, unless nothing is to be written."""
        if os.geteuid() != 0 and not self.dry_run:
            raise Failure(f"{self.service} is root's to change: run this with sudo, or with --dry-run")

    # ---- what is to be there ----

    def launch(self, flags: Mapping[str, Any]) -> tuple[Launch, dict[Path, bytes]]:
        """What was asked for, now and before, and the files to copy for it."""
        from vgpu_embed.inspect.unit import environment

        written = self.at(self.dropin)
        before = environment([written]) if written.exists() else {}
        before = {name: text.replace(f"/{self.copies}/", f"{self.at(self.copies)}/") for name, text in before.items()}
        launch = Launch(flags, {"VGPU_LOG": "info", "VGPU_LOG_FILE": options.JOURNAL, **before})
        copies: dict[Path, bytes] = {}
        for name, file in (("policy", re.compile("()(.+)")), ("gpu", validation.PROFILE_FILE)):
            given = options.values(name, launch.variables)
            moved = [file.sub(lambda it: f"{it[1] or ''}{self._moved(Path(it[2]), copies)}", one) for one in given]
            if moved:
                launch.variables[options.option(name).variable] = options.SEPARATOR.join(moved)
        return launch, copies

    def _moved(self, path: Path, copies: dict[Path, bytes]) -> str:
        """A file as the service will name it: by where its copy will be, or what is built in by its name."""
        if path.is_relative_to(record.PACKAGE):
            return path.stem
        target = self.copies / path.name
        content = path.read_bytes()
        if copies.setdefault(target, content) != content:
            raise Failure(f"two files are named {path.name}, and both would be copied to /{target}: rename one")
        return f"/{target}"

    def dropin_text(self, unit: Unit, launch: Launch, bundle: Bundle) -> str:
        """The drop-in: what the unit itself preloads is kept, and lines in it that are not ours."""
        from vgpu_embed.inspect.unit import environment

        mine = self.at(self.dropin)
        others = environment([file for file in unit.files if file != mine])
        package = Path("/", BUNDLES, bundle.name, bundle.package.relative_to(bundle.folder))
        launch.use(package)
        lines = [systemd_line(name, value) for name, value in launch.over(others).items()]
        kept = mine.read_text("utf-8").splitlines() if mine.exists() else []
        kept = [line for line in kept if line.strip() and not line.startswith(("[Service]", *HEAD.splitlines(), *OURS))]
        return HEAD + "\n".join(["[Service]", *lines, *kept, ""])

    def check_reach(self, user: str) -> None:
        """Failure where the service's user could not get to the files."""
        for path in (self.at(BUNDLES), self.at(COPIES)):
            for parent in path.parents:
                if parent.is_relative_to(self.root) and parent.exists() and not parent.stat().st_mode & 0o001:
                    raise Failure(f"{parent} is closed to the user {user} of {self.service}: chmod o+x {parent}")

    # ---- putting it there ----

    def put_bundle(self, bundle: Bundle) -> None:
        """Copies the bundle to where it belongs; nothing if the same one is there."""
        target = self.at(BUNDLES / bundle.name)
        if target.is_dir():
            return
        with self._doing(f"bundle {target}", target) as writes, _beside(target, writes) as beside:
            if writes:
                shutil.copytree(bundle.folder, beside, symlinks=True)

    def put(self, path: Path, content: bytes | str) -> None:
        """Writes a file, whole or not at all; nothing if it is as it should be."""
        data, target = content.encode() if isinstance(content, str) else content, self.at(path)
        if target.exists() and target.read_bytes() == data:
            return
        with self._doing(f"write {target}", target) as writes, _beside(target, writes) as beside:
            if writes:
                beside.write_bytes(data)
                beside.chmod(0o644)
        if self.dry_run:
            click.echo("".join(f"    {line}\n" for line in data.decode(errors="replace").splitlines()), nl=False)

    def remove(self, path: Path) -> None:
        """Removes a file, or a folder with what is in it."""
        target = self.at(path)
        if not target.exists():
            return
        with self._doing(f"remove {target}", target) as writes:
            if writes:
                shutil.rmtree(target) if target.is_dir() else target.unlink()

    def remove_empty(self, path: Path) -> None:
        """Removes a folder if nothing is in it."""
        target = self.at(path)
        if not self.dry_run and target.is_dir() and not any(target.iterdir()):
            target.rmdir()

    def prune(self) -> None:
        """Removes the bundles that no service names, and no process uses any more."""
        from vgpu_embed.inspect import maps

        services = self.at(Path("etc/systemd/system")).glob(f"*.service.d/{DROPIN}")
        staying = [path for path in services if path != self.at(self.dropin) or not self.dry_run]
        named = "".join(path.read_text("utf-8") for path in staying)
        used = [process.library for process in maps.scan([])] if self.root == Path("/") else []
        for bundle in self.at(BUNDLES).glob("[!.]*"):
            if f"/{BUNDLES}/{bundle.name}/" not in named and not any(f"/{bundle.name}/" in path for path in used):
                self.remove(bundle.relative_to(self.root))

    def conclude(self, restart: bool) -> None:
        """Tells systemd, and offers the restart that puts the change in force."""
        if not self.changed:
            click.echo(f"{self.service} is as it should be: nothing to do")
        if not self.changed or self.dry_run or self.root != Path("/") or not Path("/run/systemd/system").is_dir():
            return
        systemctl("daemon-reload")
        if restart or (sys.stdin.isatty() and click.confirm(f"Restart {self.service} now?")):
            systemctl("restart", self.service)
        else:
            click.echo(f"in force after: systemctl restart {self.service}")

    @contextlib.contextmanager
    def _doing(self, what: str, target: Path) -> Iterator[bool]:
        """Says what has been done, or would be; gives whether it is to be. An OSError is one sentence."""
        try:
            yield not self.dry_run
        except OSError as error:
            raise Failure(f"{error.filename or target} cannot be written: {error.strerror}") from error
        self.changed = True
        click.echo(f"would {what}" if self.dry_run else what)


OURS = ('Environment="PATH=', 'Environment="LD_PRELOAD=', 'Environment="LD_LIBRARY_PATH=', 'Environment="VGPU_')


@contextlib.contextmanager
def a_bundle(given: str | None) -> Iterator[Bundle]:
    """The bundle that is given, or one that is there for a moment."""
    from vgpu_embed.bundle import Bundle, BundleError
    from vgpu_embed.cli.bundle import make

    if given is None:
        with tempfile.TemporaryDirectory(prefix="vgpu-embed-") as work:
            yield make(Path(work, "bundle"))
        return
    try:
        yield Bundle(Path(os.path.abspath(given)))
    except BundleError as error:
        raise Failure(str(error)) from error


@contextlib.contextmanager
def _beside(target: Path, writes: bool) -> Iterator[Path]:
    """Where to make something that then takes the target's place, whole."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    if writes:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        yield beside
        if writes:
            beside.replace(target)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        beside.unlink(missing_ok=True)


def systemctl(*arguments: str) -> None:
    """Runs systemctl; Failure if it fails."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
