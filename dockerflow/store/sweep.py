"""Remove what killed processes have left in a store: outboxes, temporary files, and what was half sent to a bucket.

What goes is what nobody can need: a run whose scheduler is dead adopts nothing from its outbox any more, and a
temporary file that nobody has written to for a day gets no final name. Blobs and journals are never deleted. Several
sweeps may go on at once, beside runs. A run that ended in order costs a sweep one listing.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, List

from dockerflow.store import doomed, files, runs
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import AccessDenied
from dockerflow.store.s3_store import S3Store

# Seconds. Nobody pauses for so long between two pieces of one file.
ABANDONED = 24 * 60 * 60

# What is in the bucket's outbox of a dead run may be waited for by what that run has kept on its own machine.
WAITING = 7 * 24 * 60 * 60

# What is in the folder of a run that ended in order, or that has made nothing but its id.
ORDERLY = {"claim", "journal", "logs", "mirror", "stop", "tags"}


def sweep(store: Store, clock: Callable[[], float] = time.time, waiting: float = WAITING) -> None:
    """Remove the leftovers of dead processes. What cannot be removed, as another user's, stays."""
    if isinstance(store, DirectoryStore):
        _sweep_directory(store, clock)
    else:
        _sweep_scratch(store, clock)
    if isinstance(store, S3Store):
        _sweep_bucket(store, waiting)


def _sweep_directory(store: DirectoryStore, clock: Callable[[], float]) -> None:
    doomed.restore_all(store.blobs.root)
    for folder in (store.blobs.root, store.root / "locks"):
        files.remove_abandoned(folder.glob(f"{files.TEMPORARY}*"), ABANDONED, clock)
    for flow in runs.flow_names(store):
        for run_id in store.children(f"runs/{flow}"):
            folder = store.root / runs.run_key(flow, run_id)
            if not ORDERLY.issuperset(_names(folder)) and not runs.is_alive(store, flow, run_id):
                # It makes its outbox when it is held already: one that is there and not held has lost its scheduler.
                shutil.rmtree(str(runs.outbox_folder(store, flow, run_id)), ignore_errors=True)
                files.remove_abandoned(files.temporary_below(folder), ABANDONED, clock)


def _sweep_scratch(store: Store, clock: Callable[[], float]) -> None:
    """What runs of this machine have left beside a store that is elsewhere; their folders, too, if they are empty."""
    for folder in sorted(store.scratch.glob("runs/*/*")):
        outbox = runs.outbox_folder(store, folder.parent.name, folder.name)
        if outbox.is_dir() and not runs.is_alive(store, folder.parent.name, folder.name):
            shutil.rmtree(str(outbox), ignore_errors=True)
        with suppress(OSError):  # it is not empty
            if folder.stat().st_mtime < clock() - ABANDONED:
                folder.rmdir()


def _sweep_bucket(store: S3Store, waiting: float) -> None:
    with suppress(AccessDenied):  # not every user may do that
        for flow in store.children("outbox"):
            for run_id in store.children(f"outbox/{flow}"):
                if runs.is_id(run_id) and not runs.is_alive(store, flow, run_id):
                    left = store.objects.every(f"{runs.outbox_key(flow, run_id)}/")
                    store.delete(*(each.key for each in left if store.objects.now() - each.modified >= waiting))
        for folder in ("blobs", "outbox"):
            store.objects.give_up_uploads(f"{folder}/", ABANDONED)


def _names(folder: Path) -> List[str]:
    try:
        return os.listdir(str(folder))
    except OSError:
        return []
