"""What workers leave is kept before the loop hears of it: a task's log, the blobs that it wrote, the tags that it asked
for.

Each worker is listened to by a thread of its own, and all of this happens in that thread: a blob of a gigabyte takes
its time to be hashed and moved or sent, and a store that is away takes minutes, while the loop goes on with other
workers. So there are as many at once as there are workers, and what one worker says reaches the loop in its order: its
end never overtakes a result.

A worker is believed only as far as the attempt goes that it was given: what it says of another is dropped.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from dockerflow.engines.worker import BucketForWorkers, Said, WorkerEnded, WorkerRequest
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Inline, Log, TaskResult
from dockerflow.scheduler.logs import Logs
from dockerflow.scheduler.tagging import Tagging
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedBlob
from dockerflow.store.records import Failure


@dataclass(frozen=True)
class Returned:
    """A result of which all is in the store. `log` is the blob with what the attempt printed."""

    result: TaskResult
    log: str | None


@dataclass(frozen=True)
class Ended:
    """The last of a worker. `log` is of the attempt that it had not finished, if it had one that printed."""

    failure: Failure
    log: str | None


Attempt = tuple[str, int]  # task id and number


class Keeping:
    """`tell` takes a worker's number and what the loop is to hear: Returned, Ended, what was raised, or what the worker
    said. `expect` is called before the worker is handed the task."""

    def __init__(self, store: Store, logs: Logs, tagging: Tagging, tell: Callable[[int, object], None]) -> None:
        self._store, self._logs, self._tagging, self._tell = store, logs, tagging, tell
        self._attempts: dict[int, Attempt] = {}  # that workers have, until they return or end
        self._closed = False
        # So that nothing is written to a log that is closed. One for each worker: nobody waits for what another prints.
        self._writing: dict[int, threading.Lock] = {}

    def expect(self, number: int, attempt: Attempt) -> None:
        self._writing.setdefault(number, threading.Lock())
        self._attempts[number] = attempt

    def hear(self, request: WorkerRequest, said: Said) -> None:
        """In the worker's thread. Raises nothing: a mistake of our own must not leave the loop waiting for ever."""
        try:
            heard = self._kept(request, said)
        except BaseException as error:  # noqa: BLE001 - raised in the loop
            heard = error
        if heard is not None:
            self._tell(request.worker_id, heard)

    def give_up(self, number: int) -> str | None:
        """Wait no more for the end of a worker's attempt: the blob with what it has printed by now."""
        attempt = self._attempts.pop(number, None)
        if attempt is None:
            return None
        with self._writing[number]:
            return self._logs.keep(*attempt)

    def close(self) -> None:
        """Keep and write no more logs: those of attempts that have not ended remain as they are."""
        with ExitStack() as stack:
            for lock in self._writing.values():
                stack.enter_context(lock)
            self._closed = True
            self._logs.close()

    def _kept(self, request: WorkerRequest, said: Said) -> object:
        """What the loop is to hear; None: nothing."""
        attempt = self._attempts.get(request.worker_id)
        match said:
            case Log():
                theirs = attempt == (said.task_id, said.attempt)
                return said if theirs and self._added(request.worker_id, said) else None
            case TaskResult():
                return self._returned(request, said) if attempt == (said.task_id, said.attempt) else None
            case WorkerEnded():
                self._attempts.pop(request.worker_id, None)
                self._tagging.take_over(request)
                return Ended(said.failure(), self._logs.keep(*attempt) if attempt and not self._closed else None)
        return said

    def _added(self, number: int, log: Log) -> bool:
        with self._writing[number]:
            # Asked again: it may have been given up meanwhile, and its log be a blob.
            wanted = not self._closed and self._attempts.get(number) == (log.task_id, log.attempt)
            if wanted:
                self._logs.add(log)
            return wanted

    def _returned(self, request: WorkerRequest, result: TaskResult) -> Returned:
        self._attempts.pop(request.worker_id, None)
        log = self._logs.keep(result.task_id, result.attempt)
        self._tagging.take_over(request)
        return Returned(self._adopted(request, result), log)

    def _adopted(self, request: WorkerRequest, result: TaskResult) -> TaskResult:
        """Take the blobs that the attempt wrote into the store. One that is not what its name says fails it."""
        try:
            for blob in result.blobs:
                self._store.blobs.adopt(request.outbox, blob)
            for small in result.inline:
                self._put(small)
            if request.bucket is not None:
                self._adopt_from(request.bucket, result)
        except DockerflowError as error:
            failure = Failure("artifact", error.message, hint=error.hint or "")
            return replace(result, ok=False, manifest=None, transition=None, failure=failure, inline=())
        return replace(result, inline=())

    def _adopt_from(self, bucket: BucketForWorkers, result: TaskResult) -> None:
        for blob in result.sent:
            self._store.blobs.take_over(bucket.outbox, blob)
        for small in result.inline:
            bucket.known.add(small)

    def _put(self, small: Inline) -> None:
        """Raises DamagedBlob for what is not what its name says."""
        try:
            content = small.data
        except ValueError:
            content = b""
        if hashlib.sha256(content).hexdigest() != small.sha256:
            raise DamagedBlob(f"what the task sent as blob `{small.sha256}` is something else")
        self._store.blobs.put([content])
