"""`vgpu-embed bundle`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vgpu_embed.cli import validation
from vgpu_embed.cli.failure import Failure
from vgpu_embed.cli.launch import ALIAS, LIBRARY
from vgpu_embed.cli.output import progress

if TYPE_CHECKING:
    from vgpu_embed.bundle import Bundle


@click.command()
@click.argument("folder", metavar="DIR")
def bundle(folder: str) -> None:
    """Makes one folder of everything the library needs: Python, standard library, packages, policies.

    It works wherever it is moved or mounted, in containers without any Python too, and does not
    need the installation that it was made from. What to preload from it is printed.

    \b
    vgpu-embed bundle ./bundle
    docker run -v ./bundle:/opt/vgpu-embed:ro -e LD_PRELOAD=… -e VGPU_GPU=h100 ollama/ollama
    """
    made = make(Path(os.path.abspath(folder)))
    click.echo(f"{made.package / LIBRARY}\n{made.package / ALIAS}")


def make(folder: Path) -> Bundle:
    """Makes a bundle; Failure if it cannot be."""
    from vgpu_embed import bundle as bundles

    validation.preloadable(str(folder))
    validation.installed(LIBRARY)
    validation.installed(ALIAS)
    try:
        with progress("making a bundle"):
            return bundles.make(folder)
    except bundles.BundleError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.filename or folder} cannot be written: {error.strerror}") from error
