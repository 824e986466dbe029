"""The small blobs of a run that its scheduler has had in its hands lately: they go along with the tasks that read them.

The manifests that a task begins with then cost it no request: a task of a foreach over a thousand small items asks the
bucket for nothing at all.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace

from dockerflow.runtime.messages import Inline, RunTask

# How much is kept, and how much goes along with one task, in bytes as sent.
KEPT = 32 << 20
WITH_A_TASK = 64 << 10


class KnownBlobs:
    """Of one run, the latest first. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blobs: OrderedDict[str, Inline] = OrderedDict()
        self._size = 0

    def add(self, blob: Inline) -> None:
        """One that is in the store."""
        if len(blob.content) > WITH_A_TASK:
            return
        with self._lock:
            if blob.sha256 not in self._blobs:
                self._blobs[blob.sha256] = blob
                self._size += len(blob.content)
            while self._size > KEPT:
                self._size -= len(self._blobs.popitem(last=False)[1].content)

    def given_to(self, task: RunTask) -> RunTask:
        """The task with the manifests that it begins with, as far as they are known and few."""
        levels, inputs = (frame.manifest for frame in task.foreach), (each.manifest for each in task.inputs)
        found: dict[str, Inline] = {}
        size = 0
        with self._lock:
            for sha256 in (task.parameters, *levels, *inputs):
                blob = self._blobs.get(sha256)
                if blob is not None and sha256 not in found and size + len(blob.content) <= WITH_A_TASK:
                    found[sha256] = blob
                    size += len(blob.content)
                    self._blobs.move_to_end(sha256)
        return replace(task, known=tuple(found.values()))
