"""`vgpu-embed completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "vgpu-embed"
VARIABLE = "_VGPU_EMBED_COMPLETE"
"""In which the shell asks; click makes it of the program's name."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Prints what makes a shell complete commands, options, GPUs, policies, functions and process ids.

    \b
    vgpu-embed completion bash > ~/.local/share/bash-completion/completions/vgpu-embed
    vgpu-embed completion zsh > "${fpath[1]}/_vgpu-embed"
    vgpu-embed completion fish > ~/.config/fish/completions/vgpu-embed.fish

    bash has to be 4.4 or newer.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(context.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(made.source_template % made.source_vars())
