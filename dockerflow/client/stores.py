"""Which store the client reads: the one given with `store=`, else that of `metadata()`, else the one here.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Union

from dockerflow.client.errors import NoStore
from dockerflow.store import directory
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore

# The setting that names a store's root for everything that reads or writes one.
VARIABLE = "DOCKERFLOW_STORE"

# In a step: the folder for what is to be written to that store.
OUTBOX = "DOCKERFLOW_OUTBOX"

# What stands before the store in a name of it, as in Metaflow.
KIND = "local"

StoreLike = Union[Store, str, Path, None]

_chosen: Optional[Path] = None


def metadata(ms: str) -> str:
    """Read from another store from now on: a store's root, or the folder that holds it, also as `local@FOLDER`. Returns
    what `get_metadata` does. Raises NoStore."""
    kind, _, folder = ms.rpartition("@")
    if kind not in ("", KIND) or "://" in folder:
        raise NoStore(f"`{ms}` names no store that can be read here", f"name a folder, as `{KIND}@/data/.dockerflow`")
    _choose(None if folder == KIND else _root(Path(folder).expanduser()))
    return get_metadata()


def get_metadata() -> str:
    """The store that is read where none is given, as `local@FOLDER`. Raises NoStore."""
    return f"{KIND}@{open_store().name}"


def default_metadata() -> str:
    """Read from the store of DOCKERFLOW_STORE or of the working directory again; returns what `get_metadata` does."""
    _choose(None)
    return get_metadata()


def _choose(root: Optional[Path]) -> None:
    global _chosen
    _chosen = root


def _root(folder: Path) -> Path:
    inside = folder / directory.NAME
    found = inside if inside.is_dir() else folder
    if not found.is_dir():
        raise NoStore(f"there is no store at `{folder}`")
    return found.absolute()


def store_here() -> Optional[Path]:
    """The root of the store that is read where none is given: DOCKERFLOW_STORE, else the nearest `.dockerflow` from the
    working directory upwards; None if there is neither. The setting `store` of `config.yaml` is not looked at: that is
    YAML, which the standard library cannot read."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else directory.find(os.getcwd())


def open_store(given: StoreLike = None) -> Store:
    """The store to read: the one given (itself or its root), or of `metadata`, or of `store_here`. Raises NoStore."""
    if isinstance(given, Store):
        return given
    chosen = given or _chosen or store_here()
    if chosen is None:
        raise NoStore(
            f"there is no store: no `{directory.NAME}` in `{os.getcwd()}` or a folder above it",
            f"run a flow here first, name the store with {VARIABLE}, or give it: `Flow(name, store=...)`",
        )
    if not Path(chosen).is_dir():
        raise NoStore(f"there is no store at `{chosen}`", None if given else f"it was named by {VARIABLE}")
    return DirectoryStore(chosen)


class Place:
    """The store of some objects, found when it is first needed. `given` is its root where the user has named it."""

    def __init__(self, store: StoreLike = None) -> None:
        self.given = None if store is None else store.name if isinstance(store, Store) else str(store)
        self._store = store if isinstance(store, Store) else None

    @property
    def store(self) -> Store:
        """Raises NoStore."""
        if self._store is None:
            self._store = open_store(self.given)
        return self._store

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a value of this store is read: client objects in it are of this store too."""
        before, _now.place = _now.place, self
        try:
            yield
        finally:
            _now.place = before


class _Now(threading.local):
    place: Optional[Place] = None


_now = _Now()


def place_of_reading() -> Place:
    """Where an object belongs that is being read from somewhere."""
    return _now.place or Place()


class Scope(NamedTuple):
    """What an object sees: a store, and the tag that runs must have there; None: none."""

    place: Place
    namespace: Optional[str]

    @property
    def store(self) -> Store:
        return self.place.store


def outbox_for(store: Store) -> Optional[Path]:
    """Where a task leaves what is to be written to this store; None where no task runs, or it is another store."""
    named, root = os.environ.get(OUTBOX), os.environ.get(VARIABLE)
    return Path(named) if named and root and str(Path(root).absolute()) == store.name else None
