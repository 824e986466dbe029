"""The one loop around the core: it waits, tells the core what happened, and carries out what the core asks for.

Workers, timers and signals put what they have to say into one inbox; the loop takes everything that is there, so that
at a thousand tasks per second one turn serves many of them and one journal write holds them all. Results are taken into
the store before the core hears of them, and the journal is written before a task is handed out that follows what is
not yet in it: a step that reads its own run finds itself and all that it followed. Others that run beside it, it finds
a moment later (`FLUSH_EVERY`): a write for each of a thousand tasks would cost as much as a tenth of them.

The loop itself waits for nothing but its inbox: containers are started in threads, since a start takes a tenth of a
second, and the store, which may be slow or away, is written in others (`keeping`, `journaling`). When `run` returns or
raises, no worker is left.
"""

from __future__ import annotations

import heapq
import queue
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from dockerflow import progress
from dockerflow.engines.worker import Host, Worker, WorkerRequest
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Broken, Log, Ready, RunTask
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.journaling import Journaling, Written
from dockerflow.scheduler.keeping import Ended, Keeping, Returned
from dockerflow.scheduler.logs import Logs
from dockerflow.scheduler.starting import NotStarted, Started, Starting
from dockerflow.scheduler.state import Run
from dockerflow.scheduler.tagging import Tagging
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, Record, RunFinished, TaskCreated

# How long a finished task may be known to the scheduler alone, in seconds: what a kill at the worst moment costs.
FLUSH_EVERY = 0.1

# How long a worker that was told to end may take, in seconds.
PATIENCE = 10.0

# What one turn takes from the inbox at most, so that the journal and the screen are never far behind.
TURN = 512


@dataclass(frozen=True)
class Stop:
    """Put into the inbox by a signal handler."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Put into the inbox when the store is away for longer than one waits; what is written is kept elsewhere by now."""

    error: StoreError


Inbox = queue.SimpleQueue[tuple[int, object]]


@dataclass
class Loop:
    """Runs one `state.Run` on one host. `inbox` is given from outside so that a signal handler can write to it.

    `request` gives the container to start for a worker's number and step.
    """

    core: Run
    host: Host
    request: Callable[[int, str], WorkerRequest]
    store: Store
    journal: JournalWriter
    notify: progress.Notify
    inbox: Inbox
    log_limit: int | None = None  # of each stream of an attempt, in bytes

    def __post_init__(self) -> None:
        logs = Logs(self.store, self.core.plan.flow, self.core.plan.run_id, self.log_limit)
        self._tagging = Tagging(self.store, self.notify)
        sent = runs.outbox_key(self.core.plan.flow, self.core.plan.run_id)
        self._keeping = Keeping(
            self.store, logs, self._tagging, lambda number, heard: self.inbox.put((number, heard)), sent
        )
        self._journaling = Journaling(self.journal, lambda told: self.inbox.put((0, told)))
        self._taken: deque[tuple[int, object]] = deque()  # from the inbox, for this turn
        self._starting = Starting(self.host, lambda number, came: self.inbox.put((number, came)), self.notify)
        self._requests: dict[int, WorkerRequest] = {}  # of workers that have not ended
        self._handles: dict[int, Worker] = {}
        self._early: set[int] = set()  # ready before the start call returned
        self._unwanted: dict[int, v.Command] = {}  # told to end before the start call returned
        self._broken: dict[int, Failure] = {}
        self._busy: set[int] = set()  # workers that have a task
        self._to_hand_out: list[v.Assign] = []  # as soon as the journal tells what they follow
        self._untold: dict[str, int] = {}  # tasks that were created or have ended → the flush that tells it
        self._retries: list[tuple[float, str]] = []
        self._flush_number = 0  # of the last that has begun
        self._flushed = 0.0
        self._finish: v.Finish | None = None
        self._noted = False  # that tasks have interpreters of their own

    def run(self) -> v.Finish:
        """Run to the end. Whatever is raised, such as StoreError for a full disk, is the end of the run as well."""
        try:
            self._tell(v.Begin())
            while self._finish is None:
                self._take()
                while self._taken:
                    self._receive(*self._taken.popleft())
                self._tell_due_retries()
                self._hand_out()
                if time.monotonic() - self._flushed >= FLUSH_EVERY:
                    self._flush()
            return self._finish
        except BaseException as error:
            self._broken_off(error)
            raise
        finally:
            left = tuple(self._requests.values())
            self._keeping.close()
            self._end_workers()
            for request in left:
                self._tagging.take_over(request)
            self._journaling.close()

    def _broken_off(self, error: BaseException) -> None:
        if not self.core.finished:
            self.core.finished = True
            status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            reason = error.message if isinstance(error, DockerflowError) else f"{type(error).__name__}: {error}"
            self._journaling.append(RunFinished(time.time(), status, reason))

    # ---- waiting

    def _take(self) -> None:
        """What is in the inbox; waits for the first until a retry is due or the journal wants writing."""
        with suppress(queue.Empty):
            self._taken.append(self.inbox.get(timeout=self._wait_at_most()))
            while len(self._taken) < TURN:
                self._taken.append(self.inbox.get_nowait())

    def _next(self, deadline: float) -> tuple[int, object]:
        """What comes next, for those who wait for something particular. Raises queue.Empty at the deadline."""
        if self._taken:
            return self._taken.popleft()
        return self.inbox.get(timeout=max(0.0, deadline - time.monotonic()))

    def _wait_at_most(self) -> float:
        due = self._retries[0][0] - time.monotonic() if self._retries else FLUSH_EVERY
        return max(0.0, min(due, FLUSH_EVERY))

    def _tell_due_retries(self) -> None:
        while self._retries and self._retries[0][0] <= time.monotonic():
            self._tell(v.RetryDue(heapq.heappop(self._retries)[1]))

    def _hand_out(self) -> None:
        """What the journal in the store tells of, and all that it follows; for the others it is to be written."""
        waiting = []
        for assigned in self._to_hand_out:
            needed = self._told_by(assigned)
            if needed:
                waiting.append(assigned)
            elif (handle := self._handles.get(assigned.worker)) is not None:  # its worker has not ended meanwhile
                handle.send(self._reachable(assigned))
            if needed > self._flush_number:
                self._flush()
        self._to_hand_out = waiting

    def _reachable(self, assigned: v.Assign) -> RunTask:
        """The task, told where its gang's first one is: the core knows workers by number. One whose container is gone
        is nowhere, and the gang about to fail.
        """
        task, control = assigned.task, self._handles.get(assigned.control or 0)
        if task.gang is None:
            return task
        return replace(task, gang=replace(task.gang, address=control.address if control else ""))

    def _told_by(self, assigned: v.Assign) -> int:
        """The number of the flush after which the store has the task and what it follows; 0: it has."""
        task = assigned.task
        return max(self._untold.get(task_id, 0) for task_id in (task.task_id, *(each.task_id for each in task.inputs)))

    def _flush(self) -> None:
        self._flush_number = self._journaling.flush()
        self._flushed = time.monotonic()

    def _told(self, number: int) -> None:
        self._untold = {task_id: flush for task_id, flush in self._untold.items() if flush > number}

    # ---- what comes in

    def _receive(self, number: int, item: object) -> None:
        match item:
            case Started(worker):
                self._started(number, worker)
            case NotStarted(error):
                self._gone(number, Failure("lost", error.message, hint=error.hint or ""), None)
            case Ready(unforkable=left):
                self._note_interpreters(number, left)
                self._early.add(number)
                self._ready(number)
            case Broken(failure):
                self._broken[number] = failure
            case Log():
                self.notify(progress.TaskPrinted(item.step, item.task_id, item.attempt, item.lines, weakref.ref(item)))
            case Returned(result, log):
                self._busy.discard(number)
                self._tell(v.TaskReturned(number, result, log))
            case Ended(failure, log):
                self._gone(number, failure, log)
            case _:
                self._receive_from_us(item)

    def _receive_from_us(self, item: object) -> None:
        match item:
            case Written(flush):
                self._told(flush)
            case Stop(reason):
                self._stop(reason)
            case Lost(error):
                self._tell(v.StoreLost(error.message))
            case BaseException():
                raise item

    def _started(self, number: int, worker: Worker) -> None:
        if number not in self._requests:
            return  # it has ended already
        self._handles[number] = worker
        match self._unwanted.pop(number, None):
            case v.StopWorker():
                worker.stop()
            case v.KillWorker():
                worker.kill()
        self._ready(number)

    def _ready(self, number: int) -> None:
        if number in self._early and number in self._handles:
            self._early.discard(number)
            self._tell(v.WorkerReady(number))

    def _note_interpreters(self, number: int, left: str) -> None:
        """Say once why a task takes as long as its import does."""
        request = self._requests.get(number)
        if left and not self._noted and request is not None and request.isolation in (None, "container"):
            self._noted = True
            why = f"importing the flow leaves {left}, which no forked process has"
            self.notify(progress.Noted(f"{why}: each task has an interpreter of its own (see `@isolation`)"))

    def _gone(self, number: int, failure: Failure, log: str | None) -> None:
        self._forget(number)
        broken = self._broken.pop(number, None)
        self._tell(v.WorkerGone(number, broken or failure, deterministic=broken is not None, log=log))

    def _forget(self, number: int) -> None:
        self._handles.pop(number, None)
        self._requests.pop(number, None)
        self._early.discard(number)
        self._busy.discard(number)

    def _stop(self, reason: str) -> None:
        """End what runs, and hear how: what has returned by then is a result like any other. Of a store that is away
        nobody waits for an answer then."""
        self.store.be_patient(False)
        self._starting.give_up()
        for number in self._busy & self._handles.keys():
            self._handles[number].kill()
        logs: dict[int, str | None] = {}
        returned: list[v.TaskReturned] = []
        deadline = time.monotonic() + PATIENCE
        with suppress(queue.Empty):
            while self._busy and time.monotonic() < deadline:
                number, item = self._next(deadline)
                match item:
                    case Started(worker) if number in self._requests:
                        self._handles[number] = worker  # to be killed with the others
                    case Returned(result, log):
                        self._busy.discard(number)
                        returned.append(v.TaskReturned(number, result, log))
                    case Ended(_, log):
                        self._forget(number)
                        logs[number] = log
                    case Log() | BaseException():
                        self._receive(number, item)
        logs.update((number, self._keeping.give_up(number)) for number in self._busy)
        self._tell(v.StopRequested(reason, logs, tuple(returned)))

    # ---- what the core asks for

    def _tell(self, event: v.Event) -> None:
        created: Counter[str] = Counter()
        taken_over: Counter[str] = Counter()
        for command in advance(self.core, event, time.time()):
            match command:
                case v.Write(TaskCreated(step=step)):
                    created[step] += 1
                case v.TakeOver(task):
                    taken_over[task.step] += 1
            self._carry_out(command)
        for step, count in taken_over.items():
            self.notify(progress.TasksTakenOver(step, count))
        for step, count in created.items():
            self.notify(progress.TasksCreated(step, count))

    def _carry_out(self, command: v.Command) -> None:
        match command:
            case v.StartWorker(number, step, ahead):
                self._start(number, step, ahead)
            case v.Assign(number, task):
                self._busy.add(number)
                self._keeping.expect(number, (task.task_id, task.attempt))
                self._to_hand_out.append(command)
            case v.StopWorker(number) | v.KillWorker(number):
                self._let_go(number, command)
            case v.Write(record, retry_in):
                self._write(record, retry_in)
            case v.TakeOver(task, result):
                self._append(task)
                self._append(result)
            case v.WaitForRetry(task_id, seconds):
                heapq.heappush(self._retries, (time.monotonic() + seconds, task_id))
            case v.Finish():
                self._finish = command

    def _start(self, number: int, step: str, ahead: bool) -> None:
        request = self._requests[number] = self.request(number, step)
        self.notify(progress.ContainerStarting(step, request.name))
        self._starting.start(number, request, self._keeping.hear, ahead)

    def _let_go(self, number: int, command: v.Command) -> None:
        handle = self._handles.get(number)
        if handle is None:
            self._unwanted[number] = command
        elif isinstance(command, v.KillWorker):
            handle.kill()
        else:
            handle.stop()

    def _write(self, record: Record, retry_in: float | None) -> None:
        if isinstance(record, AttemptStarted):
            record = self._located(record)
            self.notify(progress.AttemptBegan(record.step, record.task_id, record.attempt))
        self._append(record)
        if isinstance(record, AttemptFinished):
            self.notify(progress.AttemptEnded.of(record, retry_in))

    def _append(self, record: Record) -> None:
        self._journaling.append(record)
        if isinstance(record, (TaskCreated, AttemptFinished)):
            self._untold[record.task_id] = self._flush_number + 1

    def _located(self, record: AttemptStarted) -> AttemptStarted:
        """The core knows workers by number; the journal names the container and its host."""
        request = self._requests.get(int(record.container)) if record.container else None
        return replace(record, container=request.name if request else "", host=self.host.name)

    # ---- the end

    def _end_workers(self) -> None:
        """End every worker and wait until they are gone: first those without a task in an orderly way."""
        self._starting.close()
        for number, handle in self._handles.items():
            handle.kill() if number in self._busy else handle.stop()
        if not self._all_gone():
            for handle in self._handles.values():
                handle.kill()
            self._all_gone()

    def _all_gone(self) -> bool:
        """Wait for the workers' ends, for `PATIENCE` at most; one that has started meanwhile is killed."""
        deadline = time.monotonic() + PATIENCE
        with suppress(queue.Empty):
            while time.monotonic() < deadline:
                number, item = self._next(deadline if self._handles else 0.0)
                if isinstance(item, Started) and number in self._requests:
                    self._handles[number] = item.worker
                    item.worker.kill()
                elif isinstance(item, Ended):
                    self._forget(number)
        return not self._handles
