"""The command-line program `vgpu-embed`: one module a sub-command."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from vgpu_embed.cli.bundle import bundle
from vgpu_embed.cli.check import check
from vgpu_embed.cli.command import command
from vgpu_embed.cli.completion import completion
from vgpu_embed.cli.doctor import doctor
from vgpu_embed.cli.env import env
from vgpu_embed.cli.failure import USAGE, Failure
from vgpu_embed.cli.install import install, uninstall
from vgpu_embed.cli.list import list_
from vgpu_embed.cli.run import run
from vgpu_embed.cli.scan import scan
from vgpu_embed.cli.set import set_
from vgpu_embed.cli.status import status
from vgpu_embed.cli.trace import trace


class Program(click.Group):
    """A group of commands whose errors are one sentence on stderr."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """As click's, but for how a failure looks and which exit code it has."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs))
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(USAGE)
        except click.ClickException as error:
            _fail(error)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)


def _fail(error: click.ClickException) -> NoReturn:
    sentence = " ".join(error.format_message().split())
    click.echo(f"vgpu-embed: {sentence}", err=True)
    sys.exit(error.code if isinstance(error, Failure) else USAGE)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Runs CUDA programs under a policy of yours, over a real driver or with no GPU at all.

    \b
    vgpu-embed run --gpu h100 -- ollama serve     a virtual H100 for ollama
    vgpu-embed run --policy quota.py -- ./train   a policy over the real driver
    vgpu-embed list gpus                          the GPUs there are profiles of
    """


COMMANDS = (run, env, list_, check, status, set_, command, trace, scan, bundle, install, uninstall, doctor, completion)
for one in COMMANDS:
    main.add_command(one)
