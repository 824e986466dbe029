"""An attempt of another run that goes on as a task of this one: what its worker says is said of the task.

Its log begins with what it had printed before, which the other run has kept. Of that its worker may say the end once
more: what its last scheduler had written down and not acknowledged when it was killed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from dockerflow.engines.worker import Said, WorkerRequest
from dockerflow.runtime.messages import Log, RunTask, TaskResult
from dockerflow.scheduler.values import Running
from dockerflow.store.errors import StoreError
from dockerflow.store.records import LogLine

# Lines that are handed on at a time.
BATCH = 1000

# Lines at the end that may come once more: what is on its way at a time is far less.
TAIL = 50_000


class Continuing:
    """`printed` is what the attempt had printed; `hear` is told of the task. `begin` comes before all that is heard."""

    def __init__(
        self,
        task: RunTask,
        running: Running,
        printed: Iterable[LogLine],
        hear: Callable[[WorkerRequest, Said], None],
    ) -> None:
        self._task, self._running, self._printed, self._hear = task, running, printed, hear
        self._again: Counter[LogLine] = Counter()  # what may come once more

    def begin(self, request: WorkerRequest) -> None:
        """Hand on what was printed. What cannot be read any more is left out."""
        tail: deque[LogLine] = deque(maxlen=TAIL)
        try:
            lines = iter(self._printed)
            while batch := tuple(islice(lines, BATCH)):
                tail.extend(batch)
                self._hear(request, self._log(batch))
        except StoreError as error:
            lost = f"[what was printed before the run was resumed cannot be read: {error.message}]"
            self._hear(request, self._log((LogLine(0.0, "stderr", lost),)))
        self._again = Counter(tail)

    def hear(self, request: WorkerRequest, said: Said) -> None:
        """What is of another attempt is dropped: by the other run's names, it could be taken for a task of this one."""
        if not isinstance(said, (Log, TaskResult)):
            self._hear(request, said)
        elif not self._is_of_it(said):
            return
        elif isinstance(said, TaskResult):
            self._hear(request, replace(said, task_id=self._task.task_id, attempt=self._task.attempt))
        elif new := self._new(said.lines):
            self._hear(request, self._log(new))

    def _is_of_it(self, said: Log | TaskResult) -> bool:
        return (said.task_id, said.attempt) == (self._running.task_id, self._running.attempt)

    def _log(self, lines: tuple[LogLine, ...]) -> Log:
        return Log(self._task.step, self._task.task_id, self._task.attempt, lines)

    def _new(self, lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        """Without what was handed on already. After the first line that was not, all are new."""
        for number, line in enumerate(lines):
            if not self._again[line]:
                self._again.clear()
                return lines[number:]
            self._again[line] -= 1
        return ()
