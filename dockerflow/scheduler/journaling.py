"""A run's journal, written by a thread of its own: a store that is slow or away must not keep the loop from hearing.

Records get into the store in the order in which they were appended. A flush is numbered, and when all that was appended
before it is in the store, the loop is told its number. What is asked for while one is under way is written with the
next: so a store that takes long for each write gets fewer and larger ones.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import Record


@dataclass(frozen=True)
class Written:
    """All that was appended before the flush with this number, and the earlier ones, is in the store."""

    number: int


@dataclass(frozen=True)
class _Batch:
    number: int
    records: list[Record]


class Journaling:
    """Used by one thread, the loop's. `tell` is called by the other one: with Written, or with what was raised."""

    def __init__(self, writer: JournalWriter, tell: Callable[[Written | BaseException], None]) -> None:
        self._writer = writer
        self._tell = tell
        self._appended: list[Record] = []
        self._number = 0
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._thread.start()

    def append(self, record: Record) -> None:
        self._appended.append(record)

    def flush(self) -> int:
        """Begin to write what was appended; the flush's number, of the last one where there is nothing to write."""
        if self._appended:
            self._number += 1
            self._batches.put(_Batch(self._number, self._appended))
            self._appended = []
        return self._number

    def close(self) -> None:
        """Wait for what is under way, and hand the rest to the writer, whose owner closes it."""
        self._batches.put(None)
        self._thread.join()
        for record in self._appended:
            with suppress(StoreError):  # it has the record, and raises once more when it is closed
                self._writer.append(record)
        self._appended = []

    def _write_all(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._write(batch)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised in the loop
                self._tell(error)

    def _write(self, batch: _Batch) -> None:
        for record in batch.records:
            self._writer.append(record)
        if self._batches.empty():
            self._writer.flush()
            self._tell(Written(batch.number))
