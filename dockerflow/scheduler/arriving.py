"""Write bytes as they arrive, and hash them meanwhile.

Hashing takes longest, so it has a thread of its own, which is one piece behind: while that is hashed the next one
arrives and is written. Pieces are small enough to stay in the processor's cache from the one to the other.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import Any, BinaryIO, Callable, Optional

PIECE = 1 << 20

# Fills memory with the next bytes, all of it.
Fill = Callable[[memoryview], None]


def write(stream: BinaryIO, size: int, fill: Fill) -> str:
    """Write `size` bytes and return their sha256. Raises what `fill` raises."""
    buffers = [memoryview(bytearray(PIECE)) for _ in range(2)]  # one arrives while the other is hashed
    with _Behind() as hashed:
        for number, start in enumerate(range(0, size, PIECE)):
            piece = buffers[number % 2][: size - start]
            fill(piece)
            stream.write(piece)
            hashed.update(piece)
    return hashed.hexdigest()


class _Behind:
    """A hash that another thread makes until the end of the `with`, one piece behind."""

    def __init__(self) -> None:
        self._hashed = hashlib.sha256()
        self._pieces: queue.SimpleQueue[Optional[memoryview]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._done.put(None)
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)

    def __enter__(self) -> _Behind:
        self._thread.start()
        return self

    def __exit__(self, *details: Any) -> None:
        self._pieces.put(None)
        self._thread.join()

    def update(self, piece: memoryview) -> None:
        """Begin to hash this piece, once the one before is hashed: whose memory is free then."""
        self._done.get()
        self._pieces.put(piece)

    def hexdigest(self) -> str:
        """After the `with`."""
        return self._hashed.hexdigest()

    def _work(self) -> None:
        for piece in iter(self._pieces.get, None):
            self._hashed.update(piece)
            self._done.put(None)
