"""`store copy`: from where to where, what was sent, and what was left out and why."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dockerflow.buckets.errors import NoBucket
from dockerflow.cli.chosen_runs import chosen_runs
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.meter import meter
from dockerflow.cli.places import bucket_named, config_here, store_for_writing, store_of_runs
from dockerflow.cli.words import counted, size
from dockerflow.config import load_config
from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping.copy import Copied, Seen
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store
from dockerflow.store.directory import NAME, DirectoryStore, create
from dockerflow.store.errors import StoreError
from dockerflow.store.names import is_in_bucket
from dockerflow.store.s3_store import S3Store

# Something was left out that should not have been.
INCOMPLETE = 1


@dataclass(frozen=True)
class Wanted:
    """`source_settings` is a folder whose settings name the source's server, where that is another one than here."""

    source: str
    target: str
    flow: str | None = None
    pathspecs: tuple[str, ...] = ()
    dry_run: bool = False
    source_settings: Path | None = None


def copy_runs(wanted: Wanted) -> int:
    """Print what was copied; exit code 1 if a run could not be. Raises NotFound for what is not there."""
    source = _source(wanted)
    selected = chosen_runs(source, wanted.flow, wanted.pathspecs)
    target = _target(wanted)  # which is made if it is not there: not for runs that are not
    if _place(source) == _place(target):
        raise CommandLineError(f"the store `{source.name}` would be copied to itself", "name two stores")
    with meter(sys.stderr) as shown:
        what = copying.Wanted(selected, wanted.dry_run, lambda seen: shown.tell(_so_far(seen)))
        done = copying.copy(source, target, what)
    for each in done.left_out:
        print(f"left out {each.run}: {each.why}", file=sys.stderr)
        if each.error is not None and each.error.hint:
            print(f"  hint: {each.error.hint}", file=sys.stderr)
    if not (done.runs or done.known or done.left_out):
        print(f"there are no runs in `{source.name}`", file=sys.stderr)
    print(_sentence(done, wanted.dry_run, target))
    return INCOMPLETE if any(each.error is not None for each in done.left_out) else 0


def _source(wanted: Wanted) -> Store:
    _check_folder(wanted.source)
    if not is_in_bucket(wanted.source) and not Path(wanted.source).expanduser().is_dir():
        raise StoreError(
            f"there is no store at `{wanted.source}`, from which runs are to be copied",
            "a project's is the folder `.dockerflow` in it; one in a bucket is written like `s3://bucket/prefix`",
        )
    if not is_in_bucket(wanted.source) or wanted.source_settings is None:
        return store_of_runs(wanted.source)
    return bucket_named(wanted.source, load_config(wanted.source_settings))


def _target(wanted: Wanted) -> Store:
    """With `--dry-run` nothing is made: a store that is not there has no runs."""
    _check_folder(wanted.target)
    if not is_in_bucket(wanted.target):
        root = Path(wanted.target).expanduser().absolute()
        if wanted.dry_run:
            return DirectoryStore(root)
        return create(root.parent) if root.name == NAME else store_for_writing(wanted.target, config_here())
    if not wanted.dry_run:
        return store_for_writing(wanted.target, config_here())
    try:
        return bucket_named(wanted.target, config_here())
    except NoBucket:
        return DirectoryStore(Path.cwd() / NAME / "none")


def _check_folder(name: str) -> None:
    """Raises CommandLineError for a folder that has a store in it and is none."""
    folder = Path(name).expanduser()
    if not is_in_bucket(name) and (folder / NAME).is_dir() and not (folder / "runs").is_dir():
        raise CommandLineError(f"`{name}` is not a store, it has one in it", f"did you mean `{folder / NAME}`?")


def _place(store: Store) -> tuple[str, str]:
    """What is the same for the same store, however it was named."""
    if isinstance(store, S3Store):
        place = getattr(store.objects, "place", None)
        return str(place and place.endpoint), store.name
    return "", os.path.realpath(store.name)


def _so_far(seen: Seen) -> str:
    now = f", now {seen.run}" if seen.run else ""
    return f"copied {counted(seen.runs, 'run')}, sent {counted(seen.blobs, 'blob')} ({size(seen.size)}){now}"


def _sentence(done: Copied, dry_run: bool, target: Store) -> str:
    runs, blobs = counted(len(done.runs), "run"), f"{counted(done.blobs, 'blob')} ({size(done.size)})"
    verbs = ("would copy", "would send") if dry_run else ("copied", "sent")
    there = f"; {counted(done.known, 'run')} {'was' if done.known == 1 else 'were'} there" if done.known else ""
    return f"{verbs[0]} {runs} to `{target.name}`, {verbs[1]} {blobs}{there}"
