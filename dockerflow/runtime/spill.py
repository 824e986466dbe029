"""Where a relay keeps what nobody has acknowledged: a little in memory, then in a file that has no name.

While somebody listens there is no need for the file: who writes faster than is read waits. When nobody does, a task
goes on: what it prints goes to the file, up to a limit. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from typing import Any, Optional, Tuple

from dockerflow.runtime.outgoing import Keep

# In bytes.
MEMORY, DISK = 8 << 20, 1 << 30

# Pieces at all: each has a place in memory, also where its bytes are in the file.
PIECES = 1 << 16


class Spill(Keep):
    """`folder` is where the file is made when it is needed."""

    def __init__(self, folder: str, memory: int = MEMORY, disk: int = DISK) -> None:
        self._folder = folder
        self._memory = memory
        self._disk = disk
        self._file: Optional[int] = None
        self._is_full = False  # the disk
        self._pieces = 0
        self._in_memory = 0
        self._in_file = 0  # pieces
        self._end = 0  # of the file

    def has_room(self, spills: bool) -> bool:
        """Whether to go on; `spills`: also where that takes the file."""
        if self._pieces >= PIECES:
            return False
        return self._in_memory < self._memory or (spills and self._end < self._disk and not self._is_full)

    def put(self, body: bytes) -> Any:
        self._pieces += 1
        place = self._written(body) if self._in_memory >= self._memory and self._end < self._disk else None
        if place is not None:
            return place
        self._in_memory += len(body)
        return body

    def get(self, place: Any) -> bytes:
        if isinstance(place, bytes):
            return place
        begin, length = place
        return os.pread(self._file or 0, length, begin)

    def free(self, place: Any) -> None:
        self._pieces -= 1
        if isinstance(place, bytes):
            self._in_memory -= len(place)
            return
        self._in_file -= 1
        if not self._in_file:
            os.ftruncate(self._file or 0, 0)
            self._end, self._is_full = 0, False

    def _written(self, body: bytes) -> Optional[Tuple[int, int]]:
        """Where; None: the disk is full."""
        begin = self._end
        try:
            if self._file is None:
                self._file = _unnamed(self._folder)
            written = 0
            while written < len(body):
                written += os.pwrite(self._file, body[written:], begin + written)
        except OSError:
            self._is_full = True
            return None
        self._end += len(body)
        self._in_file += 1
        return begin, len(body)


def _unnamed(folder: str) -> int:
    path = os.path.join(folder, "unacknowledged")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    return descriptor
