"""Read ahead what a loop over the tasks of a step will ask for next: a store far away is then asked for many at a time.

`for task in step: task.data.x` reads the artifacts of one task after the other. The first is read alone, since nobody
may want the others. From the second on those of the tasks that follow are read with it, more of them the longer the
loop goes on. Nothing depends on it: what was read ahead waits in the memory of the store's `blobs`, as far as it is
small, and whoever reads it finds it there or reads it himself.
"""

from __future__ import annotations

from typing import Dict, Iterator, Mapping, Optional, Tuple

from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory, TaskHistory
from dockerflow.store.manifest import ArtifactRef

# So many tasks are read at once, first and at most. In a bucket the artifacts of a task may have a quarter MiB to be
# remembered, and of all there are 16.
FIRST, MOST = 4, 32

# Who leaves out more tasks than that on his way looks for some, and will not ask for all in between.
NEAR = 8


class Walk:
    """Where somebody is who goes along a row, forwards or backwards."""

    def __init__(self) -> None:
        self._at: Optional[int] = None
        self._way = 0
        self._until = 0
        self._size = FIRST

    def ahead(self, at: int, length: int) -> range:
        """He is at `at` now: what to read of the row, this place first; nothing where that was said before."""
        before, self._at = self._at, at
        if before is None or at == before:
            return range(0)
        if abs(at - before) > NEAR:
            self._way = 0
            return range(0)
        way = 1 if at > before else -1
        if way != self._way:
            self._way, self._until, self._size = way, at, FIRST
        if (self._until - at) * way > 0:
            return range(0)
        self._until, self._size = at + way * self._size, min(2 * self._size, MOST)
        return range(at, max(-1, min(self._until, length)), way)


class ReadAhead:
    """For the tasks of one run."""

    def __init__(self) -> None:
        self._walks: Dict[Tuple[str, str], Walk] = {}
        self._places: Tuple[Optional[RunHistory], Dict[str, Mapping[str, int]]] = (None, {})

    def of_manifest(self, blobs: BlobStore, history: RunHistory, task: TaskHistory) -> None:
        """The artifacts of this task are about to be read."""
        blobs.read_ahead(self._manifests(history, task, ""))

    def of_artifact(self, blobs: BlobStore, history: RunHistory, task: TaskHistory, name: str) -> None:
        """This artifact is about to be read, which is not among its task's own: other tasks' may be elsewhere too."""
        at_hand = blobs.read_ahead(self._manifests(history, task, name))
        found = (_artifact(blobs, sha256, name) for sha256 in at_hand)
        blobs.read_ahead(ref.blob for ref in found if ref)

    def _manifests(self, history: RunHistory, task: TaskHistory, name: str) -> Iterator[str]:
        """Those of the tasks to read ahead, this one first."""
        step = task.created.step
        row = history.tasks_by_step[step]
        walk = self._walks.setdefault((step, name), Walk())
        ended = (row[place].latest for place in walk.ahead(self._in(history, step)[task.created.task_id], len(row)))
        return (each.manifest for each in ended if each and each.manifest)

    def _in(self, history: RunHistory, step: str) -> Mapping[str, int]:
        """Where each task of a step stands among them."""
        if self._places[0] is not history:
            self._places = (history, {})
        places = self._places[1]
        if step not in places:
            row = history.tasks_by_step[step]
            places[step] = {each.created.task_id: place for place, each in enumerate(row)}
        return places[step]


def _artifact(blobs: BlobStore, sha256: str, name: str) -> Optional[ArtifactRef]:
    """None where a task has none of that name, or where reading it will say what is wrong."""
    try:
        return manifest.read(blobs, sha256).artifacts.get(name)
    except StoreError:
        return None
