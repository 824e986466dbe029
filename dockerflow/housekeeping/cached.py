"""Results that runs have left for others (`caching.entries`), when runs are removed or copied.

An entry refers to blobs and keeps none of them alive: once its run is gone, nobody else may keep them, and it is of no
use. So `gc` removes it, also where the run was removed in another way. A copied run takes its entries along.
"""

from __future__ import annotations

from collections.abc import Collection

from dockerflow.caching.entries import FOLDER, name_of
from dockerflow.housekeeping.references import RunName, every_run
from dockerflow.store.base import KeyInfo, Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.files import remove_abandoned, temporary_below
from dockerflow.store.sweep import ABANDONED

__all__ = ["Entries", "forget"]


def forget(store: Store) -> None:
    """Remove the entries of runs that are gone, and all that is left of flows without runs. Raises StoreError."""
    if isinstance(store, DirectoryStore):
        remove_abandoned(temporary_below(store.root / FOLDER), ABANDONED, store.blobs.now)
    found = list(store.every(f"{FOLDER}/"))
    if not found:
        return
    there = set(every_run(store))  # asked for after the entries: a run has begun before it leaves one
    flows = {run.flow for run in there}
    store.delete(*(each.key for each in found if _flow(each) not in flows or not _may_stay(each, there)))


class Entries:
    """Those of each run of a store, listed once for each flow."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[RunName, list[str]]] = {}

    def of(self, run: RunName) -> list[str]:
        """Their keys. Raises StoreError."""
        if run.flow not in self._known:
            listed = self._known[run.flow] = {}
            for each in self._store.every(f"{FOLDER}/{run.flow}/"):
                owner = _run(each)
                if owner is not None:
                    listed.setdefault(owner, []).append(each.key)
        return self._known[run.flow].get(run, [])


def _may_stay(found: KeyInfo, there: Collection[RunName]) -> bool:
    run = _run(found)
    return run is None or run in there


def _flow(found: KeyInfo) -> str:
    return found.key.split("/")[1]


def _run(found: KeyInfo) -> RunName | None:
    """Whose entry it is; None for what is there only to be compared."""
    name = name_of(found.key)
    return RunName(name.flow, name.run_id) if name else None
