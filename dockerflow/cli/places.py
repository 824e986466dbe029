"""Which configuration and which store a command works with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from dockerflow.buckets.errors import NoBucket
from dockerflow.cli.sentences import Place
from dockerflow.cli.streams import CLEARED, drawable
from dockerflow.cli.words import counted, size
from dockerflow.config import Config, load_config
from dockerflow.store.base import Store
from dockerflow.store.directory import NAME, DirectoryStore, create, find
from dockerflow.store.errors import StoreError
from dockerflow.store.files import make_folder
from dockerflow.store.here import store_here
from dockerflow.store.names import in_bucket, is_in_bucket

_ANOTHER = "name another with `--store` or DOCKERFLOW_STORE"


def config_here() -> Config:
    """The configuration as it holds in the working directory."""
    return load_config()


def store_for_writing(chosen: str | None, config: Config) -> Store:
    """The store to write to: the one chosen, the configured one, the nearest above, or a new one here.

    Raises StoreError for one that may not be written: better now than when images have been made.
    """
    wanted = _named(chosen) or config.store
    if is_in_bucket(wanted):
        return with_all(bucket_named(str(wanted), config, make_bucket=_tell))
    root = Path(wanted) if wanted is not None else find(Path.cwd()) or create(Path.cwd()).root
    try:
        make_folder(root)
    except OSError as error:
        raise StoreError(f"the store `{root}` cannot be made: {error.strerror}", _ANOTHER) from error
    _require(root, os.R_OK | os.W_OK | os.X_OK, "read and written")
    return DirectoryStore(root)


def store_for_reading(chosen: str | None, delivering: bool = False) -> Store:
    """The store that commands read from. Who does not say that he is `delivering` what waits for it is told that
    something waits. Raises StoreError for one that was named and is not there, or may not be read; where none was named
    and none is found, it reads as empty and nothing is made.
    """
    config = config_here()
    wanted = _named(chosen) or config.store
    if is_in_bucket(wanted):
        store = bucket_named(str(wanted), config)
        return store if delivering else _with_note(store)
    if wanted is not None and not Path(wanted).is_dir():
        named = "`--store`" if chosen else config.source("store")
        raise StoreError(f"there is no store at `{wanted}`", f"it was named by {named}")
    return _folder(wanted)


def store_if_there() -> Store:
    """As `store_for_reading`, for what does without: one that was named and is not there yet reads as empty, too."""
    config = config_here()
    if not is_in_bucket(config.store):
        return _folder(config.store)
    try:
        return bucket_named(str(config.store), config)
    except NoBucket:
        return DirectoryStore(Path.cwd() / NAME / "none")  # it is not made either


def _named(chosen: str | None) -> str | None:
    """What `--store` names. Raises StoreError for a URL that names no store."""
    if chosen is None:
        return None
    return (
        str(in_bucket(chosen)) if "://" in chosen or is_in_bucket(chosen) else str(Path(chosen).expanduser().absolute())
    )


def bucket_named(name: str, config: Config, make_bucket: Callable[[str], None] | None = None) -> Store:
    """The store in a bucket. Who waits for its server later is told so."""
    from dockerflow.buckets.opening import open_bucket, tell_of_waiting  # the SDK takes 150 ms that folders do not need

    store = open_bucket(name, config, make_bucket)
    tell_of_waiting(store, config.store_patience, _tell)
    return store


def with_all(store: Store) -> Store:
    """The store, with what an earlier run could not bring there: see `buckets.spool`. Raises StoreError."""
    from dockerflow.buckets import spool

    done = spool.deliver(store)
    for path in done.damaged:
        print(f"warning: `{path}` holds other bytes than were computed; it stays there", file=sys.stderr)
    if done.blobs or done.objects:
        what = f"{counted(done.blobs, 'blob')} ({size(done.size)}) and {counted(done.objects, 'object')}"
        _tell(f"brought to the store what waited for it on this machine: {what}")
    return store


def _with_note(store: Store) -> Store:
    from dockerflow.buckets import spool

    note = spool.waiting(store)
    if note:
        _tell(f"note: {note}")
    return store


def _tell(done: str) -> None:
    """In place of a line that says how far something is, which is drawn again."""
    print(f"{CLEARED if drawable(sys.stderr) else ''}{done}", file=sys.stderr)


def _folder(wanted: str | None) -> Store:
    root = Path(wanted or find(Path.cwd()) or Path.cwd() / NAME)
    _require(root, os.R_OK | os.X_OK, "read")
    return DirectoryStore(root)


def store_of_runs(chosen: str | None, delivering: bool = False) -> Store:
    """As `store_for_reading`, for commands that name a run: without any store there is none."""
    store = store_for_reading(chosen, delivering)
    if isinstance(store, DirectoryStore) and not store.root.is_dir():
        raise StoreError(
            f"there is no store: no `{NAME}` in `{Path.cwd()}` or a folder above it",
            "run a flow here first, or name the store with `--store`",
        )
    return store


def _require(root: Path, rights: int, what: str) -> None:
    if root.exists() and not os.access(root, rights):
        raise StoreError(f"the store `{root}` cannot be {what}: Permission denied", _ANOTHER)


def place_of(store: Store) -> Place:
    """How the results in a store are found later: its name is a part of what to type unless the client finds it from
    here by itself."""
    return Place(store.name, "" if store_here() == store.name else store.name)
