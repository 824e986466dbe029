"""Take over into the store what steps have asked for: they may read it, and not write to it."""

from __future__ import annotations

from dockerflow import progress
from dockerflow.buckets.spool import Spooling
from dockerflow.engines.worker import WorkerRequest
from dockerflow.store import run_tags
from dockerflow.store.base import Store


class Tagging:
    """The changes of tags that the workers of a run leave in their outboxes."""

    def __init__(self, store: Store, notify: progress.Notify) -> None:
        self._store, self._notify = store, notify

    def take_over(self, worker: WorkerRequest | None) -> None:
        """What one worker's tasks have asked for; what cannot be done is said, and fails nobody. What the store is away
        for is done when it is back."""
        if worker is None:
            return
        for asked, error in run_tags.take_over(self._store, worker.outbox):
            self._notify(progress.Noted(f"the tags of `{asked.flow}/{asked.run_id}` stay as they are: {error.message}"))
        if isinstance(self._store, Spooling) and self._store.error is not None:
            self._store.keep_asked(worker.outbox)
