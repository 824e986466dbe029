"""The command `dockerflow gc`: its options and help text."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from dockerflow.cli.store_option import Store

_MANY = "May be given several times."


def gc(  # noqa: PLR0913  # one argument per option is how typer reads a command
    runs: Annotated[
        Optional[list[str]], typer.Argument(metavar="[PATHSPEC]...", help="These runs, as `Flow/run`.")
    ] = None,
    flow: Annotated[Optional[str], typer.Option("--flow", metavar="FLOW", help="Runs of this flow.")] = None,
    older_than: Annotated[
        Optional[str], typer.Option("--older-than", metavar="TIME", help="Runs that ended so long ago: `12h`, `30d`.")
    ] = None,
    keep: Annotated[
        Optional[int], typer.Option("--keep", min=0, metavar="N", help="All but the newest N runs of each flow.")
    ] = None,
    status: Annotated[
        Optional[list[str]],
        typer.Option("--status", metavar="STATUS", help=f"Runs that are `failed`, `killed`, `succeeded`, … {_MANY}"),
    ] = None,
    tag: Annotated[
        Optional[list[str]], typer.Option("--tag", metavar="TAG", help=f"Runs that have this tag. {_MANY}")
    ] = None,
    keep_tag: Annotated[
        Optional[list[str]], typer.Option("--keep-tag", metavar="TAG", help=f"Runs without this tag. {_MANY}")
    ] = None,
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="How old a blob must be that goes. Less than 24h: see docs.")
    ] = "24h",
    delete: Annotated[bool, typer.Option("--delete", help="Do it. Otherwise it is only shown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    store: Store = None,
) -> int:
    """Remove runs, and what no run needs any more.

    Conditions combine: a run goes if all of them hold. Without any, only blobs go that no run refers to, and what was
    left behind. Nothing is removed without `--delete`.
    """
    from dockerflow.cli import collecting

    runs_of = collecting.Runs(
        tuple(runs or ()), flow, older_than, keep, tuple(status or ()), tuple(tag or ()), tuple(keep_tag or ())
    )
    return collecting.collect(runs_of, collecting.How(grace, delete, json, store))
