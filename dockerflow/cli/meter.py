"""One line on the terminal that says how far something is; nothing where there is no terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from dockerflow.cli.streams import CLEARED, drawable

_EVERY = 0.1  # seconds


class Meter:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = drawable(stream)
        self._next = 0.0
        self._guard = threading.Lock()

    def tell(self, text: str) -> None:
        """Put the text in place of the line. May be called from any thread, as often as one likes."""
        with self._guard:
            if self._drawn and time.monotonic() >= self._next:
                self._next = time.monotonic() + _EVERY
                self._write(text)

    def clear(self) -> None:
        with self._guard:
            if self._drawn:
                self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"{CLEARED}{text}")
        self._stream.flush()


@contextmanager
def meter(stream: TextIO) -> Iterator[Meter]:
    """A meter that leaves no line behind."""
    shown = Meter(stream)
    try:
        yield shown
    finally:
        shown.clear()
