"""The command `dockerflow diff`: its options and help text."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from dockerflow.cli.run_options import AsJson
from dockerflow.cli.store_option import Store


def diff(  # noqa: PLR0913  # as in `run`
    first: Annotated[str, typer.Argument(metavar="RUN", help="A run, as `Flow/ID` or by its ID.", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="RUN", help="The run to hold against it.", show_default=False)],
    only: Annotated[
        str,
        typer.Option("--only", metavar="PARTS", help="Of: run, code, parameters, locks, images, artifacts, timings."),
    ] = "",
    artifacts: Annotated[
        str, typer.Option("--artifacts", metavar="NAMES", help="Of the artifacts only these, as `model,train.score`.")
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Tell of every task of a foreach, not only of the first that differ.")
    ] = False,
    in_image: Annotated[
        bool, typer.Option("--in-image", help="Hold against each other what the images of the steps show of values.")
    ] = False,
    other_store: Annotated[
        Optional[str], typer.Option("--other-store", metavar="STORE", help="The store of the second run.")
    ] = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Say what differs between two runs.

    Code, parameters, packages, images, artifacts by what they are, and timings.
    """
    from dockerflow.cli import diffing

    wanted = diffing.Wanted(diffing.names(only), diffing.names(artifacts), every, in_image, json)
    return diffing.diff((first, second), wanted, (store, other_store))
