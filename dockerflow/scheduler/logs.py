"""What running attempts print: kept in a file each while they run, and in a blob of the store once they have ended.

The file can be read at any moment, and is what remains of an attempt whose scheduler was killed. Nothing is held in
memory, so a task that prints gigabytes costs the scheduler none.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

from dockerflow.runtime.messages import Log
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.log import encode_lines
from dockerflow.store.runs import running_log

CHUNK = 1 << 20


class Logs:
    """The logs of the attempts of one run that run now, by (task id, attempt)."""

    def __init__(self, store: DirectoryStore, flow: str, run_id: str) -> None:
        self._store = store
        self._run = (flow, run_id)
        self._open: dict[tuple[str, int], IO[bytes]] = {}

    def add(self, log: Log) -> None:
        """Raises StoreError."""
        key = (log.task_id, log.attempt)
        try:
            if key not in self._open:
                self._open[key] = self._file(*key)
            self._open[key].write(encode_lines(log.lines))
        except OSError as error:
            path = running_log(self._store, *self._run, *key)
            raise StoreError(f"cannot write the log `{path}`: {error.strerror}") from error

    def keep(self, task_id: str, attempt: int) -> str | None:
        """Make an attempt's log a blob; its sha256, or None if the attempt printed nothing. Raises StoreError."""
        file = self._open.pop((task_id, attempt), None)
        if file is None:
            return None
        with file:
            file.seek(0)
            blob = self._store.blobs.put(iter(lambda: file.read(CHUNK), b""))
        Path(file.name).unlink()
        return blob

    def close(self) -> None:
        """Let go of the files. Those of attempts that were not kept remain."""
        for file in self._open.values():
            file.close()
        with suppress(OSError):  # not there, or not empty
            running_log(self._store, *self._run, "", 0).parent.rmdir()

    def _file(self, task_id: str, attempt: int) -> IO[bytes]:
        path = running_log(self._store, *self._run, task_id, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w+b", buffering=0)
