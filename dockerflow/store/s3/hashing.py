"""The hash of a buffer that is filled in parts, out of order and by several threads.

Whoever has filled a part hashes what is whole from the beginning on, if nobody else is doing it. So hashing, which goes
from the first byte to the last, needs no time of its own while parts are still on their way.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Set


class InOrder:
    """`view` is filled in parts of `size` bytes, the last one may be shorter."""

    def __init__(self, view: memoryview, size: int) -> None:
        self._view, self._size = view, size
        self._hashed = hashlib.sha256()
        self._next = 0  # where the first part begins that is not hashed
        self._filled: Set[int] = set()
        self._lock = threading.Lock()
        self._busy = False

    def filled(self, start: int) -> None:
        """The part that begins there is whole, and changes no more."""
        with self._lock:
            self._filled.add(start)
        while self._begin():
            self._hashed.update(self._view[self._next : self._next + self._size])
            with self._lock:
                self._next += self._size
                self._busy = False

    def hexdigest(self) -> str:
        """Once every part is filled and `filled` has returned for each."""
        return self._hashed.hexdigest()

    def _begin(self) -> bool:
        with self._lock:
            if self._busy or self._next not in self._filled:
                return False
            self._busy = True
            return True
