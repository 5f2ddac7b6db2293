"""Help by example, and the page that is made of it."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator

import click
import pytest
from support import TESTS

from vgpu_embed import options
from vgpu_embed.cli import main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_command_has_an_example_of_its_own_with_options_that_there_are(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    [_, *kept] = (command.help or "").split("\b\n")
    lines = [line.strip() for block in kept for line in block.split("\n\n")[0].splitlines()]
    examples = [line for line in lines if " ".join(path) in line]
    assert examples
    for line in lines:
        for call in re.findall(r"vgpu-embed ([^|&>;)]*)", line.split("   ")[0]):
            words = shlex.split(call.replace('"', ""))
            depth = 2 if tuple(words[:2]) in COMMANDS else 1
            known = {name for one in COMMANDS[tuple(words[:depth])].params for name in (*one.opts, *one.secondary_opts)}
            given = words[: words.index("--")] if "--" in words else words
            assert [word for word in given if word.startswith("-") and len(word) > 1 and word not in known] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_option_is_explained(path: tuple[str, ...]) -> None:
    found = [one for one in COMMANDS[path].params if isinstance(one, click.Option)]
    assert [one.name for one in found if not one.help] == []


def test_the_page_has_every_command_and_every_option_of_the_table() -> None:
    spec = importlib.util.spec_from_file_location("command_line", TESTS.parent / "docs/command_line.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.page()
    assert re.findall(r"^## (.*)$", page, re.MULTILINE)[1:] == [" ".join(path) for path in sorted(COMMANDS)]
    for option in options.OPTIONS:
        assert f"`{option.variable}` | {option.help}" in page
    for _, command in COMMANDS.items():
        for one in command.params:
            if isinstance(one, click.Option):
                assert f"`{one.opts[-1]}" in page or f", {one.opts[-1]}" in page
    assert "\b" not in page
