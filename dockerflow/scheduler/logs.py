"""What running attempts print, kept until they end and then written to the store as one blob each.

A log stays in memory up to `IN_MEMORY` bytes and moves to a temporary file beyond, so a task that prints gigabytes
costs the scheduler no memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from dockerflow.runtime.messages import Log
from dockerflow.store.blobs import Blobs
from dockerflow.store.log import encode_lines

IN_MEMORY = 1 << 20  # bytes per attempt
CHUNK = 1 << 20


class Logs:
    """The logs of the attempts that run now, by (task id, attempt)."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._open: dict[tuple[str, int], IO[bytes]] = {}

    def add(self, log: Log) -> None:
        key = (log.task_id, log.attempt)
        if key not in self._open:
            self._open[key] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by `keep`
        self._open[key].write(encode_lines(log.lines))

    def keep(self, task_id: str, attempt: int) -> str | None:
        """Write an attempt's log to the store and return the blob's sha256; None if the attempt printed nothing."""
        file = self._open.pop((task_id, attempt), None)
        if file is None:
            return None
        with file:
            file.seek(0)
            return self._blobs.put(_chunks(file))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
