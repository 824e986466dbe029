"""The commands that read what runs have left: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from dockerflow.cli.run_options import AsJson
from dockerflow.cli.store_option import Store

PathspecWord = Annotated[str, typer.Argument(metavar="PATHSPEC", help="Flow/run, Flow/run/step or Flow/run/step/task.")]


def logs(  # noqa: PLR0913  # as in `run`
    pathspec: PathspecWord,
    stdout: Annotated[
        bool, typer.Option("--stdout/--no-stdout", show_default=False, help="Only what was printed to stdout.")
    ] = False,
    stderr: Annotated[
        bool, typer.Option("--stderr/--no-stderr", show_default=False, help="Only what was printed to stderr.")
    ] = False,
    both: Annotated[
        bool, typer.Option("--both/--no-both", show_default=False, help="Both, in the order of time (the default).")
    ] = False,
    timestamps: Annotated[
        bool,
        typer.Option("--timestamps/--no-timestamps", show_default=False, help="The time and task before each line."),
    ] = False,
    attempt: Annotated[
        Optional[int], typer.Option("--attempt", min=0, metavar="N", help="This attempt; otherwise the latest.")
    ] = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Print what tasks have printed."""
    from dockerflow.cli import reading

    wanted = {name for name, asked in (("stdout", stdout), ("stderr", stderr)) if asked and not both}
    streams = frozenset(wanted or {"stdout", "stderr"})
    return reading.logs(pathspec, reading.Wanted(streams, timestamps, attempt, json), store)


def dump(  # noqa: PLR0913  # as in `run`
    pathspec: PathspecWord,
    private: Annotated[
        bool,
        typer.Option(
            "--private/--no-private", show_default=False, help="Also those whose names begin with an underscore."
        ),
    ] = False,
    max_value_size: Annotated[
        int,
        typer.Option(
            "--max-value-size",
            min=0,
            metavar="BYTES",
            help="Show values that are smaller; 0 shows none, and loads none.",
        ),
    ] = 1000,
    include: Annotated[str, typer.Option("--include", metavar="NAMES", help="Only these, with commas between.")] = "",
    file: Annotated[
        Optional[Path], typer.Option("--file", metavar="FILE", help="Pickle the values into a file instead.")
    ] = None,
    in_image: Annotated[
        bool,
        typer.Option("--in-image", help="Show each value as the image of the step that wrote it has it."),
    ] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the artifacts of tasks, with the values of small ones."""
    from dockerflow.cli import dumping

    names = frozenset(name.strip() for name in include.split(",") if name.strip())
    return dumping.dump(pathspec, dumping.Wanted(private, max_value_size, names, json, file, in_image), store)


_SEVERAL = "May be given several times."


def inspect(
    pathspec: Annotated[
        str,
        typer.Argument(metavar="PATHSPEC", help="Flow/run, Flow/run/step, Flow/run/step/task, or an artifact of it."),
    ],
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Print what is recorded of a run, a step or a task."""
    from dockerflow.cli import inspecting

    return inspecting.inspect(pathspec, json, store)


def list_runs(  # noqa: PLR0913  # as in `run`
    flow: Annotated[Optional[str], typer.Option("--flow", metavar="NAME", help="Only runs of this flow.")] = None,
    status: Annotated[
        Optional[list[str]],
        typer.Option("--status", metavar="STATUS", help=f"Runs that are `running`, `succeeded`, … {_SEVERAL}"),
    ] = None,
    tag: Annotated[
        Optional[list[str]], typer.Option("--tag", metavar="TAG", help=f"Runs that have this tag. {_SEVERAL}")
    ] = None,
    user: Annotated[
        Optional[list[str]], typer.Option("--user", metavar="NAME", help=f"Runs of this user. {_SEVERAL}")
    ] = None,
    since: Annotated[
        Optional[str], typer.Option("--since", metavar="TIME", help="Begun since then: `2026-11-24`, `12h`, `3d`.")
    ] = None,
    where: Annotated[
        Optional[list[str]],
        typer.Option("--where", metavar="CONDITION", help=f"A result: `accuracy > 0.9`. {_SEVERAL}"),
    ] = None,
    columns: Annotated[
        Optional[list[str]],
        typer.Option("--columns", metavar="NAMES", help="Show parameters and artifacts, with commas between."),
    ] = None,
    sort: Annotated[
        Optional[str],
        typer.Option("--sort", metavar="[-]NAME", help="By this, least first; with `-` greatest first."),
    ] = None,
    limit: Annotated[Optional[int], typer.Option("--limit", min=1, metavar="N", help="No more than N runs.")] = None,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    store: Store = None,
) -> int:
    """List runs by what is known of them and what came out, newest first."""
    from dockerflow.cli import runs_listing
    from dockerflow.cli.errors import CommandLineError

    if json and csv:
        raise CommandLineError("`--json` and `--csv` are two forms of one list", "leave one of them out")
    chosen = runs_listing.Chosen(flow, tuple(status or ()), tuple(tag or ()), tuple(user or ()), since)
    wanted = runs_listing.Wanted(chosen, tuple(where or ()), tuple(columns or ()), sort, limit)
    return runs_listing.list_runs(wanted, "json" if json else "csv" if csv else "table", store)


def kill_runs(
    named: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Runs, as `Flow/ID` or by their ID.", show_default=False)
    ],
    store: Store = None,
) -> int:
    """End runs from another terminal or another machine.

    A run ends as at Ctrl-C. Of one whose scheduler was killed, what is left on hosts is removed.
    """
    from dockerflow.cli import killing

    return killing.kill(named, store)
