"""What running attempts print: kept in a file each while they run, and in a blob of the store once they have ended.

The file can be read at any moment, and is what remains of an attempt whose scheduler was killed. Nothing is held in
memory, so a task that prints gigabytes costs the scheduler none; unless logs are limited, see `log_limit`. Where the
file is not in the store, as with a bucket, others see it by `log_pieces`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from dockerflow.buckets.spool import Spooling
from dockerflow.runtime.messages import Log
from dockerflow.scheduler.log_limit import LogLimit
from dockerflow.scheduler.log_pieces import LogPieces
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.log import encode_lines
from dockerflow.store.records import LogLine
from dockerflow.store.runs import running_log

CHUNK = 1 << 20

Key = tuple[str, int]  # task id and attempt


class Logs:
    """The logs of the attempts of one run that run now. `limit` is what each stream of one may have, in bytes; None:
    everything. Threads may share it as long as each attempt is one thread's."""

    def __init__(self, store: Store, flow: str, run_id: str, limit: int | None = None) -> None:
        self._store = store
        self._run = (flow, run_id)
        self._limit = limit
        self._open: dict[Key, IO[bytes]] = {}
        self._limits: dict[Key, LogLimit] = {}
        # A store that is away costs those who look from elsewhere some lines, not us the run.
        direct = store.direct if isinstance(store, Spooling) else store
        self._pieces = None if store.shows_scratch else LogPieces(direct, flow, run_id)

    def add(self, log: Log) -> None:
        """Raises StoreError."""
        key = (log.task_id, log.attempt)
        self._write(key, log.lines if self._limit is None else self._limits_of(key, self._limit).admit(log.lines))

    def keep(self, task_id: str, attempt: int) -> str | None:
        """Make an attempt's log a blob; its sha256, or None if the attempt printed nothing. Raises StoreError."""
        key = (task_id, attempt)
        self._write_rest(key)
        file = self._open.pop(key, None)
        if file is None:
            return None
        with file:
            file.seek(0)
            blob = self._store.blobs.put(iter(lambda: file.read(CHUNK), b""))
        Path(file.name).unlink()
        if self._pieces is not None:
            self._pieces.forget(key)
        return blob

    def close(self) -> None:
        """Let go of the files. Those of attempts that were not kept remain."""
        for key in list(self._open):
            with suppress(StoreError):
                self._write_rest(key)
            if file := self._open.pop(key, None):  # it is being kept otherwise
                file.close()
        if self._pieces is not None:
            self._pieces.close()
        with suppress(OSError):  # not there, or not empty
            running_log(self._store, *self._run, "", 0).parent.rmdir()

    def _limits_of(self, key: Key, limit: int) -> LogLimit:
        return self._limits.setdefault(key, LogLimit(limit))

    def _write_rest(self, key: Key) -> None:
        limit = self._limits.pop(key, None)
        if limit is not None:
            self._write(key, limit.rest())

    def _write(self, key: Key, lines: Iterable[LogLine]) -> None:
        try:
            if key not in self._open:
                self._open[key] = self._file(*key)
            self._open[key].write(encode_lines(lines))
        except OSError as error:
            path = running_log(self._store, *self._run, *key)
            raise StoreError(f"cannot write the log `{path}`: {error.strerror}") from error

    def _file(self, task_id: str, attempt: int) -> IO[bytes]:
        path = running_log(self._store, *self._run, task_id, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w+b", buffering=0)
        if self._pieces is not None:
            self._pieces.follow((task_id, attempt), path)
        return file
