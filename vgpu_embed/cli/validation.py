"""What is checked before anything is started; what is wrong is one sentence with its remedy."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgpu_embed import options, record
from vgpu_embed.cli.failure import Failure, warn

if TYPE_CHECKING:
    from vgpu_embed.devices import Profile
    from vgpu_embed.policy import Policy

PROFILE_FILE = re.compile(r"^(\d+x)?([^:]*(?:/[^:]*|\.toml))(?=:|$)")
"""The number and the profile file of a GPU that is given by a file."""

GLIBC = (2, 34)  # the oldest whose link-map namespaces can carry an interpreter


def platform() -> None:
    """Fails where the library could not work: too old a glibc, no shared libpython."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        found = tuple(int(part) for part in version.split(".")[:2])
    except (ValueError, OSError):
        raise Failure("this system has no glibc; vgpu-embed needs glibc 2.34 or newer") from None
    if found < GLIBC:
        raise Failure(f"this system has {name} {version}; vgpu-embed needs glibc 2.34 or newer")
    if record.libpython() is None:
        python = "{}.{}".format(*sys.version_info)
        raise Failure(
            f"Python {python} has no shared libpython{python}.so.1.0: install it (Debian, Ubuntu: "
            f"apt install libpython{python}) or build Python with --enable-shared (pyenv: "
            f"PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {python})"
        )
    preloadable(str(record.PACKAGE))


def preloadable(folder: str) -> None:
    """Fails where a library in that folder could not be preloaded."""
    if re.search("[ :;]", folder):
        raise Failure(
            f"{folder} has a space, ':' or ';' in it, which LD_PRELOAD cannot express; "
            "install vgpu-embed in another folder"
        )


def installed(part: str) -> str:
    """The path of a built part of this package; Failure if it is not there."""
    path = record.PACKAGE / part
    if not path.exists():
        raise Failure(f"{path} is missing; build and install it with `pip install .`")
    return str(path)


def gpus(specs: Sequence[str]) -> list[str]:
    """The same GPUs, paths of profile files made absolute; Failure if one is unknown or wrong."""
    from vgpu_embed import devices

    absolute = [PROFILE_FILE.sub(_absolute, one) for one in specs]
    try:
        devices.parse_spec(absolute)
    except (LookupError, ValueError, OSError) as error:
        raise Failure(f"--gpu {';'.join(specs)}: {error}") from error
    return absolute


def _absolute(match: re.Match[str]) -> str:
    return f"{match[1] or ''}{os.path.abspath(match[2])}"


def policies(names: Sequence[str], settings: Sequence[str] = ()) -> list[Policy]:
    """The policies, loaded in this process with these options; what they print goes to stderr."""
    from vgpu_embed.policy import PolicyError, apply_settings, load

    loaded = []
    for name in names:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                loaded.append(load(name))
        except PolicyError as error:
            raise Failure(str(error)) from error
        except OSError as error:
            raise Failure(f"the policy {name} could not be loaded: {error}") from error
    try:
        apply_settings(loaded, settings)
    except PolicyError as error:
        raise Failure(str(error)) from error
    for policy in loaded:
        try:
            profiles([policy])
        except Failure as error:
            raise Failure(f"{policy.path}: {error.format_message()}") from error
    return loaded


def profiles(loaded: list[Policy], specs: Sequence[str] = ()) -> list[Profile]:
    """The devices that are shown: those that policies declare, else the GPUs; Failure if one is unknown or wrong."""
    from vgpu_embed.policy import PolicyError, profiles_of

    try:
        return profiles_of(loaded, options.SEPARATOR.join(gpus(specs)))
    except (PolicyError, OSError) as error:
        raise Failure(str(error)) from error


def mode(asked: str | None, gpus: str | None, real: str | None) -> str:
    """Which mode it is: the one asked for, or the only one that makes sense.

    Args:
        asked: what --mode says.
        gpus: where GPUs are given, as half a sentence, or None.
        real: the path of the real driver, or None.
    """
    if asked == "virtual" and gpus is None:
        raise Failure("--mode virtual needs a GPU, such as --gpu h100 (see `vgpu-embed list gpus`)")
    if asked == "native" and real is None:
        warn("--mode native, but no libcuda.so.1 is found here: the program may meet no driver")
    if asked is not None:
        return asked
    if real is not None and gpus is not None:
        raise Failure(
            f"{gpus} and there is a driver here ({real}): choose --mode virtual for GPUs without "
            "that driver, or --mode native to change what the driver's own GPUs report"
        )
    if real is None and gpus is None:
        raise Failure(
            "no libcuda.so.1 is found here and no GPU is given: choose --gpu h100 (see `vgpu-embed "
            "list gpus`) for a virtual GPU, or --mode native for a driver that the program finds"
        )
    return "native" if gpus is None else "virtual"


def log_file(name: str) -> str:
    """The absolute path of the log file, or the journal; Failure if it cannot be written."""
    if name == options.JOURNAL:
        return name
    return writable("--log-file", name)


def writable(flag: str, name: str) -> str:
    """The absolute path of a file that is to be written; Failure if it cannot be."""
    path = os.path.abspath(name)
    folder = os.path.dirname(path)
    if options.PROCESS_ID in folder:
        raise Failure(f"{flag} {name} has %p in the folder; it may stand in the file name only")
    if os.path.isdir(path) or name.endswith("/"):
        raise Failure(f"{flag} {name} is a folder; give a file in it")
    if not os.path.isdir(folder):
        raise Failure(f"{flag} {name}: there is no folder {folder}; make it first")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise Failure(f"{flag} {name} cannot be written: you have no permission")
    return path
