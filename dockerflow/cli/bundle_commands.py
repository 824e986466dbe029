"""The commands `export` and `import`: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dockerflow.cli.store_option import Store


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `Flow/run`.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)],
    artifacts: Annotated[
        str, typer.Option("--artifacts", metavar="NAMES", help="Whose values go along: `all`, `none`, or names: `a,b`.")
    ] = "none",
    without_images: Annotated[
        bool, typer.Option("--without-images", help="Leave out what its images are made of.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    store: Store = None,
) -> int:
    """Write a run into one file, to run it again elsewhere.

    It has code, parameters, locks, package files, the base image's layers: with it a machine needs no network but
    Docker.
    """
    from dockerflow.cli import bundles

    return bundles.export(bundles.Chosen(run, file, artifacts, without_images, force, store))


def bring(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` has written.", show_default=False)],
    store: Store = None,
) -> int:
    """Bring a run from a file into the store."""
    from dockerflow.cli import bundles

    return bundles.bring(file, store)
