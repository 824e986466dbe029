"""A limit to the memory that decompression takes, over all threads.

A zstd archive says how far it looks back, and its decompressor keeps that much: 8 MiB as a rule, 128 MiB for archives
made at the highest level. Several of the latter at once would take more memory than a build is to have.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """So many bytes for all; who wants more than is left waits. A thread that has some already never waits again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Use `size` bytes; what is larger than the whole budget waits until it is alone."""
        has_some = getattr(self._mine, "count", 0) > 0  # waiting for itself, it would wait for good
        size = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: has_some or self._used + size <= self._size)
            self._used += size
        self._mine.count = getattr(self._mine, "count", 0) + 1
        try:
            yield
        finally:
            self._mine.count -= 1
            with self._changed:
                self._used -= size
                self._changed.notify_all()


DECOMPRESSION = Budget(144 * 1024 * 1024)
