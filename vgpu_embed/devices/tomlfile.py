"""A TOML file that knows the line of each of its keys, for errors that point at them.

The line finder reads one line at a time and knows tables, arrays of tables and dotted keys; in a
file that puts several keys on a line, or strings over several, it points at the table around.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import ProfileError

Path = tuple[str | int, ...]
"""Where a key is: the names of the tables around it, an index in an array, its own name."""


class File:
    """A TOML file, its tree, and the line of each key.

    Attributes:
        path: where it is, as the user wrote it.
        tree: what it says.
        lines: the line of each table and key, by the path to it.
    """

    def __init__(self, path: str) -> None:
        """Reads it; ProfileError if it cannot be read or is not TOML."""
        self.path = path
        try:
            with open(path, "rb") as file:
                content = file.read()
            text = content.decode()
        except OSError as error:
            raise ProfileError(f"{path} cannot be read ({error.strerror}); correct it") from error
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ProfileError(f"{path}:{line}: not UTF-8; save it as UTF-8") from error
        self.lines = dict(_lines(text))
        self.tree = self._parse(text)

    def _parse(self, text: str) -> dict[str, Any]:
        toml = _toml(self.path)
        try:
            tree: dict[str, Any] = toml.loads(text)
        except toml.TOMLDecodeError as error:
            found = re.search(r"^(.*?) \(at (?:line (\d+)|end of document)", str(error))
            line = (found and found[2]) or text.count("\n") + 1
            what = found[1] if found else str(error)
            raise ProfileError(f"{self.path}:{line}: not TOML ({what}); correct it") from error
        return tree

    def error(self, path: Path, sentence: str) -> ProfileError:
        """An error that points at a key, or at the nearest table around it that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return ProfileError(f"{self.path}:{self.lines.get(path, 1)}: {sentence}")


def _toml(path: str) -> Any:
    """tomllib, or its older twin tomli where Python is 3.10."""
    try:
        return importlib.import_module("tomllib")
    except ModuleNotFoundError:
        try:
            return importlib.import_module("tomli")
        except ModuleNotFoundError as error:
            raise ProfileError(
                f"{path}: reading TOML needs Python 3.11 or the package tomli; install it (pip install tomli)"
            ) from error


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""")


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    """The path and line of each table header and key, as far as a line at a time shows them."""
    table: Path = ()
    counts: dict[Path, int] = {}
    for line, content in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(content):
            path = _words(header[2])
            table = _inside(path, counts)
            if header[1] == "[[":
                counts[path] = counts.get(path, -1) + 1
                table = (*path, counts[path])
            yield table, line
        elif key := _KEY.match(content):
            words = _words(key[1])
            for end in range(1, len(words) + 1):
                yield (*table, *words[:end]), line


def _words(dotted: str) -> tuple[str, ...]:
    return tuple(word.strip().strip("\"'") for word in dotted.split("."))


def _inside(path: tuple[str, ...], counts: Mapping[Path, int]) -> Path:
    """The path with the index put in of an array of tables that it continues."""
    for end in range(len(path) - 1, 0, -1):
        if path[:end] in counts:
            return (*path[:end], counts[path[:end]], *path[end:])
    return path
