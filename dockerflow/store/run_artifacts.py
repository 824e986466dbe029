"""The artifacts of a run's tasks, by what their manifests say.

A task that was taken over from another run has that run's manifest, and so the parameters of then; those that it has
not read may have other values in its new run. Whoever looks at the task in that run sees the run's own.

This module is shipped into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Mapping, Optional

from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.history import TaskHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import RunStarted


class RunArtifacts:
    """Of one run, whose parameters are read once, and only for a task that was taken over. Threads may share it."""

    def __init__(self, blobs: BlobStore, started: Optional[RunStarted]) -> None:
        self._blobs, self._started = blobs, started
        self._known: Optional[Mapping[str, ArtifactRef]] = None

    def of(self, task: TaskHistory, sha256: str, whose: str) -> Mapping[str, ArtifactRef]:
        """What is in the manifest `sha256`, which an attempt of the task has left. Raises StoreError, which says
        `whose` artifacts they are."""
        found = manifest.read_of(self._blobs, sha256, whose).artifacts
        if task.created.origin_task_id is None:
            return found
        return {**found, **{name: ref for name, ref in self._parameters().items() if name in found}}

    def _parameters(self) -> Mapping[str, ArtifactRef]:
        """None where they are lost: then those of the manifest are what there is."""
        if self._known is None:
            self._known = self._read()  # set when it is whole: other threads may look at it meanwhile
        return self._known

    def _read(self) -> Mapping[str, ArtifactRef]:
        with suppress(StoreError):
            if self._started is not None:
                return manifest.read(self._blobs, self._started.parameters).artifacts
        return {}
