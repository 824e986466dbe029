"""`up` and `down`: what was found and done about the object server, a line each."""

from __future__ import annotations

from pathlib import Path

from dockerflow.cli.machine import tell
from dockerflow.cli.places import config_here
from dockerflow.cli.words import counted
from dockerflow.errors import DockerflowError
from dockerflow.housekeeping.references import every_run
from dockerflow.setup import services
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore, find


def up(port: int | None, for_user: bool) -> int:
    """Raises SetupError for what keeps the server from running."""
    services.up(config_here(), services.Wanted(services.settings_file(Path.cwd(), for_user), port), tell)
    tell_of_runs_here()
    return 0


def down(volumes: bool) -> int:
    for finding in services.down(config_here(), Path.cwd(), volumes):
        tell(finding)
    return 0


def tell_of_runs_here() -> None:
    """How to have the runs of the folder's store in the bucket, unless they are there."""
    root = find(Path.cwd())
    missing = runs_missing(DirectoryStore(root), services.STORE) if root is not None else 0
    if root is not None and missing:
        shown = root.relative_to(Path.cwd()) if root.is_relative_to(Path.cwd()) else root
        print(f"\n{counted(missing, 'run')} of the store `{root}` can be copied there:")
        print(f"  dockerflow store copy {shown} {services.STORE}")


def runs_missing(here: Store, target: str) -> int:
    """How many runs the store in a bucket lacks: all of them, as far as nobody can look."""
    found = set(every_run(here))
    if not found:
        return 0
    from dockerflow.buckets.opening import open_bucket

    try:
        return len(found - set(every_run(open_bucket(target, config_here()))))
    except DockerflowError:
        return len(found)
