"""The one table of options: flags, `VGPU_*` variables and their documentation all come from it.

It is also read inside the target process, so it imports nothing and stays cheap.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SEPARATOR = ";"
"""Stands between the values of a repeatable option in its variable."""

PROCESS_ID = "%p"
"""Stands for the process id in a file name."""

JOURNAL = "journal:"
"""The log file that is systemd's journal."""


class Option:
    """One option: how it is spelt on the command line and in the environment, and what it means.

    Attributes:
        name: the name in Python.
        flag: the command-line flag, or None where there is only a variable.
        variable: the environment variable.
        metavar: what the value looks like.
        help: one sentence, for `--help` and the reference.
        repeatable: whether it may be given more than once; its variable joins the values by `;`.
        choices: the only values there are, or an empty tuple.
        default: what holds when it is not given.
    """

    __slots__ = ("choices", "default", "flag", "help", "metavar", "name", "repeatable", "variable")

    def __init__(
        self,
        name: str,
        metavar: str,
        help: str,
        *,
        flag: bool = True,
        repeatable: bool = False,
        choices: tuple[str, ...] = (),
        default: str | None = None,
    ) -> None:
        self.name = name
        self.flag = "--" + name.replace("_", "-") if flag else None
        self.variable = "VGPU_" + name.upper()
        self.metavar = metavar
        self.help = help
        self.repeatable = repeatable
        self.choices = choices
        self.default = default


OPTIONS: tuple[Option, ...] = (
    Option(
        "gpu",
        "[Nx]NAME[:key=value,…]",
        "A GPU that the program sees, changed in places: 2xh100, a100:memory=40GiB.",
        repeatable=True,
    ),
    Option(
        "policy",
        "FILE|NAME",
        "A policy: a Python file, or one that is built in.",
        repeatable=True,
    ),
    Option("set", "option=value", "Sets an option of the policies.", repeatable=True),
    Option(
        "mode",
        "native|virtual",
        "Over the real driver, or with none at all.",
        choices=("native", "virtual"),
    ),
    Option(
        "kernels",
        "skip|fail",
        "What a launch does on a virtual GPU whose kernel no policy computes: nothing, or an error.",
        choices=("skip", "fail"),
        default="skip",
    ),
    Option(
        "machine",
        "NAME",
        "Tells virtual machines with equal GPUs apart: processes see each other's memory within one.",
    ),
    Option(
        "log",
        "LEVEL",
        "How much is logged: off, error, info or debug.",
        choices=("off", "error", "info", "debug"),
        default="error",
    ),
    Option(
        "log_file",
        "FILE",
        "Where log lines go instead of stderr; %p is the process id, journal: is systemd's journal.",
    ),
    Option(
        "trace",
        "FILE",
        "Records the calls in a file; %p is the process id.",
    ),
    Option("disable", "1", "Makes the preloaded library inert.", flag=False),
)


def option(name: str) -> Option:
    """The option of that Python name; KeyError if there is none."""
    for candidate in OPTIONS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def values(name: str, environment: Mapping[str, str]) -> list[str]:
    """What an environment says of an option: all values of a repeatable one, else one or none.

    An empty variable counts as one that is not set, as shells and unit files often leave it.
    """
    text = environment.get(option(name).variable, "")
    parts = text.split(SEPARATOR) if option(name).repeatable else [text]
    return [part.strip() for part in parts if part.strip()]
