"""A systemd service as its unit file and drop-ins describe it, read without systemd, so in an image too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS: tuple[str, ...] = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system")
FOLDERS += ("usr/lib/systemd/system", "lib/systemd/system")
"""Where systemd looks, systemd.unit(5); the first that has a file of a name counts."""

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "s": " "}
QUOTED = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+""", re.DOTALL)


class NoUnit(LookupError):
    """There is no such service."""


class Unit:
    """A service.

    Attributes:
        name: with its ending, "ollama.service".
        files: the unit file, then the drop-ins in the order in which they are read.
    """

    def __init__(self, name: str, root: Path = Path("/")) -> None:
        """Finds the files of a service of the system below `root`; NoUnit if there is none of that name."""
        self.name = name if name.endswith(".service") else f"{name}.service"
        template = re.sub(r"@[^@]*\.service$", "@.service", self.name)
        found = [root / folder / one for one in (self.name, template) for folder in FOLDERS]
        units = [path for path in found if path.is_file()]
        if not units:
            raise NoUnit(f"there is no service {self.name} in {', '.join(str(root / folder) for folder in FOLDERS)}")
        dropins: dict[str, Path] = {}
        for folder in FOLDERS:
            for one in dict.fromkeys((self.name, template, "service")):
                for path in (root / folder / f"{one}.d").glob("*.conf"):
                    dropins.setdefault(path.name, path)
        self.files = [units[0], *(dropins[key] for key in sorted(dropins))]

    def values(self, key: str) -> list[str]:
        """What is assigned to a key of [Service], in order; an empty assignment takes back those before it."""
        return values(self.files, key)

    def value(self, key: str, default: str = "") -> str:
        """The last that is assigned to a key."""
        return (self.values(key) or [default])[-1]

    @property
    def environment(self) -> dict[str, str]:
        """Its Environment=; not what EnvironmentFile= adds."""
        return environment(self.files)


def environment(files: list[Path]) -> dict[str, str]:
    """The variables that the Environment= lines of these files amount to."""
    pairs = [word.partition("=") for line in values(files, "Environment") for word in words(line)]
    return {name: value for name, _, value in pairs}


def values(files: list[Path], key: str) -> list[str]:
    """What these files assign to a key of [Service], in order."""
    found: list[str] = []
    for file in files:
        for name, value in assignments(file.read_text("utf-8", "surrogateescape")):
            if name == key:
                found = [*found, value] if value else []
    return found


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """The assignments in [Service] of a unit file, systemd.syntax(7): comments left out, lines joined."""
    section = ""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))
    for line in kept.replace("\\\n", " ").splitlines():
        name, equals, value = line.partition("=")
        if line.strip().startswith("["):
            section = line.strip()
        elif equals and section == "[Service]":
            yield name.strip(), value.strip()


def words(line: str) -> list[str]:
    """The words of a line as systemd splits and unquotes them; `%%` is a percent sign, other specifiers stay."""
    return [_unquoted(match[0]).replace("%%", "%") for match in QUOTED.finditer(line)]


def _unquoted(word: str) -> str:
    parts = re.findall(r"""\\(.)|(["'])|([^\\"'])""", word, re.DOTALL)
    text, quote = "", ""
    for escaped, mark, plain in parts:
        if mark and quote in ("", mark):
            quote = "" if quote else mark
        else:
            text += ESCAPES.get(escaped, escaped) + mark + plain
    return text
