"""What is sent to a worker, written in a thread of its own.

A worker reads nothing while it imports its flow or waits for somebody to read what it says, and the scheduler's loop
must not wait for it: so sending only puts a frame into a queue. How much may lie there is bounded by the scheduler,
which gives a worker its next task when it has the last one's result.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress


class Sender:
    """For one worker. `write` writes all of a frame; `close` ends the worker's input, and is called once."""

    def __init__(self, name: str, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._write = write
        self._close = close
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._write_all, name=f"{name}-sender", daemon=True).start()

    def send(self, frame: bytes) -> None:
        self._waiting.put(frame)

    def waiting(self) -> int:
        """How many frames are not written yet."""
        return self._waiting.qsize()

    def end(self) -> None:
        """Close when what was sent before is written; what is sent after this is not."""
        self._waiting.put(None)

    def _write_all(self) -> None:
        with suppress(OSError, ValueError):  # the worker is gone: the thread that listens reports that
            while (frame := self._waiting.get()) is not None:
                self._write(frame)
        with suppress(OSError):
            self._close()
