"""The commands of `dockerflow store`: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from dockerflow.cli.commands import Commands
from dockerflow.cli.run_options import AsJson
from dockerflow.cli.store_option import Store

Flow = Annotated[Optional[str], typer.Option("--flow", metavar="FLOW", help="Only the runs of this flow.")]
Runs = Annotated[
    Optional[list[str]], typer.Argument(metavar="[PATHSPEC]...", help="Runs, as `Flow/run`, or flows. Without: all.")
]

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


@store_app.command()
def verify(
    runs: Runs = None,
    flow: Flow = None,
    delete_damaged: Annotated[
        bool, typer.Option("--delete-damaged", help="Remove blobs that hold other bytes than were written.")
    ] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Look whether all is there and as it was written.

    What is stored is compared with its hash; of what is damaged or gone it is told what that hurts and what to do.
    """
    from dockerflow.cli import verifying

    return verifying.verify_store(verifying.Wanted(flow, tuple(runs or ()), delete_damaged, json, store))


@store_app.command("copy")
def copy_runs(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The store to copy from.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The store to copy to; made if it is not there.")],
    runs: Runs = None,
    flow: Flow = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what there is to do.")] = False,
    source_settings: Annotated[
        Optional[Path],
        typer.Option(
            "--source-settings",
            metavar="FOLDER",
            help="A folder whose settings name the source's server, where it is not the target's.",
        ),
    ] = None,
) -> int:
    """Copy runs from one store to another: folders and buckets."""
    from dockerflow.cli import copying

    return copying.copy_runs(copying.Wanted(source, target, flow, tuple(runs or ()), dry_run, source_settings))


@store_app.command()
def sizes(
    pathspec: Annotated[
        Optional[str], typer.Argument(metavar="[PATHSPEC]", help="A flow, a run, a step or a task: `Flow/run/step/id`.")
    ] = None,
    flow: Flow = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Show how much room flows, runs and artifacts take."""
    from dockerflow.cli import sizing

    return sizing.show_sizes(sizing.Wanted(flow, pathspec, json, store))
