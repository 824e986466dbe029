"""Where the client reads: the store, and the history of a run.

Values that the objects of this package share among them; nothing here is for users.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional, Union

from dockerflow.client.errors import NoStore
from dockerflow.store import directory, history, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory

# The setting that names a store's root for everything that reads or writes one.
VARIABLE = "DOCKERFLOW_STORE"

StoreLike = Union[DirectoryStore, str, Path, None]


def store_here() -> Optional[Path]:
    """The root of the store that is read where none is given: DOCKERFLOW_STORE, else the nearest `.dockerflow` from the
    working directory upwards; None if there is neither. The setting `store` of `config.yaml` is not looked at: that is
    YAML, which the standard library cannot read."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else directory.find(os.getcwd())


def open_store(given: StoreLike = None) -> DirectoryStore:
    """The store to read: the one given (itself or its root), else that of `store_here`. Raises NoStore."""
    if isinstance(given, DirectoryStore):
        return given
    chosen = given or store_here()
    if chosen is None:
        raise NoStore(
            f"there is no store: no `{directory.NAME}` in `{os.getcwd()}` or a folder above it",
            f"run a flow here first, name the store with {VARIABLE}, or give it: `Flow(name, store=...)`",
        )
    if not Path(chosen).is_dir():
        raise NoStore(f"there is no store at `{chosen}`", None if given else f"it was named by {VARIABLE}")
    return DirectoryStore(chosen)


class RunSource:
    """One run's history, read again when the run has written more since."""

    def __init__(self, store: DirectoryStore, flow: str, run_id: str) -> None:
        self.store, self.flow, self.run_id = store, flow, run_id
        self._segments: Optional[List[str]] = None
        self._history = RunHistory()

    @property
    def history(self) -> RunHistory:
        if self._history.finished is None:
            segments = self.store.children(runs.journal_key(self.flow, self.run_id))
            if segments != self._segments:
                self._history = history.read(self.store, self.flow, self.run_id)
                self._segments = segments
        return self._history
