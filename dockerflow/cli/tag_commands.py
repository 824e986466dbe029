"""The commands of `dockerflow tag`: their options and help texts. What they do is in `tagging`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from dockerflow.cli.commands import Commands
from dockerflow.cli.run_options import AsJson
from dockerflow.cli.store_option import Store

Flow = Annotated[Optional[str], typer.Option("--flow", metavar="NAME", help="The flow, where `--run-id` has none.")]
RunId = Annotated[Optional[str], typer.Option("--run-id", metavar="ID", help="The run: `ID` or `Flow/ID`.")]
Namespace = Annotated[
    Optional[str],
    typer.Option("--namespace", metavar="TAG", help="Look for the run there; otherwise in `user:NAME`, your own."),
]
Tags = Annotated[list[str], typer.Argument(metavar="TAG", help="One or more tags.", show_default=False)]

tag_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="The tags of runs.")


@tag_app.command("add")
def add(
    tags: Tags,
    run_id: RunId = None,
    flow: Flow = None,
    namespace: Namespace = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Add tags to a run."""
    from dockerflow.cli import tagging

    return tagging.add(tagging.Which(flow, run_id, namespace, store), tags, json)


@tag_app.command("remove")
def remove(
    tags: Tags,
    run_id: RunId = None,
    flow: Flow = None,
    namespace: Namespace = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Remove tags from a run. Those of the system stay."""
    from dockerflow.cli import tagging

    return tagging.remove(tagging.Which(flow, run_id, namespace, store), tags, json)


@tag_app.command("replace")
def replace(  # noqa: PLR0913
    added: Annotated[
        Optional[list[str]], typer.Option("--add", metavar="TAG", help="A tag to add; may be given several times.")
    ] = None,
    removed: Annotated[
        Optional[list[str]],
        typer.Option("--remove", metavar="TAG", help="A tag to remove; may be given several times."),
    ] = None,
    run_id: RunId = None,
    flow: Flow = None,
    namespace: Namespace = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Remove tags from a run and add others, in one change."""
    from dockerflow.cli import tagging

    return tagging.replace(tagging.Which(flow, run_id, namespace, store), removed or [], added or [], json)


@tag_app.command("list")
def list_tags(  # noqa: PLR0913
    run: Annotated[Optional[str], typer.Argument(metavar="RUN_ID", help="As `--run-id`.", show_default=False)] = None,
    run_id: RunId = None,
    flow: Flow = None,
    every: Annotated[bool, typer.Option("--all", help="Of all runs, whoever ran them (the default).")] = False,
    mine: Annotated[bool, typer.Option("--my-runs", help="Of your own runs.")] = False,
    hide_system_tags: Annotated[
        bool, typer.Option("--hide-system-tags", help="Leave out what the system has given.")
    ] = False,
    by_tag: Annotated[bool, typer.Option("--group-by-tag", help="The runs of each tag.")] = False,
    by_run: Annotated[bool, typer.Option("--group-by-run", help="The tags of each run.")] = False,
    flat: Annotated[bool, typer.Option("--flat", help="One tag a line and nothing else.")] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the tags of a run, of a flow's runs, or of all runs."""
    from dockerflow.cli import tagging
    from dockerflow.cli.errors import CommandLineError

    if every and mine:
        raise CommandLineError("`--all` and `--my-runs` exclude each other")
    if run is not None and run_id is not None:
        raise CommandLineError("a run is named by `--run-id` or without it, not both")
    listing = tagging.Listing(mine, hide_system_tags, by_tag, by_run, flat, json)
    return tagging.list_tags(tagging.Which(flow, run or run_id, None, store), listing)
