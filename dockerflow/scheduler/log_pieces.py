"""What running attempts have printed, sent to a bucket in pieces, so that it can be read on another machine.

    runs/<flow>/<run id>/logs/<task>.<attempt>/<number>     `PIECE` bytes each; the last is put anew as it grows

A thread looks every few seconds which logs have grown. Nobody waits for it: a server that is away costs those who look
from elsewhere what is printed meanwhile, until it is back. Pieces go when their log is a blob; those of an attempt
whose scheduler was killed stay, and are what can be read of it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.runs import log_piece

# Seconds between two looks.
EVERY = 2.0

# What is sent again at most for a line more.
PIECE = 1 << 18

# How long the end of a run waits for what is under way, in seconds.
LAST = 10.0

Key = tuple[str, int]  # task id and attempt


class LogPieces:
    """Of one run. Any thread may call `follow` and `forget`."""

    def __init__(self, store: Store, flow: str, run_id: str, every: float = EVERY) -> None:
        self._store = store
        self._run = (flow, run_id)
        self._every = every
        self._files: dict[Key, Path] = {}
        self._sent: dict[Key, int] = {}  # bytes; the thread's alone
        self._over = threading.Event()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None

    def follow(self, key: Key, file: Path) -> None:
        """Send what is in the file, and what will be."""
        with self._changing:
            self._files[key] = file
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on, name="log-pieces", daemon=True)
                self._thread.start()

    def forget(self, key: Key) -> None:
        """The log is kept elsewhere by now."""
        with self._changing:
            self._files.pop(key, None)

    def close(self) -> None:
        """Bring the pieces to what the files say, once more, and look no further."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(LAST)

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            self._look()
        self._look()

    def _look(self) -> None:
        with self._changing:
            files = dict(self._files)
        with suppress(StoreError):  # the next look makes up for it
            self._delete([key for key in self._sent if key not in files])
            for key, file in files.items():
                self._send(key, file)

    def _send(self, key: Key, file: Path) -> None:
        with suppress(FileNotFoundError), file.open("rb") as stream:  # it is a blob this moment
            size = stream.seek(0, 2)
            while (sent := self._sent.get(key, 0)) < size:
                number = sent // PIECE
                stream.seek(number * PIECE)
                body = stream.read(PIECE)
                self._store.put(log_piece(*self._run, *key, number), body)
                self._sent[key] = number * PIECE + len(body)

    def _delete(self, keys: list[Key]) -> None:
        for key in keys:
            numbers = range(-(-self._sent[key] // PIECE))
            self._store.delete(*(log_piece(*self._run, *key, number) for number in numbers))
            del self._sent[key]
