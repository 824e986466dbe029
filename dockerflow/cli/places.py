"""Which configuration and which store a command works with."""

from __future__ import annotations

import os
from pathlib import Path

from dockerflow.cli.sentences import Place
from dockerflow.client.stores import store_here
from dockerflow.config import Config, load_config
from dockerflow.store.base import Store
from dockerflow.store.directory import NAME, DirectoryStore, create, find
from dockerflow.store.errors import StoreError
from dockerflow.store.files import make_folder

_ANOTHER = "name another with `--store` or DOCKERFLOW_STORE"


def config_here() -> Config:
    """The configuration as it holds in the working directory."""
    return load_config()


def store_for_writing(chosen: Path | None, config: Config) -> Store:
    """The store to write to: the one chosen, the configured one, the nearest above, or a new one here.

    Raises StoreError for one that may not be written: better now than when images have been made.
    """
    wanted = chosen or config.store
    root = Path(wanted).absolute() if wanted is not None else find(Path.cwd()) or create(Path.cwd()).root
    try:
        make_folder(root)
    except OSError as error:
        raise StoreError(f"the store `{root}` cannot be made: {error.strerror}", _ANOTHER) from error
    _require(root, os.R_OK | os.W_OK | os.X_OK, "read and written")
    return DirectoryStore(root)


def store_for_reading(chosen: Path | None) -> Store:
    """The store that commands read from. Raises StoreError for one that was named and is not there, or may not be
    read; where none was named and none is found, it reads as empty and nothing is made.
    """
    config = config_here()
    wanted = chosen or config.store
    if wanted is not None and not Path(wanted).is_dir():
        named = "`--store`" if chosen else config.source("store")
        raise StoreError(f"there is no store at `{wanted}`", f"it was named by {named}")
    root = Path(wanted or find(Path.cwd()) or Path.cwd() / NAME)
    _require(root, os.R_OK | os.X_OK, "read")
    return DirectoryStore(root)


def store_if_there() -> Store:
    """As `store_for_reading`, for what does without: one that was named and is not there yet reads as empty, too."""
    config = config_here()
    root = Path(config.store or find(Path.cwd()) or Path.cwd() / NAME)
    _require(root, os.R_OK | os.X_OK, "read")
    return DirectoryStore(root)


def store_of_runs(chosen: Path | None) -> Store:
    """As `store_for_reading`, for commands that name a run: without any store there is none."""
    store = store_for_reading(chosen)
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
    """How the results in a store are found later: its name is a part of what to type unless the client, which does not
    read the configuration, finds it from here by itself."""
    found = store_here()
    same = found is not None and str(found.resolve()) == str(Path(store.name).resolve())
    return Place(store.name, "" if same else store.name)
