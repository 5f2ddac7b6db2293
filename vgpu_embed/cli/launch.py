"""What `run` and `env` share: the options, and the environment that they amount to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from vgpu_embed import options, record
from vgpu_embed.cli import complete, validation
from vgpu_embed.cli.failure import Failure
from vgpu_embed.inspect import driver

LIBRARY = "libvgpu-cuda.so"
ALIAS = "virtual/lib/libcuda.so.1"
SMI = "smi/bin/nvidia-smi"

Command = TypeVar("Command", bound=Callable[..., Any])


class LaunchCommand(click.Command):
    """A command for which wrong usage is an error of ours, with the exit code of one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Failure(error.format_message()) from error


def with_options(command: Command) -> Command:
    """Gives a click command the options of the table; what is not given is taken from `VGPU_*`."""
    for option in reversed(options.OPTIONS):
        if option.flag is not None:
            command = from_table(option.name)(command)
    return command


def from_table(name: str) -> Callable[[Command], Command]:
    """Gives a click command one of these options."""
    option = options.option(name)
    assert option.flag is not None
    default = f"  [default: {option.default}]" if option.default else ""
    return click.option(
        option.flag,
        option.name,
        metavar=option.metavar,
        help=f"{option.help}{default}",
        multiple=option.repeatable,
        shell_complete=complete.one_of(*option.choices) if option.choices else complete.LAUNCH.get(option.name),
    )


class Launch:
    """Everything that was asked for, checked; building one starts nothing.

    Attributes:
        mode: "native" or "virtual".
        policies: the policies, loaded.
        variables: the `VGPU_*` variables to set, with absolute paths.
        preload: the libraries to preload.
        folders: the folders to append to LD_LIBRARY_PATH.
        programs: the folders to put in front of PATH.
    """

    def __init__(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Checks what was given.

        Args:
            flags: what click parsed, by option name.
            environment: the environment that the program would have without us.

        Raises:
            Failure: something is wrong; its text says what, where, and the remedy.
        """
        given = {option.name: _given(option, flags, environment) for option in options.OPTIONS}
        given["gpu"] = validation.gpus(given["gpu"])
        self.policies = validation.policies(given["policy"], given["set"])
        given["policy"] = [os.path.abspath(policy.path) for policy in self.policies]
        given["log_file"] = [validation.log_file(name) for name in given["log_file"]]
        given["trace"] = [validation.writable("--trace", name) for name in given["trace"]]
        self.mode = self._mode(given, environment)
        given["mode"] = [self.mode]
        self.variables = {
            option.variable: _joined(option, given[option.name])
            for option in options.OPTIONS
            if option.flag is not None and given[option.name]
        }
        validation.platform()
        for part in (LIBRARY, ALIAS, SMI):
            validation.installed(part)
        self.use(record.PACKAGE)

    def use(self, package: Path) -> None:
        """Takes libraries and programs from that folder, such as a bundle's."""
        self.preload = [str(package / LIBRARY)]
        self.folders: list[str] = []
        self.programs: list[str] = []
        if self.mode == "virtual":
            self.preload.append(str(package / ALIAS))
            self.folders.append(os.path.dirname(self.preload[-1]))
            self.programs.append(os.path.dirname(package / SMI))

    def _mode(self, given: Mapping[str, list[str]], environment: Mapping[str, str]) -> str:
        source = "--gpu is given" if given["gpu"] else None
        for policy in self.policies:
            if source is None and policy.devices:
                source = f"{policy.path} declares devices"
        asked = given["mode"][0] if given["mode"] else None
        return validation.mode(asked, source, driver.find(environment))

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables to set in that environment; what it preloads and searches is kept."""
        preloaded = re.split("[ :]+", environment.get("LD_PRELOAD", ""))
        kept = [path for path in preloaded if path and not is_ours(path)]
        variables = {"LD_PRELOAD": ":".join(self.preload + kept), **self.variables}
        search = environment.get("LD_LIBRARY_PATH", "")
        # An empty part among others means the working directory, and stays.
        searched = [folder for folder in search.split(":") if not is_ours(f"{folder}/libcuda.so.1")]
        folders = ":".join((searched if search else []) + self.folders)
        if folders != search:
            variables["LD_LIBRARY_PATH"] = folders
        path = environment.get("PATH", "")
        others = [folder for folder in path.split(":") if not folder.endswith(f"/{record.PACKAGE.name}/smi/bin")]
        programs = ":".join(self.programs + others)
        if path and programs != path:  # a file for an environment that is not known leaves PATH to it
            variables["PATH"] = programs
        return variables


def is_ours(path: str) -> bool:
    """Whether that is a library of an installation of this package, left by an earlier `env`."""
    return os.path.basename(path) == LIBRARY or path.endswith(f"/{record.PACKAGE.name}/{ALIAS}")


def _given(option: options.Option, flags: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """The values of an option: those on the command line, or else those of its variable."""
    source, value = option.flag, flags.get(option.name)
    given: list[str] = [] if value is None else list(value) if option.repeatable else [value]
    if not given:
        source, given = option.variable, options.values(option.name, environment)
    for one in given:
        if option.choices and one not in option.choices:
            raise Failure(f"{source} {one} is not one of {', '.join(option.choices)}")
        if not one:
            raise Failure(f"{source} is empty; it takes {option.metavar}")
    return given


def _joined(option: options.Option, given: list[str]) -> str:
    """The value of an option's variable."""
    for one in given:
        if option.repeatable and options.SEPARATOR in one:
            raise Failure(
                f"{option.flag} {one} contains ';', which separates values in {option.variable}; "
                f"repeat {option.flag} for several, or rename the file"
            )
    return options.SEPARATOR.join(given)
