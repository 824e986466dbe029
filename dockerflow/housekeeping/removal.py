"""Remove runs, and what is left of runs that were never written or were removed in part.

The journal goes first, from its end: what is left of it by then is a prefix, and nobody takes a run without its end for
a whole one. The claim goes last: as long as it is there the next `gc` finds what is left. Blobs are not touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dockerflow.housekeeping.choosing import began
from dockerflow.housekeeping.references import RunName
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.sweep import ABANDONED

__all__ = ["leftovers", "remove"]


def remove(store: Store, run: RunName) -> None:
    """All that the store, its outbox and this machine have of a run but its blobs. Raises StoreError."""
    key = runs.run_key(*run)
    for segment in sorted(store.keys(f"{runs.journal_key(*run)}/"), reverse=True):
        store.delete(segment)
    last = [f"{key}/claim", runs.held_key(*run)]
    store.delete(*(each for each in store.keys(f"{key}/") if each not in last))
    store.delete(*store.keys(f"{runs.outbox_key(*run)}/"))
    _remove_folder(store.scratch / key)
    store.delete(*reversed(last))


def leftovers(store: Store, begun: Iterable[RunName], named: Collection[RunName], now: float) -> Iterator[RunName]:
    """What has a place in the store, or on this machine, and is no run: nobody has written to it for a day, unless it
    is named."""
    known = set(begun)
    for run in sorted(set(_places(store)) - known):
        old = runs.is_id(run.run_id) and now - began(run) >= ABANDONED
        if (old or run in named) and not runs.is_alive(store, *run):
            yield run


def _places(store: Store) -> Iterator[RunName]:
    for flow in store.children("runs"):
        yield from (RunName(flow, run_id) for run_id in store.children(f"runs/{flow}"))
    yield from (RunName(folder.parent.name, folder.name) for folder in store.scratch.glob("runs/*/*"))


def _remove_folder(folder: Path) -> None:
    """Its flow's, too, when it was the last."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        hint = "see whose it is with `ls -ld`"
        raise StoreError(f"cannot remove `{error.filename}`: {error.strerror}", hint) from error
    with suppress(OSError):  # it has others
        folder.parent.rmdir()
