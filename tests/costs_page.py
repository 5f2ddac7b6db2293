"""docs/costs.md: sections written by measurements, between them and around them what people write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs/costs.md"


class Verdict:
    """A figure held against what issue it has to meet.

    Attributes:
        met: whether it does.
        text: the target in words, with the answer.
    """

    def __init__(self, figure: float, most: float, text: str) -> None:
        self.met = figure <= most
        self.text = f"{text}: {'met' if self.met else '**not met**'}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; the first column is text, the others are numbers."""
    marks = ["---", *["--:"] * (len(heads) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, marks, *rows)]


def replace(page: str, section: str, lines: Iterable[str]) -> str:
    """The page with a section's lines, which stand between its two marks, replaced."""
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"docs/costs.md has no section between {begin} and {end}")
    return before + "\n".join([begin, "", *lines, "", end]) + after


def write(section: str, lines: Iterable[str], target: Path = PAGE) -> None:
    """Writes the page with a new section to `target`."""
    target.write_text(replace(PAGE.read_text(), section, lines))
