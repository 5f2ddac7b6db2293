"""How a command fails: one sentence, an exit code, never a traceback."""

from __future__ import annotations

import click

NOTHING = 1  # what was asked for is not there
USAGE = 2
OUR_ERROR = 125
NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""Exit codes; the last three as in env(1) and timeout(1)."""


class Failure(click.ClickException):
    """An expected failure; its text is the sentence that the user reads."""

    def __init__(self, sentence: str, code: int = OUR_ERROR) -> None:
        super().__init__(sentence)
        self.code = code


def warn(sentence: str) -> None:
    """Says something that does not stop us, on stderr."""
    click.echo(f"vgpu-embed: {sentence}", err=True)
