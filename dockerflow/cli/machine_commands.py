"""The commands about this machine: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def setup(
    flows: Annotated[
        Optional[list[Path]],
        typer.Argument(metavar="FLOW.PY", help="Flows whose libraries a local channel must have, if one is made."),
    ] = None,
) -> int:
    """Look at this machine and mend what is missing.

    The Docker engine, the base image, a conda channel, the store, the disk: one line each about what was found and
    done. What is there is used, and a second call does nothing.
    """
    from dockerflow.cli import machine

    return machine.setup(flows or [])


def doctor() -> int:
    """Look at this machine and explain, changing nothing."""
    from dockerflow.cli import machine

    return machine.doctor()


def up(
    port: Annotated[
        Optional[int],
        typer.Option("--port", metavar="NUMBER", help="Where it listens; otherwise where it did, or 9000."),
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="Write your own settings, for all projects, not those of this one.")
    ] = False,
) -> int:
    """Start a MinIO on this machine, as the store of runs.

    The object server is built from its sources if need be, once. Its credentials are made and kept with your settings.
    A second call changes nothing.
    """
    from dockerflow.cli import services

    return services.up(port, user)


def down(
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Remove its data, too: all runs in it, its credentials, its settings.")
    ] = False,
) -> int:
    """End the MinIO that `dockerflow up` started. Its data stays."""
    from dockerflow.cli import services

    return services.down(volumes)
