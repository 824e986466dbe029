"""The command `rerun`: its options and help text."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from dockerflow.cli.run_options import (
    FreshContainers,
    Host,
    MaxLogSize,
    MaxNumSplits,
    MaxWorkers,
    Quiet,
    RunIdFile,
    Tags,
)
from dockerflow.cli.store_option import Store


def rerun(  # noqa: PLR0913  # as in `run`
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `Flow/ID`.", show_default=False)],
    from_: Annotated[
        Optional[str],
        typer.Option("--from", metavar="STEP", help="Run this step and all that follow it; reuse what came before."),
    ] = None,
    param: Annotated[
        Optional[list[str]],
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="A value for a parameter in place of the run's; may be given several times.",
        ),
    ] = None,
    allow_rebuilt: Annotated[
        bool,
        typer.Option("--allow-rebuilt", help="Go on in another image where one cannot be had again as it was."),
    ] = False,
    json: Annotated[
        Optional[str],
        typer.Option("--json", metavar="FILE", help="Write the report as JSON; `-` prints it, and only it, to stdout."),
    ] = None,
    max_workers: MaxWorkers = None,
    max_num_splits: MaxNumSplits = None,
    max_log_size: MaxLogSize = None,
    fresh_containers: FreshContainers = False,
    tag: Tags = None,
    run_id_file: RunIdFile = None,
    host: Host = None,
    store: Store = None,
    quiet: Quiet = False,
) -> int:
    """Run a past run once more and compare the results.

    Its code, parameters and images come from the store: no file of the flow is needed. At the end a report says which
    artifacts are identical; the exit code is 0 if all are, and 11 if one is not.
    """
    from dockerflow.cli import rerunning, running

    chosen = running.Chosen(
        file="",
        flow=None,
        words=(),
        max_workers=max_workers,
        max_num_splits=max_num_splits,
        max_log_size=max_log_size,
        fresh_containers=fresh_containers,
        tags=tuple(tag or ()),
        run_id_file=run_id_file,
        engine="docker",
        hosts=tuple(host or ()),
        store=store,
        command=("dockerflow", *sys.argv[1:]),
        quiet=quiet,
        aside=json == "-",
    )
    return rerunning.rerun(chosen, rerunning.Wanted(run, from_, tuple(param or ()), allow_rebuilt, json))
