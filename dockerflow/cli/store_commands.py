"""The commands of `dockerflow store`: their options and help texts."""

from __future__ import annotations

from typing import Annotated

import typer

from dockerflow.cli.commands import Commands
from dockerflow.cli.store_option import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

store_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="What is in the store.")


@store_app.command()
def uses(
    blob: Annotated[str, typer.Argument(metavar="SHA256", help="The blob's name, as a message has it.")],
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List what uses a blob: runs, tasks, artifacts."""
    from dockerflow.cli import using

    return using.uses(blob, json, store)
