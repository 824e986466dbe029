"""Which store the client reads: the one given with `store=`, else that of `metadata()`, else the one here.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Union

from dockerflow.client.errors import NoStore
from dockerflow.flow import reads
from dockerflow.store import directory
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.here import VARIABLE, store_here
from dockerflow.store.names import SCHEME, in_bucket, is_in_bucket

# In a step: the folder for what is to be written to that store.
OUTBOX = "DOCKERFLOW_OUTBOX"

# What stands before the store in a name of it, as in Metaflow.
KIND = "local"

StoreLike = Union[Store, str, Path, None]

_chosen: Optional[str] = None


def metadata(ms: str) -> str:
    """Read from another store from now on: a store's folder, or the folder that holds it, also as `local@FOLDER`, or
    `s3://bucket/prefix`. Returns what `get_metadata` does. Raises NoStore."""
    kind, _, named = ms.rpartition("@")
    if kind not in ("", KIND) or ("://" in named and not is_in_bucket(named)):
        raise NoStore(
            f"`{ms}` names no store that can be read here",
            f"name a folder, as `{KIND}@/data/.dockerflow`, or a bucket, as `{SCHEME}bucket/prefix`",
        )
    _choose(None if named == KIND else _named(named))
    return get_metadata()


def get_metadata() -> str:
    """The store that is read where none is given: `local@FOLDER`, or `s3://bucket/prefix`. Raises NoStore."""
    name = open_store().name
    return name if is_in_bucket(name) else f"{KIND}@{name}"


def default_metadata() -> str:
    """Read from the configured store or that of the working directory again; returns what `get_metadata` does."""
    _choose(None)
    return get_metadata()


def _choose(name: Optional[str]) -> None:
    global _chosen
    _chosen = name


def _named(given: str) -> str:
    if is_in_bucket(given):
        return str(in_bucket(given))
    folder = Path(given).expanduser()
    inside = folder / directory.NAME
    found = inside if inside.is_dir() else folder
    if not found.is_dir():
        raise NoStore(f"there is no store at `{folder}`")
    return str(found.absolute())


def open_store(given: StoreLike = None) -> Store:
    """The store to read: the one given (itself or its name), or of `metadata`, or of `store_here`. Raises NoStore, and
    for a bucket StoreError."""
    if isinstance(given, Store):
        return given
    chosen = given or _chosen or store_here()
    if chosen is None:
        raise NoStore(
            f"there is no store: no `{directory.NAME}` in `{os.getcwd()}` or a folder above it",
            f"run a flow here first, name the store with {VARIABLE}, or give it: `Flow(name, store=...)`",
        )
    if is_in_bucket(chosen):
        return _opened(str(in_bucket(str(chosen))))
    if not Path(chosen).is_dir():
        raise NoStore(f"there is no store at `{chosen}`", None if given else f"it was named by {VARIABLE}")
    return DirectoryStore(chosen)


def _opened(name: str) -> Store:
    """A bucket: in a step through its scheduler, elsewhere with the credentials of whoever reads."""
    if os.environ.get(OUTBOX) and name == os.environ.get(VARIABLE):
        from dockerflow.store.s3.granted import store_of_this_step  # noqa: PLC0415 - most steps never read other runs

        store: Optional[Store] = store_of_this_step(os.environ[OUTBOX])
        if store is not None:
            return store
    if find_spec("dockerflow.buckets") is None:
        raise NoStore(f"`{name}` cannot be read in a step", "a step reads the store that its own run is in")
    found: Store = import_module("dockerflow.buckets.opening").store_named(name)
    return found


class Place:
    """The store of some objects, found when it is first needed. `given` is its root where the user has named it."""

    def __init__(self, store: StoreLike = None) -> None:
        self.given = None if store is None else store.name if isinstance(store, Store) else str(store)
        self._store = store if isinstance(store, Store) else None

    @property
    def store(self) -> Store:
        """Raises NoStore."""
        reads.of_past_runs()
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
    if not named or not root:
        return None
    return Path(named) if (root if is_in_bucket(root) else str(Path(root).absolute())) == store.name else None
